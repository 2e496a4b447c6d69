package ui

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ttsui/internal/history"
	"ttsui/internal/tts"
)

// HistoryPanel is the results of a tab, of all times.
type HistoryPanel struct {
	Toggle  Disclosure   // App.ToggleHistory; without a title while there are no results
	List    []HistoryRow // the newest first; where it begins elsewhere in memory it is another
	Chosen  string       // the ID of what is the tab's result, "" for none
	Details string       // of what is chosen
	Again   Button       // App.Again
	Star    Button       // App.StarResult
	Trash   Button       // App.TrashResult
}

// HistoryRow is a result of the history: App.ChooseResult.
type HistoryRow struct {
	ID     string
	Path   string // "" when its file is gone
	Star   string // "★" or nothing
	Text   string // in one line
	Voice  string
	Length string // "0:12", or that it is gone
	Time   string // when it was made
}

// past is a result of the history.
type past struct {
	history.Entry
	gone    bool // its file
	leaving bool // it is being moved to the Trash

	segments []SegmentRow // once they were shown
}

// results is the history of a tab.
type results struct {
	open   bool
	list   []*past // the newest first
	rows   []HistoryRow
	chosen string // the ID of the tab's result
}

// readHistory reads what was made before, of each mode.
func readHistory(c Config) (map[tts.Mode][]*past, error) {
	entries, err := c.History.List("")
	all := map[tts.Mode][]*past{}
	for _, e := range entries {
		all[e.Mode] = append(all[e.Mode], &past{Entry: e, gone: !c.Exists(e.File)})
	}
	return all, err
}

// set replaces the list. The rows that are shown are made anew only here, as there may be many.
func (r *results) set(list []*past) {
	r.list, r.rows = list, make([]HistoryRow, len(list))
	for i, p := range list {
		r.rows[i] = p.row()
	}
}

// changed makes the rows anew.
func (r *results) changed() { r.set(r.list) }

// find gives a result, nil when there is none with this ID.
func (r *results) find(id string) *past {
	i := slices.IndexFunc(r.list, func(p *past) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	return r.list[i]
}

// current is the result that is chosen, nil for none.
func (r *results) current() *past { return r.find(r.chosen) }

// at is the ID of the newest result with this file, "" when there is none.
func (r *results) at(path string) string {
	if i := slices.IndexFunc(r.list, func(p *past) bool { return p.File == path }); i >= 0 {
		return r.list[i].ID
	}
	return ""
}

func (p *past) row() HistoryRow {
	row := HistoryRow{ID: p.ID, Path: p.File, Text: oneLine(p.Text), Voice: p.voice(), Length: clock(seconds(p.Seconds)), Time: p.Time.Local().Format("2006-01-02 15:04")}
	if p.Star {
		row.Star = "★"
	}
	if p.Job != "" {
		row.Text = fmt.Sprintf("Take %d: %s", p.Take, row.Text)
	}
	if p.gone {
		row.Path, row.Length = "", "gone"
	}
	return row
}

// voice is who spoke.
func (p *past) voice() string {
	switch {
	case p.Voice != "":
		return p.Voice
	case p.Mode == tts.Clone:
		return filepath.Base(p.RefAudio)
	case p.Mode == tts.Control:
		return strings.ReplaceAll(p.Speaker, "_", " ")
	}
	return oneLine(p.Instruct)
}

func (p *past) details() string {
	if p.gone {
		return "Its file is gone: " + p.File
	}
	about := fmt.Sprintf("Seed %d · %s · made in %.1f s", p.Seed, rowName(p.ModelID), p.Took)
	if p.Job != "" {
		about = fmt.Sprintf("Take %d · ", p.Take) + about
	}
	if p.Partial {
		about = "The beginning only · " + about
	}
	return about
}

// oneLine is the beginning of a text, with single spaces.
func oneLine(s string) string {
	const most = 120
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}

// played is how long so many samples play.
func played(samples int) time.Duration { return seconds(tts.Result{Samples: samples}.AudioSeconds()) }

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// result is a result of before as one of now.
func (p *past) result() tts.Result {
	res := tts.Result{OutputPath: p.File, Samples: int(p.Seconds*tts.SampleRate + 0.5), Seed: p.Seed, Seconds: p.Took, Truncated: p.Truncated,
		Segments: p.Segments, Runaway: p.Runaway}
	if p.Partial {
		res.Partial = p.File
	}
	return res
}

// remember puts a new result into the history, each of its takes. What makes a generation waits for it, so that none is
// forgotten when the window is closed.
func (c *core) remember(req tts.Request, res tts.Result) (entries []history.Entry, err error) {
	err = c.patiently(func(ctx context.Context) error {
		for _, e := range history.NewEntries(req, res, time.Now()) {
			e, err := c.config.History.Add(ctx, e)
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
		return nil
	})
	return entries, err
}

// patiently changes the history, which another process may be doing, too.
func (c *core) patiently(change func(ctx context.Context) error) error {
	const patience = 2 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.life), patience)
	defer cancel()
	return change(ctx)
}

// remembered shows entries that are new.
func (c *core) remembered(t *tab, entries []history.Entry, err error) {
	if err != nil {
		c.log.remark("The result is not in the history: " + err.Error())
	}
	list := t.past.list
	for _, e := range entries {
		list = append([]*past{{Entry: e}}, list...)
	}
	if len(entries) > 0 {
		t.past.set(list)
	}
}

