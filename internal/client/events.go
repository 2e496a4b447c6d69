package client

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"ttsui/internal/tts"
)

// Limits of an event stream.
const (
	maxEvent     = 1 << 20          // bytes of one line
	silenceLimit = 45 * time.Second // three of the server's signs of life
)

// event is one server-sent event.
type event struct{ name, id, data string }

// follow gives each event at path to each, until each says stop or fails, ctx ends, or the server refuses. A
// connection that breaks is told to broken and made again, from the event after the one with the ID last.
//
// The reader below is our own: r3labs/sse, which serves the stream, hides the comments that tell a silent server from
// a dead connection, gives up for good after a quarter of an hour, and tells a refusal from a broken line by its text
// only.
func (c *Client) follow(ctx context.Context, path, last string, each func(event) (stop bool, err error), broken func(error)) error {
	var retry backoff
	for {
		stop, err := c.readStream(ctx, path, &last, func(e event) (bool, error) {
			retry.reset()
			return each(e)
		})
		switch {
		case stop:
			return err
		case ctx.Err() != nil:
			return c.explain(ctx, ctx.Err())
		case isFinal(err):
			return err
		}
		broken(err)
		if !sleep(ctx, retry.next()) {
			return c.explain(ctx, ctx.Err())
		}
	}
}

// isFinal reports whether asking again would bring the same answer.
func isFinal(err error) bool {
	switch tts.CodeOf(err) {
	case tts.CodeInvalid, tts.CodeDenied, tts.CodeNotFound, tts.CodeUnsupported:
		return true
	}
	return false
}

// readStream reads one connection to its end. It keeps the ID of the newest event in last.
func (c *Client) readStream(ctx context.Context, path string, last *string, each func(event) (bool, error)) (stop bool, err error) {
	ctx, hangUp := context.WithCancelCause(ctx)
	defer hangUp(nil)
	silence := time.AfterFunc(silenceLimit, func() {
		hangUp(tts.Errorf(tts.CodeTimeout, "See whether the server still runs.", "the server at %s fell silent", c.base))
	})
	defer silence.Stop()
	header := http.Header{"Accept": {"text/event-stream"}}
	if *last != "" {
		header.Set("Last-Event-ID", *last)
	}
	res, err := c.send(ctx, http.MethodGet, path, nil, header)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		return false, c.strange("%s is of type %.100q, not a stream of events", path, kind)
	}
	lines := newEventLines(res.Body, func() { silence.Reset(silenceLimit) })
	for {
		e, err := lines.next()
		if err == nil {
			err = context.Cause(ctx) // what came before the end is not told after it
		}
		if err != nil {
			return false, c.explain(ctx, err)
		}
		if e.id != "" {
			*last = e.id
		}
		if stop, err := each(e); stop || err != nil {
			return true, err
		}
	}
}

// eventLines reads events as the standard of server-sent events has them.
type eventLines struct {
	lines *bufio.Scanner
	alive func() // called for each line, a comment too
}

func newEventLines(r io.Reader, alive func()) *eventLines {
	l := &eventLines{bufio.NewScanner(r), alive}
	l.lines.Buffer(nil, maxEvent)
	return l
}

// next reads to the end of the next event that has data. At the end of the stream it returns io.EOF; what stands
// before it without an empty line is no event.
func (l *eventLines) next() (event, error) {
	var e event
	var data []string
	for l.lines.Scan() {
		l.alive()
		if l.lines.Text() == "" {
			if data != nil {
				e.data = strings.Join(data, "\n")
				return e, nil
			}
			e = event{}
			continue
		}
		field, value, _ := strings.Cut(l.lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			e.name = value
		case "data":
			data = append(data, value)
		case "id":
			if !strings.ContainsRune(value, 0) {
				e.id = value
			}
		}
	}
	if err := l.lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return event{}, tts.Errorf(tts.CodeUnsupported, "", "an event is longer than %d bytes", maxEvent)
	} else if err != nil {
		return event{}, err
	}
	return event{}, io.EOF
}
