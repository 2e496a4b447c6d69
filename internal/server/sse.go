package server

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/r3labs/sse/v2"

	"ttsui/internal/tts"
)

// Limits of event streams. A client that is dropped loses nothing: it comes again and says what it saw last.
const (
	maxStreams   = 64
	stallTimeout = 30 * time.Second // for a client to take the next bytes
	farewell     = time.Second      // for it to take the last ones
)

// source sends what one client is to see, until ctx ends or there is no more. send blocks while the client is slow.
type source func(ctx context.Context, send func(*sse.Event))

// streamName is the same for all clients, because each has an sse.Server to itself.
const streamName = "events"

// stream answers with events as they come from src. Each client has an sse.Server of its own, with no memory and
// hardly a queue: the library lets the clients of one stream wait for the slowest of them, and remembers all events
// of a stream for those to come. So src keeps what it wants to send, and nobody waits but src.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, src source) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		s.writeError(w, r, refusal{http.StatusServiceUnavailable,
			tts.Errorf(tts.CodeBusy, "Close a window that shows the log, or try again later.", "%d clients follow events already", maxStreams)})
		return
	}
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", "text/event-stream")
		return
	}
	ctx, hangUp := context.WithCancel(r.Context())
	conn := http.NewResponseController(w)
	hurried := make(chan struct{})
	context.AfterFunc(ctx, func() {
		_ = conn.SetWriteDeadline(time.Now().Add(farewell)) // ends a Write that waits for a client
		close(hurried)
	})
	src = s.surviving("sending events for "+describe(r), hangUp, s.withHeartbeat(src))
	serveEvents(&eventWriter{w, conn, ctx.Err, hangUp}, r.Clone(ctx), hangUp, src)
	<-hurried // conn must not be used after this
}

// serveEvents runs the library for one client. What it waits for at the end keeps the library from leaking: a
// stream that is removed before its subscriber left makes a goroutine wait for ever.
func serveEvents(w http.ResponseWriter, r *http.Request, hangUp func(), src source) {
	arrived, left := make(chan struct{}), make(chan struct{})
	events := sse.NewWithCallback(
		func(string, *sse.Subscriber) { close(arrived) },
		func(string, *sse.Subscriber) { close(left) })
	events.AutoReplay, events.BufferSize = false, 1
	events.Headers["Connection"] = "close"       // its deadlines fit no other answer
	events.Headers["Cache-Control"] = "no-store" // as every answer says; the library would weaken it
	events.CreateStream(streamName)
	send := func(e *sse.Event) { events.Publish(streamName, e) }

	var sending sync.WaitGroup
	sending.Go(func() {
		<-arrived // an event without a subscriber is thrown away
		src(r.Context(), send)
		send(&sse.Event{}) // an empty one ends the answer, after all that came before it
	})
	r.URL.RawQuery = url.Values{"stream": {streamName}}.Encode()
	r.Header.Del("Last-Event-ID") // src knows
	events.ServeHTTP(w, r)
	hangUp()
	<-left
	events.Close() // frees who still sends
	sending.Wait()
}

// withHeartbeat adds comments to what src sends, so that either end notices when the other has gone.
func (s *Server) withHeartbeat(src source) source {
	return func(ctx context.Context, send func(*sse.Event)) {
		var beating sync.WaitGroup
		defer beating.Wait()
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		beating.Go(func() {
			tick := time.NewTicker(s.heartbeat)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					send(&sse.Event{Comment: []byte("heartbeat")})
				}
			}
		})
		src(ctx, send)
	}
}

// surviving hangs up when src panics, which must not end the process. What the client misses it gets when it comes
// again.
func (s *Server) surviving(what string, hangUp func(), src source) source {
	return func(ctx context.Context, send func(*sse.Event)) {
		err := s.survive(what, func() error {
			src(ctx, send)
			return nil
		})
		if err != nil {
			hangUp()
		}
	}
}

// event makes an event whose data is JSON, which has no line ends that could begin another field or event.
func event(name, id string, data any) *sse.Event {
	return &sse.Event{Event: []byte(name), ID: []byte(id), Data: bytes.TrimSuffix(encode(data), []byte("\n"))}
}

// eventWriter hangs up on a client that takes nothing any more. The library would go on and write to nobody.
type eventWriter struct {
	http.ResponseWriter
	conn   *http.ResponseController
	ended  func() error
	hangUp func()
}

// Write gives the client time to take p.
func (w *eventWriter) Write(p []byte) (int, error) {
	_ = w.conn.SetWriteDeadline(time.Now().Add(stallTimeout))
	if err := w.ended(); err != nil { // asked after the deadline was set: the farewell's, which is later, must stand
		return 0, err
	}
	n, err := w.ResponseWriter.Write(p)
	if err != nil {
		w.hangUp()
	}
	return n, err
}

// Flush sends what was written.
func (w *eventWriter) Flush() {
	if err := w.conn.Flush(); err != nil {
		w.hangUp()
	}
}
