package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"ttsui/internal/logs"
	"ttsui/internal/registry"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/tts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	base   = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-bf16"
	custom = "mlx-community/Qwen3-TTS-12Hz-0.6B-CustomVoice-bf16"
)

func newRegistry(t *testing.T, loader registry.Loader) *registry.Registry {
	r := registry.New(registry.Config{Loader: loader, Log: zerolog.Nop()})
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestContractOfTones(t *testing.T) {
	registrytest.Run(t, registrytest.Subject{
		Loader:    &registrytest.Tones{},
		Utterance: tts.Utterance{Request: tts.Request{ModelID: base, Text: "hello"}},
		MissingID: "some/missing-model",
	})
}

func TestModelsAreTheCatalogueThenTheLoaded(t *testing.T) {
	r := newRegistry(t, &registrytest.Tones{})
	var want []string
	for _, m := range tts.Catalogue() {
		want = append(want, m.ID)
	}
	want = append(want, "zz/first", "aa/second")
	for _, id := range want[5:] {
		if _, err := r.Load(t.Context(), id, tts.LoadOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Load(t.Context(), "../../etc", tts.LoadOptions{}); tts.CodeOf(err) != tts.CodeInvalid {
		t.Errorf("loading ../../etc: %v", err)
	}
	list, err := r.Models()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range list {
		got = append(got, m.ModelID)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestConcurrentLoadsAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var loads atomic.Int64
		gate := make(chan struct{})
		r := newRegistry(t, &registrytest.Tones{OnLoad: func(_ context.Context, id string) error {
			if id == base {
				loads.Add(1)
				<-gate
			}
			return nil
		}})
		const callers = 100
		infos := make([]tts.ModelInfo, callers)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				var err error
				if infos[i], err = r.Load(t.Context(), base, tts.LoadOptions{}); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		// Another model is not blocked, and a caller that goes away doesn't take the load with it.
		if info, err := r.Load(t.Context(), custom, tts.LoadOptions{}); err != nil || info.State != tts.Loaded {
			t.Errorf("another model: %+v, %v", info, err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.Load(gone, base, tts.LoadOptions{}); tts.CodeOf(err) != tts.CodeCanceled {
			t.Errorf("a caller that went away got %v", err)
		}
		close(gate)
		wg.Wait()
		if loads.Load() != 1 {
			t.Errorf("%d loads for %d callers", loads.Load(), callers)
		}
		for _, info := range infos {
			if d := cmp.Diff(infos[0], info); d != "" || info.State != tts.Loaded {
				t.Fatalf("answers differ, state %s: %s", info.State, d)
			}
		}
	})
}

func TestLoadDuringUnloadLoadsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		r := newRegistry(t, &registrytest.Tones{OnClose: func(string) error { <-gate; return nil }})
		if _, err := r.Load(t.Context(), base, tts.LoadOptions{}); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 2 { // the second unload joins the first
			wg.Go(func() {
				if info, err := r.Unload(t.Context(), base, tts.UnloadOptions{}); err != nil || info.State != tts.Unloaded {
					t.Errorf("unload: %+v, %v", info, err)
				}
			})
		}
		synctest.Wait()
		wg.Go(func() {
			if info, err := r.Load(t.Context(), base, tts.LoadOptions{}); err != nil || info.State != tts.Loaded {
				t.Errorf("load: %+v, %v", info, err)
			}
		})
		synctest.Wait()
		close(gate)
		wg.Wait()
	})
}

// TestNoRowSticks: whatever a loader or a model does, the row ends where Retry and Load work.
func TestNoRowSticks(t *testing.T) {
	faulty := func(fault func() error) *registrytest.Tones {
		first := true
		return &registrytest.Tones{OnLoad: func(context.Context, string) error {
			if first {
				first = false
				return fault()
			}
			return nil
		}}
	}
	for _, c := range []struct {
		name   string
		loader registry.Loader
		text   string // of the record's error
	}{
		{"error", faulty(func() error { return errors.New("no such file") }), "no such file"},
		{"panic", faulty(func() error { panic("index out of range") }), "internal error: index out of range"},
		{"cancel of its own", faulty(func() error { return context.Canceled }), "context canceled"},
		{"no model", &forgetful{}, "the loader gave no model"},
		{"end of the goroutine", faulty(func() error { runtime.Goexit(); return nil }), "the loader gave no model"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRegistry(t, c.loader)
			info, err := r.Load(t.Context(), base, tts.LoadOptions{})
			if err != nil || info.State != tts.Failed || info.Error == nil || *info.Error != c.text {
				t.Fatalf("load: %+v, %v", info, err)
			}
			if info, err = r.Load(t.Context(), base, tts.LoadOptions{}); err != nil || info.State != tts.Loaded || info.Error != nil {
				t.Fatalf("retry: %+v, %v", info, err)
			}
		})
	}
	for name, fault := range map[string]func(string) error{
		"close error": func(string) error { return errors.New("bad handle") },
		"close panic": func(string) error { panic("bad handle") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t, &registrytest.Tones{OnClose: fault})
			if _, err := r.Load(t.Context(), base, tts.LoadOptions{}); err != nil {
				t.Fatal(err)
			}
			if info, err := r.Unload(t.Context(), base, tts.UnloadOptions{}); err != nil || info.State != tts.Unloaded {
				t.Fatalf("unload: %+v, %v", info, err)
			}
		})
	}
}

