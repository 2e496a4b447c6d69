package registry_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"ttsui/internal/registry"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/tts"
)

// occupy uses the model until the returned function is called.
func occupy(t *testing.T, r *registry.Registry) (release func()) {
	t.Helper()
	gate, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if err := use(r, func() { <-gate }); err != nil {
			t.Error(err)
		}
	}()
	synctest.Wait()
	return func() { close(gate); <-done }
}

func use(r *registry.Registry, f func()) error {
	return r.Use(context.Background(), base, func(context.Context, registry.Model) error { f(); return nil })
}

func mustLoad(t *testing.T, r *registry.Registry) {
	t.Helper()
	if info, err := r.Load(t.Context(), base, tts.LoadOptions{}); err != nil || info.State != tts.Loaded {
		t.Fatalf("load: %+v, %v", info, err)
	}
}

func TestUnloadWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry(t, &registrytest.Tones{})
		mustLoad(t, r)
		release := occupy(t, r)
		unloaded := make(chan error, 2)
		for range 2 {
			go func() {
				info, err := r.Unload(t.Context(), base, tts.UnloadOptions{Wait: true})
				if err == nil && info.State != tts.Unloaded {
					t.Errorf("unload: %+v", info)
				}
				unloaded <- err
			}()
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.Unload(impatient, base, tts.UnloadOptions{Wait: true}); tts.CodeOf(err) != tts.CodeCanceled || tts.HintOf(err) == "" {
			t.Errorf("an unload whose caller went away: %v", err)
		}
		if err := use(r, func() {}); tts.CodeOf(err) != tts.CodeBusy || !strings.Contains(err.Error(), "about to be unloaded") {
			t.Errorf("a new user: %v", err)
		}
		if _, err := r.Unload(t.Context(), base, tts.UnloadOptions{}); tts.CodeOf(err) != tts.CodeBusy {
			t.Errorf("an unload that doesn't wait: %v", err)
		}
		mustLoad(t, r) // it is loaded still
		release()
		for range 2 {
			if err := <-unloaded; err != nil {
				t.Error(err)
			}
		}
		if err := use(r, func() {}); tts.CodeOf(err) != tts.CodeNotLoaded {
			t.Errorf("use after unload: %v", err)
		}
	})
}

func TestWaitingUnloadIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry(t, &registrytest.Tones{})
		mustLoad(t, r)
		release := occupy(t, r)
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := r.Unload(ctx, base, tts.UnloadOptions{Wait: true}); tts.CodeOf(err) != tts.CodeCanceled {
				t.Errorf("unload: %v", err)
			}
			cancel()
		}
		if err := use(r, func() {}); err != nil {
			t.Errorf("a new user: %v", err)
		}
		release()
		if info, err := r.Unload(t.Context(), base, tts.UnloadOptions{}); err != nil || info.State != tts.Unloaded {
			t.Errorf("unload: %+v, %v", info, err)
		}
	})
}

func TestCloseEndsWaitingUnload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry(t, &registrytest.Tones{})
		mustLoad(t, r)
		release := occupy(t, r)
		ended := make(chan error)
		go func() {
			_, err := r.Unload(context.Background(), base, tts.UnloadOptions{Wait: true})
			ended <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = r.Close(ctx) // which can't end while the model is in use
		if err := <-ended; tts.CodeOf(err) != tts.CodeBusy {
			t.Errorf("unload: %v", err)
		}
		release()
	})
}

// TestUnloadStopsLoad: a load that is stopped leaves nothing, whatever the loader makes of it.
func TestUnloadStopsLoad(t *testing.T) {
	for name, end := range map[string]func(context.Context) error{
		"obedient": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"slow":     func(ctx context.Context) error { <-ctx.Done(); time.Sleep(20 * time.Second); return ctx.Err() },
		"deaf":     func(context.Context) error { time.Sleep(20 * time.Second); return nil },
		"clumsy":   func(ctx context.Context) error { <-ctx.Done(); panic("no more scopes") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var loads, freed atomic.Int64
				r := newRegistry(t, &registrytest.Tones{
					OnLoad: func(ctx context.Context, _ string) error {
						if loads.Add(1) == 1 {
							return end(ctx)
						}
						return nil
					},
					OnClose: func(string) error { freed.Add(1); return nil },
				})
				stopped, again := make(chan error, 1), make(chan error, 1)
				go func() { _, err := r.Load(t.Context(), base, tts.LoadOptions{}); stopped <- err }()
				synctest.Wait()
				go func() {
					time.Sleep(time.Second) // after the unload has begun
					info, err := r.Load(t.Context(), base, tts.LoadOptions{})
					if err == nil && info.State != tts.Loaded {
						t.Errorf("load during the stop: %+v", info)
					}
					again <- err
				}()
				if info, err := r.Unload(t.Context(), base, tts.UnloadOptions{}); err != nil || info.State != tts.Unloaded || info.Error != nil {
					t.Errorf("unload: %+v, %v", info, err)
				}
				if err := <-stopped; tts.CodeOf(err) != tts.CodeCanceled {
					t.Errorf("the load that was stopped: %v", err)
				}
				if err := <-again; err != nil {
					t.Errorf("load during the stop: %v", err)
				}
				if want := map[bool]int64{true: 1}[name == "deaf"]; freed.Load() != want {
					t.Errorf("%d models freed, want %d", freed.Load(), want)
				}
			})
		})
	}
}

