package ui

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"ttsui/internal/history"
	"ttsui/internal/tts"
)

// SegmentsPanel is what the tab's result consists of, when its text was spoken in segments.
type SegmentsPanel struct {
	Title   string       // "" when it wasn't
	List    []SegmentRow // where it begins elsewhere in memory it is another
	Chosen  int          // an index of List, -1 for none
	Details string       // of what is chosen
	Again   Button       // speaks the segment that is chosen anew: App.SpeakSegment
}

// SegmentRow is a segment: App.PlaySegment.
type SegmentRow struct {
	Number string // from 1
	Text   string // in one line
	Length string // "0:12"
	Mark   string // what is or was wrong with it, "" for nothing
}

// ProgressBar is how much of a long text is spoken.
type ProgressBar struct {
	Visible bool
	Done    float64 // from 0 to 1
}

// said is what a segment of a text says.
func said(text []rune, s tts.Segment) string {
	return string(text[min(s.TextStart, len(text)):min(s.TextEnd, len(text))])
}

// segmentRows are the rows of what a result consists of.
func segmentRows(e *history.Entry) []SegmentRow {
	text, rows := []rune(e.Text), make([]SegmentRow, len(e.Segments))
	for i, s := range e.Segments {
		rows[i] = SegmentRow{Number: fmt.Sprint(i + 1), Text: oneLine(said(text, s)), Length: clock(played(s.End - s.Start)), Mark: segmentMark(s)}
	}
	return rows
}

func segmentMark(s tts.Segment) string {
	switch {
	case s.Frames == 0:
		return "silent"
	case s.Runaway != "":
		return "ran on"
	case s.Truncated:
		return "cut off"
	case s.Retries > 0:
		return plural(s.Retries, "retry", "retries")
	}
	return ""
}

// segmentDetails says what the mark of a segment means.
func segmentDetails(s tts.Segment) string {
	about := fmt.Sprintf("Seed %d", s.Seed)
	switch {
	case s.Frames == 0:
		return "There is nothing to pronounce in it."
	case s.Runaway != "":
		about += " · it ran on after its text was done, and was cut there"
	case s.Truncated:
		about += " · it was cut off, as it became too long"
	}
	if s.Retries > 0 {
		about += " · " + plural(s.Retries, "take before ran on", "takes before ran on")
	}
	return about
}

// showSegments is the segments of the tab's result as a view gets them.
func (c *core) showSegments(t *tab) SegmentsPanel {
	p := t.past.current()
	if p == nil || len(p.Segments) == 0 {
		return SegmentsPanel{}
	}
	if p.segments == nil {
		p.segments = segmentRows(&p.Entry)
	}
	s := SegmentsPanel{Title: plural(len(p.Segments), "Segment", "Segments"), List: p.segments, Chosen: -1,
		Details: "Choose a segment to hear it.", Again: Button{Title: "Speak Again"}}
	if i := t.segment - 1; i >= 0 && i < len(p.Segments) {
		s.Chosen, s.Details = i, segmentDetails(p.Segments[i])
		s.Again.Tooltip = c.notAnew(t, p, i)
		s.Again.Enabled = s.Again.Tooltip == ""
	}
	return s
}

// playSegment plays the tab's result from a segment on.
func (c *core) playSegment(t *tab, i int) {
	p := t.past.current()
	if p == nil || i < 0 || i >= len(p.Segments) {
		return
	}
	t.segment = i + 1
	if sound := c.current(); sound != nil && sound == t.playback {
		c.seek(played(p.Segments[i].Start))
		if !sound.playing {
			c.playPause()
		}
	}
}

// notAnew says why a segment can't be spoken anew now, "" when it can.
func (c *core) notAnew(t *tab, p *past, i int) string {
	switch {
	case p.Segments[i].Frames == 0:
		return "There is nothing to pronounce in it"
	case p.gone:
		return "The file of the result is gone"
	case p.leaving:
		return "The result is on its way to the Trash"
	}
	return c.notAgain(t, p)
}

// anew asks for a segment of a result once more, by the next seed, into its place.
func (p *past) anew(i int) tts.Request {
	req, segment := p.Request(), p.Segments[i]
	seed := segment.Seed + 1
	req.Text, req.Sampling.Seed, req.LongText = said([]rune(p.Text), segment), &seed, tts.LongOff
	req.OutputPath, req.Splice = p.File, &tts.Splice{Path: p.File, Start: segment.Start, End: segment.End}
	return req
}

