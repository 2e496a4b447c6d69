package ui

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ttsui/internal/tts"
)

// spoken is what a server makes of a request: sound of 12 seconds, or 2 for each word of a text in segments.
func (s *fakeServer) spoken(req tts.Request) tts.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	const second = tts.SampleRate
	res := tts.Result{OutputPath: req.OutputPath, Samples: 12 * second}
	if req.Sampling.Seed != nil {
		res.Seed = *req.Sampling.Seed
	}
	switch {
	case req.Takes > 1:
		for _, take := range req.Each() {
			res.Takes = append(res.Takes, tts.Result{OutputPath: take.OutputPath, Samples: res.Samples, Seed: *take.Sampling.Seed})
		}
	case req.Splice != nil: // three seconds
		end := req.Splice.Start + 3*second
		res.Samples = s.sounds[req.Splice.Path] + end - req.Splice.End
		res.Segments = []tts.Segment{{TextEnd: len(req.Text), Start: req.Splice.Start, End: end, Frames: 37, Seed: res.Seed}}
	case req.Long():
		at := 0
		for i, word := range strings.SplitAfter(req.Text, " ") {
			from := at
			at += utf8.RuneCountInString(word)
			res.Segments = append(res.Segments, tts.Segment{TextStart: from, TextEnd: at, Start: 3 * i * second, End: (3*i + 2) * second, Frames: 25, Seed: res.Seed})
		}
		res.Samples = res.Segments[len(res.Segments)-1].End + second
	}
	s.sounds[res.OutputPath] = res.Samples
	return res
}

// checkSegments: takes and segments are those of what is chosen, and nothing is spoken anew while something is spoken.
func (m *machine) checkSegments(tab *Tab) {
	s := tab.Segments
	if s.Chosen >= len(s.List) && s.Title != "" || s.Again.Enabled && (s.Chosen < 0 || tab.Stop.Enabled) || s.Title != "" && tab.Result == nil || tab.ProgressBar.Visible && !tab.Stop.Enabled {
		m.broke("%s: segments %+v, %+v", tab.Mode, s, tab.ProgressBar)
	}
	chosen := 0
	for _, take := range tab.Takes.List {
		if take.Chosen {
			chosen++
			if take.ID != tab.History.Chosen {
				m.broke("%s: take %+v, history %s", tab.Mode, take, tab.History.Chosen)
			}
		}
	}
	if (tab.Takes.Title != "") != (chosen == 1) {
		m.broke("%s: takes %+v", tab.Mode, tab.Takes)
	}
}

// checkEntries: the segments of each result follow one another, within it.
func (m *machine) checkEntries() {
	for _, e := range m.disk.entries {
		at, text := 0, 0
		for _, s := range e.Segments {
			if s.Start < at || s.End < s.Start || s.TextStart != text {
				m.broke("%+v", e)
			}
			at, text = s.End, s.TextEnd
		}
		if samples := int(e.Seconds*tts.SampleRate + 0.5); at > samples {
			m.broke("%d samples: %+v", samples, e)
		}
	}
}

// rows are what a panel says of its segments.
func rows(s SegmentsPanel) (list []string) {
	for _, r := range s.List {
		list = append(list, strings.TrimSpace(r.Number+" "+r.Text+" "+r.Length+" "+r.Mark))
	}
	return list
}

