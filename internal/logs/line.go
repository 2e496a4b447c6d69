package logs

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/rs/zerolog"
)

// timeLayout has a comma before the milliseconds, as Python's logging writes them.
const timeLayout = "2006-01-02 15:04:05,000"

// Entry is one event of the log.
type Entry struct {
	ID      uint64 // counts up from 1 in a Ring
	Time    time.Time
	Level   zerolog.Level // one of the five that LevelName names
	Message string        // one line, in which everything prints
}

// Timestamp is the time as lines have it: local, to the millisecond.
func (e Entry) Timestamp() string { return e.Time.Local().Format(timeLayout) }

func (e Entry) line() string {
	return e.Timestamp() + " | " + LevelName(e.Level) + " | " + e.Message + "\n"
}

// lineWriter takes zerolog's events and writes them, one at a time and so in the order of their times.
type lineWriter struct {
	mu     sync.Mutex
	now    func() time.Time
	out    io.Writer
	ring   *Ring // may be nil
	file   *file // may be nil
	missed int   // lines that the file did not take since it last took one
}

// Write takes an event without a level.
func (w *lineWriter) Write(event []byte) (int, error) { return w.WriteLevel(zerolog.NoLevel, event) }

// WriteLevel takes an event. It has no error to report: a place that fails must not keep a line from the others.
func (w *lineWriter) WriteLevel(level zerolog.Level, event []byte) (int, error) {
	text := messageOf(event)
	w.mu.Lock()
	defer w.mu.Unlock()
	e := Entry{Time: w.now(), Level: severity(level), Message: text}
	w.tell(e)
	if w.file != nil {
		w.writeFile(e)
	}
	return len(event), nil
}

// tell writes to the places that are not the file.
func (w *lineWriter) tell(e Entry) {
	if w.ring != nil {
		w.ring.Append(e)
	}
	_, _ = io.WriteString(w.out, e.line()) // who could be told that standard error is gone?
}

// writeFile writes to the file. The first line that it doesn't take is warned of; when it takes lines again, one of
// them says how many are missing.
func (w *lineWriter) writeFile(e Entry) {
	text := e.line()
	if w.missed > 0 {
		gap := Entry{Time: e.Time, Level: zerolog.WarnLevel, Message: fmt.Sprintf("Missing here: %d lines, which the file did not take", w.missed)}
		text = gap.line() + text
	}
	err := w.file.write(text)
	if err == nil {
		w.missed = 0
		return
	}
	if w.missed++; w.missed == 1 {
		w.tell(Entry{Time: e.Time, Level: zerolog.WarnLevel, Message: Escape(fmt.Sprintf("The log file misses lines: %v", err))})
	}
}

func (w *lineWriter) closeFile() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		return nil
	}
	defer func() { w.file = nil }()
	return w.file.close()
}

// messageOf makes one line of a zerolog event: its message, then its fields, with everything escaped.
func messageOf(event []byte) string {
	var text strings.Builder
	console := zerolog.ConsoleWriter{Out: &text, NoColor: true, PartsOrder: []string{zerolog.MessageFieldName}}
	if _, err := console.Write(event); err != nil { // a field that marshals itself to what is no JSON
		text.Write(event)
	}
	return Escape(strings.TrimSuffix(text.String(), "\n"))
}

// Escape makes s safe inside one line of a log or a terminal: whatever doesn't print is written as Go would
// quote it, "\n" or "\x1b".
func Escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}
