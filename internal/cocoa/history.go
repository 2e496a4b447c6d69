//go:build darwin || gnustep

package cocoa

import (
	"slices"

	"ttsui/internal/tts"
	"ttsui/internal/ui"
)

// historyView is the results of a tab.
type historyView struct {
	toggle             *disclosure
	list               *historyList
	details            *label
	again, star, trash *button
}

func newHistoryView(app *ui.App, p page, mode tts.Mode) historyView {
	h := historyView{toggle: makeDisclosure("history", func() { app.ToggleHistory(mode) }), details: makeLabel("about the past result", false),
		list:  newHistoryList(func(id string) { app.ChooseResult(mode, id) }),
		again: makeButton("again", func() { app.Again(mode) }), star: makeButton("star", func() { app.StarResult(mode) }),
		trash: makeButton("trash", func() { app.TrashResult(mode) })}
	p.add("history.toggle", h.toggle.view)
	h.list.addTo(p, "history.list")
	p.add("history.details", h.details.view)
	p.add("history.again", h.again.view)
	p.add("history.star", h.star.view)
	p.add("history.trash", h.trash.view)
	return h
}

func (h *historyView) show(s *ui.HistoryPanel) {
	h.toggle.show(s.Toggle)
	h.list.show(s.List, s.Chosen)
	h.details.show(s.Details, ui.Quiet)
	h.again.show(s.Again)
	h.star.show(s.Star)
	h.trash.show(s.Trash)
}

// historyList is the table of results.
type historyList struct {
	*table
	rows   []ui.HistoryRow
	chosen string
}

func newHistoryList(choose func(id string)) *historyList {
	l := &historyList{}
	of := func(text func(ui.HistoryRow) string) func(int) string {
		return func(row int) string { return text(l.rows[row]) }
	}
	l.table = newTable("history list", "Results", []tableColumn{
		{"star", "", 20, of(func(r ui.HistoryRow) string { return r.Star })},
		{wideColumn, "Text", 200, of(func(r ui.HistoryRow) string { return r.Text })},
		{"voice", "Voice", 110, of(func(r ui.HistoryRow) string { return r.Voice })},
		{"length", "Length", 60, of(func(r ui.HistoryRow) string { return r.Length })},
		{"time", "Time", 120, of(func(r ui.HistoryRow) string { return r.Time })},
	})
	l.drags(func(row int) string { return l.rows[row].Path })
	l.onChoice(func(row int) { choose(l.rows[row].ID) })
	return l
}

func (l *historyList) show(rows []ui.HistoryRow, chosen string) {
	same := isSame(rows, l.rows)
	if same && chosen == l.chosen {
		return
	}
	l.rows, l.chosen = rows, chosen
	at := slices.IndexFunc(rows, func(r ui.HistoryRow) bool { return r.ID == chosen })
	l.table.show(len(rows), !same, at)
}
