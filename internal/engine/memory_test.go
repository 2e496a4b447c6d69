package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"ttsui/internal/registry"
	"ttsui/internal/testkit"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// A model that doesn't fit is refused with numbers and can be forced, unless the machine itself is too small.
func TestForecastRefuses(t *testing.T) {
	e := open(t, baseID, testkit.CheckpointSpec{})
	for _, c := range []struct {
		name             string
		available, total uint64
		force            bool
		want             string // part of the error, "" when it loads
	}{
		{"fits", 8 << 30, 16 << 30, false, ""},
		{"too little is free", 1 << 20, 16 << 30, false, "1.0 MB are free"},
		{"forced", 1 << 20, 16 << 30, true, ""},
		{"too small a machine", 1 << 20, 2 << 20, true, "this machine has 2.0 MB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e.machine = func() (uint64, uint64, error) { return c.available, c.total, nil }
			r := newRegistry(t, e)
			info, err := r.Load(t.Context(), baseID, tts.LoadOptions{Force: c.force})
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" && info.State != tts.Loaded || c.want != "" && (info.Code != tts.CodeNoMemory || !strings.Contains(*info.Error, c.want)) {
				t.Errorf("got %+v", info)
			}
		})
	}
}

func newRegistry(t *testing.T, e *Engine) *registry.Registry {
	r := registry.New(registry.Config{Loader: e, Log: zerolog.Nop()})
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// The weights that are forecast are those that are loaded, and at most a few more: parts of the codec are not kept.
func TestForecastIsTrue(t *testing.T) {
	for _, c := range []struct {
		name, dtype string
		spec        testkit.CheckpointSpec
	}{
		{"base", "auto", testkit.CheckpointSpec{Size: testkit.Size512MiB, TalkerLayers: 2}},
		{"base in float32", "float32", testkit.CheckpointSpec{Size: testkit.Size512MiB, TalkerLayers: 2}},
		{"voice design", "auto", testkit.CheckpointSpec{Size: testkit.Size512MiB, TalkerLayers: 2, Kind: "voice_design"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			dir := filepath.Join(root, filepath.FromSlash(baseID))
			if err := testkit.WriteCheckpoint(dir, c.spec); err != nil {
				t.Fatal(err)
			}
			e := openAs(t, root, c.dtype)
			weights, room, err := e.loader.Forecast(dir)
			if err != nil || room == 0 {
				t.Fatal(room, err)
			}
			forecast, start := need(t, e), mlx.Memory().Active
			m, err := e.Load(t.Context(), baseID)
			if err != nil {
				t.Fatal(err)
			}
			held := mlx.Memory().Active - start
			if weights < held*99/100 || weights > held*103/100 {
				t.Errorf("forecast %d bytes of weights, held %d", weights, held)
			}
			if again := need(t, e); again >= forecast {
				t.Errorf("beside its twin, which has the codec, it would still need %d of %d", again, forecast)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func need(t *testing.T, e *Engine) uint64 {
	f, err := e.Forecast(baseID)
	if err != nil {
		t.Fatal(err)
	}
	return f.Need
}

// pair writes a Base and a CustomVoice model whose codecs are the same bytes: one file, or two.
func pair(t *testing.T, linked bool) *Engine {
	t.Helper()
	root := t.TempDir()
	dir := func(id string) string { return filepath.Join(root, filepath.FromSlash(id)) }
	for id, kind := range map[string]string{baseID: "base", customID: "custom_voice"} {
		if err := testkit.WriteCheckpoint(dir(id), testkit.CheckpointSpec{Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	if linked {
		const weights = "speech_tokenizer/model.safetensors"
		if err := errors.Join(os.Remove(filepath.Join(dir(customID), weights)),
			os.Symlink(filepath.Join(dir(baseID), weights), filepath.Join(dir(customID), weights))); err != nil {
			t.Fatal(err)
		}
	}
	return openAt(t, root)
}

// holding is what MLX holds. Its bytes may differ a bit for the same arrays, as MLX takes buffers that are too large
// when it has them. A codec is a quarter of what a model takes here.
type holding struct {
	arrays int64
	bytes  uint64
}

func held() holding { return holding{mlx.Live(), mlx.Memory().Active} }

func (h holding) minus(g holding) holding { return holding{h.arrays - g.arrays, h.bytes - g.bytes} }

func (h holding) plus(g holding) holding { return holding{h.arrays + g.arrays, h.bytes + g.bytes} }

func (h holding) like(g holding) bool {
	return h.arrays == g.arrays && h.bytes <= g.bytes*110/100 && g.bytes <= h.bytes*110/100
}

// grow loads a model and gives what it added to what MLX holds.
func grow(t *testing.T, e *Engine, id string) (registry.Model, holding) {
	t.Helper()
	before := held()
	m, err := e.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return m, held().minus(before)
}

// shrink closes a model and gives what that freed.
func shrink(t *testing.T, m registry.Model) holding {
	t.Helper()
	before := held()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return before.minus(held())
}

// Models with the same codec hold it once, in whatever order they come and go; each still speaks; and in the end all is
// freed to the byte.
func TestCodecIsShared(t *testing.T) {
	for name, linked := range map[string]bool{"one file": true, "two files of the same bytes": false} {
		t.Run(name, func(t *testing.T) {
			e := pair(t, linked)
			start := held()
			alone := map[string]holding{}
			for _, id := range []string{baseID, customID} {
				m, size := grow(t, e, id)
				alone[id] = size
				if freed := shrink(t, m); freed != size {
					t.Errorf("%s took %v and gave %v back", id, size, freed)
				}
			}
			for _, order := range [][]string{{baseID, customID}, {customID, baseID}} {
				aloneFirst, aloneSecond := alone[order[0]], alone[order[1]]
				first, size := grow(t, e, order[0])
				if !size.like(aloneFirst) {
					t.Errorf("%s took %v, %v before", order[0], size, aloneFirst)
				}
				second, more := grow(t, e, order[1])
				decoder := aloneSecond.minus(more)
				if decoder.arrays < 50 || decoder.bytes < 1<<18 || decoder.bytes > aloneSecond.bytes {
					t.Errorf("beside %s %s took %v, alone %v", order[0], order[1], more, aloneSecond)
				}
				learned, moreLearned := speakAs(t, first, order[0]), speakAs(t, second, order[1])
				if freed, want := shrink(t, first), aloneFirst.minus(decoder).plus(learned); !freed.like(want) {
					t.Errorf("%s freed %v beside %s, want %v", order[0], freed, order[1], want)
				}
				moreLearned = moreLearned.plus(speakAs(t, second, order[1]))
				if freed, want := shrink(t, second), aloneSecond.plus(moreLearned); !freed.like(want) {
					t.Errorf("%s freed %v at last, want %v", order[1], freed, want)
				}
				if now := held(); now != start {
					t.Errorf("MLX holds %v, %v at the start", now, start)
				}
			}
		})
	}
}

// speakAs lets a model speak, and gives what it remembers of that.
func speakAs(t *testing.T, m registry.Model, id string) holding {
	t.Helper()
	before := held()
	frames := 3
	u := tts.Utterance{Request: tts.Request{Mode: tts.Control, ModelID: id, Text: "Hello.", Speaker: "Ryan", Sampling: tts.Sampling{MaxFrames: &frames}}}
	if id == baseID {
		u.Mode, u.RefText, u.Reference = tts.Clone, "Hi.", make([]float32, tts.SampleRate)
	}
	if _, err := m.Generate(t.Context(), []tts.Line{{Utterance: u, Sink: nowhere{}}}, nil); err != nil {
		t.Errorf("%s: %v", id, err)
	}
	return held().minus(before)
}

// Codecs that differ in their values are two.
func TestOtherCodecIsNotShared(t *testing.T) {
	root := t.TempDir()
	for id, spec := range map[string]testkit.CheckpointSpec{baseID: {}, customID: {Kind: "custom_voice", Seed: 1}} {
		if err := testkit.WriteCheckpoint(filepath.Join(root, filepath.FromSlash(id)), spec); err != nil {
			t.Fatal(err)
		}
	}
	e := openAt(t, root)
	base, _ := grow(t, e, baseID)
	custom, beside := grow(t, e, customID)
	shrink(t, base)
	shrink(t, custom)
	custom, alone := grow(t, e, customID)
	if !beside.like(alone) {
		t.Errorf("another's codec was shared: %v beside it, %v alone", beside, alone)
	}
	shrink(t, custom)
}

// Loads at the same time, canceled ones among them, share the codec and leave nothing.
func TestCodecIsSharedByLoadsAtOnce(t *testing.T) {
	e := pair(t, false)
	start := held()
	var loads sync.WaitGroup
	for i := range 12 {
		loads.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%3 == 0 {
				go cancel()
			}
			m, err := e.Load(ctx, []string{baseID, customID}[i%2])
			switch {
			case err == nil:
				if err := m.Close(); err != nil {
					t.Error(err)
				}
			case tts.CodeOf(err) != tts.CodeCanceled:
				t.Error(err)
			}
		})
	}
	loads.Wait()
	if now := held(); now != start {
		t.Errorf("MLX holds %v, %v at the start", now, start)
	}
}
