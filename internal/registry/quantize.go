package registry

import (
	"context"
	"slices"

	"ttsui/internal/tts"
)

// Quantizer is a Loader that can make smaller copies of models.
type Quantizer interface {
	// PlanQuantized tells what Quantize would make.
	PlanQuantized(modelID string, how tts.Quantization) (tts.QuantizePlan, error)

	// Quantize makes the copy: all of it, or nothing and an error. It tells how far it is, a few times a second at most,
	// and gives up as soon as it can after ctx's end.
	Quantize(ctx context.Context, modelID string, how tts.Quantization, tell func(tts.Download)) error
}

// Lister is a Loader that can tell which models are on this machine.
type Lister interface {
	// LocalModels gives their ids.
	LocalModels() []string
}

// Look makes rows for the models that are on this machine, and takes those away that were there for nothing else and
// are gone.
func (r *Registry) Look() {
	l, ok := r.loader.(Lister)
	if !ok {
		return
	}
	here := map[string]bool{}
	for _, id := range l.LocalModels() {
		here[id] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range here {
		if _, err := r.rowToLoad(id); err == nil { // else there is no room for more
			r.rows[id].found = true
		}
	}
	r.order = slices.DeleteFunc(r.order, func(id string) bool {
		row := r.rows[id]
		gone := row.found && !here[id] && row.info.State == tts.Unloaded && !row.known
		if gone {
			delete(r.rows, id)
		}
		return gone
	})
}

// PlanQuantized tells what Quantize would make.
func (r *Registry) PlanQuantized(modelID string, how tts.Quantization) (plan tts.QuantizePlan, err error) {
	q, ok := r.loader.(Quantizer)
	if !ok {
		return plan, tts.Errorf(tts.CodeUnsupported, "Use another engine.", "this engine can't quantise models")
	}
	defer r.recoverInto(&err, "looking at model "+modelID)
	return q.PlanQuantized(modelID, how)
}

// Quantize makes a smaller copy of a model on this machine, and gives the copy's record when it is there or has failed.
// A ctx that ends stops the waiting, not the work; an Unload of the copy stops the work.
func (r *Registry) Quantize(ctx context.Context, modelID string, how tts.Quantization) (tts.ModelInfo, error) {
	plan, err := r.PlanQuantized(modelID, how)
	if err != nil {
		return tts.ModelInfo{}, err
	}
	j, err := r.startQuantizing(plan, modelID, how)
	if err != nil {
		return tts.ModelInfo{}, err
	}
	info, err := j.wait(ctx)
	if err == nil && j.stopped {
		return tts.ModelInfo{}, r.errStoppedMaking(plan.ModelID)
	}
	return info, err
}

func (r *Registry) startQuantizing(plan tts.QuantizePlan, modelID string, how tts.Quantization) (*job, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row, err := r.rowToLoad(plan.ModelID)
	if err != nil {
		return nil, err
	}
	if row.info.State != tts.Unloaded && row.info.State != tts.Failed {
		return nil, tts.Errorf(tts.CodeBusy, "Wait until that has ended, or unload it.", "Model %s is %s", plan.ModelID, row.info.State)
	}
	row.found = true // or it goes when nothing comes of it
	j := r.begin(row, tts.Loading)
	j.making = true
	info := row.info
	info.Phase, info.Download = tts.PhaseQuantizing, &tts.Download{BytesTotal: plan.Bytes}
	r.record(row, info)
	r.work.Go(func() { r.quantize(row, j, modelID, how) })
	return j, nil
}

// quantize is the job of making a copy. The row stays unloaded: to load it is the user's wish alone.
func (r *Registry) quantize(row *row, j *job, modelID string, how tts.Quantization) {
	info := tts.ModelInfo{ModelID: row.info.ModelID, State: tts.Unloaded}
	r.log.Info().Msgf("Quantising model: %s", modelID)
	began := r.now()
	err, ended := try(j.ctx, r, func() error { return r.callQuantizer(row, j, modelID, how) }, func(error) {
		r.log.Warn().Msgf("Quantising model %s ended long after it was stopped", modelID)
	})
	if !ended {
		err = errStuck("Quantising model " + modelID)
	}
	j.stopped = ended && err != nil && j.ctx.Err() != nil
	switch {
	case j.stopped:
		r.log.Info().Msgf("Stopped quantising model %s", modelID)
	case err == nil:
		r.log.Info().Msgf("Quantised model: %s (in %s)", info.ModelID, spanText(r.now().Sub(began).Seconds()))
	default:
		info.State = tts.Failed
		explain(&info, err)
		r.log.Error().Msgf("Failed to quantise model %s: %v", modelID, err)
	}
	r.end(row, info, nil)
}

// callQuantizer makes the copy, and tells the row; a panic is an error.
func (r *Registry) callQuantizer(row *row, j *job, modelID string, how tts.Quantization) (err error) {
	defer r.recoverInto(&err, "quantising model "+modelID)
	return r.loader.(Quantizer).Quantize(j.ctx, modelID, how, func(now tts.Download) {
		r.tell(row, j, tts.PhaseQuantizing, &now)
	})
}
