package registry

import (
	"context"
	"runtime/debug"

	"ttsui/internal/tts"
)

// drain is an unload's wait for the last lease of a model.
type drain struct {
	waiters int           // unloads that wait
	idle    chan struct{} // closed when the last lease has ended
}

// Unload frees a model's memory and gives its record when that is done. It stops a load that is under way. A model in
// use is busy; an unload that is to wait refuses new users and waits for those there are, until ctx ends. Unloading a
// failed model forgets the failure. A model that isn't loaded stays as it is, and one that isn't known is told by the
// record alone, as the wire format has it.
func (r *Registry) Unload(ctx context.Context, id string, how tts.UnloadOptions) (tts.ModelInfo, error) {
	for {
		step, err := r.startUnload(id, how.Wait)
		if err != nil {
			return tts.ModelInfo{}, err
		}
		switch before := step.before; {
		case step.drain != nil:
			if err := r.waitIdle(ctx, step); err != nil {
				return tts.ModelInfo{}, err
			}
		case before.State == tts.Loading:
			info, err := step.job.wait(ctx)
			if err != nil || info.State != tts.Loaded { // else it was faster than we
				return info, err
			}
		case step.job != nil:
			return step.job.wait(ctx)
		default:
			if before.State == tts.Unloaded {
				r.log.Info().Msgf("Model %s is not loaded (state: %s)", id, before.State)
			}
			return before, nil
		}
	}
}

// unloadStep is how an unload goes on: by waiting for a drain or a job, or not at all.
type unloadStep struct {
	before tts.ModelInfo // the record as it stood
	row    *row
	drain  *drain
	job    *job
}

// startUnload does what can be done at once and tells what to wait for.
func (r *Registry) startUnload(id string, wait bool) (unloadStep, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return unloadStep{}, errClosed()
	}
	row, known := r.rows[id]
	if !known {
		text := "Unknown model: " + id
		return unloadStep{before: tts.ModelInfo{ModelID: id, State: tts.Failed, Error: &text}}, nil
	}
	step := unloadStep{before: row.info, row: row}
	switch {
	case row.leases > 0 && wait:
		if row.drain == nil {
			row.drain = &drain{idle: make(chan struct{})}
		}
		row.drain.waiters++
		step.drain = row.drain
		return step, nil
	case row.leases > 0:
		return unloadStep{}, tts.Errorf(tts.CodeBusy, `Wait until the generation has ended, stop it, or send "wait": true.`, "Model %s is in use", id)
	case row.info.State == tts.Loading:
		row.job.cancel()
	case row.info.State == tts.Loaded, row.info.State == tts.Failed:
		r.begin(row, tts.Unloading)
		r.work.Go(func() { r.unload(row) })
	}
	step.job = row.job
	return step, nil
}

// waitIdle waits for the last lease of a model to end, or takes the wish back when ctx ends.
func (r *Registry) waitIdle(ctx context.Context, step unloadStep) error {
	var err error
	select {
	case <-step.drain.idle:
		return nil
	case <-ctx.Done():
		err = errStillInUse(ctx)
	case <-r.life.Done():
		err = errClosed()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	step.drain.waiters--
	if step.drain.waiters == 0 && step.row.drain == step.drain {
		step.row.drain = nil
	}
	return err
}

// unload is the job of unloading a model, or of forgetting a failed one.
func (r *Registry) unload(row *row) {
	info := tts.ModelInfo{ModelID: row.id, State: tts.Unloaded}
	r.log.Info().Msgf("Unloading model: %s", info.ModelID)
	m := r.startMeasuring("unload")
	if err := r.free(info.ModelID, row.model); err != nil {
		explain(&info, err)
	} else {
		r.log.Debug().Msg("Cleared MLX cache")
		r.log.Info().Msg("Model unloaded successfully")
	}
	seconds := m.seconds()
	info.Memory = m.finish()
	r.log.Info().Msgf("Unload time: %.1f seconds", seconds)
	r.end(row, info, nil)
}

// free closes the model and doesn't wait for it for ever.
func (r *Registry) free(id string, model Model) error {
	now, cancel := context.WithCancel(context.Background())
	cancel() // patience begins at once
	err, ended := try(now, r, func() error { return r.closeModel(id, model) }, func(error) {
		r.log.Warn().Msgf("Unloading model %s ended at last", id)
	})
	if !ended {
		err = errStuck("Unloading model " + id)
		r.log.Error().Msgf("Failed to unload model %s: %v", id, err)
	}
	return err
}

// closeModel frees the model, if there is one, and hands the garbage that went with it back to the system.
func (r *Registry) closeModel(id string, model Model) (err error) {
	defer func() {
		if err != nil {
			r.log.Error().Msgf("Failed to unload model %s cleanly: %v", id, err)
		}
	}()
	defer r.recoverInto(&err, "unloading model "+id)
	defer debug.FreeOSMemory()
	if model == nil {
		return nil
	}
	return model.Close()
}
