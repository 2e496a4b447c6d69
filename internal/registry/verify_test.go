package registry_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ttsui/internal/registry"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/tts"
)

// TestVerifyEnds: a check that is stopped, fails, panics or hangs is over for the row, whose state it never touches.
func TestVerifyEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		loader := &registrytest.Tones{}
		r := newRegistry(t, loader)
		if _, err := r.Load(t.Context(), base, tts.LoadOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name   string
			verify func(ctx context.Context, id string, tell func(*tts.Download)) ([]tts.Damage, error)
			code   tts.Code
		}{
			{"well", func(context.Context, string, func(*tts.Download)) ([]tts.Damage, error) { return nil, nil }, ""},
			{"an error", func(context.Context, string, func(*tts.Download)) ([]tts.Damage, error) {
				return nil, tts.Errorf(tts.CodeUnreachable, "Try again.", "the line is cut")
			}, tts.CodeUnreachable},
			{"a panic", func(context.Context, string, func(*tts.Download)) ([]tts.Damage, error) { panic("oops") }, tts.CodeInternal},
			{"stopped", func(ctx context.Context, _ string, _ func(*tts.Download)) ([]tts.Damage, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}, tts.CodeCanceled},
			{"one that hangs", func(_ context.Context, _ string, tell func(*tts.Download)) ([]tts.Damage, error) {
				<-release
				tell(&tts.Download{BytesDone: 9, BytesTotal: 10}) // nobody hears it any more
				return nil, nil
			}, tts.CodeTimeout},
		} {
			loader.OnVerify = func(ctx context.Context, id string, tell func(*tts.Download)) ([]tts.Damage, error) {
				tell(&tts.Download{BytesDone: 1, BytesTotal: 10})
				if info := record(t, r); info.State != tts.Loaded || info.Verifying == nil || info.Verifying.BytesDone != 1 {
					t.Errorf("%s: meanwhile %+v", c.name, info)
				}
				return c.verify(ctx, id, tell)
			}
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			if _, err := r.Verify(ctx, base); tts.CodeOf(err) != c.code {
				t.Errorf("%s: %v", c.name, err)
			}
			stop()
			if info := record(t, r); info.State != tts.Loaded || info.Verifying != nil {
				t.Errorf("%s: afterwards %+v", c.name, info)
			}
		}
		close(release)
		synctest.Wait()
		if info := record(t, r); info.Verifying != nil {
			t.Errorf("in the end %+v", info)
		}
	})
}

// TestVerifyAlone: one check of a model at a time, none of one on its way, and nobody deletes or repairs it meanwhile.
// The end of the registry ends it.
func TestVerifyAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := make(chan struct{})
		loader := &registrytest.Tones{OnVerify: func(ctx context.Context, _ string, _ func(*tts.Download)) ([]tts.Damage, error) {
			close(begun)
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		loader.OnLoad = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
		r := registry.New(registry.Config{Loader: loader})
		var calls sync.WaitGroup
		calls.Go(func() {
			if _, err := r.Verify(t.Context(), base); tts.CodeOf(err) != tts.CodeBusy {
				t.Errorf("closed while it checks: %v", err)
			}
		})
		<-begun
		_, again := r.Verify(t.Context(), base)
		_, repair := r.Repair(t.Context(), base)
		_, remove := r.Remove(base)
		_, unknown := r.Verify(t.Context(), "no/such")
		calls.Go(func() { _, _ = r.Load(t.Context(), custom, tts.LoadOptions{}) })
		synctest.Wait()
		_, coming := r.Verify(t.Context(), custom)
		for name, got := range map[string]struct {
			err  error
			code tts.Code
		}{"again": {again, tts.CodeBusy}, "repair": {repair, tts.CodeBusy}, "remove": {remove, tts.CodeBusy}, "coming": {coming, tts.CodeBusy}, "unknown": {unknown, tts.CodeNotFound}} {
			if tts.CodeOf(got.err) != got.code {
				t.Errorf("%s: %v", name, got.err)
			}
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		calls.Wait()
	})
}

