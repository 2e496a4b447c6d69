package history_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ttsui/internal/history"
	"ttsui/internal/tts"
)

// request asks for something of a mode, with all fields that the mode has.
func request(mode tts.Mode) tts.Request {
	temperature, frames := 0.5, 100
	req := tts.Request{Mode: mode, ModelID: "a/b", Text: "One.\nTwo — “three” \u2028 <four>", Language: "English",
		Sampling: tts.Sampling{Temperature: &temperature, MaxFrames: &frames}}
	switch mode {
	case tts.Clone:
		req.RefAudioPath, req.RefText, req.RefTail = "/me.wav", "Hi.", true
	case tts.Control:
		req.Speaker, req.Instruct = "Ryan", "calm"
	case tts.Design:
		req.Instruct = "a sailor"
	}
	return req
}

var when = time.Date(2026, 2, 20, 10, 11, 12, 345, time.UTC)

func add(t testing.TB, s *history.Store, mode tts.Mode, file string) history.Entry {
	t.Helper()
	res := tts.Result{OutputPath: file, Frames: 10, Samples: 10 * tts.FrameSamples, Seed: 1<<63 + 7, Seconds: 2.5, Truncated: true}
	e, err := s.Add(t.Context(), history.NewEntries(request(mode), res, when)[0])
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func list(t testing.TB, s *history.Store, mode tts.Mode) []history.Entry {
	t.Helper()
	all, err := s.List(mode)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "history.jsonl")
	s := &history.Store{Path: path}
	if all := list(t, s, ""); len(all) != 0 {
		t.Errorf("at first there is %v", all)
	}
	a, b, c := add(t, s, tts.Clone, "/a.wav"), add(t, s, tts.Design, "/b.wav"), add(t, s, tts.Clone, "/c.wav")
	s = &history.Store{Path: path} // after a restart
	if d := cmp.Diff([]history.Entry{c, b, a}, list(t, s, "")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]history.Entry{c, a}, list(t, s, tts.Clone)); d != "" {
		t.Error(d)
	}
	if a.Seed != 1<<63+7 || a.Seconds != 0.8 || a.Took != 2.5 || !a.Truncated || a.File != "/a.wav" || a.ID == b.ID {
		t.Errorf("%+v", a)
	}
	if err := s.Star(t.Context(), a.ID, true); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	a.Star = true
	if d := cmp.Diff([]history.Entry{b, a}, list(t, s, "")); d != "" {
		t.Error(d)
	}
	if err := s.Star(t.Context(), a.ID, false); err != nil || list(t, s, tts.Clone)[0].Star {
		t.Errorf("the star stays: %v", err)
	}
	for _, err := range []error{s.Star(t.Context(), c.ID, true), s.Remove(t.Context(), "none")} {
		if tts.CodeOf(err) != tts.CodeNotFound || tts.HintOf(err) == "" {
			t.Error(err)
		}
	}
	for path, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has %v, %v", path, info.Mode(), err)
		}
	}
}

// TestAgain: an entry asks for what it was made of, with its seed.
func TestAgain(t *testing.T) {
	for _, mode := range tts.Modes() {
		want := request(mode)
		seed := uint64(7)
		want.Sampling.Seed = &seed
		got := history.NewEntries(request(mode), tts.Result{OutputPath: "/a.wav", Seed: seed}, when)[0].Request()
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", mode, d)
		}
	}
}

