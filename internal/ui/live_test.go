package ui

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"ttsui/internal/history"
	"ttsui/internal/tts"
)

// speaks lets the server make 12 seconds of speech, a second at a time, half a second apart; last is what comes of it.
func (w *window) speaks(last func(tts.Result) (tts.Result, error)) {
	w.server.generate = func(ctx context.Context, req tts.Request) (tts.Result, error) {
		for range 12 {
			select {
			case <-time.After(500 * time.Millisecond):
			case <-ctx.Done():
				return tts.Result{}, ctx.Err()
			}
			if req.Audio != nil {
				if err := req.Audio.WriteSamples(make([]float32, tts.SampleRate)); err != nil {
					return tts.Result{}, err
				}
			}
		}
		return last(tts.Result{OutputPath: req.OutputPath, Samples: 12 * tts.SampleRate, Seed: 7, Segments: make([]tts.Segment, 1)})
	}
}

func fine(res tts.Result) (tts.Result, error) { return res, nil }

// at wants the player to stand there.
func (w *window) at(want string, playing, growing bool) Snapshot {
	w.t.Helper()
	s := w.see()
	if p := s.Player; p.Time != want || p.Playing != playing || p.Growing != growing || !p.Visible {
		w.t.Errorf("%q, playing %t, growing %t; want %q, %t, %t", p.Time, p.Playing, p.Growing, want, playing, growing)
	}
	return s
}

// TestLive: speech is played as it is made, and goes on as the result when it is done.
func TestLive(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		if s := w.ready(); !s.Clone.Live.On || !s.Design.Live.On || s.Clone.Live.Title == "" {
			t.Errorf("at first: %+v", s.Clone.Live)
		}
		w.speaks(fine)
		w.Generate(tts.Clone)
		if s := w.seeAfter(400 * time.Millisecond); s.Player.Visible {
			t.Errorf("before the first sound: %+v", s.Player)
		}
		w.seeAfter(2300 * time.Millisecond) // five pieces are there, and something of the first two was heard
		s := w.at("0:02 / 0:05", true, true)
		if p := s.Player; !p.Play.Enabled || p.Play.Title != "Pause" || p.Path != "" || p.Name != "1.wav" || len(p.Peaks) != peakCount ||
			s.Menu.Reveal.Enabled || s.Clone.SaveAs.Enabled || s.Clone.Result != nil || !s.Clone.Stop.Enabled {
			t.Errorf("while it is made: %+v, %+v", p, s.Menu)
		}
		w.Forward()
		w.at("0:05 / 0:05 · waiting", true, true)
		w.Seek(time.Second)
		w.PlayPause()
		w.seeAfter(time.Second)
		w.at("0:01 / 0:07", false, true) // it grows while it doesn't play
		w.PlayPause()
		_, before := w.player.opened()
		w.seeAfter(3 * time.Second)
		s = w.at("0:04 / 0:12", true, false)
		if _, clip := w.player.opened(); clip != before || s.Player.Peaks[0] != 0.12 {
			t.Errorf("another clip %t, the picture of %v", clip != before, s.Player.Peaks[0])
		}
		if s.Clone.Result == nil || s.Player.Path != s.Clone.Result.Path || !s.Menu.Reveal.Enabled || s.Clone.History.Chosen == "" {
			t.Errorf("made: %+v, %+v", s.Player, s.Clone.Result)
		}
		w.seeAfter(9 * time.Second)
		w.at("0:00 / 0:12", false, false)
		if n, _ := w.player.opened(); n != 1 || len(lines(s.Log)) != 0 {
			t.Errorf("%d clips are open; the log: %q", n, lines(s.Log))
		}
	})
}

// TestLiveIsOff: who wants to hear only what is done hears it only then, also the next time; several takes, and what is
// spoken into a result, are not played anyway.
func TestLiveIsOff(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		heard := false
		w.server.generate = func(_ context.Context, req tts.Request) (tts.Result, error) {
			heard = req.Audio != nil
			return tts.Result{OutputPath: req.OutputPath}, nil
		}
		for _, change := range []func(*tts.Request){func(r *tts.Request) { r.Takes = 2 }, func(r *tts.Request) { r.Splice = &tts.Splice{} }, func(*tts.Request) {}} {
			w.do(func(c *core) {
				req := c.tabs[tts.Control].request(custom)
				change(&req)
				c.speak(c.tabs[tts.Control], req)
			})
			w.see()
			if req := w.server.requests[len(w.server.requests)-1]; heard != (req.Takes == 0 && req.Splice == nil) {
				t.Errorf("heard %t: %+v", heard, req)
			}
		}
		w.CheckLive(false)
		if s := w.see(); s.Clone.Live.On || s.Control.Live.On {
			t.Errorf("%+v", s.Clone.Live)
		}
		w.Generate(tts.Clone)
		if w.see(); heard {
			t.Error("it is heard all the same")
		}
		if s := w.reopen(); s.Clone.Live.On {
			t.Error("it is forgotten")
		}
	})
}

