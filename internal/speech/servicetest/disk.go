package servicetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"ttsui/internal/registry/registrytest"
	"ttsui/internal/tts"
)

// quantized is the copy that the tests make.
const quantized = "local/Qwen3-TTS-12Hz-0.6B-Base-4bit"

// testQuantize: the plan tells of what is made; the copy is seen while it is made, and is there afterwards, unloaded.
func (s Subject) testQuantize(t *testing.T) {
	release := make(chan struct{})
	service := s.Open(t, &registrytest.Tones{OnQuantize: func(_ context.Context, _ string, tell func(tts.Download)) error {
		tell(tts.Download{BytesDone: 500, BytesTotal: 1000})
		<-release
		return nil
	}})
	how := tts.Quantization{Bits: 4}
	plan, err := service.PlanQuantized(t.Context(), base, how)
	if err != nil || plan.ModelID != quantized || plan.Bytes == 0 || plan.MemoryMB == 0 || plan.OriginalMemoryMB == 0 {
		t.Errorf("plan: %+v, %v", plan, err)
	}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	var calls sync.WaitGroup
	calls.Go(func() {
		_ = service.WatchModels(ctx, func(info tts.ModelInfo) { // its end is ours
			if info.ModelID == quantized && info.Download != nil && info.Download.BytesDone == 500 {
				if info.State != tts.Loading || info.Phase != tts.PhaseQuantizing {
					t.Errorf("in the making: %+v", info)
				}
				stop()
			}
		})
	})
	calls.Go(func() {
		info, err := service.Quantize(t.Context(), base, how)
		if err != nil || info.ModelID != quantized || info.State != tts.Unloaded || info.Error != nil {
			t.Errorf("made: %+v, %v", info, err)
		}
	})
	<-ctx.Done()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Error("it was not seen while it was made")
	}
	_, err = service.Quantize(t.Context(), base, how)
	wantError(t, err, tts.CodeBusy, quantized)
	calls.Go(func() { load(t, service, quantized) }) // as soon as it is there
	close(release)
	calls.Wait()
}

func (s Subject) testQuantizeFails(t *testing.T) {
	begun := make(chan struct{})
	service := s.Open(t, &registrytest.Tones{OnQuantize: func(ctx context.Context, id string, _ func(tts.Download)) error {
		if id == custom {
			return tts.Errorf(tts.CodeDiskFull, "Free some space.", "no space left")
		}
		close(begun)
		<-ctx.Done()
		return context.Cause(ctx)
	}})
	_, err := service.PlanQuantized(t.Context(), missing, tts.Quantization{Bits: 4})
	wantError(t, err, tts.CodeNotFound, "missing")
	_, err = service.Quantize(t.Context(), base, tts.Quantization{Bits: 3})
	wantError(t, err, tts.CodeInvalid, "3 bits")
	info, err := service.Quantize(t.Context(), custom, tts.Quantization{Bits: 4})
	if err != nil || info.State != tts.Failed || info.Code != tts.CodeDiskFull || *info.Error != "no space left" || info.Hint == nil {
		t.Errorf("failed: %+v, %v", info, err)
	}
	var calls sync.WaitGroup
	calls.Go(func() {
		_, err := service.Quantize(t.Context(), base, tts.Quantization{Bits: 4})
		wantError(t, err, tts.CodeCanceled, "stopped")
	})
	<-begun
	if info, err := service.Unload(t.Context(), quantized, tts.UnloadOptions{}); err != nil || info.State != tts.Unloaded {
		t.Errorf("stopped: %+v, %v", info, err)
	}
	calls.Wait()
}

// testRemove: only what is not in memory, and what there is, can be removed; nobody loads it meanwhile.
func (s Subject) testRemove(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	service := s.Open(t, &registrytest.Tones{OnRemove: func(id string) error {
		if id == custom {
			return tts.Errorf(tts.CodeDenied, "Make the folder yours.", "not allowed")
		}
		close(begun)
		<-release
		return nil
	}})
	load(t, service, base)
	_, err := service.Remove(t.Context(), base)
	wantError(t, err, tts.CodeBusy, "loaded")
	if _, err := service.Unload(t.Context(), base, tts.UnloadOptions{}); err != nil {
		t.Error(err)
	}
	_, err = service.Remove(t.Context(), "somebody/unknown")
	wantError(t, err, tts.CodeNotFound, "unknown")
	_, err = service.Remove(t.Context(), custom)
	wantError(t, err, tts.CodeDenied, "not allowed")
	var calls sync.WaitGroup
	calls.Go(func() {
		if freed, err := service.Remove(t.Context(), base); err != nil || freed != 1000 {
			t.Errorf("freed %d, %v", freed, err)
		}
	})
	<-begun
	_, err = service.Load(t.Context(), base, tts.LoadOptions{})
	wantError(t, err, tts.CodeBusy, "being removed")
	_, err = service.Remove(t.Context(), base)
	wantError(t, err, tts.CodeBusy, "being removed")
	close(release)
	calls.Wait()
	load(t, service, base)
}
