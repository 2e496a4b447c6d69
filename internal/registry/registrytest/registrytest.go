// Package registrytest is the contract between package registry and whatever loads models for it: Run holds a
// Loader and its models to it. Tones is a small Loader that keeps the contract without weights, for the tests of
// everything above.
package registrytest

import (
	"context"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"ttsui/internal/registry"
	"ttsui/internal/tts"
)

// Subject is what Run tests.
type Subject struct {
	Loader    registry.Loader
	Utterance tts.Utterance // can be spoken, makes three frames or more; its ModelID can be loaded
	MissingID string        // a valid id that can't be loaded
}

// Run tests that the subject keeps the contract that Loader and Model write down.
func Run(t *testing.T, s Subject) {
	t.Run("speaks what it says it spoke", func(t *testing.T) { testSpeaks(t, s) })
	t.Run("an observer sees each frame and stops the speech", func(t *testing.T) { testObserver(t, s) })
	t.Run("same seed, same audio", func(t *testing.T) { testSeed(t, s) })
	t.Run("lines together, as each alone", func(t *testing.T) { testTogether(t, s) })
	t.Run("cancel ends within a frame", func(t *testing.T) { testCancel(t, s) })
	t.Run("a sink's error ends the generation", func(t *testing.T) { testSinkError(t, s) })
	t.Run("a model in use is not unloaded", func(t *testing.T) { testLease(t, s) })
	t.Run("an unload waits when it is to", func(t *testing.T) { testWait(t, s) })
	t.Run("a load that is stopped leaves nothing", func(t *testing.T) { testStop(t, s) })
	t.Run("loads again after unload", func(t *testing.T) { testReload(t, s) })
	t.Run("a model that can't be loaded says why", func(t *testing.T) { testMissing(t, s) })
	t.Run("close cancels and frees", func(t *testing.T) { testClose(t, s) })
}

