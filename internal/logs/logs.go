// Package logs writes the log: zerolog's events as lines of one agreed format,
//
//	2024-01-15 10:30:45,123 | INFO | Loading model: mlx-community/Qwen3-TTS-12Hz-1.7B-Base-bf16
//
// in local time, with the levels DEBUG, INFO, WARNING, ERROR and CRITICAL. One event is one line whatever its
// text holds: what does not print is escaped, so that a text forges neither lines nor terminal codes.
//
// A Log sends each line to three places that fail apart from one another: a writer, which is standard error as a
// rule; a Ring, which keeps the newest entries for those who read the log over HTTP; and a file, which starts anew
// when it is full.
package logs

import (
	"io"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"
)

// Config says where a log goes.
type Config struct {
	Level zerolog.Level    // of the least event that is written
	Out   io.Writer        // gets every line in one Write
	Dir   string           // the folder of ttsui.log, which is made when needed; "" keeps no file
	Now   func() time.Time // time.Now when nil
}

// Log is an open log.
type Log struct {
	Logger zerolog.Logger // writes to the log
	Ring   *Ring          // keeps its newest entries
	lines  *lineWriter
}

// Open opens a log. A file that can't be written is no error: the log says so in its other places, goes on there,
// and tries the file again with every line.
func Open(c Config) *Log {
	l := &Log{Ring: NewRing()}
	l.lines = &lineWriter{out: c.Out, now: c.Now, ring: l.Ring}
	if l.lines.now == nil {
		l.lines.now = time.Now
	}
	if c.Dir != "" {
		l.lines.file = &file{path: filepath.Join(c.Dir, fileName)}
	}
	l.Logger = zerolog.New(l.lines).Level(c.Level)
	return l
}

// Close closes the file. What is logged later still reaches the other places.
func (l *Log) Close() error { return l.lines.closeFile() }

// New makes a logger that writes the lines of events of level and above to w alone, timed by now. Each event is one
// Write, and Writes don't overlap.
func New(w io.Writer, level zerolog.Level, now func() time.Time) zerolog.Logger {
	return zerolog.New(&lineWriter{out: w, now: now}).Level(level)
}

// Critical starts an event for what the server can't recover from. Unlike zerolog's own Fatal it doesn't exit.
func Critical(log *zerolog.Logger) *zerolog.Event { return log.WithLevel(critical) }
