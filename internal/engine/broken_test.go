package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ttsui/internal/testkit"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// nowhere takes samples and forgets them.
type nowhere struct{}

func (nowhere) WriteSamples([]float32) error { return nil }

// Every way to break a checkpoint ends in an error with a code, words that name the fault, and a hint; nothing stays in
// memory and the engine goes on.
func TestBrokenCheckpoints(t *testing.T) {
	root := t.TempDir()
	whole := filepath.Join(root, "whole")
	if err := testkit.WriteCheckpoint(whole, testkit.CheckpointSpec{}); err != nil {
		t.Fatal(err)
	}
	e := openAt(t, root)
	for _, b := range testkit.Breakages() {
		t.Run(b.Name, func(t *testing.T) {
			dir := filepath.Join(root, filepath.FromSlash(baseID))
			if err := b.Make(whole, dir); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := os.RemoveAll(dir); err != nil {
					t.Error(err)
				}
			})
			err := loadAndSpeak(t, e, b.Late)
			if b.Want == "" && err == nil {
				return
			}
			if err == nil || !strings.Contains(err.Error(), b.Want) || tts.CodeOf(err) == tts.CodeInternal || tts.HintOf(err) == "" {
				t.Errorf("got %v (code %s, hint %q), want words %q", err, tts.CodeOf(err), tts.HintOf(err), b.Want)
			}
			if n := mlx.Live(); n != 0 {
				t.Errorf("%d arrays left behind", n)
			}
		})
	}
}

func loadAndSpeak(t *testing.T, e *Engine, late bool) error {
	t.Helper()
	m, err := e.Load(t.Context(), baseID)
	if err != nil {
		if late {
			t.Errorf("does not load: %v", err)
		}
		return err
	}
	frames := 2
	_, err = m.Generate(t.Context(), []tts.Line{{Sink: nowhere{}, Utterance: tts.Utterance{
		Request:   tts.Request{Mode: tts.Clone, ModelID: baseID, Text: "Hello.", RefText: "Hi.", Sampling: tts.Sampling{MaxFrames: &frames}},
		Reference: make([]float32, tts.SampleRate),
	}}}, nil)
	if e := m.Close(); e != nil {
		t.Error(e)
	}
	return err
}
