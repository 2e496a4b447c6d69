package registry

import (
	"context"

	"ttsui/internal/tts"
)

// Verifier is a Loader that can look after models' files.
type Verifier interface {
	// Verify compares the model's files with their checksums and gives what is wrong. It tells how far it is, a few times
	// a second at most, and gives up as soon as it can after ctx's end.
	Verify(ctx context.Context, modelID string, tell func(*tts.Download)) ([]tts.Damage, error)

	// Repair fetches again what is wrong. It tells and ends as Fetch does.
	Repair(ctx context.Context, modelID string, tell func(tts.Phase, *tts.Download)) error
}

// verifying is a look at a model's files under way.
type verifying struct {
	now tts.Download // how far it is
}

func (r *Registry) verifier() (Verifier, error) {
	v, ok := r.loader.(Verifier)
	if !ok {
		return nil, tts.Errorf(tts.CodeUnsupported, "Use another engine.", "this engine can't check models")
	}
	return v, nil
}

// Verify compares a model's files with their checksums and gives what is wrong. The model's state doesn't matter, unless
// it is on its way in or out. The end of ctx ends the work.
func (r *Registry) Verify(ctx context.Context, id string) ([]tts.Damage, error) {
	v, err := r.verifier()
	if err != nil {
		return nil, err
	}
	row, current, err := r.startVerifying(id)
	if err != nil {
		return nil, err
	}
	defer r.work.Done()
	defer r.endVerifying(row)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.life, cancel)()
	r.log.Info().Msgf("Checking model: %s", id)
	type outcome struct {
		damages []tts.Damage
		err     error
	}
	got, ended := try(ctx, r, func() (o outcome) {
		defer r.recoverInto(&o.err, "checking model "+id)
		o.damages, o.err = v.Verify(ctx, id, func(now *tts.Download) { r.tellVerifying(row, current, now) })
		return o
	}, func(outcome) { r.log.Warn().Msgf("Checking model %s ended long after it was stopped", id) })
	switch {
	case !ended:
		return nil, errStuck("Checking model " + id)
	case got.err != nil && r.life.Err() != nil:
		return nil, errClosed()
	case got.err != nil && ctx.Err() != nil:
		r.log.Info().Msgf("Stopped checking model %s", id)
		return nil, tts.Errorf(tts.CodeCanceled, "Check it again.", "checking model %s was stopped", id)
	case got.err != nil:
		r.log.Error().Msgf("Failed to check model %s: %v", id, got.err)
		return nil, got.err
	}
	for _, d := range got.damages {
		r.log.Warn().Msgf("Model %s is damaged: %s %s", id, d.Name, d.Problem)
	}
	if len(got.damages) == 0 {
		r.log.Info().Msgf("All files of model %s are as they should be", id)
	}
	return got.damages, nil
}

func (r *Registry) startVerifying(id string) (*row, *verifying, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row, err := r.rowOnDisk(id)
	if err != nil {
		return nil, nil, err
	}
	if row.info.State == tts.Loading || row.info.State == tts.Unloading {
		return nil, nil, errAtWork(row)
	}
	row.verifying = &verifying{}
	r.record(row, row.info)
	r.work.Add(1)
	return row, row.verifying, nil
}

// rowOnDisk finds the row of a model whose files nobody else is at. The caller holds mu.
func (r *Registry) rowOnDisk(id string) (*row, error) {
	if r.closed {
		return nil, errClosed()
	}
	row, known := r.rows[id]
	switch {
	case !known:
		return nil, errUnknown(id)
	case row.removing:
		return nil, errRemoving(id)
	case row.verifying != nil:
		return nil, tts.Errorf(tts.CodeBusy, "Wait until it is checked, or stop that.", "Model %s is being checked", id)
	}
	return row, nil
}

func (r *Registry) tellVerifying(row *row, current *verifying, now *tts.Download) {
	if now == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	current.now = *now // which is nobody's any more when it was given up
	r.record(row, row.info)
}

func (r *Registry) endVerifying(row *row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row.verifying = nil
	r.record(row, row.info)
}

// Repair fetches again what is wrong with a model's files, and gives its record when that is done or has failed. A ctx
// that ends stops the waiting, not the work; an Unload stops the work.
func (r *Registry) Repair(ctx context.Context, id string) (tts.ModelInfo, error) {
	v, err := r.verifier()
	if err != nil {
		return tts.ModelInfo{}, err
	}
	j, err := r.startRepairing(v, id)
	if err != nil {
		return tts.ModelInfo{}, err
	}
	info, err := j.wait(ctx)
	if err == nil && j.stopped {
		return tts.ModelInfo{}, r.errStoppedMaking("Repair it again.", "repairing model "+id)
	}
	return info, err
}

func (r *Registry) startRepairing(v Verifier, id string) (*job, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row, err := r.rowOnDisk(id)
	if err != nil {
		return nil, err
	}
	switch row.info.State {
	case tts.Loaded:
		return nil, tts.Errorf(tts.CodeBusy, "Unload it first.", "Model %s is loaded, and its files are in use", id)
	case tts.Loading, tts.Unloading:
		return nil, errAtWork(row)
	}
	j := r.begin(row, tts.Loading)
	j.making = true
	info := row.info
	info.Phase = tts.PhaseVerifying
	r.record(row, info)
	r.work.Go(func() {
		r.make(row, j, making{"repair", "repairing", "repaired"}, id, func() (err error) {
			defer r.recoverInto(&err, "repairing model "+id)
			return v.Repair(j.ctx, id, func(phase tts.Phase, now *tts.Download) { r.tell(row, j, phase, now) })
		})
	})
	return j, nil
}