// TestRepairEnds: a repair that fails, panics or hangs is a failed model, which Retry leaves; a load waits for one.
func TestRepairEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		loader := &registrytest.Tones{}
		r := newRegistry(t, loader)
		for _, c := range []struct {
			name   string
			repair func(ctx context.Context) error
			code   tts.Code
		}{
			{"an error", func(context.Context) error { return tts.Errorf(tts.CodeUnreachable, "Try again.", "the line is cut") }, tts.CodeUnreachable},
			{"a panic", func(context.Context) error { panic("oops") }, tts.CodeInternal},
			{"one that hangs", func(context.Context) error {
				go func() { _, _ = r.Unload(t.Context(), base, tts.UnloadOptions{}) }()
				<-release
				return nil
			}, tts.CodeTimeout},
		} {
			loader.OnRepair = func(ctx context.Context, _ string, tell func(tts.Phase, *tts.Download)) error {
				tell(tts.PhaseDownloading, &tts.Download{BytesDone: 1, BytesTotal: 10})
				if info := record(t, r); info.State != tts.Loading || info.Phase != tts.PhaseDownloading || info.Download.BytesDone != 1 {
					t.Errorf("%s: meanwhile %+v", c.name, info)
				}
				return c.repair(ctx)
			}
			info, err := r.Repair(t.Context(), base)
			if err != nil || info.State != tts.Failed || info.Code != c.code {
				t.Errorf("%s: %+v, %v", c.name, info, err)
			}
		}
		close(release)
		repaired := make(chan struct{})
		loader.OnRepair = func(context.Context, string, func(tts.Phase, *tts.Download)) error { <-repaired; return nil }
		var calls sync.WaitGroup
		calls.Go(func() {
			if info, err := r.Repair(t.Context(), base); err != nil || info.State != tts.Unloaded {
				t.Errorf("repaired: %+v, %v", info, err)
			}
		})
		synctest.Wait()
		calls.Go(func() {
			if info, err := r.Load(t.Context(), base, tts.LoadOptions{}); err != nil || info.State != tts.Loaded {
				t.Errorf("loaded: %+v, %v", info, err)
			}
		})
		synctest.Wait()
		close(repaired)
		calls.Wait()
	})
}

// TestPartIsTold: what a stopped download has left is in the record at once, until all of it is there or it is deleted.
func TestPartIsTold(t *testing.T) {
	part := &tts.Download{BytesDone: 1, BytesTotal: 10}
	s := &shelf{ids: []string{"me/mine"}, parts: map[string]*tts.Download{}}
	s.OnLoad = func(_ context.Context, id string) error {
		if s.parts[id] == nil {
			s.ids, s.parts[id] = append(s.ids, id), part
			return tts.Errorf(tts.CodeUnreachable, "Try again.", "the line is cut")
		}
		delete(s.parts, id)
		return nil
	}
	r := newRegistry(t, s)
	info, err := r.Load(t.Context(), base, tts.LoadOptions{})
	if err != nil || info.State != tts.Failed {
		t.Fatalf("%+v, %v", info, err)
	}
	if info := record(t, r); info.Part != part {
		t.Errorf("failed: %+v", info)
	}
	if info, err = r.Unload(t.Context(), base, tts.UnloadOptions{}); err != nil || record(t, r).Part != part {
		t.Errorf("forgotten: %+v, %v", info, err)
	}
	if info, err = r.Load(t.Context(), base, tts.LoadOptions{}); err != nil || info.State != tts.Loaded || record(t, r).Part != nil {
		t.Errorf("loaded: %+v, %v", info, err)
	}
	if _, err = r.Unload(t.Context(), base, tts.UnloadOptions{}); err != nil || record(t, r).Part != nil {
		t.Errorf("unloaded: %v", err)
	}
	s.ids, s.parts["me/mine"] = []string{"me/mine"}, part
	r.Look()
	if list, _ := r.Models(); list[len(list)-1].Part != part {
		t.Errorf("found: %+v", list)
	}
	s.ids = nil
	r.Look()
	if slices.Contains(idsOf(t, r), "me/mine") {
		t.Error("a row is left")
	}
}
