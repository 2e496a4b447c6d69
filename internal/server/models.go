package server

import (
	"context"
	"net/http"
	"strconv"

	"github.com/r3labs/sse/v2"

	"ttsui/internal/tts"
)

type modelsAnswer struct {
	Models []tts.ModelInfo `json:"models"`
}

func (s *Server) models(ctx context.Context, _ []byte) (any, error) {
	list, err := s.service.Models(ctx)
	return modelsAnswer{list}, err
}

type publishedAnswer struct {
	ModelIDs []string `json:"model_ids"`
}

func (s *Server) publishedModels(ctx context.Context, _ []byte) (any, error) {
	ids, err := s.service.PublishedModels(ctx)
	return publishedAnswer{append([]string{}, ids...)}, err // a list, though it be empty
}

type copiesAnswer struct {
	ModelID string               `json:"model_id"`
	Copies  []tts.PublishedModel `json:"copies"`
}

func (s *Server) publishedCopies(ctx context.Context, body []byte) (any, error) {
	var req modelRequest
	if err := decode(body, &req); err != nil {
		return nil, err
	}
	copies, err := s.service.PublishedCopies(ctx, req.ModelID)
	return copiesAnswer{req.ModelID, append([]tts.PublishedModel{}, copies...)}, err
}

// streamModels sends each model's record as an event, and again whenever it has changed.
func (s *Server) streamModels(w http.ResponseWriter, r *http.Request) {
	s.stream(w, r, func(ctx context.Context, send func(*sse.Event)) {
		n := 0
		// What can go wrong is that the client has gone, or that the service is closed: either is the end.
		_ = s.service.WatchModels(ctx, func(info tts.ModelInfo) {
			n++
			send(event("", strconv.Itoa(n), info))
		})
	})
}

type loadRequest struct {
	ModelID string `json:"model_id"`
	tts.LoadOptions
}

// load answers with the model's record when the load has ended, well or badly.
func (s *Server) load(ctx context.Context, body []byte) (any, error) {
	var req loadRequest
	if err := decode(body, &req); err != nil {
		return nil, err
	}
	return s.service.Load(ctx, req.ModelID, req.LoadOptions)
}

type unloadRequest struct {
	ModelID string `json:"model_id"`
	tts.UnloadOptions
}

// unloadAnswer is a record without the load time.
type unloadAnswer struct {
	ModelID string        `json:"model_id"`
	State   tts.State     `json:"state"`
	Memory  tts.Memory    `json:"memory"`
	Part    *tts.Download `json:"part,omitempty"`
	Error   *string       `json:"error"`
	Hint    *string       `json:"hint,omitempty"`
	Code    tts.Code      `json:"code,omitempty"`
}

func (s *Server) unload(ctx context.Context, body []byte) (any, error) {
	var req unloadRequest
	if err := decode(body, &req); err != nil {
		return nil, err
	}
	info, err := s.service.Unload(ctx, req.ModelID, req.UnloadOptions)
	return unloadAnswer{info.ModelID, info.State, info.Memory, info.Part, info.Error, info.Hint, info.Code}, err
}

// modelRequest names a model and nothing else.
type modelRequest struct {
	ModelID string `json:"model_id"`
}

type removeAnswer struct {
	ModelID    string `json:"model_id"`
	FreedBytes int64  `json:"freed_bytes"`
}

// remove answers when the model's files are gone.
func (s *Server) remove(ctx context.Context, body []byte) (any, error) {
	var req modelRequest
	if err := decode(body, &req); err != nil {
		return nil, err
	}
	freed, err := s.service.Remove(ctx, req.ModelID)
	return removeAnswer{req.ModelID, freed}, err
}

type verifyAnswer struct {
	ModelID string       `json:"model_id"`
	Damages []tts.Damage `json:"damages"`
}

// verify answers when all files were read. Who hangs up stops it.
func (s *Server) verify(ctx context.Context, body []byte) (any, error) {
	var req modelRequest
	if err := decode(body, &req); err != nil {
		return nil, err
	}
	damages, err := s.service.Verify(ctx, req.ModelID)
	return verifyAnswer{req.ModelID, append([]tts.Damage{}, damages...)}, err // a list, though it be empty
}

// repair answers with the model's record when its files are sound, or can't be made so.
func (s *Server) repair(ctx context.Context, body []byte) (any, error) {
	var req modelRequest
	if err := decode(body, &req); err != nil {
		return nil, err
	}
	return s.service.Repair(ctx, req.ModelID)
}

type quantizeRequest struct {
	ModelID string `json:"model_id"`
	tts.Quantization
}

// quantize answers with the copy's record when it is there or has failed.
func (s *Server) quantize(ctx context.Context, body []byte) (any, error) {
	var req quantizeRequest
	if err := decode(body, &req); err != nil {
		return nil, err
	}
	return s.service.Quantize(ctx, req.ModelID, req.Quantization)
}

// planQuantized answers with what quantize would make.
func (s *Server) planQuantized(ctx context.Context, body []byte) (any, error) {
	var req quantizeRequest
	if err := decode(body, &req); err != nil {
		return nil, err
	}
	return s.service.PlanQuantized(ctx, req.ModelID, req.Quantization)
}

// stats adds to what the service knows of itself what only the server does.
func (s *Server) stats(ctx context.Context, _ []byte) (any, error) {
	stats, err := s.service.Stats(ctx)
	stats.Requests = s.answered.Load()
	return stats, err
}
