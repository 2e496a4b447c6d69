package audio

import (
	"errors"
	"fmt"
	"io"

	"github.com/jfreymuth/oggvorbis"
	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
)

// openFLAC opens a FLAC file. Each of its frames carries a checksum, which the decoder verifies.
func openFLAC(r *io.SectionReader) (*source, error) {
	stream, err := flac.New(r)
	if err != nil {
		return nil, fmt.Errorf("FLAC header: %w", err)
	}
	info := stream.Info
	channels := int(info.NChannels)
	frames := int64(info.NSamples)
	if frames == 0 {
		frames = -1
	}
	scale := 1 / float32(uint64(1)<<(info.BitsPerSample-1))
	var block *frame.Frame
	pos := 0
	read := func(dst []float32) (int, error) {
		n := 0
		for ; n < len(dst); pos++ {
			if block == nil || pos == len(block.Subframes[0].Samples) {
				if block, err = nextBlock(stream); err != nil {
					return n, err
				}
				pos = 0
			}
			for _, sub := range block.Subframes {
				dst[n] = float32(sub.Samples[pos]) * scale
				n++
			}
		}
		return n, nil
	}
	return &source{rate: int(info.SampleRate), channels: channels, frames: frames, read: read}, nil
}

// nextBlock decodes the next frame that has samples.
func nextBlock(stream *flac.Stream) (*frame.Frame, error) {
	for {
		block, err := stream.ParseNext()
		if err != nil {
			return nil, err
		}
		if len(block.Subframes) != int(stream.Info.NChannels) {
			return nil, errors.New("FLAC whose channels change")
		}
		if len(block.Subframes[0].Samples) > 0 {
			return block, nil
		}
	}
}

// openOgg opens a Vorbis stream in an Ogg file.
func openOgg(r *io.SectionReader) (*source, error) {
	data, err := whole(r)
	if err != nil {
		return nil, err
	}
	if err := checkVorbis(io.NewSectionReader(data, 0, data.Size())); err != nil {
		return nil, err
	}
	dec, err := oggvorbis.NewReader(data)
	if err != nil {
		return nil, err
	}
	frames := dec.Length()
	if frames <= 0 {
		frames = -1
	}
	return &source{rate: dec.SampleRate(), channels: dec.Channels(), frames: frames, read: dec.Read}, nil
}
