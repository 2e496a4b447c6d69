package engine

import (
	"context"

	"ttsui/internal/hub"
	"ttsui/internal/tts"
)

// Verify implements registry.Verifier.
func (e *Engine) Verify(ctx context.Context, modelID string, tell func(*tts.Download)) ([]tts.Damage, error) {
	l, found, err := e.verify(ctx, modelID, func(p hub.Progress) { tell(downloadOf(p)) })
	var damages []tts.Damage
	for _, d := range found {
		damages = append(damages, tts.Damage{Name: d.Name, Problem: d.Problem, Kept: !l.Cached})
	}
	return damages, err
}

// Repair implements registry.Verifier.
func (e *Engine) Repair(ctx context.Context, modelID string, tell func(tts.Phase, *tts.Download)) error {
	l, found, err := e.verify(ctx, modelID, func(p hub.Progress) { tell(tts.PhaseVerifying, downloadOf(p)) })
	if err != nil || len(found) == 0 {
		return err
	}
	return e.fetcher.Repair(ctx, l, found, func(p hub.Progress) { tell(phaseOf(p), downloadOf(p)) })
}

func (e *Engine) verify(ctx context.Context, modelID string, see func(hub.Progress)) (l hub.Local, found []hub.Damage, err error) {
	if e.fetcher == nil {
		return l, nil, errNoHub()
	}
	if l, err = e.places.Local(modelID); err != nil {
		return l, nil, err
	}
	found, err = e.fetcher.Verify(ctx, l, see)
	return l, found, err
}
