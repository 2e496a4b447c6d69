// CoreAudio: devices and their properties, as far as miniaudio asks. It looks the functions up at run time.
#pragma once

#include <CoreAudio/CoreAudioTypes.h>

typedef UInt32 AudioObjectID;
typedef AudioObjectID AudioDeviceID;
typedef UInt32 AudioObjectPropertySelector;
typedef UInt32 AudioObjectPropertyScope;
typedef UInt32 AudioObjectPropertyElement;

typedef struct {
	AudioObjectPropertySelector mSelector;
	AudioObjectPropertyScope mScope;
	AudioObjectPropertyElement mElement;
} AudioObjectPropertyAddress;

typedef OSStatus (*AudioObjectPropertyListenerProc)(AudioObjectID, UInt32 count, const AudioObjectPropertyAddress *,
                                                    void *client);

typedef struct {
	AudioStreamBasicDescription mFormat;
	AudioValueRange mSampleRateRange;
} AudioStreamRangedDescription;

enum { kAudioObjectSystemObject = 1 };

enum {
	kAudioObjectPropertyScopeGlobal = 'glob',
	kAudioObjectPropertyScopeInput = 'inpt',
	kAudioObjectPropertyScopeOutput = 'outp',
	kAudioDevicePropertyScopeInput = kAudioObjectPropertyScopeInput,
	kAudioDevicePropertyScopeOutput = kAudioObjectPropertyScopeOutput,
	kAudioObjectPropertyElementMain = 0,
	kAudioObjectPropertyElementMaster = kAudioObjectPropertyElementMain,
};

enum {
	kAudioHardwarePropertyDevices = 'dev#',
	kAudioHardwarePropertyDefaultInputDevice = 'dIn ',
	kAudioHardwarePropertyDefaultOutputDevice = 'dOut',
	kAudioDevicePropertyDeviceUID = 'uid ',
	kAudioDevicePropertyDeviceNameCFString = 'lnam',
	kAudioDevicePropertyNominalSampleRate = 'nsrt',
	kAudioDevicePropertyAvailableNominalSampleRates = 'nsr#',
	kAudioDevicePropertyBufferFrameSize = 'fsiz',
	kAudioDevicePropertyBufferFrameSizeRange = 'fsz#',
	kAudioDevicePropertyStreamConfiguration = 'slay',
	kAudioDevicePropertyPreferredChannelLayout = 'srnd',
	kAudioStreamPropertyAvailableVirtualFormats = 'sfma',
	kAudioStreamPropertyAvailablePhysicalFormats = 'pfta',
};

enum {
	kAudioHardwareNotRunningError = 'stop',
	kAudioHardwareUnspecifiedError = 'what',
	kAudioHardwareUnknownPropertyError = 'who?',
	kAudioHardwareBadPropertySizeError = '!siz',
	kAudioHardwareIllegalOperationError = 'nope',
	kAudioHardwareBadObjectError = '!obj',
	kAudioHardwareBadDeviceError = '!dev',
	kAudioHardwareBadStreamError = '!str',
	kAudioHardwareUnsupportedOperationError = 'unop',
	kAudioDeviceUnsupportedFormatError = '!dat',
	kAudioDevicePermissionsError = '!hog',
};
