package ui

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ttsui/internal/history"
	"ttsui/internal/tts"
)

// fakeDisk is a History, and the files of its results.
type fakeDisk struct {
	mu      sync.Mutex
	entries []history.Entry // the newest last
	gone    []string        // files that somebody else removed
	trashed []string
	fails   error
}

func (d *fakeDisk) List(tts.Mode) ([]history.Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := slices.Clone(d.entries)
	slices.Reverse(list)
	return list, d.fails
}

func (d *fakeDisk) Add(ctx context.Context, e history.Entry) (history.Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e.ID = fmt.Sprintf("entry-%d", len(d.entries))
	if err := cmp.Or(d.fails, ctx.Err()); err != nil {
		return e, err
	}
	d.entries = append(d.entries, e)
	return e, nil
}

func (d *fakeDisk) Star(_ context.Context, id string, star bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.entries {
		if d.entries[i].ID == id && d.fails == nil {
			d.entries[i].Star = star
		}
	}
	return d.fails
}

func (d *fakeDisk) Respeak(_ context.Context, e history.Entry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.entries, func(other history.Entry) bool { return other.ID == e.ID })
	switch {
	case d.fails != nil:
		return d.fails
	case i < 0:
		return errGone
	}
	e.Star = d.entries[i].Star
	d.entries[i] = e
	return nil
}

func (d *fakeDisk) Remove(_ context.Context, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.entries, func(e history.Entry) bool { return e.ID == id })
	switch {
	case d.fails != nil:
		return d.fails
	case i < 0:
		return errGone
	}
	d.entries[i].ID, d.entries[i].Mode = "", "removed" // later ones keep their places, and so their IDs
	return nil
}

func (d *fakeDisk) exists(path string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !slices.Contains(d.gone, path) && !slices.Contains(d.trashed, path)
}

func (d *fakeDisk) trash(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails == nil {
		d.trashed = append(d.trashed, path)
	}
	return d.fails
}

// change lets the disk fail, or be well again, and loses a file now and then.
func (d *fakeDisk) change(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fails = nil
	if n%3 == 1 {
		d.fails = errDisk
	}
	if len(d.entries) > 0 && n%5 == 2 {
		d.gone = append(d.gone, d.entries[n%len(d.entries)].File)
	}
}

// speaking opens a window whose server draws the seeds 1, 2, and so on.
func speaking(w *window) {
	w.ready()
	seed := uint64(0)
	w.server.generate = func(_ context.Context, req tts.Request) (tts.Result, error) {
		seed++
		res := tts.Result{OutputPath: req.OutputPath, Samples: 12 * tts.SampleRate, Seed: seed, Seconds: 3.25}
		if req.Sampling.Seed != nil {
			res.Seed = *req.Sampling.Seed
		}
		return res, nil
	}
}

// say generates a text in the Control tab.
func say(w *window, text string) Snapshot {
	w.EditText(tts.Control, text)
	w.Generate(tts.Control)
	return w.see()
}

// texts are what the rows of a tab's history say, and which of them is chosen.
func texts(h HistoryPanel) (list []string, chosen int) {
	chosen = -1
	for i, r := range h.List {
		list = append(list, r.Star+r.Text+" "+r.Length)
		if r.ID == h.Chosen {
			chosen = i
		}
	}
	return list, chosen
}

func TestHistory(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		speaking(w)
		w.SelectTab(tts.Control)
		if h := w.see().Control.History; h.Toggle.Title != "" {
			t.Errorf("without results: %+v", h)
		}
		w.ChooseSpeaker("Uncle_Fu")
		say(w, "the\nfirst")
		w.ChooseSpeaker("Ryan")
		s := say(w, "the second")
		expect := func(s Snapshot, path string, chosen int, want ...string) {
			t.Helper()
			got, at := texts(s.Control.History)
			if diff := gocmp.Diff(want, got); diff != "" || at != chosen || path != "" && (s.Control.Result == nil || s.Control.Result.Path != path || s.Player.Path != path) {
				t.Errorf("%s: %d is chosen, %+v in the player", diff, at, s.Player.Path)
			}
		}
		first, second := "/control/generated/1.wav", "/control/generated/2.wav"
		expect(s, second, 0, "the second 0:12", "the first 0:12")
		if h := s.Control.History; h.Toggle != (Disclosure{"History (2)", false}) || h.List[1].Voice != "Uncle Fu" || h.Details != "Seed 2 · 0.6B-CustomVoice (Fast) · made in 3.2 s" ||
			h.List[0].Time != time.Now().Local().Format("2006-01-02 15:04") || s.Clone.History.List != nil {
			t.Errorf("%+v", h)
		}
		w.ToggleHistory(tts.Control)
		w.ChooseResult(tts.Control, s.Control.History.List[1].ID)
		s = w.see()
		expect(s, first, 1, "the second 0:12", "the first 0:12")
		if s.Control.Text.Text != "the second" || s.Control.Result.Seed != "1" {
			t.Errorf("a choice changed the inputs, or %+v", s.Control.Result)
		}
		w.StarResult(tts.Control)
		expect(w.see(), first, 1, "the second 0:12", "★the first 0:12")
		s = w.reopen()
		expect(s, "", -1, "the second 0:12", "★the first 0:12")
		if h := s.Control.History; !h.Toggle.Open || s.Clone.History.Toggle.Open || h.Trash.Enabled {
			t.Errorf("after a restart: %+v", h)
		}
		w.ChooseResult(tts.Control, s.Control.History.List[1].ID)
		w.PlayPause()
		w.TrashResult(tts.Control)
		w.TrashResult(tts.Control)
		s = w.see()
		expect(s, "", -1, "the second 0:12")
		if s.Control.Result != nil || s.Player.Visible || s.Alert != nil || !slices.Equal(w.disk.trashed, []string{first}) {
			t.Errorf("in the Trash: %q, shown: %+v, %+v", w.disk.trashed, s.Control.Result, s.Alert)
		}
		expect(w.reopen(), "", -1, "the second 0:12")
	})
}

func TestAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		speaking(w)
		for _, mode := range tts.Modes() {
			w.EditInstruct(mode, "like "+string(mode))
			w.EditSampling(mode, SamplingTopK, "7")
			w.Generate(mode)
			w.see()
		}
		before := slices.Clone(w.server.requests)
		for i, mode := range tts.Modes() {
			w.EditText(mode, "something else")
			w.EditInstruct(mode, "something else")
			w.ChooseReference("/else.wav")
			w.EditRefText("else")
			w.ChooseLanguage(mode, "French")
			w.ChooseSpeaker("Ryan")
			w.ResetSampling(mode)
			w.Again(mode)
			s := w.see()
			seed := uint64(i + 1)
			want := before[i]
			want.Sampling.Seed = &seed
			got := w.server.requests[len(w.server.requests)-1]
			if diff := gocmp.Diff(want, got, cmpopts.IgnoreFields(tts.Request{}, "JobID", "Watch", "OutputPath")); diff != "" || got.OutputPath == want.OutputPath {
				t.Error(diff, got.OutputPath)
			}
			if tab := s.Of(mode); tab.Text.Text != want.Text || tab.Result.Path != got.OutputPath || tab.Result.Seed != strconv.Itoa(i+1) || len(tab.History.List) != 2 ||
				tab.Sampling.Toggle.Title != "Sampling (1 changed)" {
				t.Errorf("%+v", tab)
			}
			w.Generate(mode) // what is shown now is what was asked for, but for the seed
			w.see()
			got = w.server.requests[len(w.server.requests)-1]
			if diff := gocmp.Diff(before[i], got, cmpopts.IgnoreFields(tts.Request{}, "JobID", "Watch", "OutputPath")); diff != "" {
				t.Error(diff)
			}
		}
		w.server.set(tts.ModelInfo{ModelID: custom, State: tts.Unloaded})
		if b := w.seeAfter(modelsEvery).Control.History.Again; b.Enabled || b.Tooltip != "Load 0.6B-CustomVoice (Fast), by which it was made" {
			t.Errorf("%+v", b)
		}
	})
}

func TestHistoryFails(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		speaking(w)
		w.SelectTab(tts.Control)
		s := say(w, "one")
		w.disk.fails = errDisk
		for _, c := range []struct {
			title string
			do    func(tts.Mode)
		}{{"The result could not be marked", w.StarResult}, {"The result could not be moved to the Trash", w.TrashResult}} {
			c.do(tts.Control)
			s = w.see()
			if s.Alert == nil || s.Alert.Title != c.title || s.Control.History.Chosen == "" || !s.Player.Visible || !s.Control.History.Trash.Enabled {
				t.Errorf("%+v, %+v", s.Alert, s.Control.History)
			}
			w.AnswerAlert(s.Alert.ID, 0)
		}
		s = say(w, "two") // it is spoken, and can be heard, whatever becomes of the history
		if s.Control.Result.Path != "/control/generated/2.wav" || len(s.Control.History.List) != 1 || s.Control.History.Chosen != "" ||
			s.Log.Lines[len(s.Log.Lines)-1].Text != "The result is not in the history: the disk is full" {
			t.Errorf("%+v, %+v", s.Control.Result, s.Log.Lines)
		}
		w.disk.fails = nil
		w.disk.gone = []string{"/control/generated/1.wav"}
		w.player.wrong = errDisk
		w.ChooseResult(tts.Control, "entry-0")
		h := w.see().Control.History
		if got, chosen := texts(h); chosen != 0 || got[0] != "one gone" || h.Details != "Its file is gone: /control/generated/1.wav" || h.Trash.Title != "Remove" || !h.Again.Enabled {
			t.Errorf("%q, %+v", got, h)
		}
		if h = w.reopen().Control.History; h.List[0].Length != "gone" {
			t.Errorf("after a restart: %+v", h.List)
		}
		w.ChooseResult(tts.Control, "entry-0")
		w.TrashResult(tts.Control)
		if s = w.see(); s.Control.History.List != nil || s.Alert != nil || w.disk.trashed != nil {
			t.Errorf("%+v, %+v", s.Control.History, s.Alert)
		}
	})
}

// TestLongHistory: what is not changed is not made anew, however much there is of it.
func TestLongHistory(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		for i := range 1000 {
			w.disk.entries = append(w.disk.entries, history.Entry{ID: strconv.Itoa(i), Mode: tts.Design, Text: "text", File: strconv.Itoa(i)})
		}
		before := w.open().Design.History
		w.EditText(tts.Design, "a")
		w.ChooseResult(tts.Design, "7")
		after := w.see().Design.History
		if len(after.List) != 1000 || &before.List[0] != &after.List[0] || after.List[0].ID != "999" || after.Chosen != "7" || after.Toggle.Title != "History (1,000)" {
			t.Errorf("%d rows, %+v", len(after.List), after.Toggle)
		}
	})
}

// TestClosedWhileSpoken: a result that is made just as the window is closed is in the history.
func TestClosedWhileSpoken(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		speaking(w)
		w.server.generate = func(ctx context.Context, req tts.Request) (tts.Result, error) {
			<-ctx.Done() // too late to be stopped
			return tts.Result{OutputPath: req.OutputPath}, nil
		}
		w.Generate(tts.Design)
		w.see()
		if s := w.reopen(); len(s.Design.History.List) != 1 {
			t.Errorf("%+v", s.Design.History)
		}
	})
}
