package qwen3tts

import (
	"context"

	"ttsui/internal/tts"
)

// WarmUp speaks a frame that nobody hears, so that the first request takes as long as later ones: a GPU's kernels are
// compiled when they are first used. Nothing of it is remembered.
func (m *Model) WarmUp(ctx context.Context) error {
	one, seed := 1, uint64(1)
	u := tts.Utterance{Request: tts.Request{Mode: m.Mode(), Text: "1", Instruct: "1", Sampling: tts.Sampling{MaxFrames: &one, Seed: &seed}}}
	switch m.Mode() {
	case tts.Clone:
		u.Reference = make([]float32, tts.SampleRate)
	case tts.Control:
		for u.Speaker = range m.cfg.Talker.Speakers { // any will do
		}
	}
	if _, err := m.Generate(ctx, []tts.Line{{Utterance: u, Sink: silence{}}}, nil, nil); err != nil {
		return err
	}
	return m.do(ctx, m.memory.free)
}

// silence is a sink that nobody hears.
type silence struct{}

func (silence) WriteSamples([]float32) error { return nil }
