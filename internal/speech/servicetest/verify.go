package servicetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"ttsui/internal/registry/registrytest"
	"ttsui/internal/tts"
)

// testVerify: a loaded model can be checked, is seen while it is, and stays loaded; who goes away stops it.
func (s Subject) testVerify(t *testing.T) {
	damaged := []tts.Damage{{Name: "model.safetensors", Problem: "has the wrong checksum", Kept: true}}
	release := make(chan struct{})
	service := s.Open(t, &registrytest.Tones{OnVerify: func(ctx context.Context, id string, tell func(*tts.Download)) ([]tts.Damage, error) {
		tell(&tts.Download{BytesDone: 450, BytesTotal: 1000})
		if id == custom {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}
		<-release
		return damaged, nil
	}})
	load(t, service, base)
	see := func(id string, is func(now *tts.Download) bool) {
		ctx, stop := context.WithTimeout(t.Context(), patience)
		defer stop()
		_ = service.WatchModels(ctx, func(info tts.ModelInfo) { // its end is ours
			if info.ModelID == id && is(info.Verifying) {
				stop()
			}
		})
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("the check of %s, or its end, was not seen", id)
		}
	}
	goesOn := func(now *tts.Download) bool { return now != nil && now.BytesDone == 450 }
	var calls sync.WaitGroup
	calls.Go(func() {
		if got, err := service.Verify(t.Context(), base); err != nil || !slices.Equal(got, damaged) {
			t.Errorf("found %+v, %v", got, err)
		}
	})
	see(base, goesOn)
	_, err := service.Verify(t.Context(), base)
	wantError(t, err, tts.CodeBusy, "being checked")
	close(release)
	calls.Wait()
	if info := find(t, service, base); info.State != tts.Loaded || info.Verifying != nil {
		t.Errorf("afterwards: %+v", info)
	}
	ctx, stop := context.WithCancel(t.Context())
	calls.Go(func() {
		_, err := service.Verify(ctx, custom)
		wantError(t, err, tts.CodeCanceled, "")
	})
	see(custom, goesOn)
	stop()
	calls.Wait()
	see(custom, func(now *tts.Download) bool { return now == nil }) // a server hears of it a moment later
	_, err = service.Verify(t.Context(), "somebody/unknown")
	wantError(t, err, tts.CodeNotFound, "unknown")
}

// testRepair: a model in memory isn't repaired; a repair ends unloaded or failed, and an unload stops it.
func (s Subject) testRepair(t *testing.T) {
	begun := make(chan struct{})
	service := s.Open(t, &registrytest.Tones{OnRepair: func(ctx context.Context, id string, _ func(tts.Phase, *tts.Download)) error {
		switch id {
		case custom:
			return tts.Errorf(tts.CodeUnreachable, "Check the network.", "the line is cut")
		case tts.DesignModelID:
			close(begun)
			<-ctx.Done()
			return context.Cause(ctx)
		}
		return nil
	}})
	load(t, service, base)
	_, err := service.Repair(t.Context(), base)
	wantError(t, err, tts.CodeBusy, "in use")
	if _, err := service.Unload(t.Context(), base, tts.UnloadOptions{}); err != nil {
		t.Error(err)
	}
	if info, err := service.Repair(t.Context(), base); err != nil || info.State != tts.Unloaded || info.Error != nil {
		t.Errorf("repaired: %+v, %v", info, err)
	}
	info, err := service.Repair(t.Context(), custom)
	if err != nil || info.State != tts.Failed || info.Code != tts.CodeUnreachable || *info.Error != "the line is cut" || info.Hint == nil {
		t.Errorf("failed: %+v, %v", info, err)
	}
	var calls sync.WaitGroup
	calls.Go(func() {
		_, err := service.Repair(t.Context(), tts.DesignModelID)
		wantError(t, err, tts.CodeCanceled, "stopped")
	})
	<-begun
	if info, err := service.Unload(t.Context(), tts.DesignModelID, tts.UnloadOptions{}); err != nil || info.State != tts.Unloaded {
		t.Errorf("stopped: %+v, %v", info, err)
	}
	calls.Wait()
}