// TestLiveEnds: where nothing comes of speech that was played, the tab has what it had before, and it is told how often
// the sound waited.
func TestLiveEnds(t *testing.T) {
	for name, c := range map[string]struct {
		failing error
		end     func(*window)
		problem bool
	}{
		"stopped":   {nil, func(w *window) { w.Stop(tts.Clone) }, false},
		"failed":    {errGone, func(*window) {}, true},
		"restarted": {nil, func(w *window) { w.RestartServer(); w.AnswerAlert(w.see().Alert.ID, 0) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *window) {
				w.ready()
				w.Generate(tts.Clone)
				before := w.see()
				w.speaks(func(tts.Result) (tts.Result, error) { return tts.Result{}, c.failing })
				w.Generate(tts.Clone)
				if s := w.seeAfter(5 * time.Second); s.Clone.Result != nil || s.Clone.History.Chosen != "" || !s.Player.Growing {
					t.Errorf("while it is made: %+v, %+v", s.Clone.Result, s.Player)
				}
				_, clip := w.player.opened()
				clip.dry.Store(2)
				c.end(w)
				s := w.seeAfter(2 * time.Second)
				if s.Clone.Result == nil || *s.Clone.Result != *before.Clone.Result || s.Clone.History.Chosen != before.Clone.History.Chosen ||
					s.Player.Path != before.Player.Path || s.Player.Playing || (s.Clone.Error != nil) != c.problem {
					t.Errorf("ended: %+v, %+v, %+v", s.Clone.Result, s.Player, s.Clone.Error)
				}
				if n, _ := w.player.opened(); n != 1 || !strings.HasSuffix(strings.Join(lines(s.Log), "\n"), "the sound waited 2 times") {
					t.Errorf("%d clips are open; the log: %q", n, lines(s.Log))
				}
			})
		})
	}
}

// TestLiveUnasked: what is made begins to sound only where it is seen and nothing is recorded, and not when the user has
// stopped it or chosen something else.
func TestLiveUnasked(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		w.speaks(fine)
		w.Generate(tts.Control)
		w.seeAfter(2600 * time.Millisecond)
		w.SelectTab(tts.Control)
		w.at("0:00 / 0:05", false, true)
		w.seeAfter(time.Second)
		w.at("0:00 / 0:07", false, true)
		w.seeAfter(3 * time.Second)
		w.at("0:00 / 0:12", false, false)

		w.SelectTab(tts.Clone)
		w.Record()
		w.Generate(tts.Clone)
		w.seeAfter(2600 * time.Millisecond)
		if s := w.at("0:00 / 0:05", false, true); len(s.Player.Peaks) != peakCount {
			t.Errorf("its picture: %v", s.Player.Peaks)
		}
		w.Record()
		w.Stop(tts.Clone)

		w.SelectTab(tts.Control)
		w.Generate(tts.Control)
		old := w.seeAfter(2600 * time.Millisecond).Control.History.List[0].ID
		w.ChooseResult(tts.Control, old)
		w.at("0:00 / 0:12", false, false)
		if s := w.seeAfter(5 * time.Second); s.Control.History.Chosen == old || s.Control.History.Chosen != s.Control.History.List[0].ID || s.Player.Playing {
			t.Errorf("made: %+v, %+v", s.Control.History, s.Player)
		}

		w.player.slow = time.Second
		w.Generate(tts.Control)
		w.seeAfter(time.Second)
		w.Stop(tts.Control) // while the device is made ready
		if s := w.seeAfter(time.Minute); s.Player.Growing || s.Player.Playing {
			t.Errorf("stopped early: %+v", s.Player)
		}
		if n, _ := w.player.opened(); n != 1 { // of the Control tab
			t.Errorf("%d clips are open", n)
		}
	})
}

// TestLiveWithoutSound: speech that can't be played is made all the same.
func TestLiveWithoutSound(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		w.speaks(fine)
		w.player.wrong = errors.New("no sound device")
		w.Generate(tts.Clone)
		s := w.seeAfter(7 * time.Second)
		if got := lines(s.Log); s.Clone.Result == nil || len(got) != 1 || !strings.HasSuffix(got[0], "WARNING  The speech can't be played as it is made: No sound device.") {
			t.Errorf("%+v, %q", s.Clone.Result, got)
		}
	})
}