// spliced is an entry of which segment i was spoken anew: those behind it have moved.
func spliced(e history.Entry, i int, res tts.Result) (history.Entry, error) {
	if len(res.Segments) != 1 {
		return e, tts.Errorf(tts.CodeUnsupported, "Use the server that comes with this window.", "the server does not say where the segment is")
	}
	anew, old := res.Segments[0], e.Segments[i]
	anew.TextStart, anew.TextEnd = old.TextStart, old.TextEnd
	e.Segments = slices.Clone(e.Segments)
	e.Segments[i] = anew
	for j := i + 1; j < len(e.Segments); j++ {
		e.Segments[j].Start += anew.End - old.End
		e.Segments[j].End += anew.End - old.End
	}
	e.Seconds, e.Truncated, e.Runaway = res.AudioSeconds(), false, ""
	for _, s := range e.Segments {
		e.Truncated = e.Truncated || s.Truncated
		e.Runaway = cmp.Or(e.Runaway, s.Runaway)
	}
	return e, nil
}

// speakSegment speaks the segment that is chosen anew.
func (c *core) speakSegment(t *tab) {
	p, i := t.past.current(), t.segment-1
	if p == nil || i < 0 || i >= len(p.Segments) || c.notAnew(t, p, i) != "" {
		return
	}
	type made struct {
		history.Entry
		unrecorded error
	}
	s, before := c.server.session, p.Entry
	ctx, cancel := context.WithCancel(s.ctx)
	req := p.anew(i)
	run := &generation{request: req, cancel: cancel, into: p, segment: i + 1}
	t.run, t.problem = run, nil
	req.JobID = tts.NewJobID()
	req.Watch = func(job tts.Job) { c.post(func() { run.job = job }) }
	start(c, func() (m made, err error) {
		defer cancel()
		res, err := s.Server.Generate(ctx, req)
		if err == nil {
			m.Entry, err = spliced(before, i, res)
		}
		if err == nil {
			m.unrecorded = c.patiently(func(ctx context.Context) error { return c.config.History.Respeak(ctx, m.Entry) })
		}
		return m, err
	}, func(m made, err error) {
		if err == nil {
			c.respoken(t, p, m.Entry, m.unrecorded)
		}
		if t.run == run {
			t.run = nil
			if err != nil {
				t.problem = generationProblem(err)
			}
		}
	})
}

// respoken shows a result of which a segment is another now.
func (c *core) respoken(t *tab, p *past, e history.Entry, unrecorded error) {
	if unrecorded != nil {
		c.log.remark("The history does not know of the new segment: " + unrecorded.Error())
	}
	p.Segments, p.Seconds, p.Truncated, p.Runaway = e.Segments, e.Seconds, e.Truncated, e.Runaway
	p.segments = nil
	t.past.changed()
	if t.past.chosen == p.ID && !c.closing {
		t.result = newResult(p.result(), p.Settings)
		c.openClip(t)
	}
}

// what says what is spoken, when it is more or less than a text; "" when it isn't.
func (g *generation) what() string {
	switch job := g.job; {
	case g.segment > 0:
		return fmt.Sprintf("Segment %d again", g.segment)
	case job.SegmentsTotal > 1:
		return fmt.Sprintf("Segment %d of %d", min(job.SegmentsDone+1, job.SegmentsTotal), job.SegmentsTotal)
	case g.request.Takes > 1:
		return plural(g.request.Takes, "take", "takes")
	}
	return ""
}

// bar is how much of a long text is spoken.
func (g *generation) bar() ProgressBar {
	if g == nil || g.job.SegmentsTotal < 2 {
		return ProgressBar{}
	}
	return ProgressBar{Visible: true, Done: min(1, float64(g.job.TextDone)/float64(max(1, utf8.RuneCountInString(g.request.Text))))}
}

// keeping gives the ends of the long texts of which something is kept if they are stopped now.
func (c *core) keeping() (ends []<-chan struct{}) {
	for _, t := range c.tabs {
		if t.run != nil && t.run.ended != nil && t.run.job.SegmentsDone > 0 {
			ends = append(ends, t.run.ended)
		}
	}
	return ends
}

// waitFor waits until all have ended, but no longer than that.
func waitFor(ends []<-chan struct{}, most time.Duration) {
	timeout := time.After(most)
	for _, end := range ends {
		select {
		case <-end:
		case <-timeout:
			return
		}
	}
}

// kept is what was finished of a long text of which the rest was stopped or failed, as the job's record has it.
func kept(s *session, job tts.Job) tts.Result {
	if job.Partial == "" {
		return tts.Result{}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), stopTimeout)
	defer cancel()
	whole, err := s.Server.Job(ctx, job.ID)
	if err != nil || whole.Segments == nil || len(*whole.Segments) == 0 {
		return tts.Result{}
	}
	segments := *whole.Segments
	res := tts.Result{OutputPath: job.OutputPath, Partial: job.Partial, Frames: whole.Frames, Samples: segments[len(segments)-1].End, Segments: segments}
	if whole.StartedAt != nil && whole.FinishedAt != nil {
		res.Seconds = whole.FinishedAt.Sub(*whole.StartedAt).Seconds()
	}
	for _, s := range slices.Backward(segments) {
		res.Truncated = res.Truncated || s.Truncated
		if s.Frames > 0 {
			res.Seed = s.Seed // the first one's in the end
		}
	}
	return res
}
