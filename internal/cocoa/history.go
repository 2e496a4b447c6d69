//go:build darwin || gnustep

package cocoa

import (
	"strings"
	"sync"
	"unsafe"

	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"
	"github.com/progrium/darwinkit/objc"

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
	p.addPart("history.list", &part{view: h.list.scroll, place: h.list.place})
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

// historyList is a table of results. It asks for those rows only that are seen.
type historyList struct {
	scroll  appkit.ScrollView
	table   appkit.TableView
	text    appkit.TableColumn // takes the width that there is
	rows    []ui.HistoryRow
	chosen  string
	setting bool // what is selected, by us
}

const betweenColumns = 3

// historyColumn is a column of the table.
type historyColumn struct {
	id, title string
	width     float64
	of        func(ui.HistoryRow) string
}

func historyColumns() []historyColumn {
	return []historyColumn{
		{"star", "", 20, func(r ui.HistoryRow) string { return r.Star }},
		{"text", "Text", 200, func(r ui.HistoryRow) string { return r.Text }},
		{"voice", "Voice", 110, func(r ui.HistoryRow) string { return r.Voice }},
		{"length", "Length", 60, func(r ui.HistoryRow) string { return r.Length }},
		{"time", "Time", 120, func(r ui.HistoryRow) string { return r.Time }},
	}
}

// cell is what stands in a column of a row.
func (l *historyList) cell(column string, row int) string {
	for _, c := range historyColumns() {
		if c.id == column && row >= 0 && row < len(l.rows) {
			return clean(c.of(l.rows[row]))
		}
	}
	return ""
}

// line is all that stands in a row.
func (l *historyList) line(row int) string {
	var cells []string
	for _, c := range historyColumns() {
		cells = append(cells, l.cell(c.id, row))
	}
	return strings.Join(cells, " | ")
}

func newHistoryList(choose func(id string)) *historyList {
	l := &historyList{scroll: appkit.NewScrollViewWithFrame(rect(0, 0, 100, 100)), table: appkit.NewTableViewWithFrame(rect(0, 0, 100, 100))}
	for _, c := range historyColumns() {
		column := appkit.NewTableColumnWithIdentifier(appkit.UserInterfaceItemIdentifier(c.id))
		column.SetTitle(c.title)
		column.SetEditable(false)
		column.SetWidth(c.width)
		l.table.AddTableColumn(column)
		if c.id == "text" {
			l.text = column
		}
	}
	l.table.SetAllowsMultipleSelection(false)
	l.table.SetAllowsColumnReordering(false)
	l.table.SetAllowsColumnSelection(false)
	l.table.SetRowHeight(18)
	l.table.SetStyle(appkit.TableViewStylePlain) // others keep room at the sides
	l.table.SetIntercellSpacing(foundation.Size{Width: betweenColumns, Height: 2})
	setAccessibilityLabel(l.table, "Results")
	setIdentifier(l.table, "history list")
	source := historySource()
	historyLists()[l.table.Ptr()] = l
	l.table.SetDataSourceObject(source)
	l.table.SetVerticalMotionCanBeginDrag(true)
	l.table.SetDraggingSourceOperationMaskForLocal(appkit.DragOperationCopy, true)
	l.table.SetDraggingSourceOperationMaskForLocal(appkit.DragOperationCopy, false)
	onSelection(l.table, func() {
		if row := l.table.SelectedRow(); !l.setting && row >= 0 && row < len(l.rows) {
			choose(l.rows[row].ID)
		}
	})
	l.scroll.SetHasVerticalScroller(true)
	l.scroll.SetBorderType(appkit.BezelBorder)
	l.scroll.SetDocumentView(l.table)
	return l
}

// place puts the table where it belongs; its texts take what is left of the width.
func (l *historyList) place(frame foundation.Rect) {
	l.scroll.SetFrame(frame)
	room := l.scroll.ContentSize().Width
	for _, c := range historyColumns() {
		room -= betweenColumns
		if c.id != "text" {
			room -= c.width
		}
	}
	l.text.SetWidth(max(room, 60))
}

func (l *historyList) show(rows []ui.HistoryRow, chosen string) {
	same := len(rows) == len(l.rows) && (len(rows) == 0 || &rows[0] == &l.rows[0])
	if same && chosen == l.chosen {
		return
	}
	l.setting = true
	defer func() { l.setting = false }()
	if !same {
		l.rows = rows
		l.table.ReloadData()
	}
	l.chosen = chosen
	for i, r := range rows {
		if r.ID == chosen {
			l.table.SelectRowIndexesByExtendingSelection(foundation.IndexSet_IndexSetWithIndex(uint(i)), false)
			l.table.ScrollRowToVisible(i)
			return
		}
	}
	l.table.DeselectAll(nil)
}

// TTSUIHistorySource gives tables of results what stands in them, and files that are dragged out of them.
type TTSUIHistorySource struct {
	objc.Object
}

// NumberOfRowsInTableView is how many results there are.
func (TTSUIHistorySource) NumberOfRowsInTableView(table objc.Object) int {
	return len(historyLists()[table.Ptr()].rows)
}

// TableViewObjectValueForTableColumnRow is what stands in a cell.
func (TTSUIHistorySource) TableViewObjectValueForTableColumnRow(table, column objc.Object, row int) string {
	id := appkit.TableColumnFrom(column.Ptr()).Identifier()
	return historyLists()[table.Ptr()].cell(string(id), row)
}

// TableViewWriteRowsWithIndexesToPasteboard lets the file of a result be dragged away.
func (TTSUIHistorySource) TableViewWriteRowsWithIndexesToPasteboard(table, indexes, board objc.Object) bool {
	l, row := historyLists()[table.Ptr()], foundation.IndexSetFrom(indexes.Ptr()).FirstIndex()
	if row >= uint(len(l.rows)) || l.rows[row].Path == "" {
		return false
	}
	dragFile(appkit.PasteboardFrom(board.Ptr()), l.rows[row].Path)
	return true
}

// historyLists is which list each table shows.
var historyLists = sync.OnceValue(func() map[unsafe.Pointer]*historyList { return map[unsafe.Pointer]*historyList{} })

// historySource is the one source of all tables, made once and kept.
var historySource = sync.OnceValue(func() TTSUIHistorySource {
	class := objc.NewClass[TTSUIHistorySource](objc.Sel("numberOfRowsInTableView:"), objc.Sel("tableView:objectValueForTableColumn:row:"),
		objc.Sel("tableView:writeRowsWithIndexes:toPasteboard:"))
	objc.RegisterClass(class)
	return keep(class.New())
})
