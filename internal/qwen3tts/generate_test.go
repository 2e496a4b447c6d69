package qwen3tts

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"ttsui/internal/testkit"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// control is a request to the tiny CustomVoice model.
func control(text string) tts.Utterance {
	frames := 6
	return tts.Utterance{Request: tts.Request{Mode: tts.Control, Text: text, Speaker: "Ryan", Sampling: tts.Sampling{MaxFrames: &frames}}}
}

func generate(t *testing.T, m *Model, u tts.Utterance) ([]float32, tts.Result) {
	t.Helper()
	var sink memorySink
	made, err := m.Generate(t.Context(), []tts.Line{{Utterance: u, Sink: &sink}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sink.pcm, made[0]
}

// prefill gives the rows of a request's prompt.
func prefill(t *testing.T, m *Model, u tts.Utterance) []float32 {
	t.Helper()
	return traceGeneration(t, m, u).seen["prefill"][0]
}

// The small CustomVoice model drops the instruct, as the official package does.
func TestSmallModelDropsInstruct(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "custom_voice"))
	c := goldenCases(t, "ref_torch")["c5_eric_english_nodialect"]
	var notes map[string]struct {
		Codes [][]int32 `json:"codes"`
	}
	text, err := os.ReadFile(testkit.Golden("ref_torch", "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal(text, &notes) // the calls beside the note have no codes
	want := notes["c5_as_0b6"].Codes
	if len(want) != 16 {
		t.Fatal("no note")
	}
	m.cfg.Size = "0b6"
	tr := traceGeneration(t, m, c.request(t))
	if got := integers(tr.seen["frame"][:tr.result.Frames]); !slices.Equal(got, slices.Concat(want...)) {
		t.Errorf("codes differ:\n got %v\nwant %v", got, want)
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "custom_voice"))
	seed := uint64(7)
	u := control("Hello world.")
	u.Sampling.Seed = &seed
	a, r := generate(t, m, u)
	b, _ := generate(t, m, u)
	if !slices.Equal(a, b) || r.Seed != seed {
		t.Error("the same seed gave other samples")
	}
	u.Sampling.Seed = nil
	c, r := generate(t, m, u)
	if slices.Equal(a, c) {
		t.Error("another seed gave the same samples")
	}
	u.Sampling.Seed = &r.Seed
	if d, _ := generate(t, m, u); !slices.Equal(c, d) {
		t.Error("the seed that was told does not make the take again")
	}
}

// Added tokens in a text are spoken, not obeyed: they are as many rows as their characters need, and no special id is
// among them.
func TestTextIsNeverTemplate(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "custom_voice"))
	width := m.cfg.Talker.HiddenSize
	plain := len(prefill(t, m, control("a"))) / width
	for _, text := range []string{"<|im_end|>", "<tts_pad>", "<|im_start|>user\n"} {
		want := plain - 1 + len(m.tokenizer.Encode(strings.TrimSpace(text)))
		if rows := len(prefill(t, m, control(text))) / width; rows != want || rows < plain+3 {
			t.Errorf("%q makes %d rows, want %d", text, rows, want)
		}
	}
}

// White space around a text does not reach the model, where it would join the template's line break; lines inside do.
func TestLines(t *testing.T) {
	for name, tt := range map[string]struct {
		checkpoint string
		id         string
		field      func(u *tts.Utterance) *string
	}{
		"text":       {"custom_voice", "c1_ryan_english", func(u *tts.Utterance) *string { return &u.Text }},
		"instruct":   {"voice_design", "v4_streamtext", func(u *tts.Utterance) *string { return &u.Instruct }},
		"transcript": {"base", "b4_icl_streamtext_shorttext", func(u *tts.Utterance) *string { return &u.RefText }},
	} {
		t.Run(name, func(t *testing.T) {
			m := loadTiny(t, testkit.Golden("checkpoints", tt.checkpoint))
			rows := func(text string) []float32 {
				u := goldenCases(t, "ref_torch")[tt.id].request(t)
				frames, full := 1, true
				u.Sampling.MaxFrames, u.Sampling.NonStreamingMode = &frames, &full
				*tt.field(&u) = text
				return prefill(t, m, u)
			}
			clean := rows("One.\nTwo.")
			if !slices.Equal(clean, rows("\n\n One.\nTwo. \n")) {
				t.Error("white space around it changed the prompt")
			}
			if one := rows("One."); len(clean) < len(one)+3*m.cfg.Talker.HiddenSize {
				t.Error("the second line is missing")
			}
		})
	}
}

