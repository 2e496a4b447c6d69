package qwen3tts

import (
	"maps"
	"slices"
	"testing"

	"ttsui/internal/testkit"
	"ttsui/internal/tts"
)

// Lines of all kinds, greedy and drawn, that begin at different positions and end at different frames: each says in
// their company what it says alone.
func TestLinesTogether(t *testing.T) {
	cases := goldenCases(t, "ref_torch")
	for _, checkpoint := range []string{"base", "custom_voice", "voice_design"} {
		t.Run(checkpoint, func(t *testing.T) {
			m := loadTiny(t, testkit.Golden("checkpoints", checkpoint))
			var alone []*memorySink
			var lines []tts.Line
			for _, id := range slices.Sorted(maps.Keys(cases)) {
				if c := cases[id]; c.Checkpoint == checkpoint {
					for _, u := range []tts.Utterance{c.request(t), drawn(c.request(t), len(lines))} {
						pcm, _ := generate(t, m, u)
						alone = append(alone, &memorySink{pcm})
						lines = append(lines, tts.Line{Utterance: u, Sink: &memorySink{}})
					}
				}
			}
			made, err := m.Generate(t.Context(), lines, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range lines {
				together := line.Sink.(*memorySink)
				near(t, line.Text, together.pcm, alone[i].pcm, 1e-5)
				if made[i].Samples != len(together.pcm) || made[i].Samples != made[i].Frames*tts.FrameSamples {
					t.Errorf("line %d made %d samples of %d frames, and says %d", i, len(together.pcm), made[i].Frames, made[i].Samples)
				}
			}
		})
	}
}

// drawn is u as it is drawn by a seed, with an end of its own.
func drawn(u tts.Utterance, n int) tts.Utterance {
	warm, seed, frames := 0.9, uint64(n), 3+n
	u.Sampling.Temperature, u.Sampling.Seed, u.Sampling.MaxFrames = &warm, &seed, &frames
	return u
}

// The error of one line, here of the last one's prompt, ends all of them, and nothing is left.
func TestLinesEndTogether(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "custom_voice"))
	bad := control("Hello.")
	bad.Language = "Latin"
	var sink memorySink
	_, err := m.Generate(t.Context(), []tts.Line{{Utterance: control("Hello."), Sink: &sink}, {Utterance: bad, Sink: &sink}}, nil, nil)
	if tts.CodeOf(err) != tts.CodeInvalid || len(sink.pcm) > 0 {
		t.Errorf("got %v and %d samples", err, len(sink.pcm))
	}
}
