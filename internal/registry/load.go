package registry

import (
	"context"

	"ttsui/internal/memory"
	"ttsui/internal/tts"
)

// Load brings a model into memory, and before that to this machine, and gives its record when it is loaded or has
// failed. Many callers cause one load and get one answer. A ctx that ends stops the waiting, not the load; an Unload stops the load. An id that
// isn't in the catalogue is added to it.
func (r *Registry) Load(ctx context.Context, id string, how tts.LoadOptions) (tts.ModelInfo, error) {
	for {
		before, j, err := r.startLoad(id, how.Force)
		if err != nil {
			return tts.ModelInfo{}, err
		}
		// A caller that comes while the model is on its way out wants it back in.
		leaving := before.State == tts.Unloading
		switch before.State {
		case tts.Loaded:
			r.log.Info().Msgf("Model %s already loaded", id)
			return before, nil
		case tts.Loading:
			leaving = j.ctx.Err() != nil
			r.log.Info().Msgf("Model %s is already loading", id)
		}
		info, err := j.wait(ctx)
		switch {
		case err != nil:
			return info, err
		case leaving || j.refused && how.Force:
		case j.making && info.State == tts.Unloaded && !j.stopped: // now there is something to load
		case j.stopped:
			return tts.ModelInfo{}, r.errStopped(id)
		default:
			return info, nil
		}
	}
}

// startLoad gives the record as it stood, and the job to wait for unless the model is loaded: a load, or the
// unload that a load has to wait for.
func (r *Registry) startLoad(id string, force bool) (tts.ModelInfo, *job, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row, err := r.rowToLoad(id)
	if err != nil {
		return tts.ModelInfo{}, nil, err
	}
	before := row.info
	if before.State == tts.Unloaded || before.State == tts.Failed {
		j := r.begin(row, tts.Loading)
		j.force = force
		r.work.Go(func() { r.load(row, j) })
	}
	return before, row.job, nil
}

// rowToLoad finds the model's row or adds it. The caller holds mu.
func (r *Registry) rowToLoad(id string) (*row, error) {
	if r.closed {
		return nil, errClosed()
	}
	if row, known := r.rows[id]; known {
		if row.removing {
			return nil, errRemoving(id)
		}
		return row, nil
	}
	if !tts.ValidModelID(id) {
		return nil, tts.Errorf(tts.CodeInvalid, "Use an id of the form org/name, as GET /models lists them.", "%.100q is not a model id", id)
	}
	if len(r.rows) >= maxModels {
		return nil, tts.Errorf(tts.CodeInvalid, "Use one of the ids that GET /models lists, or start TTSUI again.", "there are %d models already", maxModels)
	}
	return r.add(id), nil
}

// load is the job of loading a model.
func (r *Registry) load(row *row, j *job) {
	info := tts.ModelInfo{ModelID: row.id, State: tts.Loaded}
	r.log.Info().Msgf("Loading model: %s", info.ModelID)
	ended, err := r.fetch(row, j, info.ModelID)
	m := r.startMeasuring("load")
	made := loading{err: err}
	if ended && err == nil {
		made, ended = r.callLoader(j, info.ModelID)
	}
	j.stopped = ended && j.ctx.Err() != nil
	if j.stopped && made.err == nil { // it came too late
		_ = r.free(info.ModelID, made.model) // which logs what goes wrong
		made.model = nil
	}
	seconds := m.seconds()
	switch err := made.err; {
	case j.stopped:
		info.State = tts.Unloaded
		r.log.Info().Msgf("Stopped loading model %s", info.ModelID)
	case err == nil:
		info.LoadTimeSeconds = &seconds
		r.log.Info().Msg("Model loaded successfully")
	default:
		info.State = tts.Failed
		explain(&info, err)
		r.log.Error().Msgf("Failed to load model %s: %v", info.ModelID, err)
	}
	info.Memory = m.finish()
	r.log.Info().Msgf("Load time: %.1f seconds", seconds)
	r.Look() // for what a download has left
	r.end(row, info, made.model)
}

// loading is what a loader made.
type loading struct {
	model Model
	err   error
}

// callLoader loads the model. A loader that doesn't end although it is told to is an error of CodeTimeout; what it
// makes in the end is freed.
func (r *Registry) callLoader(j *job, id string) (made loading, ended bool) {
	made, ended = try(j.ctx, r, func() loading {
		model, err := r.checkAndLoad(j, id)
		return loading{model, err}
	}, func(late loading) {
		r.log.Warn().Msgf("Loading model %s ended long after it was stopped", id)
		if late.model != nil {
			_ = r.closeModel(id, late.model) // which logs what goes wrong
		}
	})
	switch {
	case !ended:
		made.err = errStuck("Loading model " + id)
	case made.model == nil && made.err == nil:
		made.err = tts.Errorf(tts.CodeInternal, "This is a bug in TTSUI.", "the loader gave no model")
	}
	return made, ended
}

// checkAndLoad asks the forecast, then the loader; a panic is an error.
func (r *Registry) checkAndLoad(j *job, id string) (model Model, err error) {
	defer r.recoverInto(&err, "loading model "+id)
	if f, ok := r.loader.(Forecaster); ok {
		forecast, err := f.Forecast(id)
		if err != nil {
			return nil, err
		}
		keep, err := r.promise(j, forecast)
		if err != nil {
			return nil, err
		}
		defer keep()
	}
	model, err = r.loader.Load(j.ctx, id)
	if err != nil {
		return nil, err // and no model, whatever the loader gave
	}
	return model, nil
}

// promise sets memory aside for a load until done is called, or refuses when the model doesn't fit. What other loads
// were promised is counted in full, although a part of it they have taken already: this errs on the safe side. Force
// gets past that, but never past the memory that the machine has: MLX would end the process.
func (r *Registry) promise(j *job, f Forecast) (done func(), err error) {
	need, available := memory.Text(memory.MB(f.Need)), memory.Text(memory.MB(f.Available))
	r.log.Debug().Msgf("Memory needed: %s, available: %s", need, available)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case f.Total > 0 && f.Need > f.Total:
		return nil, tts.Errorf(tts.CodeNoMemory, "Use a smaller or quantised model.",
			"the model needs %s of memory, this machine has %s", need, memory.Text(memory.MB(f.Total)))
	case j.force || f.Need+r.promised <= f.Available:
		r.promised += f.Need
		return func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.promised -= f.Need
		}, nil
	}
	j.refused = true
	const hint = `Unload another model, close other programs, use a smaller or quantised model, or send "force": true to try it.`
	if r.promised > 0 {
		return nil, tts.Errorf(tts.CodeNoMemory, hint, "the model needs %s of memory, %s are free, and %s of them are for models that are loading",
			need, available, memory.Text(memory.MB(r.promised)))
	}
	return nil, tts.Errorf(tts.CodeNoMemory, hint, "the model needs %s of memory, %s are free", need, available)
}
