package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"ttsui/internal/tts"
)

// LogEntry is one line of the server's log.
type LogEntry struct {
	ID        uint64 `json:"id"`
	Timestamp string `json:"timestamp"` // the server's local time, as in its files: 2024-01-15 10:30:45,123
	UnixMS    int64  `json:"unix_ms"`   // the same moment
	Level     string `json:"level"`     // DEBUG, INFO, WARNING, ERROR or CRITICAL
	Message   string `json:"message"`
}

// LogPage is a piece of the server's log.
type LogPage struct {
	Run    string     `json:"run"`     // the server's; another one counts its entries from 1 on again
	Logs   []LogEntry `json:"logs"`    // oldest first
	Lost   uint64     `json:"lost"`    // entries that the server forgot before they were asked for
	LastID uint64     `json:"last_id"` // what to ask for next: everything since this one
}

// LogQuery chooses entries.
type LogQuery struct {
	Level string  // the least one; "" is all
	Since *uint64 // the ID of the last entry that the caller has; nil asks for the newest
	Run   string  // that Since is of, as in LogPage; "" is the one that the server is in
	Limit int     // 0 is none
}

func (q LogQuery) path(path string) string {
	values := url.Values{}
	if q.Level != "" {
		values.Set("level", q.Level)
	}
	if q.Since != nil {
		values.Set("since", mark(q.Run, *q.Since))
	}
	if q.Limit > 0 {
		values.Set("limit", strconv.Itoa(q.Limit))
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

// mark names an entry among those of all runs.
func mark(run string, id uint64) string {
	if run == "" {
		return strconv.FormatUint(id, 10)
	}
	return fmt.Sprintf("%s-%d", run, id)
}

// runOf is the run of a mark, "" when that names none.
func runOf(mark string) string {
	run, _, marked := strings.Cut(mark, "-")
	if !marked {
		return ""
	}
	return run
}

// Logs reads the entries that the server keeps.
func (c *Client) Logs(ctx context.Context, q LogQuery) (LogPage, error) {
	return ask[LogPage](ctx, c, http.MethodGet, q.path("/logs"), nil)
}

// ClearLogs has the server forget its kept entries, and says how many there were. The file stays.
func (c *Client) ClearLogs(ctx context.Context) (int, error) {
	answer, err := ask[struct {
		Cleared int `json:"cleared"`
	}](ctx, c, http.MethodPost, "/logs/clear", struct{}{})
	return answer.Cleared, err
}

// LogEvent is what happens on a log that is followed: one of its fields is set.
type LogEvent struct {
	Entry *LogEntry // the next entry
	Lost  uint64    // so many entries were forgotten before they could be read
	Run   string    // the server was started anew: what it logged last before that may be missing, and IDs begin at 1 again
	Err   error     // the connection broke; it is being made again
}

// FollowLogs gives each with every entry after q.Since, or every new one when that is nil, in order and once. It makes
// a broken connection again by itself, and returns when ctx ends or the server refuses. q.Limit means nothing here.
func (c *Client) FollowLogs(ctx context.Context, q LogQuery, each func(LogEvent)) error {
	start, err := c.logStart(ctx, q, each)
	if err != nil {
		return err
	}
	path, run := LogQuery{Level: q.Level}.path("/logs/stream"), runOf(start)
	return c.follow(ctx, path, start, func(e event) (bool, error) {
		if now := runOf(e.id); now != "" && now != run {
			if run != "" {
				each(LogEvent{Run: now})
			}
			run = now
		}
		told, err := readLogEvent(e)
		if err != nil {
			return false, c.strange("its log has an event that can't be read: %v", err)
		}
		each(told)
		return false, nil
	}, func(err error) { each(LogEvent{Err: err}) })
}

// logStart is the mark that a stream begins after. It is known before the first connection, so that nothing is missed
// when that one breaks before its first event.
func (c *Client) logStart(ctx context.Context, q LogQuery, each func(LogEvent)) (string, error) {
	if q.Since != nil {
		return mark(q.Run, *q.Since), nil
	}
	var retry backoff
	for {
		page, err := c.Logs(ctx, LogQuery{Level: q.Level, Limit: 1})
		if err == nil || isFinal(err) || tts.CodeOf(err) == tts.CodeCanceled {
			return mark(page.Run, page.LastID), err
		}
		each(LogEvent{Err: err})
		if !sleep(ctx, retry.next()) {
			return "", c.explain(ctx, ctx.Err())
		}
	}
}

func readLogEvent(e event) (LogEvent, error) {
	if e.name == "lost" {
		var data struct {
			Lost uint64 `json:"lost"`
		}
		err := json.Unmarshal([]byte(e.data), &data)
		return LogEvent{Lost: data.Lost}, err
	}
	entry := &LogEntry{}
	return LogEvent{Entry: entry}, json.Unmarshal([]byte(e.data), entry)
}
