package audio

import (
	"context"
	"errors"
	"io"
	"math"

	"ttsui/internal/tts"
)

// source is an opened clip: what its header says, and its samples.
type source struct {
	rate     int
	channels int
	frames   int64 // samples per channel; −1 when the header doesn't say
	size     int64 // bytes of the file

	// read fills dst with interleaved samples, full scale being ±1, and returns how many it gave: whole frames.
	// At the end it returns io.EOF, and io.ErrUnexpectedEOF where the file ends in the middle of something.
	read func(dst []float32) (int, error)
}

// check refuses what the header already shows to be out of bounds.
func (s *source) check() error {
	const least, most = 8_000, 192_000
	if s.rate < least || s.rate > most {
		return tts.Errorf(tts.CodeUnsupported, "Convert it to a rate between 8,000 and 192,000 Hz.", "its sample rate is %d Hz", s.rate)
	}
	if s.channels < 1 || s.channels > 8 {
		return tts.Errorf(tts.CodeUnsupported, "Convert it to mono.", "it has %d channels; 1 to 8 can be read", s.channels)
	}
	if s.frames > int64(s.limit()) {
		return tooLong()
	}
	return nil
}

// limit is the most samples per channel that are read.
func (s *source) limit() int { return maxSeconds * s.rate }

// mono decodes the clip, averaging the channels.
func (s *source) mono(ctx context.Context) ([]float32, error) {
	const block = 2048 // frames
	if err := s.check(); err != nil {
		return nil, err
	}
	// A length that the file's size doesn't support is not worth an allocation.
	pcm := make([]float32, 0, max(0, min(s.frames, s.size)))
	buf := make([]float32, block*s.channels)
	for {
		if ctx.Err() != nil {
			return nil, stopped(ctx)
		}
		n, err := s.read(buf)
		for i := 0; i+s.channels <= n; i += s.channels {
			v := mean(buf[i : i+s.channels])
			if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
				return nil, tts.Errorf(tts.CodeCorrupt, "Save the clip again as 16-bit WAV.", "sample %d is not a finite number", len(pcm))
			}
			pcm = append(pcm, v)
		}
		if len(pcm) > s.limit() {
			return nil, tooLong()
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return pcm, nil
		case err != nil:
			return nil, corrupt(err)
		}
	}
}

func mean(frame []float32) float32 {
	if len(frame) == 1 {
		return frame[0]
	}
	var sum float64
	for _, v := range frame {
		sum += float64(v)
	}
	return float32(sum / float64(len(frame)))
}

func tooLong() error {
	return tts.Errorf(tts.CodeInvalid, trimHint, "the clip is too long: the limit is %d minutes", maxSeconds/60)
}

// corrupt says that a clip can't be decoded, unless err already speaks to users.
func corrupt(err error) error {
	var told *tts.Error
	if errors.As(err, &told) {
		return err
	}
	return tts.Errorf(tts.CodeCorrupt, "Check that it plays elsewhere, then save it again as WAV.", "the file is broken: %w", err)
}
