package qwen3tts

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"os"
	"slices"
	"testing"

	"ttsui/internal/safetensors"
	"ttsui/internal/testkit"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// goldenCase is a call of the official package, as cases.json has it.
type goldenCase struct {
	Mode       string   `json:"mode"`
	Checkpoint string   `json:"checkpoint"`
	Text       string   `json:"text"`
	Language   string   `json:"language"`
	Speaker    string   `json:"speaker"`
	Instruct   string   `json:"instruct"`
	XVec       bool     `json:"xvec"`
	RefText    string   `json:"ref_text"`
	NSM        bool     `json:"nsm"`
	RP         *float64 `json:"rp"`
	Frames     int      `json:"frames"`
	EOS        bool     `json:"stopped_by_eos"`
}

func goldenCases(t *testing.T, folder string) map[string]goldenCase {
	t.Helper()
	text, err := os.ReadFile(testkit.Golden(folder, "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]goldenCase
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for id, c := range all {
		if c.Mode == "" || c.Text == "" { // a note, not a call
			delete(all, id)
		}
	}
	if len(all) == 0 {
		t.Fatal("no cases")
	}
	return all
}

// request is the case as we are asked: greedy, with the reference clip's samples.
func (c goldenCase) request(t *testing.T) tts.Utterance {
	greedy, frames := 0.0, 16
	u := tts.Utterance{Request: tts.Request{
		Mode: map[string]tts.Mode{"clone": tts.Clone, "custom": tts.Control, "design": tts.Design}[c.Mode],
		Text: c.Text, Language: c.Language, Speaker: c.Speaker, Instruct: c.Instruct, RefText: c.RefText,
		Sampling: tts.Sampling{Temperature: &greedy, MaxFrames: &frames, NonStreamingMode: &c.NSM, RepetitionPenalty: c.RP},
	}}
	if u.Mode == tts.Clone {
		u.Reference = goldenFloats(t, testkit.Golden("ref_torch", "clip.safetensors"), "wave")
	}
	return u
}

func goldenFile(t *testing.T, path string) *safetensors.File {
	t.Helper()
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func goldenFloats(t *testing.T, path, name string) []float32 {
	t.Helper()
	x, err := goldenFile(t, path).Float32s(name)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// loadTiny loads a checkpoint in float32, the type of all golden data.
func loadTiny(t *testing.T, dir string) *Model {
	t.Helper()
	return loadTinyIn(t, Float32, dir)
}

func loadTinyIn(t *testing.T, dtype DType, dir string) *Model {
	t.Helper()
	live := mlx.Live()
	m, err := NewLoader(testkit.Thread(t), DTypes{Model: dtype}).Load(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if n := mlx.Live() - live; n != 0 {
			t.Errorf("%d arrays left behind", n)
		}
	})
	return m
}

// memorySink keeps the samples.
type memorySink struct{ pcm []float32 }

func (s *memorySink) WriteSamples(pcm []float32) error {
	s.pcm = append(s.pcm, pcm...)
	return nil
}

// trace collects what a generation shows its tap, and the frames.
type trace struct {
	memorySink
	seen   map[string][][]float32
	result tts.Result
}

func traceGeneration(t *testing.T, m *Model, u tts.Utterance) *trace {
	t.Helper()
	tr := &trace{seen: map[string][][]float32{}}
	g := m.newGeneration(context.Background(), []tts.Line{{Utterance: u, Sink: tr}}, func(tts.Progress) {})
	g.tap = func(name string, a mlx.Array) {
		s := mlx.NewScope()
		tr.seen[name] = append(tr.seen[name], s.ReadFloats(a))
		if err := s.Close(); err != nil {
			t.Error(name, err)
		}
	}
	made, err := g.finish()
	if err != nil {
		t.Fatal(err)
	}
	tr.result = made[0]
	return tr
}

// near compares with the largest absolute difference allowed.
func near(t *testing.T, what string, got, want []float32, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	worst := 0.0
	for i := range got {
		worst = max(worst, math.Abs(float64(got[i])-float64(want[i])))
	}
	if !(worst <= tol) {
		t.Errorf("%s: off by %.2e, allowed %.0e", what, worst, tol)
	}
}

// Every greedy case of the official package: the same prompt, the same codes, the same sound.
func TestOfficialPackage(t *testing.T) {
	cases := goldenCases(t, "ref_torch")
	for _, checkpoint := range []string{"base", "custom_voice", "voice_design"} {
		t.Run(checkpoint, func(t *testing.T) {
			m := loadTiny(t, testkit.Golden("checkpoints", checkpoint))
			for _, id := range slices.Sorted(maps.Keys(cases)) {
				if c := cases[id]; c.Checkpoint == checkpoint {
					t.Run(id, func(t *testing.T) { compareWithOfficial(t, m, id, c) })
				}
			}
		})
	}
}

// The layout of the official repositories differs in the axes of the speaker encoder and has no index.
func TestOfficialLayout(t *testing.T) {
	m := loadTiny(t, testkit.OfficialLayout(t, testkit.Golden("checkpoints", "base")))
	for _, id := range []string{"b1_xvec_auto_streamtext", "b3_icl_streamtext_longtext"} {
		t.Run(id, func(t *testing.T) { compareWithOfficial(t, m, id, goldenCases(t, "ref_torch")[id]) })
	}
}

// 16 bits, which users run, can't repeat the codes, but they start from the same prompt and the same logits but for their
// rounding: bfloat16's 8 bits of mantissa are 0.4 %, of which a few layers make less than 2 %; float16 has 11.
func TestSixteenBitsAreNearFloat32(t *testing.T) {
	for dtype, most := range map[DType]float64{BFloat16: 0.02, Float16: 0.02 / 8} {
		t.Run(string(dtype), func(t *testing.T) { testNearFloat32(t, dtype, most) })
	}
}

func testNearFloat32(t *testing.T, dtype DType, most float64) {
	for checkpoint, id := range map[string]string{"base": "b5_icl_fulltext_rp105", "custom_voice": "c1_ryan_english", "voice_design": "v1_auto_instruct_eos"} {
		t.Run(checkpoint, func(t *testing.T) {
			m := loadTinyIn(t, dtype, testkit.Golden("checkpoints", checkpoint))
			tr := traceGeneration(t, m, goldenCases(t, "ref_torch")[id].request(t))
			path := testkit.Golden("ref_torch", id+".safetensors")
			for what, pair := range map[string][2][]float32{
				"prefill":       {tr.seen["prefill"][0], goldenFloats(t, path, "prefill_embeds")},
				"first logits":  {tr.seen["talker.logits"][0], goldenFloats(t, path, "talker_logits_first2")[:m.cfg.Talker.VocabSize]},
				"first hiddens": {tr.seen["talker.hidden"][0], goldenFloats(t, path, "talker_hidden")[:m.cfg.Talker.HiddenSize]},
			} {
				if rms := relativeRMS(pair[0], pair[1]); !(rms < most) {
					t.Errorf("%s: %.2f %% off", what, 100*rms)
				}
			}
		})
	}
}

// relativeRMS is the size of the difference by the size of what is wanted.
func relativeRMS(got, want []float32) float64 {
	var off, all float64
	for i := range want {
		d := float64(got[i]) - float64(want[i])
		off += d * d
		all += float64(want[i]) * float64(want[i])
	}
	return math.Sqrt(off / all)
}

func compareWithOfficial(t *testing.T, m *Model, id string, c goldenCase) {
	path := testkit.Golden("ref_torch", id+".safetensors")
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	want := func(name string) []float32 { return goldenFloats(t, path, name) }
	tr := traceGeneration(t, m, c.request(t))

	near(t, "prefill", tr.seen["prefill"][0], want("prefill_embeds"), 1e-5)
	near(t, "trailing text", tr.seen["trailing"][0], want("trailing_text_hidden"), 1e-5)
	near(t, "pad", tr.seen["pad"][0], want("tts_pad_embed"), 1e-5)
	near(t, "talker logits", slices.Concat(tr.seen["talker.logits"][:2]...), want("talker_logits_first2"), 1e-3)
	near(t, "talker hidden", slices.Concat(tr.seen["talker.hidden"]...), want("talker_hidden"), 1e-3)
	near(t, "predictor logits", slices.Concat(tr.seen["predictor.logits"][:15]...), want("code_predictor_logits_first"), 1e-3)

	file := goldenFile(t, path)
	codes, err := file.Int32s("codes")
	if err != nil {
		t.Fatal(err)
	}
	if got := integers(tr.seen["frame"][:tr.result.Frames]); !slices.Equal(got, codes) {
		t.Errorf("codes differ:\n got %v\nwant %v", got, codes)
	}
	tokens, err := file.Int32s("sampled_tokens")
	if err != nil {
		t.Fatal(err)
	}
	if drawn := integers(tr.seen["talker.token"]); !slices.Equal(drawn, tokens) {
		t.Errorf("first codes drawn %v, want %v", drawn, tokens)
	}
	if tr.result.Frames != c.Frames || tr.result.Truncated == c.EOS {
		t.Errorf("%d frames, truncated %v; want %d, %v", tr.result.Frames, tr.result.Truncated, c.Frames, !c.EOS)
	}
	near(t, "wave", tr.pcm, officialWave(want("wave"), len(tr.pcm)), 1e-5)
}

// officialWave allows for the official cut of a cloned wave, which loses one sample for some lengths by rounding.
func officialWave(wave []float32, n int) []float32 {
	if len(wave) == n+1 {
		return wave[1:]
	}
	return wave
}

func integers(rows [][]float32) []int32 {
	var all []int32
	for _, x := range slices.Concat(rows...) {
		all = append(all, int32(x))
	}
	return all
}