// forgetful gives no model at first.
type forgetful struct {
	registrytest.Tones
	asked bool
}

func (l *forgetful) Load(ctx context.Context, id string) (registry.Model, error) {
	if !l.asked {
		l.asked = true
		return nil, nil
	}
	return l.Tones.Load(ctx, id)
}

func TestPanicInUseIsAnError(t *testing.T) {
	r := newRegistry(t, &registrytest.Tones{OnFrame: func(context.Context, int) error { panic("bad shape") }})
	if _, err := r.Load(t.Context(), base, tts.LoadOptions{}); err != nil {
		t.Fatal(err)
	}
	err := r.Use(t.Context(), base, func(ctx context.Context, m registry.Model) error {
		_, err := m.Generate(ctx, []tts.Line{{Utterance: tts.Utterance{Request: tts.Request{Text: "a"}}}}, nil)
		return err
	})
	if tts.CodeOf(err) != tts.CodeInternal || !strings.Contains(err.Error(), "bad shape") {
		t.Errorf("use: %v", err)
	}
	if info, err := r.Unload(t.Context(), base, tts.UnloadOptions{}); err != nil || info.State != tts.Unloaded {
		t.Errorf("the lease is still held: %+v, %v", info, err)
	}
}

func TestUnloadOfWhatIsNotLoaded(t *testing.T) {
	r := newRegistry(t, &registrytest.Tones{})
	info, err := r.Unload(t.Context(), base, tts.UnloadOptions{})
	if d := cmp.Diff(tts.ModelInfo{ModelID: base, State: tts.Unloaded}, info); d != "" || err != nil {
		t.Error(err, d)
	}
	info, err = r.Unload(t.Context(), "no/such", tts.UnloadOptions{})
	text := "Unknown model: no/such"
	if d := cmp.Diff(tts.ModelInfo{ModelID: "no/such", State: tts.Failed, Error: &text}, info); d != "" || err != nil {
		t.Error(err, d)
	}
}

func TestNotLoadedSentences(t *testing.T) {
	r := newRegistry(t, &registrytest.Tones{})
	for id, want := range map[string]string{
		base:              "Model " + base + " not loaded",
		"no/such":         "Model no/such not loaded",
		tts.DesignModelID: "VoiceDesign model not loaded",
	} {
		err := r.Use(t.Context(), id, func(context.Context, registry.Model) error { return nil })
		if tts.CodeOf(err) != tts.CodeNotLoaded || err.Error() != want || tts.HintOf(err) == "" {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestCloseStopsLoadsAndFreesModels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var freed atomic.Int64
		r := registry.New(registry.Config{Log: zerolog.Nop(), Loader: &registrytest.Tones{
			OnLoad: func(ctx context.Context, id string) error {
				if id == custom {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			},
			OnClose: func(string) error { freed.Add(1); return nil },
		}})
		if _, err := r.Load(t.Context(), base, tts.LoadOptions{}); err != nil {
			t.Fatal(err)
		}
		stopped := make(chan error)
		go func() { _, err := r.Load(t.Context(), custom, tts.LoadOptions{}); stopped <- err }()
		synctest.Wait()
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-stopped; tts.CodeOf(err) != tts.CodeBusy {
			t.Errorf("the load that was stopped answered %v", err)
		}
		if freed.Load() != 1 {
			t.Errorf("%d models freed", freed.Load())
		}
		_, errModels := r.Models()
		_, errLoad := r.Load(t.Context(), base, tts.LoadOptions{})
		_, errUnload := r.Unload(t.Context(), base, tts.UnloadOptions{})
		errUse := r.Use(t.Context(), base, func(context.Context, registry.Model) error { return nil })
		for call, err := range map[string]error{"Models": errModels, "Load": errLoad, "Unload": errUnload, "Use": errUse} {
			if tts.CodeOf(err) != tts.CodeBusy {
				t.Errorf("%s after Close: %v", call, err)
			}
		}
	})
}

func TestCloseGivesUpOnWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		r := registry.New(registry.Config{Log: zerolog.Nop(), Loader: &registrytest.Tones{
			OnLoad: func(context.Context, string) error { <-gate; return nil },
		}})
		go func() { _, _ = r.Load(t.Context(), base, tts.LoadOptions{}) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := r.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v", err)
		}
		close(gate)
		synctest.Wait() // the load ends, and what it loaded is freed
	})
}

