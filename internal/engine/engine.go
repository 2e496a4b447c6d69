// Package engine runs models on the one MLX thread of the process: it finds a model's files or fetches them, forecasts
// what memory it needs, and loads it.
package engine

import (
	"context"
	"fmt"

	"ttsui/internal/hub"
	"ttsui/internal/memory"
	"ttsui/internal/qwen3tts"
	"ttsui/internal/registry"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// Config says where models are and how they compute.
type Config struct {
	Places  hub.Places
	Fetcher *hub.Fetcher // fetches what isn't there; nothing is fetched when nil
	DType   string       // of the talker and the code predictor: auto, float32, bfloat16 or float16
	Codec   string       // of the convolutions of the codec's vocoder: float32, which "" is, or bfloat16
}

// Engine implements registry.Loader, and can tell what a model will need and what all of them hold.
type Engine struct {
	places  hub.Places
	fetcher *hub.Fetcher // nil when there is no hub to ask
	thread  *mlx.Thread
	loader  *qwen3tts.Loader
	machine func() (available, total uint64, err error)
}

var (
	_ registry.Loader     = (*Engine)(nil)
	_ registry.Fetcher    = (*Engine)(nil)
	_ registry.Forecaster = (*Engine)(nil)
	_ registry.Gauge      = (*Engine)(nil)
	_ registry.Quantizer  = (*Engine)(nil)
	_ registry.Lister     = (*Engine)(nil)
	_ registry.Remover    = (*Engine)(nil)
	_ registry.Publisher  = (*Engine)(nil)
	_ registry.Verifier   = (*Engine)(nil)
)

// Open starts the MLX thread, on the GPU where there is one. A process has one engine at a time.
func Open(cfg Config) (*Engine, error) {
	dtypes, err := qwen3tts.ParseDTypes(cfg.DType, cfg.Codec)
	if err != nil {
		return nil, err
	}
	thread, err := mlx.StartThread(true)
	if err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	loader := qwen3tts.NewLoader(thread, dtypes)
	return &Engine{places: cfg.Places, fetcher: cfg.Fetcher, thread: thread, loader: loader, machine: memory.Machine}, nil
}

// Close ends the MLX thread. Models must be closed before.
func (e *Engine) Close() error { return e.thread.Stop() }

// Load implements registry.Loader.
func (e *Engine) Load(ctx context.Context, modelID string) (registry.Model, error) {
	dir, err := e.places.Find(modelID)
	if err != nil {
		return nil, err
	}
	m, err := e.loader.Load(ctx, dir)
	if err != nil {
		return nil, err
	}
	if e.thread.Device().GPU { // on the CPU it would take longer than it saves
		if err := m.WarmUp(ctx); err != nil {
			_ = m.Close() // the first error is the one to tell
			return nil, err
		}
	}
	return model{m}, nil
}

// Forecast implements registry.Forecaster.
func (e *Engine) Forecast(modelID string) (f registry.Forecast, err error) {
	dir, err := e.places.Find(modelID)
	if err != nil {
		return f, err
	}
	weights, room, err := e.loader.Forecast(dir)
	if err != nil {
		return f, err
	}
	f.Need = weights + room
	if f.Available, f.Total, err = e.machine(); err != nil {
		return f, fmt.Errorf("ask for free memory: %w", err)
	}
	f.Available += mlx.Memory().Cache // which MLX takes before it asks the system
	return f, nil
}

// Gauge implements registry.Gauge.
func (e *Engine) Gauge() tts.EngineStats {
	m := mlx.Memory()
	stats := tts.EngineStats{
		Device: "cpu", MLXVersion: e.thread.Device().Version, LiveArrays: mlx.Live(),
		MLXActiveMB: memory.MB(m.Active), MLXCacheMB: memory.MB(m.Cache), MLXPeakMB: memory.MB(m.Peak),
	}
	if e.thread.Device().GPU {
		stats.Device = "gpu"
	}
	return stats
}

// model is a loaded model.
type model struct{ *qwen3tts.Model }

// Generate implements registry.Model. Generations at the same time share the MLX thread frame by frame.
func (m model) Generate(ctx context.Context, lines []tts.Line, progress func(tts.Progress)) ([]tts.Result, error) {
	return m.Model.Generate(ctx, lines, progress, nil)
}
