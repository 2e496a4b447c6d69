package audio

import (
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"

	"ttsui/internal/tts"
)

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
func (r *Result) Close() error { return r.file.Close() }

// Samples is how many samples there are.
func (r *Result) Samples() int { return int(r.data.Size() / wavWidth) }

// ReadAt implements io.ReaderAt for the samples: 16-bit, mono, little-endian, at tts.SampleRate.
func (r *Result) ReadAt(p []byte, at int64) (int, error) {
	n, err := r.data.ReadAt(p, at)
	if err != nil {
		err = resultError(r.path, explain(err))
	}
	return n, err
}

// ReadPCM reads samples from one on, as they lie in a result: 16-bit, mono, little-endian.
func ReadPCM(r io.ReaderAt, pcm []int16, from int) error {
	raw := make([]byte, len(pcm)*wavWidth)
	if _, err := r.ReadAt(raw, int64(from)*wavWidth); err != nil {
		return err
	}
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(raw[i*wavWidth:]))
	}
	return nil
}

// Copy gives the samples from start on, up to end, to a sink. What a WAVFile makes of them are the same samples.
func (r *Result) Copy(to tts.Sink, start, end int) error {
	const most = 1 << 15 // samples at once
	piece, pcm := make([]int16, most), make([]float32, most)
	for at := start; at < end; at += most {
		n := min(most, end-at)
		if err := ReadPCM(r, piece[:n], at); err != nil {
			return err
		}
		for i, v := range piece[:n] {
			pcm[i] = float32(v) / math.MaxInt16
		}
		if err := to.WriteSamples(pcm[:n]); err != nil {
			return err
		}
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