// TestLoaderThatHangs: the row gives it up and says so, a retry works, and what the loader makes in the end is freed.
func TestLoaderThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var loads, freed atomic.Int64
		r := newRegistry(t, &registrytest.Tones{
			OnLoad: func(context.Context, string) error {
				if loads.Add(1) == 1 {
					<-gate
				}
				return nil
			},
			OnClose: func(string) error { freed.Add(1); return nil },
		})
		first := make(chan tts.ModelInfo, 1)
		go func() { info, _ := r.Load(t.Context(), base, tts.LoadOptions{}); first <- info }()
		synctest.Wait()
		started := time.Now()
		info, err := r.Unload(t.Context(), base, tts.UnloadOptions{})
		if err != nil || info.State != tts.Failed || info.Code != tts.CodeTimeout || info.Hint == nil || time.Since(started) != 30*time.Second {
			t.Errorf("unload: %+v, %v, after %s", info, err, time.Since(started))
		}
		if info := <-first; info.State != tts.Failed || !strings.Contains(*info.Error, "does not end") {
			t.Errorf("load: %+v", info)
		}
		mustLoad(t, r)
		close(gate)
		synctest.Wait()
		if freed.Load() != 1 {
			t.Errorf("%d models freed, want that of the first load", freed.Load())
		}
		if err := use(r, func() {}); err != nil {
			t.Errorf("the second model: %v", err)
		}
	})
}

// TestModelThatHangs: an unload that doesn't end is told, and doesn't block the row.
func TestModelThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var closed atomic.Int64
		r := newRegistry(t, &registrytest.Tones{OnClose: func(string) error {
			if closed.Add(1) == 1 {
				<-gate
			}
			return nil
		}})
		mustLoad(t, r)
		info, err := r.Unload(t.Context(), base, tts.UnloadOptions{})
		if err != nil || info.State != tts.Unloaded || info.Error == nil || info.Code != tts.CodeTimeout {
			t.Errorf("unload: %+v, %v", info, err)
		}
		mustLoad(t, r)
		close(gate)
	})
}

// weighed is a loader of models of 4 MB for a machine with 10 MB.
type weighed struct {
	registrytest.Tones
	available uint64 // MB
}

func (l *weighed) Forecast(id string) (registry.Forecast, error) {
	need := uint64(4 << 20)
	if strings.Contains(id, "giant") {
		need = 11 << 20
	}
	return registry.Forecast{Need: need, Available: l.available << 20, Total: 10 << 20}, nil
}

func TestForecastRefuses(t *testing.T) {
	for _, c := range []struct {
		name      string
		id        string
		available uint64
		force     bool
		want      string // the error, "" when it loads
	}{
		{"fits", base, 4, false, ""},
		{"doesn't fit", base, 3, false, "the model needs 4.0 MB of memory, 3.0 MB are free"},
		{"is forced", base, 3, true, ""},
		{"is more than the machine has", "some/giant", 12, true, "the model needs 11.0 MB of memory, this machine has 10.0 MB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRegistry(t, &weighed{available: c.available})
			info, err := r.Load(t.Context(), c.id, tts.LoadOptions{Force: c.force})
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if info.State != tts.Loaded {
					t.Errorf("got %+v", info)
				}
				return
			}
			if info.State != tts.Failed || info.Code != tts.CodeNoMemory || *info.Error != c.want || info.Hint == nil {
				t.Errorf("got %+v: %s", info, *info.Error)
			}
			if offers := strings.Contains(*info.Hint, "force"); offers == c.force {
				t.Errorf("hint %q", *info.Hint)
			}
		})
	}
}

// TestForecastCountsLoadsUnderWay: two models that fit alone don't fit together, and both are told so in time.
func TestForecastCountsLoadsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		r := newRegistry(t, &weighed{available: 7, Tones: registrytest.Tones{OnLoad: func(_ context.Context, id string) error {
			if id == base {
				<-gate
			}
			return nil
		}}})
		go func() { _, _ = r.Load(t.Context(), base, tts.LoadOptions{}) }()
		synctest.Wait()
		info, err := r.Load(t.Context(), custom, tts.LoadOptions{})
		if err != nil || info.Code != tts.CodeNoMemory || !strings.Contains(*info.Error, "7.0 MB are free, and 4.0 MB of them") {
			t.Errorf("got %+v, %v", info, err)
		}
		close(gate)
		synctest.Wait()
		if info, err = r.Load(t.Context(), custom, tts.LoadOptions{}); err != nil || info.State != tts.Loaded {
			t.Errorf("afterwards: %+v, %v", info, err)
		}
	})
}

// slowForecast takes a minute to say no.
type slowForecast struct{ weighed }

func (l *slowForecast) Forecast(id string) (registry.Forecast, error) {
	time.Sleep(time.Minute)
	return l.weighed.Forecast(id)
}

// TestForceAfterRefusal: who forces a load that another's wish has begun isn't refused with it.
func TestForceAfterRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := registry.New(registry.Config{Loader: &slowForecast{}, Log: zerolog.Nop()})
		asked := make(chan tts.ModelInfo, 1)
		go func() { info, _ := r.Load(t.Context(), base, tts.LoadOptions{}); asked <- info }()
		synctest.Wait()
		if info, err := r.Load(t.Context(), base, tts.LoadOptions{Force: true}); err != nil || info.State != tts.Loaded {
			t.Errorf("forced: %+v, %v", info, err)
		}
		if info := <-asked; info.Code != tts.CodeNoMemory {
			t.Errorf("not forced: %+v", info)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
