// CoreAudioTypes: how sound lies in memory, as far as miniaudio asks.
#pragma once

#include <CoreFoundation/CoreFoundation.h>

typedef struct {
	Float64 mSampleRate;
	UInt32 mFormatID;
	UInt32 mFormatFlags;
	UInt32 mBytesPerPacket;
	UInt32 mFramesPerPacket;
	UInt32 mBytesPerFrame;
	UInt32 mChannelsPerFrame;
	UInt32 mBitsPerChannel;
	UInt32 mReserved;
} AudioStreamBasicDescription;

enum { kAudioFormatLinearPCM = 'lpcm' };

enum {
	kAudioFormatFlagIsFloat = 1 << 0,
	kAudioFormatFlagIsBigEndian = 1 << 1,
	kAudioFormatFlagIsSignedInteger = 1 << 2,
	kAudioFormatFlagIsAlignedHigh = 1 << 4,
	kAudioFormatFlagIsNonInterleaved = 1 << 5,
	kLinearPCMFormatFlagIsFloat = kAudioFormatFlagIsFloat,
	kLinearPCMFormatFlagIsSignedInteger = kAudioFormatFlagIsSignedInteger,
	kLinearPCMFormatFlagIsAlignedHigh = kAudioFormatFlagIsAlignedHigh,
};

typedef struct {
	Float64 mMinimum;
	Float64 mMaximum;
} AudioValueRange;

typedef struct {
	UInt32 mNumberChannels;
	UInt32 mDataByteSize;
	void *mData;
} AudioBuffer;

typedef struct {
	UInt32 mNumberBuffers;
	AudioBuffer mBuffers[1]; // as many as mNumberBuffers says
} AudioBufferList;

typedef struct {
	SInt16 mSubframes;
	SInt16 mSubframeDivisor;
	UInt32 mCounter;
	UInt32 mType;
	UInt32 mFlags;
	SInt16 mHours;
	SInt16 mMinutes;
	SInt16 mSeconds;
	SInt16 mFrames;
} SMPTETime;

typedef struct {
	Float64 mSampleTime;
	UInt64 mHostTime;
	Float64 mRateScalar;
	UInt64 mWordClockTime;
	SMPTETime mSMPTETime;
	UInt32 mFlags;
	UInt32 mReserved;
} AudioTimeStamp;

typedef UInt32 AudioChannelLabel;
typedef UInt32 AudioChannelLayoutTag;
typedef UInt32 AudioChannelBitmap;

typedef struct {
	AudioChannelLabel mChannelLabel;
	UInt32 mChannelFlags;
	Float32 mCoordinates[3];
} AudioChannelDescription;

typedef struct {
	AudioChannelLayoutTag mChannelLayoutTag;
	AudioChannelBitmap mChannelBitmap;
	UInt32 mNumberChannelDescriptions;
	AudioChannelDescription mChannelDescriptions[1]; // as many as mNumberChannelDescriptions says
} AudioChannelLayout;

// A tag is a layout's number and how many channels it has.
enum {
	kAudioChannelLayoutTag_UseChannelDescriptions = 0,
	kAudioChannelLayoutTag_UseChannelBitmap = 1 << 16,
	kAudioChannelLayoutTag_Mono = 100 << 16 | 1,
	kAudioChannelLayoutTag_Stereo = 101 << 16 | 2,
	kAudioChannelLayoutTag_StereoHeadphones = 102 << 16 | 2,
	kAudioChannelLayoutTag_MatrixStereo = 103 << 16 | 2,
	kAudioChannelLayoutTag_MidSide = 104 << 16 | 2,
	kAudioChannelLayoutTag_XY = 105 << 16 | 2,
	kAudioChannelLayoutTag_Binaural = 106 << 16 | 2,
	kAudioChannelLayoutTag_Ambisonic_B_Format = 107 << 16 | 4,
	kAudioChannelLayoutTag_Quadraphonic = 108 << 16 | 4,
	kAudioChannelLayoutTag_Pentagonal = 109 << 16 | 5,
	kAudioChannelLayoutTag_Hexagonal = 110 << 16 | 6,
	kAudioChannelLayoutTag_Octagonal = 111 << 16 | 8,
};

#define AudioChannelLayoutTag_GetNumberOfChannels(tag) ((UInt32)(tag)&0xFFFF)

