//go:build darwin || gnustep

package cocoa

import (
	"strings"
	"sync"
	"unsafe"

	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"
	"github.com/progrium/darwinkit/objc"
)

// table is rows of texts, of which one is chosen. It asks for those rows only that are seen.
type table struct {
	scroll  appkit.ScrollView
	view    appkit.TableView
	columns []tableColumn
	wide    appkit.TableColumn
	count   int                  // of rows
	file    func(row int) string // that is dragged out of it; nil for none
	setting bool                 // what is selected, by us
}

// tableColumn is a column of a table.
type tableColumn struct {
	id, title string
	width     float64
	of        func(row int) string
}

// wideColumn is the column that takes what is left of the width.
const wideColumn = "text"

const betweenColumns = 3

// newTable makes an empty table with a name for tests, and one for who can't see it.
func newTable(name, label string, columns []tableColumn) *table {
	t := &table{scroll: appkit.NewScrollViewWithFrame(rect(0, 0, 100, 100)), view: appkit.NewTableViewWithFrame(rect(0, 0, 100, 100)), columns: columns}
	for _, c := range columns {
		column := appkit.NewTableColumnWithIdentifier(appkit.UserInterfaceItemIdentifier(c.id))
		column.SetTitle(c.title)
		column.SetEditable(false)
		column.SetWidth(c.width)
		t.view.AddTableColumn(column)
		if c.id == wideColumn {
			t.wide = column
		}
	}
	t.view.SetAllowsMultipleSelection(false)
	t.view.SetAllowsColumnReordering(false)
	t.view.SetAllowsColumnSelection(false)
	t.view.SetRowHeight(18)
	t.view.SetStyle(appkit.TableViewStylePlain) // others keep room at the sides
	t.view.SetIntercellSpacing(foundation.Size{Width: betweenColumns, Height: 2})
	setAccessibilityLabel(t.view, label)
	setIdentifier(t.view, name)
	tables()[t.view.Ptr()] = t
	t.view.SetDataSourceObject(tableSource())
	t.scroll.SetHasVerticalScroller(true)
	t.scroll.SetBorderType(appkit.BezelBorder)
	t.scroll.SetDocumentView(t.view)
	return t
}

// addTo puts the table into a page; name is its place there.
func (t *table) addTo(p page, name string) { p.addPart(name, &part{view: t.scroll, place: t.place}) }

// drags lets rows be dragged out of the table as files; file gives the path of each, "" for none.
func (t *table) drags(file func(row int) string) {
	t.file = file
	t.view.SetVerticalMotionCanBeginDrag(true)
	t.view.SetDraggingSourceOperationMaskForLocal(appkit.DragOperationCopy, true)
	t.view.SetDraggingSourceOperationMaskForLocal(appkit.DragOperationCopy, false)
}

// onChoice has f called when the user chooses another row.
func (t *table) onChoice(f func(row int)) {
	onSelection(t.view, func() {
		if row := t.view.SelectedRow(); !t.setting && row >= 0 && row < t.count {
			f(row)
		}
	})
}

// onClick has f called when the user clicks on a row, the one that is chosen, too.
func (t *table) onClick(f func(row int)) {
	onAction(t.view, func() {
		if row := t.view.ClickedRow(); row >= 0 && row < t.count {
			f(row)
		}
	})
}

// show has the rows drawn anew when they are others, and selects one; -1 for none.
func (t *table) show(count int, others bool, chosen int) {
	t.setting = true
	defer func() { t.setting = false }()
	t.count = count
	if others {
		t.view.ReloadData()
	}
	if chosen < 0 {
		t.view.DeselectAll(nil)
		return
	}
	t.view.SelectRowIndexesByExtendingSelection(foundation.IndexSet_IndexSetWithIndex(uint(chosen)), false)
	t.view.ScrollRowToVisible(chosen)
}

// isSame reports whether two lists are one: a snapshot that changes a list makes another.
func isSame[T any](a, b []T) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// place puts the table where it belongs; its wide column takes what is left of the width.
func (t *table) place(frame foundation.Rect) {
	t.scroll.SetFrame(frame)
	room := t.scroll.ContentSize().Width
	for _, c := range t.columns {
		room -= betweenColumns
		if c.id != wideColumn {
			room -= c.width
		}
	}
	t.wide.SetWidth(max(room, 60))
}

// cell is what stands in a column of a row.
func (t *table) cell(column string, row int) string {
	for _, c := range t.columns {
		if c.id == column && row >= 0 && row < t.count {
			return clean(c.of(row))
		}
	}
	return ""
}

// line is all that stands in a row.
func (t *table) line(row int) string {
	var cells []string
	for _, c := range t.columns {
		cells = append(cells, t.cell(c.id, row))
	}
	return strings.Join(cells, " | ")
}

// TTSUITableSource gives tables what stands in them, and files that are dragged out of them.
type TTSUITableSource struct {
	objc.Object
}

// NumberOfRowsInTableView is how many rows there are.
func (TTSUITableSource) NumberOfRowsInTableView(view objc.Object) int {
	return tables()[view.Ptr()].count
}

// TableViewObjectValueForTableColumnRow is what stands in a cell.
func (TTSUITableSource) TableViewObjectValueForTableColumnRow(view, column objc.Object, row int) string {
	id := appkit.TableColumnFrom(column.Ptr()).Identifier()
	return tables()[view.Ptr()].cell(string(id), row)
}

// TableViewWriteRowsWithIndexesToPasteboard lets the file of a row be dragged away.
func (TTSUITableSource) TableViewWriteRowsWithIndexesToPasteboard(view, indexes, board objc.Object) bool {
	t, row := tables()[view.Ptr()], foundation.IndexSetFrom(indexes.Ptr()).FirstIndex()
	if t.file == nil || row >= uint(t.count) || t.file(int(row)) == "" {
		return false
	}
	dragFile(appkit.PasteboardFrom(board.Ptr()), t.file(int(row)))
	return true
}

// tables is which table each view shows.
var tables = sync.OnceValue(func() map[unsafe.Pointer]*table { return map[unsafe.Pointer]*table{} })

// tableSource is the one source of all tables, made once and kept.
var tableSource = sync.OnceValue(func() TTSUITableSource {
	class := objc.NewClass[TTSUITableSource](objc.Sel("numberOfRowsInTableView:"), objc.Sel("tableView:objectValueForTableColumn:row:"),
		objc.Sel("tableView:writeRowsWithIndexes:toPasteboard:"))
	objc.RegisterClass(class)
	return keep(class.New())
})
