package audio

import (
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"ttsui/internal/tts"
)

// mostResult is the longest result that ReadResult reads, as all of it is in memory then.
const mostResult = 3 * time.Hour

// ReadResult reads a file that CreateWAV wrote: 16-bit mono samples at tts.SampleRate, for those who play it. Every
// error is an *tts.Error that names the file.
func ReadResult(path string) ([]int16, error) {
	r, err := OpenResult(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if r.Samples() > tts.SampleRate*int(mostResult/time.Second) {
		return nil, resultError(path, notOurs())
	}
	pcm := make([]int16, 0, r.Samples())
	err = r.each(0, r.Samples(), func(piece []int16) error {
		pcm = append(pcm, piece...)
		return nil
	})
	return pcm, err
}

// Result is an open file that CreateWAV wrote.
type Result struct {
	file *os.File
	data *io.SectionReader // its samples
	path string
}

// OpenResult opens a file that CreateWAV wrote. The caller closes it. Every error of it and its methods is an *tts.Error
// that names the file.
func OpenResult(path string) (*Result, error) {
	f, size, err := openRegular(path)
	if err != nil {
		return nil, resultError(path, err)
	}
	data, err := resultData(f, size)
	if err != nil {
		f.Close()
		return nil, resultError(path, err)
	}
	return &Result{f, data, path}, nil
}

func resultData(f *os.File, size int64) (*io.SectionReader, error) {
	kind, clip := sniff(f, size)
	if kind.name != "WAV" {
		return nil, notOurs()
	}
	format, data, err := findData(clip)
	if err != nil || format == nil || *format != resultFormat() {
		return nil, notOurs()
	}
	return data, nil
}

// Close closes the file.
func (r *Result) Close() { r.file.Close() } // which was only read

// Samples is how many samples there are.
func (r *Result) Samples() int { return int(r.data.Size() / wavWidth) }

// Copy gives the samples from start on, up to end, to a sink. What a WAVFile makes of them are the same samples.
func (r *Result) Copy(to tts.Sink, start, end int) error {
	pcm := make([]float32, resultPiece)
	return r.each(start, end, func(piece []int16) error {
		for i, v := range piece {
			pcm[i] = float32(v) / math.MaxInt16
		}
		return to.WriteSamples(pcm[:len(piece)])
	})
}

// resultPiece is how many samples are read at once.
const resultPiece = 1 << 15

func (r *Result) each(start, end int, do func(piece []int16) error) error {
	raw, pcm := make([]byte, resultPiece*wavWidth), make([]int16, resultPiece)
	for at := start; at < end; {
		n := min(resultPiece, end-at)
		if _, err := r.data.ReadAt(raw[:n*wavWidth], int64(at)*wavWidth); err != nil {
			return resultError(r.path, explain(err))
		}
		for i := range n {
			pcm[i] = int16(binary.LittleEndian.Uint16(raw[i*wavWidth:]))
		}
		if err := do(pcm[:n]); err != nil {
			return err
		}
		at += n
	}
	return nil
}

func resultError(path string, err error) error {
	return tts.Errorf(tts.CodeOf(err), tts.HintOf(err), "%q: %w", filepath.Base(path), err)
}

// resultFormat is what CreateWAV writes.
func resultFormat() wavFormat {
	return wavFormat{tag: tagPCM, channels: 1, rate: tts.SampleRate, frame: wavWidth, bits: 8 * wavWidth}
}

func notOurs() error {
	return tts.Errorf(tts.CodeUnsupported, "Open it with another player.", "it is not a WAV file of TTSUI's")
}
