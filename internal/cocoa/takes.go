//go:build darwin || gnustep

package cocoa

import (
	"fmt"

	"github.com/progrium/darwinkit/macos/appkit"

	"ttsui/internal/tts"
	"ttsui/internal/ui"
)

// takesView is the takes of a text, a button for each.
type takesView struct {
	app     *ui.App
	page    page
	mode    tts.Mode
	title   *label
	buttons []*button
	shown   []ui.TakeButton
	star    *button
}

func newTakesView(app *ui.App, p page, mode tts.Mode) *takesView {
	v := &takesView{app: app, page: p, mode: mode, title: makeLabel("takes", false), star: makeButton("star take", func() { app.StarResult(mode) })}
	v.star.about = "the take"
	p.add("takes.title", v.title.view)
	p.add("takes.star", v.star.view)
	return v
}

func (v *takesView) show(s *ui.TakesPanel) {
	v.title.show(s.Title, ui.Normal)
	v.star.show(s.Star)
	for i, take := range s.List {
		if i == len(v.buttons) {
			v.buttons = append(v.buttons, v.newButton(i))
		}
		b := v.buttons[i]
		b.show(take.Button)
		b.view.SetState(state(take.Chosen))
		setAccessibilityLabel(b.view, take.Name)
	}
	v.shown = s.List
}

func (v *takesView) newButton(i int) *button {
	b := makeButton(fmt.Sprintf("take %d", i+1), nil)
	b.view.SetButtonType(appkit.ButtonTypePushOnPushOff)
	onAction(b.view, func() {
		v.app.ChooseResult(v.mode, v.shown[i].ID)
		b.view.SetState(state(v.shown[i].Chosen)) // what is true is told by the next snapshot
	})
	v.page.add(fmt.Sprintf("takes.%d", i), b.view)
	return b
}

// segmentsView is what a result consists of.
type segmentsView struct {
	title, details *label
	list           *table
	rows           []ui.SegmentRow
	chosen         int
	again          *button
}

func newSegmentsView(app *ui.App, p page, mode tts.Mode) *segmentsView {
	v := &segmentsView{title: makeLabel("segments", false), details: makeLabel("about the segment", false), chosen: -1,
		again: makeButton("speak segment", func() { app.SpeakSegment(mode) })}
	v.again.about = "the segment"
	of := func(text func(ui.SegmentRow) string) func(int) string {
		return func(row int) string { return text(v.rows[row]) }
	}
	v.list = newTable("segment list", "Segments", []tableColumn{
		{"number", "", 30, of(func(r ui.SegmentRow) string { return r.Number })},
		{wideColumn, "Text", 200, of(func(r ui.SegmentRow) string { return r.Text })},
		{"length", "Length", 60, of(func(r ui.SegmentRow) string { return r.Length })},
		{"mark", "", 70, of(func(r ui.SegmentRow) string { return r.Mark })},
	})
	play := func(row int) { app.PlaySegment(mode, row) }
	v.list.onClick(play)
	v.list.onChoice(func(row int) {
		if appkit.Event_PressedMouseButtons() == 0 { // else it is a click
			play(row)
		}
	})
	p.add("segments.title", v.title.view)
	v.list.addTo(p, "segments.list")
	p.add("segments.details", v.details.view)
	p.add("segments.again", v.again.view)
	return v
}

func (v *segmentsView) show(s *ui.SegmentsPanel) {
	v.title.show(s.Title, ui.Normal)
	v.details.show(s.Details, ui.Quiet)
	v.again.show(s.Again)
	same := isSame(s.List, v.rows)
	if s.Title == "" || same && s.Chosen == v.chosen {
		return
	}
	v.rows, v.chosen = s.List, s.Chosen
	v.list.show(len(s.List), !same, s.Chosen)
}

// progressBar is how much of something is done.
type progressBar struct {
	view  appkit.ProgressIndicator
	shown float64
}

func newProgressBar(name string) *progressBar {
	bar := appkit.NewProgressIndicatorWithFrame(rect(0, 0, 100, 16))
	bar.SetStyle(appkit.ProgressIndicatorStyleBar)
	bar.SetIndeterminate(false)
	bar.SetMaxValue(1)
	setIdentifier(bar, name)
	setAccessibilityLabel(bar, name)
	return &progressBar{view: bar}
}

func (b *progressBar) show(s ui.ProgressBar) {
	if s.Done != b.shown {
		b.view.SetDoubleValue(s.Done)
		b.shown = s.Done
	}
}
