package registry

import (
	"ttsui/internal/memory"
	"ttsui/internal/tts"
)

// Remover is a Loader that can delete models from this machine.
type Remover interface {
	// Remove deletes the model's files and tells how many bytes that frees.
	Remove(modelID string) (freed int64, err error)
}

// Remove deletes a model that isn't in memory from this machine, and tells how many bytes that frees. Nobody can load it
// meanwhile. A model that is a row for nothing but its files is none afterwards.
func (r *Registry) Remove(id string) (freed int64, err error) {
	remover, ok := r.loader.(Remover)
	if !ok {
		return 0, tts.Errorf(tts.CodeUnsupported, "Use another engine.", "this engine can't remove models")
	}
	r.Look() // it may have come a moment ago
	row, err := r.startRemoving(id)
	if err != nil {
		return 0, err
	}
	defer r.work.Done()
	defer r.Look()
	defer r.endRemoving(row)
	defer r.recoverInto(&err, "removing model "+id)
	if freed, err = remover.Remove(id); err != nil {
		return 0, err
	}
	r.log.Info().Msgf("Removed model: %s (%s)", id, memory.Text(memory.MB(uint64(freed))))
	return freed, nil
}

func (r *Registry) startRemoving(id string) (*row, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row, err := r.rowOnDisk(id)
	if err != nil {
		return nil, err
	}
	if row.info.State != tts.Unloaded && row.info.State != tts.Failed {
		return nil, tts.Errorf(tts.CodeBusy, "Unload it first.", "Model %s is %s", id, row.info.State)
	}
	row.removing, row.found = true, true
	r.work.Add(1)
	return row, nil
}

func (r *Registry) endRemoving(row *row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row.removing = false
}
