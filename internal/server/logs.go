package server

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/r3labs/sse/v2"
	"github.com/rs/zerolog"

	"ttsui/internal/logs"
	"ttsui/internal/tts"
)

// newLogEntry is e on the wire.
func newLogEntry(e logs.Entry) tts.LogEntry {
	return tts.LogEntry{ID: e.ID, Timestamp: e.Timestamp(), UnixMS: e.Time.UnixMilli(), Level: logs.LevelName(e.Level), Message: e.Message}
}

// mark names an entry among those of all runs.
func (s *Server) mark(id uint64) string { return fmt.Sprintf("%s-%d", s.logs.Run(), id) }

// listLogs answers with the kept entries: those after since, oldest first, at most limit of them; without since, the
// newest.
func (s *Server) listLogs(w http.ResponseWriter, r *http.Request) {
	q, err := s.readLogQuery(r.URL, "level", "since", "limit")
	if err != nil {
		s.writeError(w, r, err)
		return
	}
	var page logs.Page
	if q.resumes {
		page = s.logs.After(q.since, q.level, q.limit)
	} else {
		page = s.logs.Newest(q.level, q.limit)
	}
	answer := tts.LogPage{Run: s.logs.Run(), Logs: []tts.LogEntry{}, Lost: page.Lost, LastID: page.Last}
	for _, e := range page.Entries {
		answer.Logs = append(answer.Logs, newLogEntry(e))
	}
	s.writeJSON(w, r, http.StatusOK, answer)
}

type clearAnswer struct {
	Cleared int `json:"cleared"`
}

// clearLogs forgets the kept entries. The file stays.
func (s *Server) clearLogs(_ context.Context, body []byte) (any, error) {
	if len(bytes.TrimSpace(body)) > 0 {
		if err := decode(body, &struct{}{}); err != nil {
			return nil, invalid("Send {} or nothing.", "%w", err)
		}
	}
	return clearAnswer{s.logs.Clear()}, nil
}

// logPage is how many entries a stream takes from the ring at once.
const logPage = 32

type lostEvent struct {
	Lost uint64 `json:"lost"`
}

// streamLogs sends each entry as an event. It begins after the entry that the header Last-Event-ID or else since
// names, or with the next one. Entries that the ring no longer has are counted in an event named lost.
func (s *Server) streamLogs(w http.ResponseWriter, r *http.Request) {
	q, err := s.readLogQuery(r.URL, "level", "since")
	if id := r.Header.Get("Last-Event-ID"); id != "" && err == nil { // newer than the URL, which EventSource repeats
		err = s.resume(&q, "Last-Event-ID", id)
	}
	if err != nil {
		s.writeError(w, r, err)
		return
	}
	if !q.resumes {
		q.since = s.logs.Last()
	}
	s.stream(w, r, func(ctx context.Context, send func(*sse.Event)) { s.followLogs(ctx, q, send) })
}

// followLogs sends what the ring gets, and has got since the entry that q names.
func (s *Server) followLogs(ctx context.Context, q logQuery, send func(*sse.Event)) {
	for at := q.since; ; {
		page := s.logs.After(at, q.level, logPage)
		at = page.Last
		if page.Lost > 0 {
			before := page.Last
			if len(page.Entries) > 0 {
				before = page.Entries[0].ID - 1
			}
			send(event("lost", s.mark(before), lostEvent{page.Lost}))
		}
		for _, e := range page.Entries {
			send(event("", s.mark(e.ID), newLogEntry(e)))
		}
		if s.logs.Wait(ctx, at) != nil {
			return
		}
	}
}

// logQuery is what a client wants of the log.
type logQuery struct {
	level   zerolog.Level
	since   uint64 // the ID of the last entry that it has
	resumes bool   // since was said
	limit   int
}

// readLogQuery reads the parameters in u, which may have the names given.
func (s *Server) readLogQuery(u *url.URL, names ...string) (logQuery, error) {
	q := logQuery{level: zerolog.DebugLevel, limit: math.MaxInt}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return q, invalid("Correct the part of the URL after the question mark.", "the query can't be read: %v", err)
	}
	for name := range values {
		if !slices.Contains(names, name) {
			return q, invalid("The parameters are "+strings.Join(names, ", ")+".", "unknown parameter %.100q", name)
		}
	}
	if text := values.Get("level"); text != "" {
		if q.level, err = logs.ParseLevel(text); err != nil {
			return q, invalid("Use debug, info, warning, error or critical.", "unknown level %.40q", text)
		}
	}
	if text := values.Get("since"); text != "" {
		if err := s.resume(&q, "since", text); err != nil {
			return q, err
		}
	}
	if text := values.Get("limit"); text != "" {
		if q.limit, err = strconv.Atoi(text); err != nil || q.limit < 1 {
			return q, invalid("Leave limit out to get all.", "limit has to be a whole number from 1 on, not %.40q", text)
		}
	}
	return q, nil
}

// resume takes the mark of the last entry that a client has, or its ID alone. Who has one of another run has none of
// this one.
func (s *Server) resume(q *logQuery, name, text string) (err error) {
	q.resumes = true
	run, id, marked := strings.Cut(text, "-")
	if !marked {
		run, id = s.logs.Run(), text
	}
	if q.since, err = strconv.ParseUint(id, 10, 64); err != nil || run == "" {
		return invalid("Send the id of the last entry that you have, best as run-id, or 0 for all that are kept.",
			"%s has to be a whole number from 0 on, or a run before it, not %.40q", name, text)
	}
	if run != s.logs.Run() {
		q.since = 0
	}
	return nil
}
