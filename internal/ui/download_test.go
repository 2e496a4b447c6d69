package ui

import (
	"context"
	"testing"

	"ttsui/internal/tts"
)

// TestPauseADownload: a row follows its download, whose button stops it, be it ours or another program's.
func TestPauseADownload(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		coming := tts.ModelInfo{ModelID: fast, State: tts.Loading, Phase: tts.PhaseDownloading,
			Download: &tts.Download{BytesDone: 12e8, BytesTotal: 25e8, ETASeconds: ptr(180.0)}}
		stopped, unloads := make(chan struct{}), 0
		w.server.load = func(ctx context.Context, id string, how tts.LoadOptions) (tts.ModelInfo, error) {
			w.server.set(coming)
			<-stopped
			return tts.ModelInfo{}, tts.Errorf(tts.CodeCanceled, "Load it again.", "loading model %s was stopped", id)
		}
		unload := w.server.unload
		answer := make(chan struct{})
		w.server.unload = func(ctx context.Context, id string, how tts.UnloadOptions) (tts.ModelInfo, error) {
			unloads++
			<-answer
			return unload(ctx, id, how)
		}
		w.open()
		w.ClickRowButton(fast)
		if r := row(t, w.seeAfter(modelsEvery), fast); r.Busy != "Downloading 1.2 of 2.5 GB · 3 min left" || r.Action.Title != "Pause" || !r.Action.Enabled {
			t.Errorf("it downloads: %+v", r)
		}
		w.ClickRowButton(fast)
		w.ClickRowButton(fast) // is not asked for twice
		if r := row(t, w.seeAfter(modelsEvery), fast); r.Busy != "Stopping..." || r.Action.Title != "" {
			t.Errorf("it is stopped: %+v", r)
		}
		close(answer)
		close(stopped)
		if r := row(t, w.see(), fast); r.Action.Title != "Load" || r.Error != "" {
			t.Errorf("it was stopped: %+v", r)
		}
		w.server.set(coming)
		w.seeAfter(modelsEvery)
		w.ClickRowButton(fast)
		if r := row(t, w.see(), fast); r.Action.Title != "Load" || r.Error != "" || unloads != 2 {
			t.Errorf("another program's was stopped by %d calls: %+v", unloads, r)
		}
		coming.Phase, coming.Download = tts.PhaseLoading, nil
		w.server.set(coming)
		w.seeAfter(modelsEvery)
		w.ClickRowButton(fast)
		if r := row(t, w.see(), fast); r.Busy != "Loading..." || r.Action.Title != "" || unloads != 2 {
			t.Errorf("a load is not stopped: %+v", r)
		}
	})
}
