package ui

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttsui/internal/tts"
)

// names are what the takes of a tab are called, and which of them is chosen.
func names(s TakesPanel) (list []string, chosen int) {
	chosen = -1
	for i, take := range s.List {
		list = append(list, take.Button.Title+" "+take.Name)
		if take.Chosen {
			chosen = i
		}
	}
	return list, chosen
}

// TestTakes: several takes of a text are beside each other; each is heard, marked, saved and kept the seed of by itself.
func TestTakes(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		var copied string
		w.copies = func(from, _ string) error { copied = from; return nil }
		w.ready()
		w.SelectTab(tts.Control)
		say(w, "alone")
		w.EditText(tts.Control, "Hello")
		w.EditSampling(tts.Control, SamplingSeed, "7")
		w.EditSampling(tts.Control, SamplingTakes, "3")
		if s := w.see(); s.Control.Generate.Title != "Generate 3 Takes" || s.Control.Takes.Title != "" || s.Control.Sampling.Toggle.Title != "Sampling (2 changed)" || s.Design.Generate.Title != "Generate" {
			t.Errorf("%+v, %+v", s.Control.Generate, s.Control.Takes)
		}
		release, generate := make(chan struct{}), w.server.generate
		w.server.generate = func(ctx context.Context, req tts.Request) (tts.Result, error) {
			<-release
			return generate(ctx, req)
		}
		w.Generate(tts.Control)
		w.see()
		req := w.server.requests[1]
		req.Watch(tts.Job{State: tts.JobRunning, Stage: tts.StageFrames, AudioSeconds: 3.2})
		if s := w.see(); req.Takes != 3 || s.Control.Progress != "3 takes · 3.2 s of speech" || s.Control.ProgressBar.Visible {
			t.Errorf("%d takes, %q", req.Takes, s.Control.Progress)
		}
		release <- struct{}{}
		expect := func(s Snapshot, chosen int, path, seed string, want ...string) {
			t.Helper()
			got, at := names(s.Control.Takes)
			if diff := cmp.Diff(want, got); diff != "" || at != chosen || s.Control.Result == nil || s.Control.Result.Path != path || s.Player.Path != path || s.Control.Result.Seed != seed {
				t.Errorf("%s: %d is chosen, %+v", diff, at, s.Control.Result)
			}
		}
		s := w.see()
		expect(s, 0, "/control/generated/2.wav", "7", "1 Take 1", "2 Take 2", "3 Take 3")
		if list, chosen := texts(s.Control.History); !slices.Equal(list, []string{"Take 3: Hello 0:12", "Take 2: Hello 0:12", "Take 1: Hello 0:12", "alone 0:12"}) || chosen != 2 ||
			!strings.HasPrefix(s.Control.History.Details, "Take 1 · Seed 7 ·") {
			t.Errorf("%q, %d, %s", list, chosen, s.Control.History.Details)
		}
		w.ChooseResult(tts.Control, s.Control.Takes.List[1].ID)
		w.StarResult(tts.Control)
		w.KeepSeed(tts.Control)
		w.SaveAs(tts.Control, "/b.wav")
		s = w.see()
		expect(s, 1, "/control/generated/2-2.wav", "8", "1 Take 1", "★ 2 Take 2, starred", "3 Take 3")
		if s.Control.Sampling.List[4].Field.Text != "8" || copied != "/control/generated/2-2.wav" || s.Control.Takes.Star.Title != "Unstar" {
			t.Errorf("%+v, %s, %+v", s.Control.Sampling.List[4], copied, s.Control.Takes.Star)
		}
		w.ChooseResult(tts.Control, s.Control.History.List[3].ID)
		if s = w.see(); s.Control.Takes.Title != "" {
			t.Errorf("of one take: %+v", s.Control.Takes)
		}
		s = w.reopen()
		w.SelectTab(tts.Control)
		if s.Control.Generate.Title != "Generate 3 Takes" {
			t.Errorf("after a restart: %+v", s.Control.Generate)
		}
		w.ChooseResult(tts.Control, s.Control.History.List[0].ID)
		expect(w.see(), 2, "/control/generated/2-3.wav", "9", "1 Take 1", "★ 2 Take 2, starred", "3 Take 3")
		w.TrashResult(tts.Control)
		w.ChooseResult(tts.Control, s.Control.History.List[1].ID)
		expect(w.see(), 1, "/control/generated/2-2.wav", "8", "1 Take 1", "★ 2 Take 2, starred")
		w.ResetSampling(tts.Control)
		if s = w.see(); s.Control.Generate.Title != "Generate" || s.Control.Sampling.Takes.Chosen != "" || s.Control.Sampling.Reset.Enabled {
			t.Errorf("reset: %+v", s.Control.Sampling)
		}
	})
}

