package server

import (
	"context"
	"net/http"
)

// route is one endpoint. Its answer gets the request's body, which is empty for GET, and gives what is sent back.
type route struct {
	method, path string
	answer       func(ctx context.Context, body []byte) (any, error)
	handle       http.HandlerFunc // does it all, where that is not enough
}

// routes is the table of all endpoints.
func (s *Server) routes() []route {
	return []route{
		{method: http.MethodGet, path: "/health", answer: s.health},
		{method: http.MethodGet, path: "/models", answer: s.models},
		{method: http.MethodGet, path: "/models/stream", handle: s.streamModels},
		{method: http.MethodGet, path: "/models/published", answer: s.publishedModels},
		{method: http.MethodPost, path: "/models/load", answer: s.load},
		{method: http.MethodPost, path: "/models/unload", answer: s.unload},
		{method: http.MethodPost, path: "/models/remove", answer: s.remove},
		{method: http.MethodPost, path: "/models/verify", answer: s.verify},
		{method: http.MethodPost, path: "/models/repair", answer: s.repair},
		{method: http.MethodPost, path: "/models/published/copies", answer: s.publishedCopies},
		{method: http.MethodPost, path: "/models/quantize", answer: s.quantize},
		{method: http.MethodPost, path: "/models/quantize/plan", answer: s.planQuantized},
		{method: http.MethodPost, path: "/generate/clone", handle: s.generateClone},
		{method: http.MethodPost, path: "/generate/control", handle: generate(s, controlRequest.request)},
		{method: http.MethodPost, path: "/generate/design", handle: generate(s, designRequest.request)},
		{method: http.MethodGet, path: "/voices", answer: s.listVoices},
		{method: http.MethodPost, path: "/voices", handle: s.saveVoice},
		{method: http.MethodGet, path: "/voices/{id}", handle: s.byVoice(s.voices.Voice)},
		{method: http.MethodPatch, path: "/voices/{id}", handle: s.changeVoice},
		{method: http.MethodDelete, path: "/voices/{id}", handle: s.byVoice(s.voices.DeleteVoice)},
		{method: http.MethodGet, path: "/voices/{id}/audio", handle: s.voiceAudio},
		{method: http.MethodGet, path: "/jobs", answer: s.listJobs},
		{method: http.MethodGet, path: "/jobs/{id}", answer: s.job},
		{method: http.MethodDelete, path: "/jobs/{id}", answer: s.cancelJob},
		{method: http.MethodGet, path: "/jobs/{id}/events", handle: s.streamJob},
		{method: http.MethodGet, path: "/stats", answer: s.stats},
		{method: http.MethodGet, path: "/logs", handle: s.listLogs},
		{method: http.MethodPost, path: "/logs/clear", answer: s.clearLogs},
		{method: http.MethodGet, path: "/logs/stream", handle: s.streamLogs},
		{method: http.MethodGet, path: "/openapi.yaml", handle: s.openAPI},
		{method: http.MethodGet, path: "/docs", handle: s.docs},
	}
}

type healthAnswer struct {
	Status    string `json:"status"`
	Timestamp string `json:"timestamp"`
}

func (s *Server) health(context.Context, []byte) (any, error) {
	return healthAnswer{"healthy", s.now().Local().Format("2006-01-02T15:04:05.000000")}, nil
}