// How text is fed when the caller leaves it open is the official package's choice: as it is spoken for a clone, all of
// it at first for the other modes.
func TestDefaultFeeding(t *testing.T) {
	for checkpoint, tt := range map[string]struct {
		id   string
		full bool
	}{
		"base":         {"b5_icl_fulltext_rp105", false},
		"custom_voice": {"c6_serena_streamtext", true},
		"voice_design": {"v4_streamtext", true},
	} {
		t.Run(checkpoint, func(t *testing.T) {
			m := loadTiny(t, testkit.Golden("checkpoints", checkpoint))
			rows := func(full *bool) []float32 {
				u := goldenCases(t, "ref_torch")[tt.id].request(t)
				frames := 1
				u.Sampling.MaxFrames, u.Sampling.NonStreamingMode = &frames, full
				return prefill(t, m, u)
			}
			other := !tt.full
			if left := rows(nil); !slices.Equal(left, rows(&tt.full)) || slices.Equal(left, rows(&other)) {
				t.Errorf("without a wish the prompt is not that of non_streaming_mode %v", tt.full)
			}
		})
	}
}

func TestLanguagesAndDialects(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "custom_voice"))
	seen := map[string]string{}
	for _, lang := range append(tts.Languages(), tts.LanguageAuto) {
		u := control("Hi.")
		u.Language = lang
		key := string(float32Bytes(prefill(t, m, u)))
		if other, ok := seen[key]; ok {
			t.Errorf("%s and %s have the same prompt", lang, other)
		}
		seen[key] = lang
	}
	same := func(speaker, a, b string) bool {
		ua, ub := control("Hi."), control("Hi.")
		ua.Speaker, ua.Language, ub.Speaker, ub.Language = speaker, a, speaker, b
		return slices.Equal(prefill(t, m, ua), prefill(t, m, ub))
	}
	for _, speaker := range []string{"Dylan", "Eric"} {
		if !same(speaker, "Chinese", "auto") {
			t.Errorf("%s speaks Chinese and Auto differently: both are his dialect", speaker)
		}
	}
	if same("Vivian", "Chinese", "Auto") {
		t.Error("Vivian has no dialect, but Chinese and Auto are the same")
	}
}

func float32Bytes(x []float32) (b []byte) {
	for _, v := range x {
		b = append(b, byte(int32(v*1e4)), byte(int32(v*1e4)>>8))
	}
	return b
}

func TestRefusals(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "custom_voice"))
	m.cfg.Talker.MaxPositions = 40
	for name, tt := range map[string]struct {
		change func(u *tts.Utterance)
		want   tts.Code
		words  string
	}{
		"another mode":     {func(u *tts.Utterance) { u.Mode = tts.Design }, tts.CodeInvalid, "is a model for control"},
		"no such speaker":  {func(u *tts.Utterance) { u.Speaker = "Nobody" }, tts.CodeInvalid, "no speaker"},
		"no such language": {func(u *tts.Utterance) { u.Language = "Latin" }, tts.CodeInvalid, "does not speak"},
		"too long":         {func(u *tts.Utterance) { u.Text = strings.Repeat("word ", 40) }, tts.CodeInvalid, "positions"},
	} {
		t.Run(name, func(t *testing.T) {
			u := control("Hello.")
			tt.change(&u)
			var sink memorySink
			_, err := m.Generate(t.Context(), []tts.Line{{Utterance: u, Sink: &sink}}, nil, nil)
			if tts.CodeOf(err) != tt.want || !strings.Contains(err.Error(), tt.words) || tts.HintOf(err) == "" || len(sink.pcm) > 0 {
				t.Errorf("got %v (%s), %d samples", err, tts.CodeOf(err), len(sink.pcm))
			}
		})
	}
}

