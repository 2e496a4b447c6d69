package audio

import (
	"bytes"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"ttsui/internal/tts"
)

func TestCreateWAV(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "new", "folders", "out.wav")
	w, err := CreateWAV(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	const step = 1.0 / math.MaxInt16
	for _, part := range [][]float32{{0, 1, -1, 2}, nil, {float32(math.Inf(-1)), float32(math.NaN()), 0.4 * step, 1.6 * step, -0.4 * step}} {
		if err := w.WriteSamples(part); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there before Commit: %v", err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []byte("RIFF\x36\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\xc0\x5d\x00\x00\x80\xbb\x00\x00\x02\x00\x10\x00data\x12\x00\x00\x00" +
		"\x00\x00\xff\x7f\x01\x80\xff\x7f\x01\x80\x00\x00\x00\x00\x02\x00\x00\x00")
	if !bytes.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("beside it: %v %v", files, err)
	}
}

// What is written reads back within half a step.
func TestWAVFileReadsBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.wav")
	w, err := CreateWAV(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	in := float32s(sine(440, tts.SampleRate, 0.9))
	for i := 0; i < len(in); i += 1920 {
		if err := w.WriteSamples(in[i:min(i+1920, len(in))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	got, err := ReadReference(t.Context(), path)
	if err != nil || len(got) != len(in) {
		t.Fatalf("%d samples of %d, %v", len(got), len(in), err)
	}
	for i, v := range got {
		if math.Abs(float64(v*32768/32767-in[i])) > 0.51/32767 {
			t.Fatalf("sample %d is %v, want %v", i, v, in[i])
		}
	}
}

func TestWAVFileAbort(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "old.wav")
	if err := os.WriteFile(old, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{old, filepath.Join(dir, "a", "b", "out.wav")} {
		w, err := CreateWAV(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.WriteSamples(make([]float32, 1000)); err != nil {
			t.Fatal(err)
		}
		w.Abort()
		w.Abort()
	}
	if got, err := os.ReadFile(old); err != nil || string(got) != "before" {
		t.Errorf("the old file is %q, %v", got, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v %v", files, err)
	}
}

// A folder that somebody else uses meanwhile stays.
func TestWAVFileAbortKeepsFolderInUse(t *testing.T) {
	dir := t.TempDir()
	w, err := CreateWAV(filepath.Join(dir, "a", "b", "out.wav"))
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "a", "other")
	if err := os.WriteFile(other, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "a", "b")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folder b: %v", err)
	}
}

func TestCreateWAVRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	locked := filepath.Join(dir, "locked")
	if err := os.Mkdir(locked, 0o555); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path string
		code       tts.Code
		want       string
	}{
		{"a file for a folder", filepath.Join(file, "out.wav"), tts.CodeInvalid, "not a directory"},
		{"a file for a folder above", filepath.Join(file, "sub", "out.wav"), tts.CodeInvalid, "not a directory"},
		{"a folder", dir, tts.CodeInvalid, "is a directory"},
		{"folder name too long", filepath.Join(dir, "new", string(bytes.Repeat([]byte("a"), 300)), "out.wav"), tts.CodeInvalid, "too long"},
	}
	if os.Getuid() != 0 { // who may write everywhere
		tests = append(tests, struct {
			name, path string
			code       tts.Code
			want       string
		}{"read-only folder", filepath.Join(locked, "sub", "out.wav"), tts.CodeDenied, "permission denied"})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, err := CreateWAV(tt.path)
			checkError(t, err, tt.code, tt.want)
			if w != nil {
				t.Error("a file beside the error")
			}
		})
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Errorf("left behind: %v %v", files, err)
	}
}

// On a full disk the write fails, or at the latest Commit, and nothing is left.
func TestWAVFileDiskFull(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("may not mount a file system: %v: %s", err, out)
	}
	defer func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	}()
	w, err := CreateWAV(filepath.Join(dir, "sub", "out.wav"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for range 10 {
		if err = w.WriteSamples(make([]float32, 24000)); err != nil {
			break
		}
	}
	checkError(t, err, tts.CodeDiskFull, syscall.ENOSPC.Error())
	checkError(t, w.Commit(), tts.CodeDiskFull, syscall.ENOSPC.Error())
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("left behind: %v %v", files, err)
	}
}