// TestSegments: a text in segments tells how far it is, its segments are heard one by one, and one of them is made anew
// in its place.
func TestSegments(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		w.SelectTab(tts.Control)
		w.EditSampling(tts.Control, SamplingLongText, "on")
		w.EditSampling(tts.Control, SamplingSeed, "7")
		release, generate := make(chan struct{}), w.server.generate
		w.server.generate = func(ctx context.Context, req tts.Request) (tts.Result, error) {
			<-release
			if ctx.Err() != nil {
				return tts.Result{}, ctx.Err()
			}
			return generate(ctx, req)
		}
		s := say(w, "Ön\nthe way")
		testLongProgress(w)
		release <- struct{}{}
		s = w.see()
		if diff := cmp.Diff([]string{"1 Ön the 0:02", "2 way 0:02"}, rows(s.Control.Segments)); diff != "" || s.Control.Segments.Title != "2 Segments" || s.Control.Segments.Chosen != -1 || s.Control.Segments.Again.Enabled {
			t.Errorf("%s%+v", diff, s.Control.Segments)
		}
		w.PlaySegment(tts.Control, 1)
		if s = w.seeAfter(drawEvery); !s.Player.Playing || s.Player.Position < 3*time.Second || s.Player.Position > 4*time.Second || s.Control.Segments.Chosen != 1 || s.Control.Segments.Details != "Seed 7" {
			t.Errorf("%+v, %+v", s.Player, s.Control.Segments)
		}
		w.PlaySegment(tts.Control, 0)
		if s = w.seeAfter(drawEvery); !s.Player.Playing || s.Player.Position > time.Second || !s.Control.Segments.Again.Enabled {
			t.Errorf("%+v, %+v", s.Player, s.Control.Segments)
		}
		w.StarResult(tts.Control)
		w.SpeakSegment(tts.Control)
		w.see()
		w.SpeakSegment(tts.Control) // one at a time
		path := "/control/generated/1.wav"
		want := tts.Request{Mode: tts.Control, ModelID: custom, Text: "Ön\nthe ", Language: "Chinese", Speaker: "Vivian", OutputPath: path,
			LongText: tts.LongOff, Splice: &tts.Splice{Path: path, Start: 0, End: 2 * tts.SampleRate}, Sampling: tts.Sampling{Seed: ptr(uint64(8))}}
		got := w.server.requests[1]
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(tts.Request{}, "JobID", "Watch")); diff != "" || got.Validate() != nil || len(w.server.requests) != 2 {
			t.Error(diff)
		}
		got.Watch(tts.Job{State: tts.JobRunning, Stage: tts.StageFrames, SegmentsTotal: 1, AudioSeconds: 1})
		if s = w.see(); s.Control.Progress != "Segment 1 again · 1.0 s of speech" || s.Control.ProgressBar.Visible || s.Control.History.Trash.Enabled {
			t.Errorf("%q, %+v", s.Control.Progress, s.Control.History.Trash)
		}
		w.TrashResult(tts.Control)
		if s = w.see(); w.disk.trashed != nil || s.Control.Result == nil {
			t.Errorf("it is in the Trash while a segment is made: %v", w.disk.trashed)
		}
		_, before := w.player.opened()
		release <- struct{}{}
		s = w.see()
		expect := func(s Snapshot) {
			t.Helper()
			entry := w.disk.entries[0]
			if diff := cmp.Diff([]string{"1 Ön the 0:03", "2 way 0:02"}, rows(s.Control.Segments)); diff != "" || s.Control.Result.Path != path || s.Control.Result.Length != "0:07" || len(s.Control.History.List) != 1 ||
				entry.Segments[1].Start != 4*tts.SampleRate || entry.Segments[0].TextEnd != 7 || entry.Segments[0].Seed != 8 || entry.Segments[1].TextStart != 7 || entry.Seconds != 7 || !entry.Star {
				t.Errorf("%s%+v, %+v", diff, s.Control.Result, entry)
			}
		}
		expect(s)
		if n, now := w.player.opened(); n != 1 || now == before || s.Control.Segments.Chosen != 0 || s.Control.Segments.Details != "Seed 8" {
			t.Errorf("%d clips are open, %+v", n, s.Control.Segments)
		}
		w.SpeakSegment(tts.Control) // is stopped, which changes nothing
		w.see()
		w.Stop(tts.Control)
		w.see()
		release <- struct{}{}
		expect(w.see())
		s = w.reopen()
		w.ChooseResult(tts.Control, s.Control.History.List[0].ID)
		expect(w.see())
	})
}