func testSpeaks(t *testing.T, s Subject) {
	r := loaded(t, s)
	var sink recorder
	var stages []tts.Stage
	res, err := generate(t.Context(), r, s.Utterance, &sink, func(p tts.Progress) {
		if len(stages) == 0 || stages[len(stages)-1] != p.Stage {
			stages = append(stages, p.Stage)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if res.Frames < 3 || res.Samples != len(sink.pcm) || res.Samples == 0 {
		t.Errorf("result says %d frames, %d samples; the sink got %d samples", res.Frames, res.Samples, len(sink.pcm))
	}
	if i := slices.IndexFunc(sink.pcm, func(v float32) bool { return !(v >= -1 && v <= 1) }); i >= 0 {
		t.Errorf("sample %d is %v", i, sink.pcm[i])
	}
	order := []tts.Stage{tts.StageReference, tts.StagePrefill, tts.StageFrames, tts.StageSaving}
	if !slices.IsSortedFunc(stages, func(a, b tts.Stage) int { return slices.Index(order, a) - slices.Index(order, b) }) {
		t.Errorf("progress went through %v", stages)
	}
	if !slices.Contains(stages, tts.StageFrames) {
		t.Errorf("progress told of %v, never of frames", stages)
	}
}

func testObserver(t *testing.T, s Subject) {
	r := loaded(t, s)
	u := s.Utterance
	for _, last := range []int{math.MaxInt, 2} {
		frames := 0
		u.Observe = func(f tts.Frame) bool {
			if frames++; len(f.Codes) == 0 || f.Codes[0] < 0 || !(f.End >= 0 && f.End <= 1) {
				t.Errorf("told of %+v", f)
			}
			return frames < last
		}
		var sink recorder
		res, err := generate(t.Context(), r, u, &sink, nil)
		if err != nil || res.Frames != frames || frames > last || len(sink.pcm) != frames*tts.FrameSamples || frames < 2 {
			t.Errorf("told of %d frames, %d samples: %+v, %v", frames, len(sink.pcm), res, err)
		}
	}
}

func testSeed(t *testing.T, s Subject) {
	r := loaded(t, s)
	u := s.Utterance
	seed := uint64(42)
	u.Sampling.Seed = &seed
	var first, second recorder
	res, err := generate(t.Context(), r, u, &first, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.Seed != seed {
		t.Errorf("result names seed %d", res.Seed)
	}
	if _, err := generate(t.Context(), r, u, &second, nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(first.pcm, second.pcm) {
		t.Errorf("two takes with one seed differ: %d and %d samples", len(first.pcm), len(second.pcm))
	}
}

func testTogether(t *testing.T, s Subject) {
	r := loaded(t, s)
	var lines []tts.Line
	var alone [3]recorder
	frames := 0
	for i := range alone {
		u, seed, most := s.Utterance, uint64(i), 3-i // they end one after the other
		u.Sampling.Seed, u.Sampling.MaxFrames = &seed, &most
		res, err := generate(t.Context(), r, u, &alone[i], nil)
		if err != nil {
			t.Fatal(err)
		}
		frames += res.Frames
		lines = append(lines, tts.Line{Utterance: u, Sink: &recorder{}})
	}
	told := 0
	err := r.Use(t.Context(), s.Utterance.ModelID, func(ctx context.Context, m registry.Model) error {
		made, err := m.Generate(ctx, lines, func(p tts.Progress) { told = max(told, p.Frames) })
		for i, res := range made {
			if got := lines[i].Sink.(*recorder).pcm; !slices.Equal(got, alone[i].pcm) || res.Samples != len(got) || res.Seed != uint64(i) {
				t.Errorf("line %d, %+v, says something else in company", i, res)
			}
		}
		if len(made) != len(lines) {
			t.Errorf("%d results", len(made))
		}
		return err
	})
	if err != nil || told != frames {
		t.Errorf("told of %d frames of %d; %v", told, frames, err)
	}
}

func testCancel(t *testing.T, s Subject) {
	r := loaded(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	writes := 0
	_, err := generate(ctx, r, s.Utterance, sinkFunc(func([]float32) error {
		writes++
		cancel()
		return nil
	}), nil)
	if tts.CodeOf(err) != tts.CodeCanceled {
		t.Errorf("a cancelled generation ended with %v", err)
	}
	if writes > 2 {
		t.Errorf("%d writes after the cancel", writes-1)
	}
	if got := state(t, r, s.Utterance.ModelID); got != tts.Loaded {
		t.Errorf("after a cancel the model is %s", got)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := generate(ctx, r, s.Utterance, &recorder{}, nil); tts.CodeOf(err) != tts.CodeCanceled {
		t.Errorf("a generation cancelled before it began ended with %v", err)
	}
	if _, err := generate(t.Context(), r, s.Utterance, &recorder{}, nil); err != nil {
		t.Errorf("the generation after a cancelled one: %v", err)
	}
}

func testSinkError(t *testing.T, s Subject) {
	r := loaded(t, s)
	full := tts.Errorf(tts.CodeDiskFull, "Free some space.", "no space left")
	_, err := generate(t.Context(), r, s.Utterance, sinkFunc(func([]float32) error { return full }), nil)
	if tts.CodeOf(err) != tts.CodeDiskFull {
		t.Errorf("with a full disk the generation ended with %v", err)
	}
}

func testLease(t *testing.T, s Subject) {
	r := loaded(t, s)
	var busy error
	_, err := generate(t.Context(), r, s.Utterance, sinkFunc(func([]float32) error {
		if busy == nil {
			_, busy = r.Unload(t.Context(), s.Utterance.ModelID, tts.UnloadOptions{})
		}
		return nil
	}), nil)
	if err != nil {
		t.Error(err)
	}
	if tts.CodeOf(busy) != tts.CodeBusy || tts.HintOf(busy) == "" {
		t.Errorf("unload during a generation: %v", busy)
	}
	if info, err := r.Unload(t.Context(), s.Utterance.ModelID, tts.UnloadOptions{}); err != nil || info.State != tts.Unloaded {
		t.Errorf("unload after the generation: %+v, %v", info, err)
	}
}

func testWait(t *testing.T, s Subject) {
	r := loaded(t, s)
	unloaded := make(chan error, 1)
	once := false
	res, err := generate(t.Context(), r, s.Utterance, sinkFunc(func([]float32) error {
		if once {
			return nil
		}
		once = true
		go func() {
			_, err := r.Unload(t.Context(), s.Utterance.ModelID, tts.UnloadOptions{Wait: true})
			unloaded <- err
		}()
		for r.Use(t.Context(), s.Utterance.ModelID, func(context.Context, registry.Model) error { return nil }) == nil {
		}
		return nil
	}), nil)
	if err != nil || res.Frames < 3 {
		t.Errorf("the generation that was waited for: %+v, %v", res, err)
	}
	if err := <-unloaded; err != nil {
		t.Error(err)
	}
	if got := state(t, r, s.Utterance.ModelID); got != tts.Unloaded {
		t.Errorf("the model is %s", got)
	}
}

// testStop stops loads wherever they happen to be.
func testStop(t *testing.T, s Subject) {
	r := newRegistry(t, s)
	for range 10 {
		ended := make(chan error, 1)
		go func() {
			_, err := r.Load(t.Context(), s.Utterance.ModelID, tts.LoadOptions{})
			ended <- err
		}()
		for state(t, r, s.Utterance.ModelID) == tts.Unloaded {
			runtime.Gosched()
		}
		if info, err := r.Unload(t.Context(), s.Utterance.ModelID, tts.UnloadOptions{}); err != nil || info.State != tts.Unloaded {
			t.Fatalf("unload: %+v, %v", info, err)
		}
		if err := <-ended; err != nil && tts.CodeOf(err) != tts.CodeCanceled {
			t.Errorf("the load: %v", err)
		}
	}
	load(t, r, s.Utterance.ModelID)
	if _, err := generate(t.Context(), r, s.Utterance, &recorder{}, nil); err != nil {
		t.Error(err)
	}
}

func testReload(t *testing.T, s Subject) {
	r := loaded(t, s)
	for range 3 {
		if info, err := r.Unload(t.Context(), s.Utterance.ModelID, tts.UnloadOptions{}); err != nil || info.State != tts.Unloaded {
			t.Fatalf("unload: %+v, %v", info, err)
		}
		_, err := generate(t.Context(), r, s.Utterance, &recorder{}, nil)
		if tts.CodeOf(err) != tts.CodeNotLoaded {
			t.Fatalf("speaking with an unloaded model: %v", err)
		}
		load(t, r, s.Utterance.ModelID)
		if _, err := generate(t.Context(), r, s.Utterance, &recorder{}, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func testMissing(t *testing.T, s Subject) {
	r := newRegistry(t, s)
	for range 2 { // the second is a retry
		info, err := r.Load(t.Context(), s.MissingID, tts.LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if info.State != tts.Failed || info.Error == nil || *info.Error == "" || info.Hint == nil || *info.Hint == "" {
			t.Errorf("loading a missing model: %+v", info)
		}
	}
	if info, err := r.Unload(t.Context(), s.MissingID, tts.UnloadOptions{}); err != nil || info.State != tts.Unloaded || info.Error != nil {
		t.Errorf("unloading the failed model: %+v, %v", info, err)
	}
}

func testClose(t *testing.T, s Subject) {
	r := loaded(t, s)
	closed := make(chan error, 1)
	var once atomic.Bool
	err := r.Use(t.Context(), s.Utterance.ModelID, func(ctx context.Context, m registry.Model) error {
		_, err := m.Generate(ctx, []tts.Line{{Utterance: s.Utterance, Sink: sinkFunc(func([]float32) error {
			if once.CompareAndSwap(false, true) {
				go func() { closed <- r.Close(context.Background()) }()
				select {
				case <-ctx.Done():
				case <-time.After(time.Minute):
					t.Error("closing does not reach a generation")
				}
			}
			return nil
		})}}, func(tts.Progress) {})
		return err
	})
	if tts.CodeOf(err) != tts.CodeCanceled {
		t.Errorf("a generation ended with %v when the registry closed", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("close: %v", err)
	}
}

func newRegistry(t *testing.T, s Subject) *registry.Registry {
	r := registry.New(registry.Config{Loader: s.Loader, Log: zerolog.Nop()})
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

func loaded(t *testing.T, s Subject) *registry.Registry {
	r := newRegistry(t, s)
	load(t, r, s.Utterance.ModelID)
	return r
}

func load(t *testing.T, r *registry.Registry, id string) {
	t.Helper()
	info, err := r.Load(t.Context(), id, tts.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if info.State != tts.Loaded {
		t.Fatalf("loading %s: %+v, error %s", id, info, deref(info.Error))
	}
}

func generate(ctx context.Context, r *registry.Registry, u tts.Utterance, sink tts.Sink, progress func(tts.Progress)) (res tts.Result, err error) {
	err = r.Use(ctx, u.ModelID, func(ctx context.Context, m registry.Model) error {
		made, err := m.Generate(ctx, []tts.Line{{Utterance: u, Sink: sink}}, progress)
		if len(made) == 1 {
			res = made[0]
		}
		return err
	})
	return res, err
}

func state(t *testing.T, r *registry.Registry, id string) tts.State {
	t.Helper()
	list, err := r.Models()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if m.ModelID == id {
			return m.State
		}
	}
	t.Fatalf("no model %s", id)
	return ""
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// recorder is a Sink that keeps what it gets.
type recorder struct{ pcm []float32 }

func (r *recorder) WriteSamples(pcm []float32) error {
	r.pcm = append(r.pcm, pcm...)
	return nil
}

type sinkFunc func(pcm []float32) error

func (f sinkFunc) WriteSamples(pcm []float32) error { return f(pcm) }

// Tones loads models that speak a tone of 80 ms for each character. The functions, where they are not nil, run
// at their moment and may wait, fail or panic, as real models do.
type Tones struct {
	OnLoad  func(ctx context.Context, id string) error
	OnFrame func(ctx context.Context, frame int) error
	OnClose func(id string) error
	Length  func(u tts.Utterance) int // frames of an utterance, other than its characters
	End     func(frame int) float64   // how likely it could end in a frame; never when nil

	OnUtterance func(u tts.Utterance) // is shown what a model is to speak
	OnRemove    func(id string) error
	OnQuantize  func(ctx context.Context, id string, tell func(tts.Download)) error
	OnVerify    func(ctx context.Context, id string, tell func(*tts.Download)) ([]tts.Damage, error)
	OnRepair    func(ctx context.Context, id string, tell func(tts.Phase, *tts.Download)) error
}

// Remove frees a thousand bytes.
func (l *Tones) Remove(id string) (freed int64, err error) {
	if l.OnRemove != nil {
		if err := l.OnRemove(id); err != nil {
			return 0, err
		}
	}
	return 1000, nil
}

// PublishedModels gives two ids.
func (l *Tones) PublishedModels(context.Context) ([]string, error) {
	return []string{"mlx-community/Qwen3-TTS-12Hz-0.6B-Base-4bit", "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-bf16"}, nil
}

// PublishedCopies gives one.
func (l *Tones) PublishedCopies(_ context.Context, id string) ([]tts.PublishedModel, error) {
	return []tts.PublishedModel{{ModelID: id + "-4bit", Bytes: 1000}}, nil
}

// Verify finds all as it should be.
func (l *Tones) Verify(ctx context.Context, id string, tell func(*tts.Download)) ([]tts.Damage, error) {
	if l.OnVerify != nil {
		return l.OnVerify(ctx, id, tell)
	}
	return nil, nil
}

// Repair fetches nothing.
func (l *Tones) Repair(ctx context.Context, id string, tell func(tts.Phase, *tts.Download)) error {
	if l.OnRepair != nil {
		return l.OnRepair(ctx, id, tell)
	}
	return nil
}

// PlanQuantized plans a copy of any id but those that contain "missing".
func (l *Tones) PlanQuantized(id string, how tts.Quantization) (tts.QuantizePlan, error) {
	how, err := how.Complete()
	if err == nil && strings.Contains(id, "missing") {
		err = tts.Errorf(tts.CodeNotFound, "Quantise another one.", "model %s was not found", id)
	}
	return tts.QuantizePlan{ModelID: how.CopyID(id), Bytes: 1000, FreeBytes: 2000, OriginalBytes: 4000, MemoryMB: 1, OriginalMemoryMB: 4}, err
}

// Quantize makes nothing.
func (l *Tones) Quantize(ctx context.Context, id string, _ tts.Quantization, tell func(tts.Download)) error {
	if l.OnQuantize != nil {
		return l.OnQuantize(ctx, id, tell)
	}
	return nil
}

// Load makes a model of any id but those that contain "missing".
func (l *Tones) Load(ctx context.Context, id string) (registry.Model, error) {
	if l.OnLoad != nil {
		if err := l.OnLoad(ctx, id); err != nil {
			return nil, err
		}
	}
	if strings.Contains(id, "missing") {
		return nil, tts.Errorf(tts.CodeNotFound, "Load another one.", "model %s was not found", id)
	}
	return &toneModel{tones: l, id: id}, nil
}

// toneModel speaks tones until it is closed.
type toneModel struct {
	tones  *Tones
	id     string
	users  atomic.Int64
	closed atomic.Bool
}

// Generate writes the tones line by line, frame by frame. The seed chooses their pitch.
func (m *toneModel) Generate(ctx context.Context, lines []tts.Line, progress func(tts.Progress)) (made []tts.Result, err error) {
	m.users.Add(1)
	defer m.users.Add(-1)
	frames := 0
	for _, l := range lines {
		res, err := m.speak(ctx, l.Utterance, l.Sink, func() {
			if frames++; progress != nil {
				progress(tts.Progress{Stage: tts.StageFrames, Frames: frames})
			}
		})
		if err != nil {
			return nil, err
		}
		made = append(made, res)
	}
	return made, nil
}

func (m *toneModel) speak(ctx context.Context, u tts.Utterance, sink tts.Sink, framed func()) (tts.Result, error) {
	if m.tones.OnUtterance != nil {
		m.tones.OnUtterance(u)
	}
	res := tts.Result{Seed: 1}
	if u.Sampling.Seed != nil {
		res.Seed = *u.Sampling.Seed
	}
	length := utf8.RuneCountInString(u.Text)
	if m.tones.Length != nil {
		length = m.tones.Length(u)
	}
	most := length
	if u.Sampling.MaxFrames != nil {
		most = min(most, *u.Sampling.MaxFrames)
		res.Truncated = most < length
	}
	pcm := make([]float32, tts.FrameSamples)
	for res.Frames < most {
		if err := m.frame(ctx, res, pcm, sink); err != nil {
			return tts.Result{}, err
		}
		res.Frames++
		res.Samples += len(pcm)
		framed()
		if u.Observe != nil && !u.Observe(m.tones.observed(res.Frames-1)) {
			break
		}
	}
	return res, nil
}

// observed is what an observer is told of a frame: codes that don't repeat themselves soon.
func (l *Tones) observed(frame int) tts.Frame {
	f := tts.Frame{Codes: []int32{int32(frame * frame % 2048)}}
	if l.End != nil {
		f.End = l.End(frame)
	}
	return f
}

func (m *toneModel) frame(ctx context.Context, res tts.Result, pcm []float32, sink tts.Sink) error {
	if m.closed.Load() {
		panic("a closed model speaks")
	}
	if m.tones.OnFrame != nil {
		if err := m.tones.OnFrame(ctx, res.Frames); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return tts.Errorf(tts.CodeCanceled, "", "generation canceled: %w", context.Cause(ctx))
	}
	pitch := 220 * (1 + float64(res.Seed%8)/8)
	for i := range pcm {
		pcm[i] = float32(0.5 * math.Sin(2*math.Pi*pitch*float64(res.Samples+i)/tts.SampleRate))
	}
	return sink.WriteSamples(pcm)
}

// Close panics when the registry breaks its side of the contract.
func (m *toneModel) Close() error {
	if m.closed.Swap(true) {
		panic("a model is closed twice")
	}
	if m.users.Load() != 0 {
		panic("a model in use is closed")
	}
	if m.tones.OnClose != nil {
		return m.tones.OnClose(m.id)
	}
	return nil
}