// TestLiveRunsAway: a take that was heard and ran away is silenced and spoken anew, unheard, with the next seed, and played
// then; where that would be of no use, the playing goes on in the file, which was cut.
func TestLiveRunsAway(t *testing.T) {
	cut := func(res tts.Result) tts.Result {
		res.Runaway, res.Samples = tts.RunawaySilence, 6*tts.SampleRate
		return res
	}
	const cutNote, greedyNote, longNote = "It ran on after its text was done, and was cut there. Another seed may do better.",
		"It ran on after its text was done, and was cut there. A temperature above 0 may do better.",
		"A segment became too long and was cut: listen to those that are marked, and speak them again."
	for name, c := range map[string]struct {
		second func(tts.Result) (tts.Result, error) // nil when there is none
		change func(*window, *tts.Result)
		seed   string
		note   string
		time   string
	}{
		"well then": {fine, nil, "8", "It ran away, and was spoken anew with another seed.", "0:01 / 0:12"},
		"well at last": {func(res tts.Result) (tts.Result, error) { res.Retries = 1; return res, nil }, nil, "8",
			"It ran away 2 times, and was spoken anew with other seeds.", "0:01 / 0:12"},
		"never well": {func(res tts.Result) (tts.Result, error) { res.Retries = 2; return cut(res), nil }, nil, "8",
			cutNote, "0:01 / 0:12"},
		"no second one": {func(tts.Result) (tts.Result, error) { return tts.Result{}, errGone }, nil, "7", cutNote, "0:01 / 0:12"},
		"greedy":        {nil, func(w *window, _ *tts.Result) { w.EditSampling(tts.Clone, SamplingTemperature, "0") }, "7", greedyNote, "0:06 / 0:12"},
		"long":          {nil, func(_ *window, res *tts.Result) { res.Segments = make([]tts.Segment, 2) }, "7", longNote, "0:06 / 0:12"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *window) {
				w.ready()
				change := c.change
				if change == nil {
					change = func(*window, *tts.Result) {}
				}
				change(w, &tts.Result{})
				w.speaks(func(res tts.Result) (tts.Result, error) {
					if len(w.server.requests) == 2 {
						res.Seed = *w.server.requests[1].Sampling.Seed
						return c.second(res)
					}
					change(w, &res)
					return cut(res), nil
				})
				w.Generate(tts.Clone)
				w.seeAfter(5 * time.Second)
				_, heard := w.player.opened()
				s := w.seeAfter(2 * time.Second)
				if c.second != nil {
					if s.Player.Playing || s.Player.Play.Enabled || s.Player.Growing || !strings.HasPrefix(s.Clone.Progress, "It ran away; speaking it anew: ") {
						t.Errorf("anew: %q, %+v", s.Clone.Progress, s.Player)
					}
					first, second := w.server.requests[0], w.server.requests[1]
					if second.JobID == first.JobID || second.OutputPath != first.OutputPath || *second.Sampling.Seed != 8 {
						t.Errorf("asked for %+v", second)
					}
					w.seeAfter(6 * time.Second)
				}
				s = w.at(c.time, true, false)
				if s.Clone.Result == nil || s.Clone.Result.Seed != c.seed || s.Clone.Result.Note != c.note || len(s.Clone.History.List) != 1 {
					t.Errorf("%+v, %+v", s.Clone.Result, s.Clone.History)
				}
				if n, clip := w.player.opened(); n != 1 || clip == heard {
					t.Errorf("%d clips are open, what was heard %t", n, clip == heard)
				}
			})
		})
	}
}

// TestLiveIsStoppedAnew: who stops what is spoken anew has what there was before; the first take is in the history, as it
// has its file.
func TestLiveIsStoppedAnew(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		w.speaks(func(res tts.Result) (tts.Result, error) {
			res.Runaway = tts.RunawayTooLong
			return res, nil
		})
		w.Generate(tts.Clone)
		w.seeAfter(7 * time.Second)
		w.Stop(tts.Clone)
		s := w.see()
		if h := s.Clone.History; s.Clone.Result != nil || s.Player.Visible || len(h.List) != 1 || h.Chosen != "" || len(w.server.requests) != 2 {
			t.Errorf("%+v, %+v, %+v", s.Clone.Result, s.Player, h)
		}
	})
}

