package registry

import (
	"context"

	"ttsui/internal/tts"
)

// Watch calls see with the record of every model, in the order of Models, and again with one that has changed, until
// ctx ends. See may be slow: what happens to a model meanwhile is one change.
func (r *Registry) Watch(ctx context.Context, see func(tts.ModelInfo)) error {
	for seen := uint64(0); ; {
		list, newest, changed, err := r.newer(seen)
		if err != nil {
			return err
		}
		for _, info := range list {
			if ctx.Err() == nil {
				see(info)
			}
		}
		seen = newest
		select {
		case <-changed:
		case <-ctx.Done():
			return tts.Errorf(tts.CodeCanceled, "", "stopped following the models: %w", context.Cause(ctx))
		}
	}
}

// newer gives the records that are newer than a version, the newest version, and a channel that is closed when there is
// a newer one yet.
func (r *Registry) newer(than uint64) (list []tts.ModelInfo, newest uint64, changed <-chan struct{}, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, 0, nil, errClosed()
	}
	for _, id := range r.order {
		if row := r.rows[id]; row.version > than {
			list = append(list, row.info)
		}
	}
	return list, r.version, r.changed, nil
}

// record gives a row its record, with what is known of its files, and tells those who watch. The caller holds mu, or is
// New.
func (r *Registry) record(row *row, info tts.ModelInfo) {
	info.Part, info.Verifying = nil, nil
	if info.State == tts.Unloaded || info.State == tts.Failed {
		info.Part = row.part
	}
	if row.verifying != nil {
		now := row.verifying.now
		info.Verifying = &now
	}
	r.version++
	row.info, row.version = info, r.version
	r.announce()
}

// announce lets those who watch look again. The caller holds mu, or is New.
func (r *Registry) announce() {
	close(r.changed)
	r.changed = make(chan struct{})
}
