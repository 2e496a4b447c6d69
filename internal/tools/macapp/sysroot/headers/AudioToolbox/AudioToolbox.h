// AudioToolbox: audio units, as far as miniaudio asks. It looks the functions up at run time.
#pragma once

#include <CoreAudio/CoreAudioTypes.h>

typedef struct OpaqueAudioComponent *AudioComponent;
typedef struct ComponentInstanceRecord *AudioComponentInstance;
typedef AudioComponentInstance AudioUnit;
typedef UInt32 AudioUnitPropertyID;
typedef UInt32 AudioUnitScope;
typedef UInt32 AudioUnitElement;
typedef UInt32 AudioUnitRenderActionFlags;

typedef struct {
	OSType componentType;
	OSType componentSubType;
	OSType componentManufacturer;
	UInt32 componentFlags;
	UInt32 componentFlagsMask;
} AudioComponentDescription;

typedef void (*AudioUnitPropertyListenerProc)(void *client, AudioUnit, AudioUnitPropertyID, AudioUnitScope,
                                              AudioUnitElement);

typedef OSStatus (*AURenderCallback)(void *client, AudioUnitRenderActionFlags *, const AudioTimeStamp *, UInt32 bus,
                                     UInt32 frames, AudioBufferList *);

typedef struct {
	AURenderCallback inputProc;
	void *inputProcRefCon;
} AURenderCallbackStruct;

enum {
	kAudioUnitType_Output = 'auou',
	kAudioUnitSubType_HALOutput = 'ahal',
	kAudioUnitManufacturer_Apple = 'appl',
};

enum {
	kAudioUnitScope_Global = 0,
	kAudioUnitScope_Input = 1,
	kAudioUnitScope_Output = 2,
};

enum {
	kAudioUnitProperty_StreamFormat = 8,
	kAudioUnitProperty_MaximumFramesPerSlice = 14,
	kAudioUnitProperty_AudioChannelLayout = 19,
	kAudioUnitProperty_SetRenderCallback = 23,
	kAudioOutputUnitProperty_CurrentDevice = 2000,
	kAudioOutputUnitProperty_IsRunning = 2001,
	kAudioOutputUnitProperty_EnableIO = 2003,
	kAudioOutputUnitProperty_SetInputCallback = 2005,
};

enum { kAudioUnitErr_TooManyFramesToProcess = -10874 };
