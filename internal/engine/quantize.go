package engine

import (
	"context"
	"fmt"
	"time"

	"ttsui/internal/hub"
	"ttsui/internal/memory"
	"ttsui/internal/qwen3tts"
	"ttsui/internal/registry"
	"ttsui/internal/tts"
)

// LocalModels implements registry.Lister.
func (e *Engine) LocalModels() (list []registry.LocalModel) {
	for _, id := range e.places.IDs() {
		m := registry.LocalModel{ID: id}
		if done, total := e.places.Part(id); total > 0 {
			m.Part = &tts.Download{BytesDone: done, BytesTotal: total}
		}
		list = append(list, m)
	}
	return list
}

// Remove implements registry.Remover.
func (e *Engine) Remove(modelID string) (freed int64, err error) { return e.places.Remove(modelID, "") }

// PlanQuantized implements registry.Quantizer.
func (e *Engine) PlanQuantized(modelID string, how tts.Quantization) (plan tts.QuantizePlan, err error) {
	l, q, err := e.planQuantized(modelID, how)
	if err != nil {
		return plan, err
	}
	id := how.CopyID(modelID)
	if found, err := e.places.Find(id); err == nil {
		return plan, tts.Errorf(tts.CodeInvalid, "Load it, or remove it first: ttsui models rm "+id, "there is a model %s already, in %s", id, found)
	}
	plan = tts.QuantizePlan{ModelID: id, Bytes: q.Size() + e.places.RestBytes(l), OriginalBytes: l.Size()}
	if plan.FreeBytes, err = e.places.Free(); err != nil {
		return plan, err
	}
	weights, room, err := e.loader.ForecastQuantized(q)
	if err != nil {
		return plan, err
	}
	plan.MemoryMB = memory.MB(weights + room)
	if weights, room, err = e.loader.Forecast(l.Dir); err != nil {
		return plan, err
	}
	plan.OriginalMemoryMB = memory.MB(weights + room)
	return plan, nil
}

// planQuantized finds a model's files and looks at them.
func (e *Engine) planQuantized(modelID string, how tts.Quantization) (l hub.Local, q *qwen3tts.Quantized, err error) {
	l, err = e.places.Local(modelID)
	if err == nil && !l.Whole() {
		err = tts.Errorf(tts.CodeNotFound, "Fetch it with: ttsui models pull "+modelID, "only a part of %s is on this machine", modelID)
	}
	if err != nil {
		return l, nil, err
	}
	q, err = qwen3tts.Quantize(l.Dir, how)
	return l, q, err
}

// tellEvery is how often who follows the making of a copy hears of it.
const tellEvery = 200 * time.Millisecond

// Quantize implements registry.Quantizer. The copy appears when it is whole; a process that is killed leaves a draft,
// which the next one removes.
func (e *Engine) Quantize(ctx context.Context, modelID string, how tts.Quantization, tell func(tts.Download)) error {
	l, q, err := e.planQuantized(modelID, how)
	if err != nil {
		return err
	}
	rest := e.places.RestBytes(l)
	draft, err := e.places.Draft(how.CopyID(modelID), q.Size()+rest)
	if err != nil {
		return err
	}
	defer draft.Abort()
	if err := draft.Adopt(ctx, l); err != nil {
		return err
	}
	began := time.Now()
	told := began
	err = e.loader.WriteQuantized(ctx, q, draft.Dir, func(done int64) {
		if now := time.Now(); now.Sub(told) >= tellEvery {
			told = now
			tell(written(done, q.Size(), rest, now.Sub(began)))
		}
	})
	if err != nil {
		return fmt.Errorf("make %s: %w", how.CopyID(modelID), err)
	}
	return draft.Commit()
}

// written is how far a copy is, of which the rest is there.
func written(done, size, rest int64, took time.Duration) tts.Download {
	d := tts.Download{BytesDone: rest + done, BytesTotal: rest + size}
	if rate := float64(done) / took.Seconds(); rate > 0 {
		left := float64(size-done) / rate
		d.Rate, d.ETASeconds = &rate, &left
	}
	return d
}
