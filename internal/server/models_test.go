package server_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"ttsui/internal/registry"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/speech"
	"ttsui/internal/tts"
)

// crowded is a machine with too little memory free, and an engine that says so.
type crowded struct{ registrytest.Tones }

func (*crowded) Forecast(string) (registry.Forecast, error) {
	return registry.Forecast{Need: 5 << 20, Available: 3 << 20, Total: 8 << 20}, nil
}

func (*crowded) Gauge() tts.EngineStats {
	return tts.EngineStats{Device: "gpu", MLXActiveMB: 5, MLXCacheMB: 1.5, MLXPeakMB: 6, LiveArrays: 7, MLXVersion: "0.32.4"}
}

func openCrowded(t *testing.T) *house {
	h := &house{dir: t.TempDir(), log: &lockedBuffer{}}
	r := registry.New(registry.Config{Loader: &crowded{}, Log: zerolog.Nop()})
	h.start(t, &speech.Service{Registry: r, Log: zerolog.Nop()}, zerolog.Nop())
	t.Cleanup(func() { atEnd(t, r.Close) })
	return h
}

func TestLoadCanBeForced(t *testing.T) {
	h := openCrowded(t)
	status, answer := h.call(t, "POST", "/models/load", object{"model_id": base})
	if status != 200 || answer["state"] != "error" || answer["code"] != "no_memory" || answer["error"] != "the model needs 5.0 MB of memory, 3.0 MB are free" {
		t.Errorf("%d %v", status, answer)
	}
	status, answer = h.call(t, "POST", "/models/load", object{"model_id": base, "force": true})
	memory, _ := answer["memory"].(object)
	if status != 200 || answer["state"] != "loaded" || memory["mlx_active_mb"] != 5.0 || memory["mlx_cache_mb"] != 1.5 || memory["mlx_peak_mb"] != 6.0 {
		t.Errorf("%d %v", status, answer)
	}
}

func TestUnloadCanWait(t *testing.T) {
	speaking, finish := make(chan struct{}), make(chan struct{})
	h := open(t, &registrytest.Tones{OnFrame: func(ctx context.Context, frame int) error {
		if frame > 0 {
			return nil
		}
		close(speaking)
		select {
		case <-finish:
		case <-ctx.Done():
		}
		return nil
	}})
	h.call(t, "POST", "/models/load", object{"model_id": custom})
	generated := make(chan int, 1)
	go func() {
		status, _, _ := h.try(context.Background(), "POST", "/generate/control", object{"model_id": custom, "text": "hi", "speaker": "Ryan", "output_path": h.out()})
		generated <- status
	}()
	await(t, speaking)
	if status, answer := h.call(t, "POST", "/models/unload", object{"model_id": custom}); status != 409 || answer["code"] != "busy" {
		t.Errorf("without waiting: %d %v", status, answer)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := h.try(ctx, "POST", "/models/unload", object{"model_id": custom, "wait": true}); err == nil {
		t.Error("the unload didn't wait")
	}
	unloaded := make(chan string, 1)
	go func() {
		_, answer, _ := h.try(context.Background(), "POST", "/models/unload", object{"model_id": custom, "wait": true})
		state, _ := answer["state"].(string)
		unloaded <- state
	}()
	close(finish)
	if status := await(t, generated); status != 200 {
		t.Errorf("the generation: %d", status)
	}
	if state := await(t, unloaded); state != "unloaded" {
		t.Errorf("the model is %q", state)
	}
}

func TestStats(t *testing.T) {
	h := openCrowded(t)
	h.call(t, "POST", "/models/load", object{"model_id": custom, "force": true})
	_, before := h.call(t, "GET", "/stats", nil)
	if before["last_generation"] != nil {
		t.Errorf("before the first generation: %v", before["last_generation"])
	}
	h.call(t, "POST", "/generate/control", object{"model_id": custom, "text": "hello", "speaker": "Ryan", "output_path": h.out()})
	status, got := h.call(t, "GET", "/stats", nil)
	if status != 200 {
		t.Fatal(status, got)
	}
	engine := object{"device": "gpu", "mlx_active_mb": 5.0, "mlx_cache_mb": 1.5, "mlx_peak_mb": 6.0, "live_arrays": 7.0, "mlx_version": "0.32.4"}
	if d := cmp.Diff(engine, got["engine"]); d != "" {
		t.Error(d)
	}
	last, _ := got["last_generation"].(object)
	if last["frames"] != 5.0 || last["audio_seconds"] != 0.4 {
		t.Errorf("last generation %v", last)
	}
	for name, want := range map[string]any{"requests": 3.0, "generations": 1.0, "models_loaded": 1.0, "queue_length": 0.0} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	memory, _ := got["memory"].(object)
	if rss, _ := memory["rss_mb"].(float64); rss < 1 {
		t.Errorf("memory %v", memory)
	}
	versions, _ := got["versions"].(object)
	if versions["ttsui"] == "" || versions["go"] == "" {
		t.Errorf("versions %v", versions)
	}
}