// testLongProgress tells of the life of a job in segments and looks at what the window makes of it.
func testLongProgress(w *window) {
	for _, c := range []struct {
		job  tts.Job
		want string
		done float64
	}{
		{tts.Job{State: tts.JobQueued, Position: 2}, "Waiting for its turn: number 2 in the queue", 0},
		{tts.Job{State: tts.JobRunning, Stage: tts.StageFrames, SegmentsTotal: 12}, "Segment 1 of 12 · Beginning to speak...", 0},
		{tts.Job{State: tts.JobRunning, Stage: tts.StageFrames, SegmentsTotal: 12, SegmentsDone: 2, TextDone: 5, AudioSeconds: 14.2, RealTimeFactor: ptr(0.7)}, "Segment 3 of 12 · 14.2 s of speech · 1.4× real time", 0.5},
		{tts.Job{State: tts.JobRunning, Stage: tts.StagePrefill, SegmentsTotal: 12, SegmentsDone: 2, TextDone: 5, AudioSeconds: 14.2}, "Segment 3 of 12 · 14.2 s of speech", 0.5},
		{tts.Job{State: tts.JobRunning, Stage: tts.StageSaving, SegmentsTotal: 12, SegmentsDone: 12, TextDone: 10}, "Segment 12 of 12 · Saving...", 1},
	} {
		w.server.requests[0].Watch(c.job)
		s := w.see().Control
		if s.Progress != c.want || s.ProgressBar.Visible != (c.job.SegmentsTotal > 0) || s.ProgressBar.Done != c.done {
			w.t.Errorf("%+v: %q, %+v, want %q", c.job, s.Progress, s.ProgressBar, c.want)
		}
	}
}

// TestSegmentFails: what can't be spoken anew says why, and stays as it is.
func TestSegmentFails(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		w.EditSampling(tts.Control, SamplingLongText, "on")
		s := say(w, "one two")
		w.PlaySegment(tts.Control, 7)
		w.SpeakSegment(tts.Control)   // none is chosen
		w.PlaySegment(tts.Control, 0) // of a tab that is not seen: nothing is heard
		if s = w.see(); s.Control.Segments.Chosen != 0 || s.Player.Playing || len(w.server.requests) != 1 {
			t.Errorf("%+v", s.Control.Segments)
		}
		before := fmt.Sprintf("%+v", w.disk.entries)
		generate := w.server.generate
		w.server.generate = func(context.Context, tts.Request) (tts.Result, error) { return tts.Result{}, errDisk }
		w.SpeakSegment(tts.Control)
		s = w.see()
		if s.Control.Error == nil || s.Control.Error.Text != "TTS generation failed: the disk is full" || s.Busy || fmt.Sprintf("%+v", w.disk.entries) != before {
			t.Errorf("%+v, %+v", s.Control.Error, w.disk.entries)
		}
		w.server.generate = func(context.Context, tts.Request) (tts.Result, error) { return tts.Result{}, nil } // of an older server
		w.SpeakSegment(tts.Control)
		if s = w.see(); s.Control.Error == nil || fmt.Sprintf("%+v", w.disk.entries) != before {
			t.Errorf("%+v, %+v", s.Control.Error, w.disk.entries)
		}
		w.server.generate = generate
		w.disk.fails = errDisk
		w.SpeakSegment(tts.Control)
		s = w.see()
		if got := rows(s.Control.Segments); got[0] != "1 one 0:03" || s.Log.Lines[len(s.Log.Lines)-1].Text != "The history does not know of the new segment: the disk is full" {
			t.Errorf("%q, %+v", got, s.Log.Lines)
		}
		w.disk.fails = nil
		w.server.set(tts.ModelInfo{ModelID: custom, State: tts.Unloaded})
		if b := w.seeAfter(modelsEvery).Control.Segments.Again; b.Enabled || b.Tooltip != "Load 0.6B-CustomVoice (Fast), by which it was made" {
			t.Errorf("%+v", b)
		}
	})
}

func TestSegmentMarks(t *testing.T) {
	for _, c := range []struct {
		segment       tts.Segment
		mark, details string
	}{
		{tts.Segment{Frames: 9, Seed: 3}, "", "Seed 3"},
		{tts.Segment{}, "silent", "There is nothing to pronounce in it."},
		{tts.Segment{Frames: 9, Seed: 3, Retries: 1}, "1 retry", "Seed 3 · 1 take before ran on"},
		{tts.Segment{Frames: 9, Seed: 3, Truncated: true}, "cut off", "Seed 3 · it was cut off, as it became too long"},
		{tts.Segment{Frames: 9, Seed: 3, Retries: 2, Runaway: tts.RunawaySilence}, "ran on", "Seed 3 · it ran on after its text was done, and was cut there · 2 takes before ran on"},
	} {
		if mark, details := segmentMark(c.segment), segmentDetails(c.segment); mark != c.mark || details != c.details {
			t.Errorf("%+v: %q, %q", c.segment, mark, details)
		}
	}
}