// chooseResult makes a result of before the tab's.
func (c *core) chooseResult(t *tab, id string) {
	p := t.past.find(id)
	if p == nil || id == t.past.chosen {
		return
	}
	t.past.chosen, t.result, t.segment = id, newResult(p.result(), p.Settings), 0
	t.spoken = newSpoken(p.Request(), p.Truncated || p.Partial)
	c.openClip(t)
	start(c, func() (bool, error) { return c.config.Exists(p.File), nil }, func(there bool, _ error) {
		if p.gone == there {
			p.gone = !there
			t.past.changed()
		}
	})
}

// notAgain says why a result can't be made again now, "" when it can.
func (c *core) notAgain(t *tab, p *past) string {
	if away := awayText(c.server.state); away != "" {
		return away
	}
	switch {
	case t.run != nil:
		return "Stop it to begin anew"
	case !c.models.ready(p.ModelID):
		return "Load " + rowName(p.ModelID) + ", by which it was made"
	}
	return ""
}

// again makes the chosen result once more, with its seed, and shows in the tab what it is made of.
func (c *core) again(t *tab) {
	p := t.past.current()
	if p == nil || c.notAgain(t, p) != "" {
		return
	}
	t.fill(p.Entry)
	c.speak(t, p.Request())
}

// fill shows in the tab what an entry was made of. The seed stays as it was asked for.
func (t *tab) fill(e history.Entry) {
	set := func(f *field, text string) {
		if f.text != text {
			f.set(text)
		}
		f.edited = true
	}
	set(&t.text, e.Text)
	set(&t.instruct, e.Instruct)
	t.voice, t.voiceChosen = e.Voice, true
	if e.RefAudio != "" {
		set(&t.reference, e.RefAudio)
		set(&t.refText, e.RefText)
	}
	t.language, t.speaker = pick(t.languages(), e.Language, t.language), pick(t.speakers(), e.Speaker, t.speaker)
	t.model = e.ModelID
	t.sampling.fill(e.Settings)
	t.sampling.edit(SamplingLongText, string(e.LongText))
	t.sampling.edit(SamplingGuard, "")
	if e.NoGuard {
		t.sampling.edit(SamplingGuard, guardOff)
	}
}

// starResult marks the chosen result, or takes the mark away.
func (c *core) starResult(t *tab) {
	p := t.past.current()
	if p == nil {
		return
	}
	star := !p.Star
	c.run(func() error { return c.config.History.Star(c.life, p.ID, star) }, func(err error) {
		switch {
		case c.closing:
		case err != nil:
			c.tell("The result could not be marked", problemText(err))
		default:
			p.Star = star
			t.past.changed()
		}
	})
}

// trashResult moves the chosen result to the Trash, and forgets it. One whose file is gone already is forgotten only.
func (c *core) trashResult(t *tab) {
	p := t.past.current()
	if p == nil || p.leaving || t.changing(p) {
		return
	}
	p.leaving = true
	c.run(func() error {
		if c.config.Exists(p.File) {
			if err := c.config.Trash(p.File); err != nil {
				return err
			}
		}
		return c.config.History.Remove(c.life, p.ID)
	}, func(err error) {
		p.leaving = false
		if c.closing {
			return
		}
		if err != nil {
			c.tell("The result could not be moved to the Trash", problemText(err))
			return
		}
		c.forget(t, p)
	})
}

// changing reports whether a segment of a result is being spoken anew.
func (t *tab) changing(p *past) bool { return t.run != nil && t.run.into == p }

// forget takes a result out of what is shown.
func (c *core) forget(t *tab, p *past) {
	t.past.set(slices.DeleteFunc(slices.Clone(t.past.list), func(other *past) bool { return other == p }))
	if t.past.chosen == p.ID {
		t.past.chosen, t.result = "", nil
		c.closeClip(t)
	}
}

// keepSeed makes the seed of the tab's result that of the next generations.
func (t *tab) keepSeed() {
	if t.result != nil {
		t.sampling.fields[SamplingSeed].set(t.result.Seed)
		t.sampling.fields[SamplingSeed].edited = true
	}
}

// showHistory is the history as a view gets it.
func (c *core) showHistory(t *tab) HistoryPanel {
	r := &t.past
	if len(r.list) == 0 {
		return HistoryPanel{}
	}
	s := HistoryPanel{Toggle: Disclosure{Title: "History (" + thousands(len(r.list)) + ")", Open: r.open}, List: r.rows, Chosen: r.chosen,
		Details: "Choose a result to hear it.",
		Again:   Button{Title: "Again with This Seed"}, Star: Button{Title: "Star"}, Trash: Button{Title: "Move to Trash"}}
	p := r.find(r.chosen)
	if p == nil {
		return s
	}
	s.Details = p.details()
	s.Again.Tooltip = c.notAgain(t, p)
	s.Again.Enabled, s.Star.Enabled, s.Trash.Enabled = s.Again.Tooltip == "", true, !p.leaving && !t.changing(p)
	s.Star.Title = starTitle(p)
	if p.gone {
		s.Trash.Title = "Remove"
	}
	return s
}
