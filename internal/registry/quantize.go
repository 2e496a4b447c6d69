package registry

import (
	"context"
	"reflect"
	"slices"
	"strings"

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
	LocalModels() []LocalModel
}

// LocalModel is a model on this machine.
type LocalModel struct {
	ID   string
	Part *tts.Download // how much of it is there, when a download has left but a part; else nil
}

// Look makes rows for the models that are on this machine, and takes those away that were there for nothing else and
// are gone.
func (r *Registry) Look() {
	l, ok := r.loader.(Lister)
	if !ok {
		return
	}
	r.looks.Lock() // what was seen earlier must not replace what was seen later
	defer r.looks.Unlock()
	local := l.LocalModels()
	r.mu.Lock()
	defer r.mu.Unlock()
	here := map[string]LocalModel{}
	for _, m := range local {
		here[m.ID] = m
		if row, err := r.rowToLoad(m.ID); err == nil { // else there is no room for more
			row.found = true
		}
	}
	for id, row := range r.rows {
		if part := here[id].Part; !reflect.DeepEqual(part, row.part) {
			row.part = part
			r.record(row, row.info)
		}
	}
	r.order = slices.DeleteFunc(r.order, func(id string) bool {
		row := r.rows[id]
		_, there := here[id]
		gone := row.found && !there && row.info.State == tts.Unloaded && !row.known
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
		return tts.ModelInfo{}, r.errStoppedMaking("Quantise it again.", "making model "+plan.ModelID)
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
		return nil, errAtWork(row)
	}
	row.found = true // or it goes when nothing comes of it
	j := r.begin(row, tts.Loading)
	j.making = true
	info := row.info
	info.Phase, info.Download = tts.PhaseQuantizing, &tts.Download{BytesTotal: plan.Bytes}
	r.record(row, info)
	r.work.Go(func() {
		r.make(row, j, making{"quantise", "quantising", "quantised"}, modelID, func() error { return r.callQuantizer(row, j, modelID, how) })
	})
	return j, nil
}

// making is what is done to a model's files, in three forms for the log.
type making struct{ do, doing, done string }

// make is a job of making files of a model, of those of modelID. The row stays unloaded: to load it is the user's wish
// alone.
func (r *Registry) make(row *row, j *job, m making, modelID string, work func() error) {
	info := tts.ModelInfo{ModelID: row.id, State: tts.Unloaded}
	doing := strings.ToUpper(m.doing[:1]) + m.doing[1:] + " model"
	r.log.Info().Msgf("%s: %s", doing, modelID)
	began := r.now()
	err, ended := try(j.ctx, r, work, func(error) {
		r.log.Warn().Msgf("%s %s ended long after it was stopped", doing, modelID)
	})
	if !ended {
		err = errStuck(doing + " " + modelID)
	}
	j.stopped = ended && err != nil && j.ctx.Err() != nil
	switch {
	case j.stopped:
		r.log.Info().Msgf("Stopped %s model %s", m.doing, modelID)
	case err == nil:
		r.log.Info().Msgf("%s model: %s (in %s)", strings.ToUpper(m.done[:1])+m.done[1:], info.ModelID, spanText(r.now().Sub(began).Seconds()))
	default:
		info.State = tts.Failed
		explain(&info, err)
		r.log.Error().Msgf("Failed to %s model %s: %v", m.do, modelID, err)
	}
	r.Look() // for what is there now
	r.end(row, info, nil)
}

// callQuantizer makes the copy, and tells the row; a panic is an error.
func (r *Registry) callQuantizer(row *row, j *job, modelID string, how tts.Quantization) (err error) {
	defer r.recoverInto(&err, "quantising model "+modelID)
	return r.loader.(Quantizer).Quantize(j.ctx, modelID, how, func(now tts.Download) {
		r.tell(row, j, tts.PhaseQuantizing, &now)
	})
}
