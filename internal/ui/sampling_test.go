package ui

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttsui/internal/tts"
)

func TestSampling(t *testing.T) {
	for _, c := range []struct {
		key  SamplingKey
		text string
		want string // as JSON, "" for a problem
	}{
		{SamplingTemperature, "", `{}`},
		{SamplingTemperature, "  ", `{}`},
		{SamplingTemperature, "0", `{"temperature":0}`},
		{SamplingTemperature, " 0,7 ", `{"temperature":0.7}`},
		{SamplingTemperature, "5", `{"temperature":5}`},
		{SamplingTemperature, "5.01", ""},
		{SamplingTemperature, "-0.1", ""},
		{SamplingTemperature, "NaN", ""},
		{SamplingTemperature, "warm", ""},
		{SamplingTopK, "0", `{"top_k":0}`},
		{SamplingTopK, "20", `{"top_k":20}`},
		{SamplingTopK, "-1", ""},
		{SamplingTopK, "2.5", ""},
		{SamplingTopP, "1", `{"top_p":1}`},
		{SamplingTopP, "0", ""},
		{SamplingTopP, "1.1", ""},
		{SamplingPenalty, "1", `{"repetition_penalty":1}`},
		{SamplingPenalty, "10.5", ""},
		{SamplingPenalty, "0.9", ""},
		{SamplingSeed, "0", `{"seed":0}`},
		{SamplingSeed, "18446744073709551615", `{"seed":18446744073709551615}`},
		{SamplingSeed, "18446744073709551616", ""},
		{SamplingSeed, "-1", ""},
		{SamplingLongest, "1", `{"max_frames":13}`},
		{SamplingLongest, "0.08", `{"max_frames":1}`},
		{SamplingLongest, "1310", `{"max_frames":16375}`},
		{SamplingLongest, "1311", ""},
		{SamplingLongest, "0", ""},
		{SamplingLongest, "-3", ""},
		{SamplingLongest, "1e300", ""},
	} {
		f := newSamplingForm()
		f.edit(c.key, c.text)
		s, problem := f.sampling()
		shown := ""
		for _, v := range f.show().List {
			shown += v.Field.Problem
		}
		got, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if (problem != "") != (c.want == "") || (shown != "") != (c.want == "") || c.want != "" && string(got) != c.want {
			t.Errorf("%s %q: %s, %q, %q", c.key, c.text, got, problem, shown)
		}
		again := newSamplingForm()
		again.fill(s)
		if back, _ := again.sampling(); problem == "" && cmp.Diff(s, back) != "" {
			t.Errorf("%s %q comes back as %+v", c.key, c.text, back)
		}
	}
}

func TestSamplingPanel(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		s := w.ready()
		if p := s.Control.Sampling; p.Toggle != (Disclosure{"Sampling", false}) || p.Reset.Enabled || len(p.List) != 6 || p.List[0].Limits != "0.9 (0 to 5)" {
			t.Errorf("%+v", p)
		}
		w.EditSampling(tts.Control, SamplingTemperature, "9")
		s = w.see()
		if p := s.Control.Sampling; p.Toggle != (Disclosure{"Sampling (1 changed)", true}) || p.List[0].Field.Problem != "Use a number from 0, always the likeliest, to 5." {
			t.Errorf("%+v", p)
		}
		if b := s.Control.Generate; b.Enabled || b.Tooltip != `Temperature can't be "9"` || !s.Design.Generate.Enabled {
			t.Errorf("%+v", b)
		}
		w.EditSampling(tts.Control, SamplingTemperature, "0.5")
		w.EditSampling(tts.Control, SamplingSeed, "42")
		w.ToggleSampling(tts.Control)
		for _, mode := range []tts.Mode{tts.Control, tts.Design} {
			w.Generate(mode)
			w.see()
		}
		half, seed := 0.5, uint64(42)
		for i, want := range []tts.Sampling{{Temperature: &half, Seed: &seed}, {}} {
			if diff := cmp.Diff(want, w.server.requests[i].Sampling); diff != "" {
				t.Error(diff)
			}
		}
		s = w.reopen()
		if p := s.Control.Sampling; p.Toggle != (Disclosure{"Sampling (2 changed)", true}) || p.List[4].Field.Text != "42" || p.List[4].Field.Rev != 1 || s.Design.Sampling.Toggle.Open {
			t.Errorf("after a restart: %+v", p)
		}
		w.ResetSampling(tts.Control)
		if p := w.see().Control.Sampling; p.Toggle.Title != "Sampling" || p.List[4].Field.Text != "" || p.List[4].Field.Rev != 2 {
			t.Errorf("reset: %+v", p)
		}
	})
}

func TestKeepSeed(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		speaking(w)
		if b := w.see().Control.KeepSeed; b.Title != "" {
			t.Errorf("without a result: %+v", b)
		}
		if s := say(w, "one"); s.Control.Result.Seed != "1" || !s.Control.KeepSeed.Enabled {
			t.Errorf("%+v, %+v", s.Control.Result, s.Control.KeepSeed)
		}
		w.KeepSeed(tts.Control)
		if s := say(w, "two"); s.Control.Result.Seed != "1" || s.Control.KeepSeed.Enabled || s.Control.Sampling.List[4].Field.Text != "1" {
			t.Errorf("%+v, %+v", s.Control.Result, s.Control.Sampling)
		}
	})
}
