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

// logPath is path with what q chooses.
func logPath(path string, q tts.LogQuery) string {
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
func (c *Client) Logs(ctx context.Context, q tts.LogQuery) (tts.LogPage, error) {
	return ask[tts.LogPage](ctx, c, http.MethodGet, logPath("/logs", q), nil)
}

// ClearLogs has the server forget its kept entries, and says how many there were. The file stays.
func (c *Client) ClearLogs(ctx context.Context) (int, error) {
	answer, err := ask[struct {
		Cleared int `json:"cleared"`
	}](ctx, c, http.MethodPost, "/logs/clear", struct{}{})
	return answer.Cleared, err
}

// FollowLogs gives each with every entry after q.Since, or every new one when that is nil, in order and once. It makes
// a broken connection again by itself, and returns when ctx ends or the server refuses. q.Limit means nothing here.
func (c *Client) FollowLogs(ctx context.Context, q tts.LogQuery, each func(tts.LogEvent)) error {
	start, err := c.logStart(ctx, q, each)
	if err != nil {
		return err
	}
	path, run := logPath("/logs/stream", tts.LogQuery{Level: q.Level}), runOf(start)
	return c.follow(ctx, path, start, func(e event) (bool, error) {
		if now := runOf(e.id); now != "" && now != run {
			if run != "" {
				each(tts.LogEvent{Run: now})
			}
			run = now
		}
		told, err := readLogEvent(e)
		if err != nil {
			return false, c.strange("its log has an event that can't be read: %v", err)
		}
		each(told)
		return false, nil
	}, func(err error) { each(tts.LogEvent{Err: err}) })
}

// logStart is the mark that a stream begins after. It is known before the first connection, so that nothing is missed
// when that one breaks before its first event.
func (c *Client) logStart(ctx context.Context, q tts.LogQuery, each func(tts.LogEvent)) (string, error) {
	if q.Since != nil {
		return mark(q.Run, *q.Since), nil
	}
	var retry backoff
	for {
		page, err := c.Logs(ctx, tts.LogQuery{Level: q.Level, Limit: 1})
		if err == nil || isFinal(err) || tts.CodeOf(err) == tts.CodeCanceled {
			return mark(page.Run, page.LastID), err
		}
		each(tts.LogEvent{Err: err})
		if !sleep(ctx, retry.next()) {
			return "", c.explain(ctx, ctx.Err())
		}
	}
}

func readLogEvent(e event) (tts.LogEvent, error) {
	if e.name == "lost" {
		var data struct {
			Lost uint64 `json:"lost"`
		}
		err := json.Unmarshal([]byte(e.data), &data)
		return tts.LogEvent{Lost: data.Lost}, err
	}
	entry := &tts.LogEntry{}
	return tts.LogEvent{Entry: entry}, json.Unmarshal([]byte(e.data), entry)
}
