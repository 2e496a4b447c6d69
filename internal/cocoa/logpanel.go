//go:build darwin || gnustep

package cocoa

import (
	"unicode/utf16"

	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"

	"ttsui/internal/ui"
)

// logPanel shows the server's log: only what is new is added, and who reads further up stays there.
type logPanel struct {
	area        textArea
	title, note *label
	filter      *menu
	copy, clear *button
	font, bold  appkit.Font

	shown bool // anything yet
	rev   int
	lines []logLine // in area
}

// logLine is a line in the text: which, and how long it is in UTF-16 units.
type logLine struct {
	seq    uint64
	length uint64
}

func newLogPanel(app *ui.App, p page, copyLog func()) *logPanel {
	l := &logPanel{font: keep(appkit.Font_UserFixedPitchFontOfSize(11)), title: makeLabel("log label", false), note: makeLabel("log note", false)}
	l.bold = keep(appkit.Font_BoldSystemFontOfSize(11))
	l.area = newTextArea(false, l.font)
	setAccessibilityLabel(l.area.view, "Output Log")
	setIdentifier(l.area.view, "Output Log")
	l.filter = makeMenu("log level", app.FilterLog)
	l.copy, l.clear = makeButton("copy log", copyLog), makeButton("clear log", app.ClearLog)
	p.add("log.title", l.title.view)
	p.add("log.filter", l.filter.view)
	p.add("log.note", l.note.view)
	p.add("log.copy", l.copy.view)
	p.add("log.clear", l.clear.view)
	p.addArea("log.text", l.area)
	return l
}

func (l *logPanel) show(s *ui.Log) {
	l.title.show(s.Title, ui.Normal)
	l.note.show(s.Note, ui.Caution)
	l.filter.show(s.Filter)
	l.copy.show(s.Copy)
	l.clear.show(s.Clear)
	if !l.shown || s.Rev != l.rev {
		l.area.setText("")
		l.lines, l.rev, l.shown = nil, s.Rev, true
	}
	l.update(s.Lines)
}

// update removes lines that are gone from the front, and adds those that are new.
func (l *logPanel) update(lines []ui.LogLine) {
	first := uint64(0)
	if len(lines) > 0 {
		first = lines[0].Seq
	}
	var gone uint64
	for len(l.lines) > 0 && (len(lines) == 0 || l.lines[0].seq < first) {
		gone += l.lines[0].length
		l.lines = l.lines[1:]
	}
	last := uint64(0)
	if len(l.lines) > 0 {
		last = l.lines[len(l.lines)-1].seq
	}
	var added []foundation.AttributedString
	for _, line := range lines {
		if len(l.lines) > 0 && line.Seq <= last {
			continue
		}
		text := clean(line.Show() + "\n")
		font := l.font
		if line.Role == ui.Critical {
			font = l.bold
		}
		added = append(added, styled(text, font, tint(line.Role)))
		l.lines = append(l.lines, logLine{line.Seq, uint64(len(utf16.Encode([]rune(text))))})
		last = line.Seq
	}
	l.area.change(gone, added)
}