// TestLiveTextIsKept: what is kept of a long text that was played, and was stopped or failed, is the result. After a
// failure the playing goes on in it.
func TestLiveTextIsKept(t *testing.T) {
	for _, stop := range []bool{true, false} {
		inBubble(t, func(t *testing.T, w *window) {
			w.ready()
			w.speaks(nil)
			speak := w.server.generate
			w.server.generate = func(ctx context.Context, req tts.Request) (tts.Result, error) {
				ctx, cancel := context.WithTimeout(ctx, 4200*time.Millisecond)
				defer cancel()
				_, err := speak(ctx, req)
				job := tts.Job{ID: req.JobID, State: tts.JobFailed, OutputPath: req.OutputPath, Partial: "/kept.wav"}
				req.Watch(job)
				job.Segments = &[]tts.Segment{{TextEnd: 6, End: 3 * tts.SampleRate, Frames: 37, Seed: 5}}
				w.server.change(func() { w.server.record = job })
				return tts.Result{}, err
			}
			w.EditSampling(tts.Clone, SamplingLongText, "on")
			w.Generate(tts.Clone)
			s := w.seeAfter(4 * time.Second)
			if !s.Player.Growing || !s.Player.Playing {
				t.Errorf("while it is made: %+v", s.Player)
			}
			if stop {
				w.Stop(tts.Clone)
			}
			s = w.seeAfter(time.Second)
			if r, p := s.Clone.Result, s.Player; r == nil || r.Path != "/kept.wav" || p.Path != r.Path || p.Growing || p.Playing == stop || (s.Clone.Error == nil) != stop {
				t.Errorf("stopped %t: %+v, %+v, %+v", stop, r, p, s.Clone.Error)
			}
			if n, _ := w.player.opened(); n != 1 {
				t.Errorf("%d clips are open", n)
			}
		})
	}
}

// TestSegmentsTellOfTheirRetries: of a long text it is not the whole that was spoken anew.
func TestSegmentsTellOfTheirRetries(t *testing.T) {
	res := tts.Result{Retries: 1, Segments: make([]tts.Segment, 2)}
	if note := newResult(res, tts.Sampling{}).Note; note != "" {
		t.Error(note)
	}
}

// TestNoteOfAGreedyResult: what would be the same again isn't to be tried again, now or when it is found in the history.
func TestNoteOfAGreedyResult(t *testing.T) {
	for name, c := range map[string]struct {
		segments []tts.Segment
		note     string
	}{
		"short": {nil, "It ran on after its text was done, and was cut there. A temperature above 0 may do better."},
		"long": {make([]tts.Segment, 2), "A segment became too long and was cut: listen to those that are marked. " +
			"At temperature 0 they would be the same again."},
	} {
		p := past{Entry: history.Entry{Settings: tts.Sampling{Temperature: new(0.0)}, Segments: c.segments, Runaway: tts.RunawaySilence}}
		if note := newResult(p.result(), p.Settings).Note; note != c.note {
			t.Errorf("%s: %s", name, note)
		}
	}
}

// TestVolume: sounds are as loud as the user says, after a restart, too.
func TestVolume(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		w.SelectTab(tts.Control)
		if s := say(w, "loud"); s.Player.Volume != 1 {
			t.Errorf("at first the volume is %g", s.Player.Volume)
		}
		for _, c := range []struct{ set, want float64 }{{7, 1}, {-1, 0}, {0.25, 0.25}} {
			w.SetVolume(c.set)
			if s := w.see(); s.Player.Volume != c.want || w.player.volume != c.want {
				t.Errorf("%g: the volume is %g, the player's %g", c.set, s.Player.Volume, w.player.volume)
			}
		}
		w.player.volume = 1
		w.reopen()
		if w.player.volume != 0.25 {
			t.Errorf("after a restart it is %g", w.player.volume)
		}
	})
}

// TestGuardIsLetGo: who wants to hear a take that doesn't end gets it, and gets it again.
func TestGuardIsLetGo(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		w.SelectTab(tts.Control)
		w.EditSampling(tts.Control, SamplingGuard, "off")
		s := say(w, "for ever")
		if !w.server.requests[0].NoGuard || s.Control.Sampling.Toggle.Title != "Sampling (1 changed)" {
			t.Errorf("%+v, %+v", w.server.requests[0], s.Control.Sampling.Toggle)
		}
		w.ResetSampling(tts.Control)
		w.Again(tts.Control)
		if s := w.see(); !w.server.requests[1].NoGuard || s.Control.Sampling.Guard.Chosen != "off" {
			t.Errorf("again: %+v, %+v", w.server.requests[1], s.Control.Sampling.Guard)
		}
		w.ResetSampling(tts.Control)
		if say(w, "to its end"); w.server.requests[2].NoGuard {
			t.Errorf("after Reset: %+v", w.server.requests[2])
		}
	})
}
