// Package server offers a tts.Service over HTTP: JSON in, JSON out, in the wire format that TTSUI's users script
// against.
//
// Every endpoint is a row of one table in routes.go. A handler takes a request and gives an answer or an error;
// this file turns either into JSON, so no endpoint can fail in a form of its own. Errors are always
//
//	{"detail": "one sentence", "code": "for programs", "hint": "what to do"}
//
// Nothing here blocks on a load or a generation but the request that asked for it.
package server

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/rs/zerolog"

	"ttsui/internal/logs"
	"ttsui/internal/tts"
)

// Config is what a server is made of.
type Config struct {
	Service tts.Service
	Voices  tts.Voices // the saved ones; there are none, and none can be saved, when nil
	Log     zerolog.Logger
	Now     func() time.Time // time.Now when nil
	Guard   Guard            // who may use it

	Logs      *logs.Ring    // what clients may read of the log; an empty one when nil
	Heartbeat time.Duration // between signs of life on an event stream; 15 seconds when 0

	Uploads string // the folder for clips that come with their requests, made when needed; the system's for temporary files when ""
	MaxClip int64  // bytes of such a clip; 64 MiB when 0
}

// Server serves a tts.Service over HTTP.
type Server struct {
	service tts.Service
	voices  tts.Voices
	log     zerolog.Logger
	now     func() time.Time
	guard   Guard
	http    *http.Server
	hangUp  context.CancelFunc // ends the context of every request

	answered atomic.Uint64 // requests

	logs      *logs.Ring
	heartbeat time.Duration
	streams   chan struct{} // holds one token for each event stream
	uploads   string
	maxClip   int64
	bigBodies chan struct{} // holds one token for each body with a clip in it that is in memory
}

// Limits of a connection. There is none on how long an answer takes to make: a generation takes minutes. Who makes one
// sets a deadline for the client to take it.
const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
)

// New makes a server; Serve starts it.
func New(c Config) *Server {
	s := &Server{service: c.Service, voices: c.Voices, log: c.Log, now: c.Now, guard: c.Guard, logs: c.Logs, streams: make(chan struct{}, maxStreams),
		uploads: c.Uploads, maxClip: cmp.Or(c.MaxClip, maxClip), bigBodies: make(chan struct{}, maxBigBodies)}
	if s.now == nil {
		s.now = time.Now
	}
	if s.logs == nil {
		s.logs = logs.NewRing()
	}
	if s.voices == nil {
		s.voices = noVoices{}
	}
	s.heartbeat = cmp.Or(c.Heartbeat, 15*time.Second)
	life, hangUp := context.WithCancel(context.Background())
	s.hangUp = hangUp
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return life },
		ErrorLog:          stdlog.New(warnings{c.Log}, "", 0),
		// Else net/http answers OPTIONS * itself, past the guard.
		DisableGeneralOptionsHandler: true,
	}
	return s
}

// Serve answers requests from ln until Shutdown, and then returns nil. It closes ln.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Shutdown stops listening, cancels the requests that run and waits until they have ended, at most until ctx's end;
// then it drops their connections.
func (s *Server) Shutdown(ctx context.Context) error {
	s.hangUp()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

// handler is the router behind what holds for all requests, whether they have a route or not.
func (s *Server) handler() http.Handler {
	return s.logRequest(s.recoverPanic(s.guarded(s.router())))
}

// router is the table of routes as a handler.
func (s *Server) router() chi.Router {
	r := chi.NewRouter()
	r.Use(middleware.GetHead)
	for _, route := range s.routes() {
		r.Method(route.method, route.path, s.serve(route))
	}
	r.NotFound(s.notFound)
	r.MethodNotAllowed(s.methodNotAllowed)
	return r
}

// serve turns a route into a handler: it reads the body, asks the route, and writes what it says as JSON.
func (s *Server) serve(route route) http.HandlerFunc {
	if route.handle != nil {
		return route.handle
	}
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := readBody(w, r, maxBody)
		if err != nil {
			s.writeError(w, r, err)
			return
		}
		answer, err := route.answer(r.Context(), body)
		if err != nil {
			s.writeError(w, r, err)
			return
		}
		s.writeJSON(w, r, http.StatusOK, answer)
	}
}

func (s *Server) writeJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	body := encode(v)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	s.write(w, r, body)
}

// encode makes v, which is a struct of ours, JSON in one line.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // it could make text six times as long, and some readers take lines of 64 KiB at most
	if err := enc.Encode(v); err != nil {
		panic(fmt.Errorf("encode %T: %w", v, err))
	}
	return b.Bytes()
}

// pieceSize is how much of an answer a client has stallTimeout for.
const pieceSize = 64 << 10

// write sends the body of a whole answer in pieces. A client that is slow gets all of it; one that takes nothing is
// dropped, rather than keep the connection and the memory for ever.
func (s *Server) write(w http.ResponseWriter, r *http.Request, body []byte) {
	conn := http.NewResponseController(w)
	patience := stallTimeout
	if r.ContentLength != 0 { // net/http may wait for the rest of it before it sends anything
		patience += uploadTimeout
	}
	for piece := range slices.Chunk(body, pieceSize) {
		_ = conn.SetWriteDeadline(time.Now().Add(patience))
		if _, err := w.Write(piece); err != nil {
			s.log.Debug().Msgf("The client took no answer: %v", err)
			return
		}
	}
}

// logRequest counts each request and writes a line about it, also when its answer was broken off. Bodies are the user's
// and stay out of it.
func (s *Server) logRequest(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := s.now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		end := ", broken off," // stands when next panics
		defer func() {
			s.answered.Add(1)
			s.log.Debug().Msgf("%s %.200s: %d%s in %.3f seconds", r.Method, r.URL.Path, ww.Status(), end, s.now().Sub(started).Seconds())
		}()
		next.ServeHTTP(ww, r)
		end = ""
	})
}

// warnings writes net/http's own complaints to the log.
type warnings struct{ log zerolog.Logger }

func (w warnings) Write(p []byte) (int, error) {
	w.log.Warn().Msg(strings.TrimSpace(string(p)))
	return len(p), nil
}