// A limit beyond the model's positions is cut to the room that the prompt leaves.
func TestFramesFitTheContext(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "custom_voice"))
	u := control("Hello world.")
	rows := len(prefill(t, m, u)) / m.cfg.Talker.HiddenSize
	for room, want := range map[int]int{1: 1, 3: 3, 100: *u.Sampling.MaxFrames} {
		m.cfg.Talker.MaxPositions = rows + room
		if _, r := generate(t, m, u); r.Frames != want || !r.Truncated {
			t.Errorf("%d positions are left: %d frames, truncated %v; want %d", room, r.Frames, r.Truncated, want)
		}
	}
}

// The speech can't end with its first or its second draw, however likely that is; with the third it can.
func TestMinimumOfDraws(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "custom_voice"))
	u := goldenCases(t, "ref_torch")["c6_serena_streamtext"].request(t)
	best := integers(traceGeneration(t, m, u).seen["talker.token"])[:3]
	if best[0] == best[1] || best[1] == best[2] || best[0] == best[2] {
		t.Fatalf("the first draws %v tell nothing: they have to differ", best)
	}
	for draw, id := range best {
		m.cfg.Talker.CodecEos = int(id) // so that the end is the best logit of this draw
		_, r := generate(t, m, u)
		if ended := r.Frames == 2 && !r.Truncated; r.Frames < 2 || draw == 2 && !ended {
			t.Errorf("the end is the best of draw %d: %d frames, truncated %v", draw, r.Frames, r.Truncated)
		}
	}
}

// The end of the context ends a generation within a frame and leaves the model usable.
func TestCancel(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "custom_voice"))
	u := control("Hello world.")
	frames := 100
	u.Sampling.MaxFrames = &frames
	generate(t, m, control("Hello world.")) // after it, the prompt is remembered
	live := mlx.Live()
	for _, at := range []int{0, 1, 3, 5} { // at 3, sound is on its way
		ctx, cancel := context.WithCancel(t.Context())
		last := 0
		var sink memorySink
		made, err := m.Generate(ctx, []tts.Line{{Utterance: u, Sink: &sink}}, func(p tts.Progress) {
			if last = p.Frames; p.Frames >= at {
				cancel()
			}
		}, nil)
		if frames := made[0].Frames; tts.CodeOf(err) != tts.CodeCanceled || frames != last || last > at {
			t.Errorf("canceled at frame %d: %v after %d frames", at, err, frames)
		}
		if n := mlx.Live() - live; n != 0 {
			t.Errorf("%d arrays left behind", n)
		}
	}
	if _, r := generate(t, m, control("Again.")); r.Frames == 0 {
		t.Error("the model speaks no more")
	}
}

// Everything that a frame of all lines needs, the sampling of its sixteen codes included, is computed in one go: waiting for MLX
// costs more than most of its operations.
func TestOneEvaluationAFrame(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "custom_voice"))
	for _, temperature := range []float64{0, 0.9} {
		u := control("Hello world.")
		u.Sampling.Temperature = &temperature
		line := tts.Line{Utterance: u, Sink: &memorySink{}}
		g := m.newGeneration(t.Context(), []tts.Line{line, line, line}, func(tts.Progress) {})
		if err := g.step(g.prepare); err != nil {
			t.Fatal(err)
		}
		for _, r := range g.rows {
			if err := g.step(func(s *mlx.Scope) error { return g.prefill(s, r) }); err != nil {
				t.Fatal(err)
			}
		}
		for frame := range 5 {
			before := mlx.Evaluations()
			if err := g.step(g.frame); err != nil {
				t.Fatal(err)
			}
			if n := mlx.Evaluations() - before; n != 1 {
				t.Errorf("temperature %v, frame %d: %d evaluations", temperature, frame, n)
			}
		}
		if err := g.do(t.Context(), g.free); err != nil {
			t.Fatal(err)
		}
	}
}

// A talker of more frames than a cache block, decoded in growing chunks, has a sample for each.
func TestLongerThanACacheBlock(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "custom_voice"))
	u := control("Hello world.")
	frames := cacheBlock + 20
	u.Sampling.MaxFrames = &frames
	pcm, r := generate(t, m, u)
	if r.Frames != frames || len(pcm) != frames*tts.FrameSamples || !r.Truncated {
		t.Errorf("%d frames, %d samples, truncated %v", r.Frames, len(pcm), r.Truncated)
	}
}
