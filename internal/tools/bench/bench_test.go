package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ttsui/internal/speed"
)

// A run over tiny checkpoints of several weights fills every figure, in the table and in JSON.
func TestRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	o := options{codec: "float32", size: "tiny", mode: "control", weights: "bf16,4bit", dtype: "float32", frames: 8, rounds: 2, json: file, force: true}
	var table bytes.Buffer
	if err := run(t.Context(), o, &table); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"TTSUI bf16", "TTSUI 4bit", "load (s)", "kernels a frame", "predictor (ms a frame)", "first audio (ms)", "×"} {
		if !strings.Contains(table.String(), words) {
			t.Errorf("the table lacks %q:\n%s", words, table.String())
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r speed.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Sides) != 2 {
		t.Fatalf("%d sides", len(r.Sides))
	}
	for _, f := range r.Sides {
		if len(f.Figures) < 15 || f.Counts == nil || f.Counts.Evaluations != 1 || f.Counts.Kernels == 0 {
			t.Errorf("%s: %+v, counts %+v", f.Name, f.Figures, f.Counts)
		}
		for name, values := range f.Figures {
			difference := strings.Contains(string(name), "more")
			if len(values) != 2 || !difference && slices.ContainsFunc(values, func(x float64) bool { return !(x > 0) }) {
				t.Errorf("%s, %s: %v, want two positive values", f.Name, name, values)
			}
		}
	}
	if a, b := r.Sides[0].Loading.FrameBytes, r.Sides[1].Loading.FrameBytes; b >= a/4 {
		t.Errorf("in 4 bits a frame reads %d bytes, in float32 %d", b, a)
	}
}

// Each mode has checkpoints of its own, all of its parts, and a clip where there is one to clone.
func TestModes(t *testing.T) {
	dir := t.TempDir()
	for mode, want := range map[string]struct {
		title, folder string
		clip          bool
	}{
		"clone":   {"random tiny Base (clone)", "tiny-clone-bf16", true},
		"control": {"random tiny CustomVoice (control)", "tiny-bf16", false},
		"design":  {"random tiny VoiceDesign (design)", "tiny-design-bf16", false},
	} {
		o := options{
			dir: dir, codec: "float32", size: "tiny", mode: mode, weights: "bf16", dtype: "auto", frames: 8, rounds: 1,
			only: "prefill,reference,speech", force: true,
		}
		var table bytes.Buffer
		if err := run(t.Context(), o, &table); err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		text := table.String()
		if !strings.HasPrefix(text, want.title) || !strings.Contains(text, "first audio (ms)") {
			t.Errorf("%s: want %q above:\n%s", mode, want.title, text)
		}
		for _, words := range []string{"speaker encoder, 10 s of clip (ms)", "codec encoder, 10 s of clip (ms)"} {
			if strings.Contains(text, words) != want.clip {
				t.Errorf("%s: %q is to be there: %v\n%s", mode, words, want.clip, text)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, want.folder, "config.json")); err != nil {
			t.Error(err)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	for name, o := range map[string]options{
		"few frames": {size: "tiny", weights: "bf16", frames: 7, rounds: 1, force: true},
		"no rounds":  {size: "tiny", weights: "bf16", frames: 8, force: true},
		"size":       {size: "3B", weights: "bf16", frames: 8, rounds: 1, force: true},
		"mode":       {size: "tiny", mode: "sing", weights: "bf16", frames: 8, rounds: 1, force: true},
		"weights":    {size: "tiny", weights: "1bit", frames: 8, rounds: 1, force: true},
		"no weights": {size: "tiny", frames: 8, rounds: 1, force: true},
		"codec":      {size: "tiny", weights: "bf16", codec: "int8", frames: 8, rounds: 1, force: true},
		"part":       {size: "tiny", weights: "bf16", frames: 8, rounds: 1, only: "everything", force: true},
	} {
		t.Run(name, func(t *testing.T) {
			o.codec, o.mode = cmp.Or(o.codec, "float32"), cmp.Or(o.mode, "control")
			if err := run(t.Context(), o, &bytes.Buffer{}); err == nil {
				t.Error("no error")
			}
		})
	}
}

// What the official package can't load is refused before anything large is written.
func TestOfficialRefusesQuantized(t *testing.T) {
	o := options{
		dir: t.TempDir(), size: "tiny", mode: "control", weights: "4bit,bf16", frames: 8, rounds: 1, force: true,
		pythons: map[string]string{"official": "python3"},
	}
	err := run(t.Context(), o, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "quantised") {
		t.Errorf("the error is %v", err)
	}
	if files, err := os.ReadDir(o.dir); err != nil || len(files) > 0 {
		t.Errorf("files are left: %v, %v", files, err)
	}
}