// TestBrokenLines: what can't be read is passed over and kept, whatever is done with the others.
func TestBrokenLines(t *testing.T) {
	s := &history.Store{Path: filepath.Join(t.TempDir(), "history.jsonl")}
	a, b := add(t, s, tts.Clone, "/a.wav"), add(t, s, tts.Clone, "/b.wav")
	data, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	broken := []string{"not JSON", `{"id":7}`, "\xff\x00", `{"text":"no id"}`}
	newer := strings.Replace(string(data), `"seed":`, `"mood":[1.50],"seed":`, 1)
	torn := `{"id":"torn","mode":"cl`
	if err := os.WriteFile(s.Path, []byte(strings.Join(broken, "\n")+"\n\n"+newer+torn), 0o600); err != nil {
		t.Fatal(err)
	}
	c := add(t, s, tts.Clone, "/c.wav")
	if err := s.Star(t.Context(), a.ID, true); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	a.Star = true
	if d := cmp.Diff([]history.Entry{c, a}, list(t, s, "")); d != "" {
		t.Error(d)
	}
	data, err = os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range append(broken, torn, `"mood":[1.50]`) {
		if !strings.Contains(string(data), line) {
			t.Errorf("%q is lost", line)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	var adding sync.WaitGroup
	for range 4 {
		adding.Go(func() {
			s := &history.Store{Path: path} // as other processes do
			for range 5 {
				e := add(t, s, tts.Control, "/a.wav")
				if err := s.Star(t.Context(), e.ID, true); err != nil {
					t.Error(err)
				}
			}
		})
	}
	adding.Wait()
	all := list(t, &history.Store{Path: path}, "")
	for _, e := range all {
		if !e.Star {
			t.Error("a star is lost")
		}
	}
	if len(all) != 20 {
		t.Errorf("%d entries of 20", len(all))
	}
}

// BenchmarkThousand is how long the window waits with a thousand results.
func BenchmarkThousand(b *testing.B) {
	s := &history.Store{Path: filepath.Join(b.TempDir(), "history.jsonl")}
	var last history.Entry
	for i := range 1000 {
		last = add(b, s, tts.Modes()[i%3], fmt.Sprintf("/%d.wav", i))
	}
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			if all := list(b, s, tts.Clone); len(all) < 300 {
				b.Fatal(len(all))
			}
		}
	})
	b.Run("star", func(b *testing.B) {
		for b.Loop() {
			if err := s.Star(b.Context(), last.ID, true); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("add", func(b *testing.B) {
		for b.Loop() {
			add(b, s, tts.Clone, "/x.wav")
		}
	})
}

// TestTakes: each take has an entry of its own.
func TestTakes(t *testing.T) {
	s := &history.Store{Path: filepath.Join(t.TempDir(), "history.jsonl")}
	req := request(tts.Control)
	req.JobID = "job12345"
	first, second := tts.Result{OutputPath: "/a.wav", Seed: 3}, tts.Result{OutputPath: "/a-2.wav", Seed: 4, Runaway: tts.RunawaySilence}
	res := first
	res.Takes = []tts.Result{first, second}
	for i, e := range history.NewEntries(req, res, when) {
		e, err := s.Add(t.Context(), e)
		if err != nil || e.File != res.Takes[i].OutputPath || e.Seed != res.Takes[i].Seed || e.Runaway != res.Takes[i].Runaway || e.Job != req.JobID || e.Take != i+1 {
			t.Errorf("%+v, %v", e, err)
		}
	}
	if all := history.NewEntries(req, first, when); len(all) != 1 || all[0].Job != "" || all[0].Take != 0 {
		t.Errorf("a take alone: %+v", all)
	}
}

// TestSegments: a text in segments is remembered with them, one that was stopped, too; a segment anew changes what is
// told of the sound, and nothing else.
func TestSegments(t *testing.T) {
	s := &history.Store{Path: filepath.Join(t.TempDir(), "history.jsonl")}
	req := request(tts.Control)
	req.LongText = tts.LongOn
	segments := []tts.Segment{{TextEnd: 5, End: 1920, Frames: 1, Seed: 3}, {TextStart: 5, TextEnd: 9, Start: 4000, End: 5920, Frames: 1, Seed: 3, Truncated: true}}
	add := func(res tts.Result) history.Entry {
		t.Helper()
		e, err := s.Add(t.Context(), history.NewEntries(req, res, when)[0])
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	whole := add(tts.Result{OutputPath: "/a.wav", Samples: 5920, Segments: segments, Truncated: true})
	part := add(tts.Result{OutputPath: "/b.wav", Partial: "/b.partial.wav", Samples: 1920, Segments: segments[:1]})
	short := add(tts.Result{OutputPath: "/c.wav", Samples: 1920, Segments: segments[:1]})
	if whole.Request().LongText != tts.LongOn || len(whole.Segments) != 2 || part.File != "/b.partial.wav" || !part.Partial || len(part.Segments) != 1 || short.Segments != nil {
		t.Errorf("%+v, %+v, %+v", whole, part, short)
	}
	if err := s.Star(t.Context(), whole.ID, true); err != nil {
		t.Fatal(err)
	}
	changed := whole
	changed.Segments = []tts.Segment{segments[0], {TextStart: 5, TextEnd: 9, Start: 4000, End: 4800, Frames: 1, Seed: 4}}
	changed.Seconds, changed.Truncated, changed.Runaway, changed.Text = 0.2, false, tts.RunawaySilence, "not this"
	if err := s.Respeak(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	changed.Star, changed.Text = true, whole.Text
	if d := cmp.Diff([]history.Entry{short, part, changed}, list(t, s, "")); d != "" {
		t.Error(d)
	}
	changed.ID = "nothing"
	if err := s.Respeak(t.Context(), changed); tts.CodeOf(err) != tts.CodeNotFound {
		t.Error(err)
	}
}
