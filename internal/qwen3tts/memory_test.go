package qwen3tts

import (
	"slices"
	"strings"
	"testing"

	"ttsui/internal/testkit"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// forgetAll makes m as it was when it was loaded.
func forgetAll(t *testing.T, m *Model) {
	t.Helper()
	if err := m.do(t.Context(), m.memory.free); err != nil {
		t.Fatal(err)
	}
}

// What a model remembers, of the same line and of others with the same voice, changes no sample.
func TestRememberedIsTheSame(t *testing.T) {
	for name, tt := range map[string]struct {
		checkpoint, id string
		cloned, head   bool // there is a reference; the rows of the voice are remembered by themselves
	}{
		"speaker vector":  {"base", "b1_xvec_auto_streamtext", true, false},
		"transcript":      {"base", "b3_icl_streamtext_longtext", true, true},
		"transcript, all": {"base", "b5_icl_fulltext_rp105", true, true},
		"speaker":         {"custom_voice", "c1_ryan_english", false, false},
		"description":     {"voice_design", "v1_auto_instruct_eos", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := loadTiny(t, testkit.Golden("checkpoints", tt.checkpoint))
			u := goldenCases(t, "ref_torch")[tt.id].request(t)
			if u.RefText != "" {
				u.RefText = strings.Repeat(u.RefText+" ", 4)
			}
			other := u
			other.Text = "Another text in the same voice."
			fresh, first := generate(t, m, u)
			if first.ReusedRows != 0 || first.ReusedReference || first.PromptRows == 0 {
				t.Errorf("the first generation says %+v", first)
			}
			again, second := generate(t, m, u)
			if !slices.Equal(again, fresh) {
				t.Error("the same line is another when its prompt is remembered")
			}
			if second.ReusedRows != second.PromptRows || second.ReusedReference != tt.cloned {
				t.Errorf("the second generation says %+v", second)
			}
			inVoice, third := generate(t, m, other)
			if third.ReusedReference != tt.cloned || (third.ReusedRows > 0) != tt.head || third.ReusedRows >= third.PromptRows {
				t.Errorf("another text says %+v", third)
			}
			forgetAll(t, m)
			if alone, _ := generate(t, m, other); !slices.Equal(alone, inVoice) {
				t.Error("another text is another when its voice is remembered")
			}
		})
	}
}

// Once a line is remembered, saying it again leaves as many bytes with MLX as there were, arrays of no handle among them.
func TestSpeakingAgainHoldsNothing(t *testing.T) {
	for checkpoint, id := range map[string]string{"base": "b3_icl_streamtext_longtext", "custom_voice": "c1_ryan_english", "voice_design": "v1_auto_instruct_eos"} {
		t.Run(checkpoint, func(t *testing.T) {
			m := loadTiny(t, testkit.Golden("checkpoints", checkpoint))
			u := goldenCases(t, "ref_torch")[id].request(t)
			var first uint64
			for i := range 4 {
				generate(t, m, u)
				// By then, MLX's threads have let go of what they computed with.
				if err := m.do(t.Context(), mlx.ClearCache); err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					first = mlx.Memory().Active
				}
				if now := mlx.Memory().Active; now != first {
					t.Errorf("MLX holds %d bytes after %d generations, %d after one", now, i+1, first)
				}
			}
		})
	}
}

// Whatever differs in voice or text is not taken for the same.
func TestMemoryTellsApart(t *testing.T) {
	clone := goldenCases(t, "ref_torch")["b3_icl_streamtext_longtext"].request(t)
	plain := control("Hello world.")
	full := true
	change := func(u tts.Utterance, f func(*tts.Utterance)) tts.Utterance { f(&u); return u }
	for name, tt := range map[string]struct {
		checkpoint  string
		first, then tts.Utterance
	}{
		"speaker":    {"custom_voice", plain, change(plain, func(u *tts.Utterance) { u.Speaker = "Vivian" })},
		"language":   {"custom_voice", plain, change(plain, func(u *tts.Utterance) { u.Language = "French" })},
		"instruct":   {"custom_voice", plain, change(plain, func(u *tts.Utterance) { u.Instruct = "very happy" })},
		"text":       {"custom_voice", plain, change(plain, func(u *tts.Utterance) { u.Text = "Hello word." })},
		"clip":       {"base", clone, change(clone, func(u *tts.Utterance) { u.Reference = u.Reference[1920:] })},
		"transcript": {"base", clone, change(clone, func(u *tts.Utterance) { u.RefText = "Something else." })},
		"vector":     {"base", clone, change(clone, func(u *tts.Utterance) { u.RefText = "" })},
		"feeding":    {"base", clone, change(clone, func(u *tts.Utterance) { u.Sampling.NonStreamingMode = &full })},
	} {
		t.Run(name, func(t *testing.T) {
			m, seed := loadTiny(t, testkit.Golden("checkpoints", tt.checkpoint)), uint64(1)
			tt.first.Sampling.Seed, tt.then.Sampling.Seed = &seed, &seed
			want, _ := generate(t, m, tt.then)
			forgetAll(t, m)
			generate(t, m, tt.first)
			if got, r := generate(t, m, tt.then); !slices.Equal(got, want) || r.ReusedRows == r.PromptRows {
				t.Errorf("it was taken for the first: %+v", r)
			}
		})
	}
}

// A model remembers no more than it may, and what was used last rather than what was not.
func TestMemoryIsBounded(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "custom_voice"))
	text := func(i int) tts.Utterance { return control(string(rune('a'+i)) + " lot of words to remember.") }
	generate(t, m, text(0))
	each := m.memory.bytes
	m.memory.most = 3*each + each/2
	for i := range 8 {
		generate(t, m, text(i))
		if _, r := generate(t, m, text(0)); r.ReusedRows == 0 {
			t.Errorf("after %d texts the one that is used again and again is forgotten", i+1)
		}
		if b := m.memory.bytes; b > m.memory.most || b < min(i+1, 3)*each {
			t.Errorf("after %d texts it remembers %d bytes of %d", i+1, b, m.memory.most)
		}
	}
	for i, want := range map[int]bool{0: true, 7: true, 5: false} {
		if _, r := generate(t, m, text(i)); (r.ReusedRows > 0) != want {
			t.Errorf("text %d: %d rows remembered, want %v", i, r.ReusedRows, want)
		}
	}
	m.memory.most = each / 2 // nothing fits
	live := mlx.Live()
	forgetAll(t, m)
	if _, r := generate(t, m, text(0)); r.ReusedRows != 0 || len(m.memory.items) != 0 || m.memory.bytes != 0 || mlx.Live() > live {
		t.Errorf("%d things in %d bytes are remembered", len(m.memory.items), m.memory.bytes)
	}
}
