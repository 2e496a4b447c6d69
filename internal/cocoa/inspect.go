//go:build gnustep

package cocoa

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"os"

	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/objc"
)

// inspect lets a test of the real program look at its views: who connects to the socket that $TTSUI_VIEWS names gets
// them as JSON. Programs for users are built without this file.
func inspect() {
	path := os.Getenv("TTSUI_VIEWS")
	if path == "" {
		return
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		fmt.Fprintln(os.Stderr, "no test can look at the views:", err)
		return
	}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = json.NewEncoder(conn).Encode(Views()) // a test that has gone needs nothing
			_ = conn.Close()
		}
	}()
}

// View is a view that can be seen, as a test of the window sees it.
type View struct {
	Window  string // its title
	Label   string // its name for tests
	Name    string // what those hear who can't see it
	Text    string // what is written on it or in it
	Control bool   // it can be used
	Enabled bool
	Checked bool
	X, Y    int // its middle on the display, counted from the top left corner
	W, H    int
}

// Views lists what can be seen in all windows now, those behind first: all controls, and what else has a label. Any goroutine but the main one may ask.
func Views() (views []View) {
	onMainWait(func() {
		for _, window := range appkit.Application_SharedApplication().Windows() {
			if window.IsVisible() {
				views = append(views, viewsIn(window, window.ContentView())...)
			}
		}
	})
	return views
}

func viewsIn(window appkit.Window, view appkit.View) (views []View) {
	if view.IsHidden() {
		return nil
	}
	seen := view.ConvertRectToView(view.VisibleRect(), nil)
	frame, display := window.Frame(), window.Screen().Frame()
	v := View{
		Window: window.Title(), Label: identifier(view), Name: accessibilityLabel(view), Text: textOf(view), Enabled: true,
		X: int(frame.Origin.X + seen.Origin.X + seen.Size.Width/2),
		Y: int(display.Size.Height - (frame.Origin.Y + seen.Origin.Y + seen.Size.Height/2)),
		W: int(seen.Size.Width), H: int(seen.Size.Height),
	}
	if isA(view, "NSButton") {
		b := appkit.ButtonFrom(view.Ptr())
		v.Enabled, v.Checked = b.IsEnabled(), b.State() == appkit.ControlStateValueOn
		v.Label, v.Name = cmp.Or(v.Label, v.Text), cmp.Or(v.Name, v.Text) // of those that Cocoa makes, in sheets
	}
	v.Control = isA(view, "NSButton") || isA(view, "NSSlider") || isA(view, "NSTextView") ||
		isA(view, "NSTextField") && appkit.TextFieldFrom(view.Ptr()).IsEditable()
	if v.Label != "" || v.Control {
		views = append(views, v)
	}
	if isA(view, "NSTableView") {
		views = append(views, rowsOf(v, view)...)
	}
	if isA(view, "NSTextField") {
		return views // what edits it, just now, is Cocoa's own
	}
	for _, child := range view.Subviews() {
		views = append(views, viewsIn(window, child)...)
	}
	return views
}

// rowsOf lists the rows of a table that can be seen: like the table itself, but named "row N of" it, and with the texts
// of their cells.
func rowsOf(whole View, view appkit.View) (views []View) {
	table := appkit.TableViewFrom(view.Ptr())
	seen := table.VisibleRect()
	for row := range table.NumberOfRows() {
		at := table.RectOfRow(row)
		if middle := at.Origin.Y + at.Size.Height/2; middle < seen.Origin.Y || middle > seen.Origin.Y+seen.Size.Height {
			continue
		}
		v := whole
		v.Label, v.Control, v.Checked = fmt.Sprintf("row %d of %s", row+1, whole.Label), false, table.SelectedRow() == row
		v.Text = tables()[view.Ptr()].line(row)
		v.Y += int(at.Origin.Y + at.Size.Height/2 - seen.Origin.Y - seen.Size.Height/2) // a table counts downwards
		v.H = int(at.Size.Height)
		views = append(views, v)
	}
	return views
}

// textOf is what is written on a view.
func textOf(view appkit.View) string {
	switch {
	case isA(view, "NSPopUpButton"):
		return appkit.PopUpButtonFrom(view.Ptr()).TitleOfSelectedItem()
	case isA(view, "NSButton"):
		return appkit.ButtonFrom(view.Ptr()).Title()
	case isA(view, "NSLevelIndicator"):
		return fmt.Sprintf("%.2f", appkit.LevelIndicatorFrom(view.Ptr()).DoubleValue())
	case isA(view, "NSSlider"):
		slider := appkit.SliderFrom(view.Ptr())
		return fmt.Sprintf("%.1f of %.1f", slider.DoubleValue(), slider.MaxValue())
	case isA(view, "NSTextView"):
		return appkit.TextViewFrom(view.Ptr()).String()
	case isA(view, "NSTextField"):
		return appkit.TextFieldFrom(view.Ptr()).StringValue()
	}
	return ""
}

// identifier is what setIdentifier has set.
func identifier(view appkit.IView) string {
	return objc.Call[string](view, objc.Sel("accessibilityIdentifier"))
}

func isA(view appkit.View, class string) bool {
	return objc.Call[bool](view, objc.Sel("isKindOfClass:"), objc.GetClass(class))
}