// TestLogLines: the lines that users' scripts read, word for word.
func TestLogLines(t *testing.T) {
	load := func(r *registry.Registry) { _, _ = r.Load(context.Background(), base, tts.LoadOptions{}) }
	unload := func(r *registry.Registry) { _, _ = r.Unload(context.Background(), base, tts.UnloadOptions{}) }
	untilCanceled := func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
	aMinute := func(context.Context, string) error { time.Sleep(time.Minute); return nil }
	sleep := func(*registry.Registry) { time.Sleep(time.Minute) }
	loadAndStop := func(r *registry.Registry) {
		go load(r)
		synctest.Wait()
		unload(r)
	}
	failing := func(context.Context, string) error {
		return tts.Errorf(tts.CodeNoMemory, "Unload another.", "out of memory")
	}
	for _, c := range []struct {
		name   string
		loader registry.Loader
		rss    []float64 // MB of each reading; nothing: unknown
		do     []func(*registry.Registry)
		want   string
	}{
		{"load", &registrytest.Tones{}, []float64{256.3, 2847.1}, []func(*registry.Registry){load, load}, `
INFO | Loading model: ID
INFO | Memory before load: 256.3 MB
INFO | Model loaded successfully
INFO | Memory after load: 2847.1 MB (+2590.8 MB)
INFO | Load time: 8.2 seconds
INFO | Model ID already loaded`},
		{"failed load, then unload", &registrytest.Tones{OnLoad: failing}, []float64{100, 101, 101, 100.5}, []func(*registry.Registry){load, unload, unload}, `
INFO | Loading model: ID
INFO | Memory before load: 100.0 MB
ERROR | Failed to load model ID: out of memory
INFO | Memory after load: 101.0 MB (+1.0 MB)
INFO | Load time: 8.2 seconds
INFO | Unloading model: ID
INFO | Memory before unload: 101.0 MB
DEBUG | Cleared MLX cache
INFO | Model unloaded successfully
INFO | Memory after unload: 100.5 MB (-0.5 MB)
INFO | Unload time: 8.2 seconds
INFO | Model ID is not loaded (state: unloaded)`},
		{"with an engine that tells its memory", &gauged{}, []float64{1, 2, 2, 1}, []func(*registry.Registry){load, unload}, `
INFO | Loading model: ID
INFO | Memory before load: 1.0 MB
DEBUG | Memory needed: 4.0 MB, available: 8.0 MB
INFO | Model loaded successfully
INFO | Memory after load: 2.0 MB (+1.0 MB)
INFO | Footprint after load: 7.5 MB
INFO | MLX memory after load: 2377.5 MB active, 31.0 MB cached, 2400.0 MB at peak
INFO | Load time: 8.2 seconds
INFO | Unloading model: ID
INFO | Memory before unload: 2.0 MB
DEBUG | Cleared MLX cache
INFO | Model unloaded successfully
INFO | Memory after unload: 1.0 MB (-1.0 MB)
INFO | Footprint after unload: 7.5 MB
INFO | MLX memory after unload: 2377.5 MB active, 31.0 MB cached, 2400.0 MB at peak
INFO | Unload time: 8.2 seconds`},
		{"refused by the forecast", &weighed{available: 3}, []float64{1, 1}, []func(*registry.Registry){load}, `
INFO | Loading model: ID
INFO | Memory before load: 1.0 MB
DEBUG | Memory needed: 4.0 MB, available: 3.0 MB
ERROR | Failed to load model ID: the model needs 4.0 MB of memory, 3.0 MB are free
INFO | Memory after load: 1.0 MB (+0.0 MB)
INFO | Load time: 8.2 seconds`},
		{"stopped load", &registrytest.Tones{OnLoad: untilCanceled}, []float64{1, 1}, []func(*registry.Registry){loadAndStop}, `
INFO | Loading model: ID
INFO | Memory before load: 1.0 MB
INFO | Stopped loading model ID
INFO | Memory after load: 1.0 MB (+0.0 MB)
INFO | Load time: 8.2 seconds`},
		{"load that hangs", &registrytest.Tones{OnLoad: aMinute}, []float64{1, 1}, []func(*registry.Registry){loadAndStop, sleep}, `
INFO | Loading model: ID
INFO | Memory before load: 1.0 MB
ERROR | Failed to load model ID: Loading model ID does not end
INFO | Memory after load: 1.0 MB (+0.0 MB)
INFO | Load time: 8.2 seconds
WARNING | Loading model ID ended long after it was stopped`},
		{"load that panics", &registrytest.Tones{OnLoad: func(context.Context, string) error { panic("bad shape") }}, []float64{1, 1}, []func(*registry.Registry){load}, `
INFO | Loading model: ID
INFO | Memory before load: 1.0 MB
CRITICAL | Panic while loading model ID: bad shape
ERROR | Failed to load model ID: internal error: bad shape
INFO | Memory after load: 1.0 MB (+0.0 MB)
INFO | Load time: 8.2 seconds`},
		{"failed unload, unknown memory", &registrytest.Tones{OnClose: func(string) error { return errors.New("bad handle") }}, nil, []func(*registry.Registry){load, unload}, `
INFO | Loading model: ID
WARNING | Memory is unknown: no such process
INFO | Model loaded successfully
WARNING | Memory is unknown: no such process
INFO | Load time: 8.2 seconds
INFO | Unloading model: ID
WARNING | Memory is unknown: no such process
ERROR | Failed to unload model ID cleanly: bad handle
WARNING | Memory is unknown: no such process
INFO | Unload time: 8.2 seconds`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				clock := time.Date(2024, 1, 15, 10, 30, 45, 0, time.Local)
				readings := c.rss
				r := registry.New(registry.Config{
					Loader:    c.loader,
					Log:       logs.New(&out, zerolog.DebugLevel, func() time.Time { return clock }),
					Now:       func() time.Time { clock = clock.Add(8200 * time.Millisecond); return clock },
					Footprint: func() (uint64, bool) { _, ok := c.loader.(*gauged); return 7.5 * (1 << 20), ok },
					RSS: func() (uint64, error) {
						if len(readings) == 0 {
							return 0, errors.New("no such process")
						}
						mb := readings[0]
						readings = readings[1:]
						return uint64(mb * (1 << 20)), nil
					},
				})
				for _, do := range c.do {
					do(r)
				}
				synctest.Wait()
				if d := cmp.Diff(strings.TrimPrefix(c.want, "\n"), withoutTime(out.String())); d != "" {
					t.Error(d)
				}
				_ = r.Close(context.Background())
			})
		})
	}
}

