package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"ttsui/internal/tts"
)

// statusClientGone is what servers log for a client that went away; it rarely reaches one.
const statusClientGone = 499

// status is the one table from codes to HTTP.
func status(code tts.Code) int {
	switch code {
	case tts.CodeInvalid, tts.CodeNotLoaded: // not loaded was 400 before there were codes
		return http.StatusBadRequest
	case tts.CodeDenied:
		return http.StatusForbidden
	case tts.CodeNotFound:
		return http.StatusNotFound
	case tts.CodeBusy:
		return http.StatusConflict
	case tts.CodeQueueFull:
		return http.StatusTooManyRequests
	case tts.CodeCorrupt, tts.CodeUnsupported:
		return http.StatusUnprocessableEntity
	case tts.CodeCanceled:
		return statusClientGone
	case tts.CodeUnreachable: // the hub, not this server
		return http.StatusBadGateway
	case tts.CodeNoMemory:
		return http.StatusServiceUnavailable
	case tts.CodeTimeout:
		return http.StatusGatewayTimeout
	case tts.CodeDiskFull:
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}

// refusal is an error about HTTP itself, with a status that codes have no name for.
type refusal struct {
	status int
	err    *tts.Error
}

func (r refusal) Error() string { return r.err.Message }

func (r refusal) Unwrap() error { return r.err }

func refuse(status int, hint, format string, args ...any) error {
	return refusal{status, tts.Errorf(tts.CodeInvalid, hint, format, args...)}
}

// errorAnswer is the form of every error.
type errorAnswer struct {
	Detail string   `json:"detail"`
	Code   tts.Code `json:"code"`
	Hint   string   `json:"hint"`
}

// writeError answers with err. What is nobody's mistake but ours goes to the log in full and stays out of the answer.
func (s *Server) writeError(w http.ResponseWriter, r *http.Request, err error) {
	code := tts.CodeOf(err)
	if code == tts.CodeInternal {
		i := newIncident()
		s.log.Error().Msgf("Internal error %s: %v", i, err)
		s.writeJSON(w, r, http.StatusInternalServerError, i.answer())
		return
	}
	st := status(code)
	var refused refusal
	if errors.As(err, &refused) {
		st = refused.status
	}
	if st == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "5") // seconds: about a sentence
	}
	s.writeJSON(w, r, st, errorAnswer{err.Error(), code, tts.HintOf(err)})
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	var endpoints []string
	for _, route := range s.routes() {
		endpoints = append(endpoints, route.method+" "+route.path)
	}
	s.writeError(w, r, tts.Errorf(tts.CodeNotFound, "The endpoints are "+strings.Join(endpoints, ", ")+".", "there is no %.200q", r.URL.Path))
}

func (s *Server) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	routes := chi.RouteContext(r.Context()).Routes
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		if routes.Match(chi.NewRouteContext(), method, r.URL.Path) {
			allowed = append(allowed, method)
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	s.writeError(w, r, refuse(http.StatusMethodNotAllowed, "Use "+strings.Join(allowed, " or ")+".", "%.200s does not take %.20s", r.URL.Path, r.Method))
}
