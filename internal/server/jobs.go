package server

import (
	"context"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"
	"github.com/r3labs/sse/v2"

	"ttsui/internal/tts"
)

type jobsAnswer struct {
	Jobs []tts.Job `json:"jobs"`
}

func (s *Server) listJobs(ctx context.Context, _ []byte) (any, error) {
	list, err := s.service.Jobs(ctx)
	return jobsAnswer{list}, err
}

func (s *Server) job(ctx context.Context, _ []byte) (any, error) {
	return s.service.Job(ctx, chi.URLParamFromCtx(ctx, "id"))
}

// cancelJob answers when the job has ended.
func (s *Server) cancelJob(ctx context.Context, _ []byte) (any, error) {
	return s.service.CancelJob(ctx, chi.URLParamFromCtx(ctx, "id"))
}

// streamJob sends the job's record as an event, and again whenever it has changed. The stream ends with the job.
func (s *Server) streamJob(w http.ResponseWriter, r *http.Request) {
	id := chi.URLParam(r, "id")
	if err := s.awaitJob(r.Context(), id); err != nil {
		s.writeError(w, r, err)
		return
	}
	s.stream(w, r, func(ctx context.Context, send func(*sse.Event)) {
		n := 0
		// What can go wrong is that the client has gone, or that the job is long forgotten: then this is the end.
		_ = s.service.WatchJob(ctx, id, func(job tts.Job) {
			n++
			send(event("", strconv.Itoa(n), job))
		})
	})
}

// awaitJob returns when there is something to tell about a job, which may be on its way.
func (s *Server) awaitJob(ctx context.Context, id string) error {
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	seen := false
	err := s.service.WatchJob(ctx, id, func(tts.Job) {
		seen = true
		enough()
	})
	if seen {
		return nil
	}
	return err
}
