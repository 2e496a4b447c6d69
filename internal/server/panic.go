package server

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"ttsui/internal/logs"
	"ttsui/internal/tts"
)

// incident is a name for what went wrong inside: the client's answer and the line in the log have it both, so that
// whoever is told of the one finds the other.
type incident string

func newIncident() incident { return incident(strings.ToLower(rand.Text()[:8])) }

func (i incident) answer() errorAnswer {
	return errorAnswer{"Internal error " + string(i) + ".", tts.CodeInternal, "The log says what happened, under this name; TTSUI goes on."}
}

// recoverPanic answers for a handler that panics, and keeps the process alive. Behind an answer that has begun there is
// no place for another: it is broken off, so that the client can tell it from a whole one.
func (s *Server) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			switch v {
			case nil:
				return
			case http.ErrAbortHandler: // an answer that was begun and has failed
				panic(v)
			}
			i := s.logPanic("answering "+describe(r), v)
			if begun(w) {
				panic(http.ErrAbortHandler)
			}
			s.writeJSON(w, r, http.StatusInternalServerError, i.answer())
		}()
		next.ServeHTTP(w, r)
	})
}

// begun reports whether the client has got something of its answer. It knows of writers that keep their status, which
// logRequest gives to all handlers.
func begun(w http.ResponseWriter) bool {
	kept, ok := w.(interface{ Status() int })
	return ok && kept.Status() != 0
}

// survive does work that has a goroutine of its own, beyond the reach of recoverPanic: without it, a panic there would
// end the process. The panic comes back as an error.
func (s *Server) survive(what string, work func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			i := s.logPanic(what, v)
			err = errors.New("panic " + string(i))
		}
	}()
	return work()
}

// logPanic logs what was recovered, and gives it a name.
func (s *Server) logPanic(what string, v any) incident {
	i := newIncident()
	logs.Critical(&s.log).Str("stack", string(debug.Stack())).Msgf("Panic %s while %s: %v", i, what, v)
	return i
}

// describe names a request for the log.
func describe(r *http.Request) string { return fmt.Sprintf("%s %.200s", r.Method, r.URL.Path) }