enum {
	kAudioChannelBit_Left = 1 << 0,
	kAudioChannelBit_Right = 1 << 1,
	kAudioChannelBit_Center = 1 << 2,
	kAudioChannelBit_LFEScreen = 1 << 3,
	kAudioChannelBit_LeftSurround = 1 << 4,
	kAudioChannelBit_RightSurround = 1 << 5,
	kAudioChannelBit_LeftCenter = 1 << 6,
	kAudioChannelBit_RightCenter = 1 << 7,
	kAudioChannelBit_CenterSurround = 1 << 8,
	kAudioChannelBit_LeftSurroundDirect = 1 << 9,
	kAudioChannelBit_RightSurroundDirect = 1 << 10,
	kAudioChannelBit_TopCenterSurround = 1 << 11,
	kAudioChannelBit_VerticalHeightLeft = 1 << 12,
	kAudioChannelBit_VerticalHeightCenter = 1 << 13,
	kAudioChannelBit_VerticalHeightRight = 1 << 14,
	kAudioChannelBit_TopBackLeft = 1 << 15,
	kAudioChannelBit_TopBackCenter = 1 << 16,
	kAudioChannelBit_TopBackRight = 1 << 17,
};

enum {
	kAudioChannelLabel_Unknown = 0xFFFFFFFF,
	kAudioChannelLabel_Unused = 0,
	kAudioChannelLabel_Left = 1,
	kAudioChannelLabel_Right,
	kAudioChannelLabel_Center,
	kAudioChannelLabel_LFEScreen,
	kAudioChannelLabel_LeftSurround,
	kAudioChannelLabel_RightSurround,
	kAudioChannelLabel_LeftCenter,
	kAudioChannelLabel_RightCenter,
	kAudioChannelLabel_CenterSurround,
	kAudioChannelLabel_LeftSurroundDirect,
	kAudioChannelLabel_RightSurroundDirect,
	kAudioChannelLabel_TopCenterSurround,
	kAudioChannelLabel_VerticalHeightLeft,
	kAudioChannelLabel_VerticalHeightCenter,
	kAudioChannelLabel_VerticalHeightRight,
	kAudioChannelLabel_TopBackLeft,
	kAudioChannelLabel_TopBackCenter,
	kAudioChannelLabel_TopBackRight,
	kAudioChannelLabel_RearSurroundLeft = 33,
	kAudioChannelLabel_RearSurroundRight,
	kAudioChannelLabel_LeftWide,
	kAudioChannelLabel_RightWide,
	kAudioChannelLabel_LFE2,
	kAudioChannelLabel_LeftTotal,
	kAudioChannelLabel_RightTotal,
	kAudioChannelLabel_HearingImpaired,
	kAudioChannelLabel_Narration,
	kAudioChannelLabel_Mono,
	kAudioChannelLabel_DialogCentricMix,
	kAudioChannelLabel_CenterSurroundDirect,
	kAudioChannelLabel_Haptic,
	kAudioChannelLabel_UseCoordinates = 100,
	kAudioChannelLabel_Ambisonic_W = 200,
	kAudioChannelLabel_Ambisonic_X,
	kAudioChannelLabel_Ambisonic_Y,
	kAudioChannelLabel_Ambisonic_Z,
	kAudioChannelLabel_MS_Mid,
	kAudioChannelLabel_MS_Side,
	kAudioChannelLabel_XY_X,
	kAudioChannelLabel_XY_Y,
	kAudioChannelLabel_HeadphonesLeft = 301,
	kAudioChannelLabel_HeadphonesRight,
	kAudioChannelLabel_ClickTrack = 304,
	kAudioChannelLabel_ForeignLanguage,
	kAudioChannelLabel_Discrete = 400,
	kAudioChannelLabel_Discrete_0 = 1 << 16,
	kAudioChannelLabel_Discrete_1,
	kAudioChannelLabel_Discrete_2,
	kAudioChannelLabel_Discrete_3,
	kAudioChannelLabel_Discrete_4,
	kAudioChannelLabel_Discrete_5,
	kAudioChannelLabel_Discrete_6,
	kAudioChannelLabel_Discrete_7,
	kAudioChannelLabel_Discrete_8,
	kAudioChannelLabel_Discrete_9,
	kAudioChannelLabel_Discrete_10,
	kAudioChannelLabel_Discrete_11,
	kAudioChannelLabel_Discrete_12,
	kAudioChannelLabel_Discrete_13,
	kAudioChannelLabel_Discrete_14,
	kAudioChannelLabel_Discrete_15,
	kAudioChannelLabel_Discrete_65535 = 1 << 16 | 65535,
};
