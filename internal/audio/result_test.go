package audio

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ttsui/internal/tts"
)

// ramp has n samples, all values of 16 bits that a result can have among them.
func ramp(n int) []float32 {
	pcm := make([]float32, n)
	for i := range pcm {
		pcm[i] = float32(i%65535-32767) / 32767
	}
	return pcm
}

func writeResult(t *testing.T, path string, build func(w *WAVFile) error) {
	t.Helper()
	w, err := CreateWAV(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if err := errors.Join(build(w), w.Commit()); err != nil {
		t.Fatal(err)
	}
}

// TestSpliceOfResults: what is copied from a result into another is the same samples, and what is taken back is as if
// it had never been.
func TestSpliceOfResults(t *testing.T) {
	dir := t.TempDir()
	whole, spliced := filepath.Join(dir, "whole.wav"), filepath.Join(dir, "spliced.wav")
	writeResult(t, whole, func(w *WAVFile) error { return w.WriteSamples(ramp(200_000)) })
	r, err := OpenResult(whole)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	writeResult(t, spliced, func(w *WAVFile) error {
		if err := errors.Join(r.Copy(w, 0, 70_000), w.WriteSamples(ramp(500)), w.Truncate(70_000)); err != nil || w.Samples() != 70_000 {
			t.Error(w.Samples(), err)
		}
		return r.Copy(w, 70_000, r.Samples())
	})
	a, errA := os.ReadFile(whole)
	b, errB := os.ReadFile(spliced)
	if errA != nil || errB != nil || !slices.Equal(a, b) || r.Samples() != 200_000 {
		t.Errorf("%d and %d bytes differ, %v, %v", len(a), len(b), errA, errB)
	}
	var ends [4]byte
	if _, err := r.ReadAt(ends[:2], 0); err != nil {
		t.Error(err)
	}
	if _, err := r.ReadAt(ends[2:], 65534*2); err != nil || ends != [4]byte{0x01, 0x80, 0xff, 0x7f} {
		t.Errorf("the lowest and the highest sample are %x, %v", ends, err)
	}
	if _, err := r.ReadAt(ends[:], 200_000*2-2); err == nil {
		t.Error("more is read than there is")
	}
	full := tts.Errorf(tts.CodeDiskFull, "", "full")
	if err := r.Copy(sinkFunc(func([]float32) error { return full }), 5, 6); !errors.Is(err, full) {
		t.Error(err)
	}
	if err := r.Copy(sinkFunc(func([]float32) error { return nil }), 0, r.Samples()+1); err == nil {
		t.Error("it gives more than there is")
	}
}

type sinkFunc func([]float32) error

func (f sinkFunc) WriteSamples(pcm []float32) error { return f(pcm) }

func TestRename(t *testing.T) {
	dir := t.TempDir()
	writeResult(t, filepath.Join(dir, "new", "a.wav"), func(w *WAVFile) error {
		if err := w.Rename("../b.wav"); tts.CodeOf(err) != tts.CodeInvalid {
			t.Errorf("a name with a folder: %v", err)
		}
		return errors.Join(w.WriteSamples(ramp(10)), w.Rename("b.wav"))
	})
	if list, _ := filepath.Glob(filepath.Join(dir, "new", "*")); !slices.Equal(list, []string{filepath.Join(dir, "new", "b.wav")}) {
		t.Errorf("files: %v", list)
	}
}

func TestWAVFileIsNoLongerThanItsHeaderCanSay(t *testing.T) {
	w, err := CreateWAV(filepath.Join(t.TempDir(), "a.wav"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	w.samples = mostSamples
	if err := w.WriteSamples(ramp(1)); tts.CodeOf(err) != tts.CodeUnsupported {
		t.Error(err)
	}
}
