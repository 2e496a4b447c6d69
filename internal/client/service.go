package client

import (
	"context"
	"encoding/json"
	"net/http"

	"ttsui/internal/tts"
)

// Models lists the server's models.
func (c *Client) Models(ctx context.Context) ([]tts.ModelInfo, error) {
	answer, err := ask[struct {
		Models []tts.ModelInfo `json:"models"`
	}](ctx, c, http.MethodGet, "/models", nil)
	return answer.Models, err
}

// WatchModels calls see with the record of every model, and again with one that has changed, until ctx ends. A
// connection that breaks is made again, and all are told anew.
func (c *Client) WatchModels(ctx context.Context, see func(tts.ModelInfo)) error {
	return c.follow(ctx, "/models/stream", "", func(e event) (bool, error) {
		var info tts.ModelInfo
		if err := json.Unmarshal([]byte(e.data), &info); err != nil {
			return false, c.strange("a model's event can't be read: %v", err)
		}
		see(info)
		return false, nil
	}, func(error) {})
}

// PublishedModels has the server ask the hub, which takes its time.
func (c *Client) PublishedModels(ctx context.Context) ([]string, error) {
	ctx, cancel := c.whileAlive(ctx)
	defer cancel()
	answer, err := call[struct {
		ModelIDs []string `json:"model_ids"`
	}](ctx, c, http.MethodGet, "/models/published", nil)
	return answer.ModelIDs, err
}

// PublishedCopies has the server ask the hub, which takes its time.
func (c *Client) PublishedCopies(ctx context.Context, modelID string) ([]tts.PublishedModel, error) {
	ctx, cancel := c.whileAlive(ctx)
	defer cancel()
	answer, err := call[struct {
		Copies []tts.PublishedModel `json:"copies"`
	}](ctx, c, http.MethodPost, "/models/published/copies", modelRequest{modelID})
	return answer.Copies, err
}

// Load has the server bring a model into memory, and before that to its machine. That takes as long as it takes, while the server is alive.
func (c *Client) Load(ctx context.Context, modelID string, how tts.LoadOptions) (tts.ModelInfo, error) {
	ctx, cancel := c.whileAlive(ctx)
	defer cancel()
	return call[tts.ModelInfo](ctx, c, http.MethodPost, "/models/load", struct {
		ModelID string `json:"model_id"`
		tts.LoadOptions
	}{modelID, how})
}

// Unload has the server free a model's memory.
func (c *Client) Unload(ctx context.Context, modelID string, how tts.UnloadOptions) (tts.ModelInfo, error) {
	ctx, cancel := c.whileAlive(ctx)
	defer cancel()
	return call[tts.ModelInfo](ctx, c, http.MethodPost, "/models/unload", struct {
		ModelID string `json:"model_id"`
		tts.UnloadOptions
	}{modelID, how})
}

// Remove has the server delete a model from its machine.
func (c *Client) Remove(ctx context.Context, modelID string) (freed int64, err error) {
	ctx, cancel := c.whileAlive(ctx)
	defer cancel()
	answer, err := call[struct {
		FreedBytes int64 `json:"freed_bytes"`
	}](ctx, c, http.MethodPost, "/models/remove", modelRequest{modelID})
	return answer.FreedBytes, err
}

// modelRequest names a model and nothing else.
type modelRequest struct {
	ModelID string `json:"model_id"`
}

// Verify has the server compare a model's files with their checksums. That takes as long as it takes, while the server
// is alive.
func (c *Client) Verify(ctx context.Context, modelID string) ([]tts.Damage, error) {
	ctx, cancel := c.whileAlive(ctx)
	defer cancel()
	answer, err := call[struct {
		Damages []tts.Damage `json:"damages"`
	}](ctx, c, http.MethodPost, "/models/verify", modelRequest{modelID})
	return answer.Damages, err
}

// Repair has the server fetch again what is wrong with a model's files.
func (c *Client) Repair(ctx context.Context, modelID string) (tts.ModelInfo, error) {
	ctx, cancel := c.whileAlive(ctx)
	defer cancel()
	return call[tts.ModelInfo](ctx, c, http.MethodPost, "/models/repair", modelRequest{modelID})
}

// quantizing is what the server is asked to make.
type quantizing struct {
	ModelID string `json:"model_id"`
	tts.Quantization
}

// PlanQuantized asks the server what Quantize would make.
func (c *Client) PlanQuantized(ctx context.Context, modelID string, how tts.Quantization) (tts.QuantizePlan, error) {
	return ask[tts.QuantizePlan](ctx, c, http.MethodPost, "/models/quantize/plan", quantizing{modelID, how})
}

// Quantize has the server make a smaller copy of a model. That takes as long as it takes, while the server is alive.
func (c *Client) Quantize(ctx context.Context, modelID string, how tts.Quantization) (tts.ModelInfo, error) {
	ctx, cancel := c.whileAlive(ctx)
	defer cancel()
	return call[tts.ModelInfo](ctx, c, http.MethodPost, "/models/quantize", quantizing{modelID, how})
}

// Stats tells how the server's process does.
func (c *Client) Stats(ctx context.Context) (tts.Stats, error) {
	return ask[tts.Stats](ctx, c, http.MethodGet, "/stats", nil)
}
