package registry

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"
	"pgregory.net/rapid"

	"ttsui/internal/tts"
)

// TestStates lets eight goroutines load, unload, use, check and repair three models at random: forced or not, waiting or not, with
// callers that go away, a loader that fails, panics, dawdles and doesn't listen, and memory for two models only. It
// holds every change of state to the table, and what is left to what the rows say.
func TestStates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		loader := &faultyLoader{faults: rapid.SliceOfN(rapid.IntRange(0, 5), 1, 8).Draw(t, "faults")}
		r := New(Config{Loader: loader, Log: zerolog.Nop(), RSS: func() (uint64, error) { return 1, nil }})
		watch := watcher{last: map[string]tts.State{}}
		r.observe = watch.see
		ids := []string{"a/one", "a/two", tts.DesignModelID}
		var wg sync.WaitGroup
		for range 8 {
			steps := rapid.SliceOfN(rapid.Custom(drawStep), 1, 12).Draw(t, "steps")
			wg.Go(func() {
				for _, s := range steps {
					s.do(r, ids[s.model])
				}
			})
		}
		wg.Wait()
		r.work.Wait() // for loads whose callers went away
		list, err := r.Models()
		if err != nil {
			t.Fatal(err)
		}
		loaded := 0
		for _, info := range list {
			switch info.State {
			case tts.Loaded:
				loaded++
			case tts.Loading, tts.Unloading:
				t.Errorf("%s is left %s", info.ModelID, info.State)
			}
			if (info.State == tts.Failed) != (info.Error != nil) {
				t.Errorf("%s is %s with the error %v", info.ModelID, info.State, info.Error)
			}
		}
		if r.promised != 0 {
			t.Errorf("%d bytes are promised to nobody", r.promised)
		}
		for id, row := range r.rows {
			if row.leases != 0 || row.drain != nil || row.job != nil || row.verifying != nil || row.info.Verifying != nil {
				t.Errorf("%s is left with %d leases, drain %v, job %v, a check %v", id, row.leases, row.drain, row.job, row.verifying)
			}
		}
		if live := int(loader.live.Load()); live != loaded {
			t.Errorf("%d models live, %d rows loaded", live, loaded)
		}
		if err := r.Close(context.Background()); err != nil || loader.live.Load() != 0 {
			t.Errorf("close: %v, %d models live", err, loader.live.Load())
		}
		if n := loader.misuse.Load(); n != 0 {
			t.Errorf("models were used wrongly %d times", n)
		}
		for _, bad := range watch.bad {
			t.Error(bad)
		}
	})
}

// step is what one goroutine does once.
type step struct {
	model, what int
	flag        bool // force or wait
	impatient   bool // the caller goes away
}

func drawStep(t *rapid.T) step {
	return step{rapid.IntRange(0, 2).Draw(t, "model"), rapid.IntRange(0, 4).Draw(t, "what"), rapid.Bool().Draw(t, "flag"), rapid.IntRange(0, 3).Draw(t, "patience") == 0}
}

func (s step) do(r *Registry, id string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if s.impatient {
		go cancel()
	}
	switch s.what {
	case 0:
		_, _ = r.Load(ctx, id, tts.LoadOptions{Force: s.flag})
	case 1:
		_, _ = r.Unload(ctx, id, tts.UnloadOptions{Wait: s.flag})
	case 3:
		_, _ = r.Verify(ctx, id)
	case 4:
		_, _ = r.Repair(ctx, id)
	case 2:
		_ = r.Use(ctx, id, func(ctx context.Context, m Model) error {
			_, err := m.Generate(ctx, nil, nil)
			return err
		})
	}
}

// watcher checks what a registry does by its own record of the last states.
type watcher struct {
	last map[string]tts.State
	bad  []string
}

func (w *watcher) see(id string, from, to tts.State) {
	last, known := w.last[id]
	if !known {
		last = tts.Unloaded
	}
	if last != from || !from.To(to) {
		w.bad = append(w.bad, id+": was "+string(last)+", went from "+string(from)+" to "+string(to))
	}
	w.last[id] = to
}

// faultyLoader goes through its faults again and again.
type faultyLoader struct {
	faults []int
	next   atomic.Int64
	live   atomic.Int64 // models that are not closed
	misuse atomic.Int64 // uses and closes that should not have been
}

func (l *faultyLoader) Load(ctx context.Context, _ string) (Model, error) {
	switch l.faults[int(l.next.Add(1))%len(l.faults)] {
	case 1:
		return nil, errors.New("no such file")
	case 2:
		panic("bad header")
	case 3: // dawdles, and listens
		for range 100 {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			runtime.Gosched()
		}
	case 4: // dawdles, and doesn't
		for range 100 {
			runtime.Gosched()
		}
	}
	l.live.Add(1)
	return &fragileModel{loader: l}, nil
}

// Verify and Repair fail as loads do.
func (l *faultyLoader) Verify(ctx context.Context, id string, tell func(*tts.Download)) ([]tts.Damage, error) {
	tell(&tts.Download{BytesDone: 1, BytesTotal: 2})
	return nil, l.Repair(ctx, id, nil)
}

func (l *faultyLoader) Repair(ctx context.Context, id string, _ func(tts.Phase, *tts.Download)) error {
	model, err := l.Load(ctx, id)
	if model != nil {
		l.live.Add(-1)
	}
	return err
}

// Forecast has memory for two models.
func (l *faultyLoader) Forecast(string) (Forecast, error) {
	return Forecast{Need: 1, Available: uint64(max(0, 2-l.live.Load())), Total: 3}, nil
}

// fragileModel notices when it is used after Close, closed while in use, or closed twice.
type fragileModel struct {
	loader *faultyLoader
	inUse  sync.RWMutex
	closed atomic.Bool
}

func (m *fragileModel) Generate(context.Context, []tts.Line, func(tts.Progress)) ([]tts.Result, error) {
	m.inUse.RLock()
	defer m.inUse.RUnlock()
	runtime.Gosched()
	if m.closed.Load() {
		m.loader.misuse.Add(1)
	}
	return nil, nil
}

func (m *fragileModel) Close() error {
	if m.closed.Swap(true) || !m.inUse.TryLock() {
		m.loader.misuse.Add(1)
		return nil
	}
	m.inUse.Unlock()
	m.loader.live.Add(-1)
	return nil
}