// gauged has an engine that tells its memory.
type gauged struct{ registrytest.Tones }

func (*gauged) Gauge() tts.EngineStats {
	return tts.EngineStats{MLXActiveMB: 2377.5, MLXCacheMB: 31, MLXPeakMB: 2400}
}

func (*gauged) Forecast(string) (registry.Forecast, error) {
	return registry.Forecast{Need: 4 << 20, Available: 8 << 20, Total: 16 << 20}, nil
}

func withoutTime(log string) string {
	var lines []string
	for line := range strings.Lines(log) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), " | ")
		rest, _, _ = strings.Cut(rest, " stack=")
		lines = append(lines, strings.ReplaceAll(rest, base, "ID"))
	}
	return strings.Join(lines, "\n")
}

func TestRecordsHoldMemoryAndSeconds(t *testing.T) {
	rss := uint64(100 << 20)
	clock := time.Unix(0, 0)
	r := registry.New(registry.Config{
		Loader: &registrytest.Tones{},
		Log:    zerolog.Nop(),
		RSS:    func() (uint64, error) { rss += 1 << 20; return rss, nil },
		Now:    func() time.Time { clock = clock.Add(2 * time.Second); return clock },
	})
	defer func() { _ = r.Close(context.Background()) }()
	text := func(info tts.ModelInfo) string {
		seconds := -1.0
		if info.LoadTimeSeconds != nil {
			seconds = *info.LoadTimeSeconds
		}
		return fmt.Sprintf("%s %v %v %v %v", info.State, *info.Memory.BeforeMB, *info.Memory.AfterMB, *info.Memory.DeltaMB, seconds)
	}
	loaded, _ := r.Load(t.Context(), base, tts.LoadOptions{})
	unloaded, _ := r.Unload(t.Context(), base, tts.UnloadOptions{})
	failed, _ := r.Load(t.Context(), "some/missing", tts.LoadOptions{})
	got := []string{text(loaded), text(unloaded), text(failed)}
	if d := cmp.Diff([]string{"loaded 101 102 1 2", "unloaded 103 104 1 -1", "error 105 106 1 -1"}, got); d != "" {
		t.Error(d)
	}
}
