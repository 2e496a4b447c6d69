package qwen3tts

import (
	"math"
	"slices"
	"testing"

	"ttsui/internal/testkit"
	"ttsui/internal/tts"
)

// TestObserver: who observes a generation is told of its very frames, and of the end's probability in them, and changes
// neither codes nor sound.
func TestObserver(t *testing.T) {
	for checkpoint, id := range map[string]string{"custom_voice": "c1_ryan_english", "base": "b5_icl_fulltext_rp105", "voice_design": "v4_streamtext"} {
		t.Run(checkpoint, func(t *testing.T) {
			m := loadTiny(t, testkit.Golden("checkpoints", checkpoint))
			u := goldenCases(t, "ref_torch")[id].request(t)
			alone := traceGeneration(t, m, u)
			var codes []int32
			var ends []float64
			u.Observe = func(f tts.Frame) bool {
				codes, ends = append(codes, f.Codes...), append(ends, f.End)
				return true
			}
			seen := traceGeneration(t, m, u)
			if !slices.Equal(seen.pcm, alone.pcm) || seen.result.Frames != alone.result.Frames {
				t.Error("the observer changes the speech")
			}
			if want := integers(alone.seen["frame"][:alone.result.Frames]); !slices.Equal(codes, want) {
				t.Errorf("told of %v, want %v", codes, want)
			}
			if ends[0] != 0 || ends[1] != 0 {
				t.Errorf("an end that is not possible yet has the probabilities %v", ends[:2])
			}
			// Without a penalty the third frame's is the softmax of what the talker says.
			u.Sampling.RepetitionPenalty, ends = new(1.0), nil
			logits := traceGeneration(t, m, u).seen["talker.logits"][2]
			if want := m.endOf(logits); math.Abs(ends[2]-want) > 1e-6 || want == 0 {
				t.Errorf("the end has the probability %g, want %g", ends[2], want)
			}
		})
	}
}

// endOf is the probability of the end among what may be drawn.
func (m *Model) endOf(logits []float32) float64 {
	c := &m.cfg.Talker
	sum := 0.0
	for id, l := range logits {
		if id < c.VocabSize-suppressedTail || id == c.CodecEos {
			sum += math.Exp(float64(l))
		}
	}
	return math.Exp(float64(logits[c.CodecEos])) / sum
}

// TestObserverStops: the frame at which the observer says no is the last, and all until there is spoken.
func TestObserverStops(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "custom_voice"))
	u := control("Hello world.")
	for _, last := range []int{1, 4} {
		n := 0
		u.Observe = func(tts.Frame) bool { n++; return n < last }
		pcm, r := generate(t, m, u)
		if r.Frames != last || len(pcm) != last*tts.FrameSamples || r.Truncated {
			t.Errorf("%d samples, %+v", len(pcm), r)
		}
	}
}
