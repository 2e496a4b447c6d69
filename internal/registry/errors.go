package registry

import (
	"context"

	"ttsui/internal/tts"
)

func errClosed() error {
	return tts.Errorf(tts.CodeBusy, "Start TTSUI again.", "TTSUI is shutting down")
}

func errNotLoaded(id string) error {
	const hint = "Load the model first: its row's Load button, or POST /models/load with its model_id."
	if id == tts.DesignModelID {
		return tts.Errorf(tts.CodeNotLoaded, hint, "VoiceDesign model not loaded")
	}
	return tts.Errorf(tts.CodeNotLoaded, hint, "Model %s not loaded", id)
}

func errStoppedWaiting(ctx context.Context) error {
	return tts.Errorf(tts.CodeCanceled, "The model goes on loading or unloading; GET /models shows how far it is.",
		"stopped waiting: %w", context.Cause(ctx))
}

func errStillInUse(ctx context.Context) error {
	return tts.Errorf(tts.CodeCanceled, "The model stays loaded; unload it again when it is idle.", "stopped waiting for a model in use: %w", context.Cause(ctx))
}

// errStopped is what the callers of a load get that was stopped.
func (r *Registry) errStopped(id string) error {
	if r.life.Err() != nil {
		return errClosed()
	}
	return tts.Errorf(tts.CodeCanceled, "Load it again.", "loading model %s was stopped", id)
}

// errStoppedMaking is what the callers of Quantize and Repair get when the work was stopped.
func (r *Registry) errStoppedMaking(hint, what string) error {
	if r.life.Err() != nil {
		return errClosed()
	}
	return tts.Errorf(tts.CodeCanceled, hint, "%s was stopped", what)
}

// errAtWork is about a model that something else is done to.
func errAtWork(row *row) error {
	return tts.Errorf(tts.CodeBusy, "Wait until that has ended, or unload it.", "Model %s is %s", row.id, row.info.State)
}

func errUnknown(id string) error {
	return tts.Errorf(tts.CodeNotFound, "Use one of the ids that GET /models lists.", "there is no model %.100q", id)
}

func errRemoving(id string) error {
	return tts.Errorf(tts.CodeBusy, "Wait until it is removed, then load it again.", "Model %s is being removed", id)
}

// errStuck is about work that was told to end and goes on.
func errStuck(what string) error {
	return tts.Errorf(tts.CodeTimeout, "Its memory may still be in use. Should it not come back, start TTSUI again.",
		"%s does not end", what)
}

// explain puts an error into a record.
func explain(info *tts.ModelInfo, err error) {
	text := err.Error()
	info.Error, info.Code = &text, tts.CodeOf(err)
	if hint := tts.HintOf(err); hint != "" {
		info.Hint = &hint
	}
}
