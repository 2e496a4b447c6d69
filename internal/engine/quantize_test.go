package engine

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rs/zerolog"

	"ttsui/internal/registry"
	"ttsui/internal/testkit"
	"ttsui/internal/tts"
)

const smallID = "local/Qwen3-TTS-12Hz-0.6B-CustomVoice-8bit"

// TestQuantize: a copy is made beside the original, loads and speaks; its plan was true; stopped, it leaves nothing.
func TestQuantize(t *testing.T) {
	e := open(t, customID, testkit.CheckpointSpec{Kind: "custom_voice"})
	how := tts.Quantization{Bits: 8}
	plan, err := e.PlanQuantized(customID, how)
	if err != nil || plan.ModelID != smallID {
		t.Fatalf("%+v, %v", plan, err)
	}
	org := filepath.Join(e.places.Roots[0], tts.LocalOrg)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := e.Quantize(stopped, customID, how, func(tts.Download) {}); tts.CodeOf(err) != tts.CodeCanceled {
		t.Errorf("stopped: %v", err)
	}
	if left, _ := os.ReadDir(org); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if err := e.Quantize(t.Context(), customID, how, func(tts.Download) {}); err != nil {
		t.Fatal(err)
	}
	if list := e.LocalModels(); !slices.Equal(list, []registry.LocalModel{{ID: smallID}, {ID: customID}}) {
		t.Errorf("there are %+v", list)
	}
	l, err := e.places.Local(smallID)
	const around = 100_000 // headers, index and configuration
	if err != nil || !l.Whole() || l.Bytes < plan.Bytes || l.Bytes > plan.Bytes+around {
		t.Errorf("it takes %d bytes, planned %d: %v", l.Bytes, plan.Bytes, err)
	}
	if _, err := e.PlanQuantized(customID, how); tts.CodeOf(err) != tts.CodeInvalid { // what is there is not made anew
		t.Errorf("a second plan: %v", err)
	}
	if err := e.Quantize(t.Context(), customID, how, func(tts.Download) {}); tts.CodeOf(err) != tts.CodeInvalid {
		t.Errorf("a second copy: %v", err)
	}
	m, err := e.Load(t.Context(), smallID)
	if err != nil {
		t.Fatal(err)
	}
	frames := 2
	u := tts.Utterance{Request: tts.Request{Mode: tts.Control, ModelID: smallID, Text: "Hi.", Speaker: "Ryan", Sampling: tts.Sampling{MaxFrames: &frames}}}
	if res, err := m.Generate(t.Context(), []tts.Line{{Utterance: u, Sink: nothing{}}}, nil); err != nil || res[0].Frames == 0 {
		t.Errorf("it spoke %+v, %v", res, err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if freed, err := e.Remove(smallID); err != nil || freed != l.Bytes || slices.Contains(e.LocalModels(), registry.LocalModel{ID: smallID}) {
		t.Errorf("removing it freed %d, it took %d: %v", freed, l.Bytes, err)
	}
}

// nothing is a sink.
type nothing struct{}

func (nothing) WriteSamples([]float32) error { return nil }

// TestQuantizeDiskFull: another program takes the disk's last room while a copy is made. That is an error that says so;
// nothing is left of the copy, the original is as it was, and the row can be left.
func TestQuantizeDiskFull(t *testing.T) {
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("may not mount a file system: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", disk).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	original := filepath.Join(disk, filepath.FromSlash(customID))
	if err := testkit.WriteCheckpoint(original, testkit.CheckpointSpec{Kind: "custom_voice"}); err != nil {
		t.Fatal(err)
	}
	before := contents(t, original)
	// One of the files that are copied is a pipe, which holds the work up until somebody writes into it.
	gate := filepath.Join(original, "speech_tokenizer", "configuration.json")
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	e := openAt(t, disk)
	r := registry.New(registry.Config{Loader: e, Log: zerolog.Nop()})
	defer func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	filled := make(chan error, 1)
	go func() {
		pipe, err := os.OpenFile(gate, os.O_WRONLY, 0) // returns when the work has come to it
		if err == nil {
			err = cmp.Or(fill(filepath.Join(disk, "ballast")), pipe.Close())
		}
		filled <- err
	}()
	info, err := r.Quantize(t.Context(), customID, tts.Quantization{Bits: 8})
	if err != nil || info.State != tts.Failed || info.Code != tts.CodeDiskFull || info.Hint == nil ||
		!strings.Contains(*info.Error, "no space left") {
		t.Errorf("%+v, %v", info, err)
	}
	if err := <-filled; err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Join(disk, tts.LocalOrg)); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if err := os.Remove(gate); err != nil {
		t.Fatal(err)
	}
	if after := contents(t, original); !maps.Equal(after, before) {
		t.Error("the original has changed")
	}
	if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
		t.Fatal(err)
	}
	if info, err = r.Quantize(t.Context(), customID, tts.Quantization{Bits: 8}); err != nil || info.State != tts.Unloaded {
		t.Errorf("once more: %+v, %v", info, err)
	}
}

// fill writes a file until the disk has no room for more.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if errors.Is(err, syscall.ENOSPC) {
		return nil
	}
	return err
}

// contents maps the files below a folder to what is in them.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
