package qwen3tts

import (
	"slices"
	"testing"

	"ttsui/internal/testkit"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// A model of each kind warms up, computes something by that, and speaks afterwards as if it had not.
func TestWarmUp(t *testing.T) {
	for checkpoint, id := range map[string]string{"base": "b1_xvec_auto_streamtext", "custom_voice": "c1_ryan_english", "voice_design": "v1_auto_instruct_eos"} {
		t.Run(checkpoint, func(t *testing.T) {
			m := loadTiny(t, testkit.Golden("checkpoints", checkpoint))
			u := goldenCases(t, "ref_torch")[id].request(t)
			cold, _ := generate(t, m, u)
			forgetAll(t, m)
			live, before := mlx.Live(), mlx.Evaluations()
			if err := m.WarmUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := mlx.Live() - live; n != 0 || mlx.Evaluations() < before+3 { // prompt, frame and sound
				t.Errorf("%d arrays left behind by %d evaluations", n, mlx.Evaluations()-before)
			}
			if warm, r := generate(t, m, u); !slices.Equal(warm, cold) || r.ReusedRows > 0 || r.ReusedReference {
				t.Errorf("it speaks otherwise, with %+v", r)
			}
		})
	}
}

// A model without speakers, which no checkpoint of its kind is, fails rather than panics.
func TestWarmUpWithoutSpeakers(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "custom_voice"))
	m.cfg.Talker.Speakers = nil
	if err := m.WarmUp(t.Context()); tts.CodeOf(err) != tts.CodeInvalid {
		t.Errorf("got %v", err)
	}
}
