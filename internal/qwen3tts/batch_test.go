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

// pieces is a sink that notes after which frames of all lines its samples came, and how many frames these were.
type pieces struct {
	frames *int
	came   [][2]int
}

func (p *pieces) WriteSamples(pcm []float32) error {
	p.came = append(p.came, [2]int{*p.frames, len(pcm) / tts.FrameSamples})
	return nil
}

// check wants pieces of so many frames, each of them begun after so many frames of all lines: the first and the last come
// at once, the others before the next one is begun.
func (p *pieces) check(t *testing.T, want [][2]int) {
	t.Helper()
	right := len(p.came) == len(want)
	for i := range min(len(p.came), len(want)) {
		latest := want[min(i+1, len(want)-1)][0]
		if i == 0 {
			latest = want[0][0]
		}
		right = right && p.came[i][1] == want[i][1] && p.came[i][0] >= want[i][0] && p.came[i][0] <= latest
	}
	if !right {
		t.Errorf("sound came as %v, begun as %v", p.came, want)
	}
}

// The sound of each line leaves while the next frames are still to be made: one frame at first, then 2, 4 and always 8.
func TestSoundLeavesAtOnce(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "custom_voice"))
	long, short, told := control("Hello."), control("Hello."), 0
	frames, fewer := 24, 6
	long.Sampling.MaxFrames, short.Sampling.MaxFrames = &frames, &fewer
	a, b := &pieces{frames: &told}, &pieces{frames: &told}
	if _, err := m.Generate(t.Context(), []tts.Line{{Utterance: long, Sink: a}, {Utterance: short, Sink: b}}, func(p tts.Progress) { told = p.Frames }, nil); err != nil {
		t.Fatal(err)
	}
	// What is told counts the frames of both, those before the step that made the sound.
	a.check(t, [][2]int{{0, 1}, {4, 2}, {12, 4}, {20, 8}, {28, 8}, {30, 1}})
	b.check(t, [][2]int{{0, 1}, {4, 2}, {12, 3}})
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
