package engine

import (
	"context"

	"ttsui/internal/hub"
	"ttsui/internal/tts"
)

// Fetch implements registry.Fetcher. An engine that may fetch nothing leaves it to Load to say what is missing, where it
// was looked for and how to get it.
func (e *Engine) Fetch(ctx context.Context, modelID string, tell func(tts.Phase, *tts.Download)) error {
	if e.fetcher == nil || e.fetcher.Offline {
		return nil
	}
	return e.fetcher.Ensure(ctx, e.places, modelID, func(p hub.Progress) { tell(phaseOf(p), downloadOf(p)) })
}

// PublishedModels implements registry.Publisher.
func (e *Engine) PublishedModels(ctx context.Context) ([]string, error) {
	if e.fetcher == nil {
		return nil, errNoHub()
	}
	return e.fetcher.Published(ctx)
}

// PublishedCopies implements registry.Publisher.
func (e *Engine) PublishedCopies(ctx context.Context, modelID string) ([]tts.PublishedModel, error) {
	if e.fetcher == nil {
		return nil, errNoHub()
	}
	return e.fetcher.Copies(ctx, modelID)
}

func errNoHub() error {
	return tts.Errorf(tts.CodeUnreachable, "Start TTSUI with a hub.", "there is no hub to ask")
}

// phaseOf tells users nothing of another program that fetches the same: for them the model is coming.
func phaseOf(p hub.Progress) tts.Phase {
	if p.Phase == hub.Verifying {
		return tts.PhaseVerifying
	}
	return tts.PhaseDownloading
}

// downloadOf gives nil before the hub has told what there is to fetch.
func downloadOf(p hub.Progress) *tts.Download {
	if p.BytesTotal == 0 {
		return nil
	}
	d := &tts.Download{BytesDone: p.BytesDone, BytesTotal: p.BytesTotal}
	if p.Rate > 0 {
		d.Rate = &p.Rate
	}
	if p.ETA > 0 {
		seconds := p.ETA.Seconds()
		d.ETASeconds = &seconds
	}
	return d
}