// TestFreezeAPastTake: what becomes a voice is the take that is chosen, with its own text.
func TestFreezeAPastTake(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		w.EditSampling(tts.Control, SamplingTakes, "2")
		w.ChooseSpeaker("Eric")
		takes := say(w, "the takes").Control.Takes
		w.EditSampling(tts.Control, SamplingTakes, "")
		w.ChooseSpeaker("Ryan")
		say(w, "another")
		w.ChooseResult(tts.Control, takes.List[1].ID)
		w.Freeze(tts.Control)
		s := w.see()
		if f := s.VoiceForm; f == nil || f.Name.Text != "Eric" || f.File != "1-2.wav" {
			t.Fatalf("%+v", f)
		}
		var saved tts.NewVoice
		w.server.save = func(_ context.Context, v tts.NewVoice) (tts.Voice, error) { saved = v; return w.server.keep(v), nil }
		w.SubmitVoice()
		w.see()
		if saved.RefText != "the takes" {
			t.Errorf("%+v", saved)
		}
	})
}

// TestTakesOfALongText: there is one take of a text in segments, which the window tells before it is tried.
func TestTakesOfALongText(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		for _, c := range []struct {
			takes, long string
			fits        bool
		}{{"2", "on", false}, {"", "on", true}, {"2", "off", true}, {"8", "", true}, {"2", "never", true}, {"99", "on", true}} {
			w.ResetSampling(tts.Design)
			w.EditSampling(tts.Design, SamplingTakes, c.takes)
			w.EditSampling(tts.Design, SamplingLongText, c.long)
			b := w.see().Design.Generate
			if b.Enabled != c.fits || !c.fits && b.Tooltip != "A text in segments has one take: choose “1 take” or “In one piece” under Sampling" {
				t.Errorf("%+v: %+v", c, b)
			}
			if w.Generate(tts.Design); c.fits {
				w.see()
				req := w.server.requests[len(w.server.requests)-1]
				if c.long == "never" {
					c.long = ""
				}
				if string(req.LongText) != c.long || req.Validate() != nil {
					t.Errorf("%+v: %+v", c, req)
				}
			}
		}
	})
}

// TestRunawayTake: of a take that ran away the window tells when that is the one that is heard.
func TestRunawayTake(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		w.server.generate = func(_ context.Context, req tts.Request) (tts.Result, error) {
			res := w.server.spoken(req)
			res.Takes[1].Runaway, res.Runaway = tts.RunawaySilence, tts.RunawaySilence
			return res, nil
		}
		w.EditSampling(tts.Control, SamplingTakes, "2")
		s := say(w, "Hello")
		if s.Control.Result.Note != "" {
			t.Errorf("the first: %+v", s.Control.Result)
		}
		w.ChooseResult(tts.Control, s.Control.Takes.List[1].ID)
		if s = w.see(); s.Control.Result.Note != "It ran on after its text was done, and was cut there. Another seed may do better." {
			t.Errorf("the second: %+v", s.Control.Result)
		}
	})
}