// TestQuitWhileALongTextIsSpoken: the server is there until it has told what it kept.
func TestQuitWhileALongTextIsSpoken(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		stopped, server := false, w.server
		w.launch = func(ctx context.Context, s Settings) (Launched, error) {
			l, err := w.launched(ctx, s)
			l.Stop = func(context.Context) error {
				server.change(func() { stopped = true })
				return nil
			}
			return l, err
		}
		w.ready()
		w.EditSampling(tts.Design, SamplingLongText, "on")
		w.server.generate = func(ctx context.Context, req tts.Request) (tts.Result, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // to the end of a frame
			job := tts.Job{ID: req.JobID, Partial: "/kept.wav"}
			req.Watch(job)
			job.Segments = &[]tts.Segment{{TextEnd: 6, End: 100, Frames: 1}}
			server.change(func() {
				if !stopped {
					server.record = job
				}
			})
			return tts.Result{}, ctx.Err()
		}
		w.Generate(tts.Design)
		w.see()
		server.requests[0].Watch(tts.Job{State: tts.JobRunning, SegmentsTotal: 3, SegmentsDone: 1})
		w.see()
		if s := w.reopen(); len(s.Design.History.List) != 1 || s.Design.History.List[0].Path != "/kept.wav" {
			t.Errorf("%+v", s.Design.History)
		}
	})
}

// TestStoppedTextIsKept: of a long text that is stopped or fails, what was finished is a result: heard, saved and in the
// history.
func TestStoppedTextIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		w.SelectTab(tts.Design)
		w.EditSampling(tts.Design, SamplingLongText, "on")
		failing := make(chan error)
		w.server.generate = func(ctx context.Context, req tts.Request) (tts.Result, error) {
			var err error
			select {
			case <-ctx.Done():
				err = tts.Errorf(tts.CodeCanceled, "", "canceled")
			case err = <-failing:
			}
			kept := strings.TrimSuffix(req.OutputPath, ".wav") + ".partial.wav"
			segments := []tts.Segment{{TextEnd: 6, Seed: 4}, {TextStart: 6, TextEnd: 12, Start: 100, End: 2 * tts.SampleRate, Frames: 25, Seed: 5}}
			job := tts.Job{ID: req.JobID, State: tts.JobCanceled, OutputPath: req.OutputPath, Partial: kept}
			req.Watch(job)
			job.Segments = &segments
			w.server.change(func() { w.server.record = job })
			return tts.Result{}, err
		}
		generate := func() {
			t.Helper()
			w.Generate(tts.Design)
			w.see()
		}
		generate()
		w.Stop(tts.Design)
		s := w.see()
		first := "/design/generated/1.partial.wav"
		if r := s.Design.Result; r == nil || r.Path != first || r.Length != "0:02" || r.Seed != "5" || r.Note != "It was stopped. What was finished, 2 segments, is kept in "+first+"." || s.Design.Error != nil || s.Busy {
			t.Fatalf("%+v, %+v", r, s.Design.Error)
		}
		if h := s.Design.History; s.Player.Path != first || len(h.List) != 1 || h.List[0].Path != first || !strings.HasPrefix(h.Details, "The beginning only · Seed 5") || len(s.Design.Segments.List) != 2 || !s.Design.SaveAs.Enabled {
			t.Errorf("%+v, %+v", h, s.Design.Segments)
		}
		generate()
		failing <- errDisk
		s = w.see()
		if s.Design.Error == nil || s.Design.Error.Text != "TTS generation failed: the disk is full" || s.Design.Result.Path != "/design/generated/2.partial.wav" || len(s.Design.History.List) != 2 {
			t.Errorf("%+v, %+v", s.Design.Error, s.Design.Result)
		}
		generate()
		w.Stop(tts.Design)
		w.Generate(tts.Design) // at once: the next one is what is seen
		s = w.see()
		if !s.Design.Stop.Enabled || s.Design.Result.Path != "/design/generated/2.partial.wav" || len(s.Design.History.List) != 3 {
			t.Errorf("%+v, %+v", s.Design.Result, s.Design.History.List)
		}
		s = w.reopen()
		w.ChooseResult(tts.Design, s.Design.History.List[2].ID)
		if s = w.see(); !strings.HasPrefix(s.Design.Result.Note, "It was stopped. What was finished, 2 segments") {
			t.Errorf("after a restart: %+v", s.Design.Result)
		}
	})
}
