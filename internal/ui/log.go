package ui

import (
	"fmt"
	"time"

	"ttsui/internal/tts"
)

// mostLines is how many entries the panel keeps.
const mostLines = 1000

// stampLayout is how the server writes a time.
const stampLayout = "2006-01-02 15:04:05,000"

// logPanel is the log as far as it is kept. What is shown only grows at its end and loses its beginning, or is made
// anew, so that snapshots may share it.
type logPanel struct {
	all    []LogLine
	shown  []LogLine // those that filter lets through
	filter string
	seq    uint64
	rev    int
	note   string
}

func newLogPanel() logPanel { return logPanel{filter: "all"} }

// logFilters are the choices of what is shown.
func logFilters() []Choice {
	return []Choice{{ID: "all", Title: "All"}, {ID: "info", Title: "Info"}, {ID: "warning", Title: "Warning"}, {ID: "error", Title: "Error"}}
}

// severity orders levels and filters.
func severity(level string) int {
	switch level {
	case "INFO", "info":
		return 1
	case "WARNING", "warning":
		return 2
	case "ERROR", "error":
		return 3
	case "CRITICAL":
		return 4
	}
	return 0
}

func roleOf(level string) Role {
	switch level {
	case "DEBUG":
		return Quiet
	case "WARNING":
		return Caution
	case "ERROR":
		return Danger
	case "CRITICAL":
		return Critical
	}
	return Normal
}

// learn takes what happened on the server's log.
func (l *logPanel) learn(e tts.LogEvent) {
	if e.Err == nil {
		l.note = ""
	}
	switch {
	case e.Entry != nil:
		l.add(LogLine{Stamp: e.Entry.Timestamp, Level: e.Entry.Level, Text: e.Entry.Message, Role: roleOf(e.Entry.Level)})
	case e.Lost > 0:
		l.remark(fmt.Sprintf("… %s lost", plural(int(e.Lost), "line was", "lines were")))
	case e.Run != "":
		l.remark("The server was started anew.")
	case e.Err != nil:
		l.note = "No connection to the log; trying again: " + e.Err.Error()
	}
}

// remark adds a line of our own, that every filter lets through: what is wrong with the window has no other place.
func (l *logPanel) remark(text string) { l.addOurs("WARNING", text, true) }

// did adds what the window did.
func (l *logPanel) did(text string) { l.addOurs("INFO", text, false) }

func (l *logPanel) addOurs(level, text string, always bool) {
	l.add(LogLine{Stamp: time.Now().Format(stampLayout), Level: level, Text: text, Role: roleOf(level), always: always})
}

func (l *logPanel) add(line LogLine) {
	l.seq++
	line.Seq = l.seq
	l.all = append(l.all, line)
	if len(l.all) > mostLines {
		l.all = l.all[1:]
	}
	if l.shows(line) {
		l.shown = append(l.shown, line)
	}
	for len(l.shown) > 0 && l.shown[0].Seq < l.all[0].Seq {
		l.shown = l.shown[1:]
	}
}

func (l *logPanel) shows(line LogLine) bool {
	return line.always || severity(line.Level) >= severity(l.filter)
}

func (l *logPanel) setFilter(id string) {
	if next := pick(logFilters(), id, l.filter); next != l.filter {
		l.filter = next
		l.rebuild()
	}
}

func (l *logPanel) rebuild() {
	l.rev++
	l.shown = nil
	for _, line := range l.all {
		if l.shows(line) {
			l.shown = append(l.shown, line)
		}
	}
}

func (l *logPanel) clear() {
	l.all = nil
	l.rebuild()
}

// show is the panel as a view gets it.
func (l *logPanel) show() Log {
	return Log{
		Title: "Output Log", Lines: l.shown[:len(l.shown):len(l.shown)], Rev: l.rev, Note: l.note,
		Filter: showChoices("Level", logFilters(), l.filter),
		Copy:   Button{Title: "Copy", Enabled: len(l.shown) > 0, Tooltip: "Copy all logs"},
		Clear:  Button{Title: "Clear", Enabled: len(l.all) > 0, Tooltip: "Clear log"},
	}
}
