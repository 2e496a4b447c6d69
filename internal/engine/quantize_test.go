package engine

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

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
	if ids := e.LocalModels(); !slices.Equal(ids, []string{smallID, customID}) {
		t.Errorf("there are %q", ids)
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
	if freed, err := e.Remove(smallID); err != nil || freed != l.Bytes || slices.Contains(e.LocalModels(), smallID) {
		t.Errorf("removing it freed %d, it took %d: %v", freed, l.Bytes, err)
	}
}

// nothing is a sink.
type nothing struct{}

func (nothing) WriteSamples([]float32) error { return nil }
