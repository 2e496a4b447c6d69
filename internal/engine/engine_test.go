package engine

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ttsui/internal/hub"
	"ttsui/internal/memory"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/testkit"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	baseID   = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-bf16"
	customID = "mlx-community/Qwen3-TTS-12Hz-0.6B-CustomVoice-bf16"
)

// open starts an engine over a folder with one random checkpoint.
func open(t *testing.T, id string, spec testkit.CheckpointSpec) *Engine {
	t.Helper()
	root := t.TempDir()
	if err := testkit.WriteCheckpoint(filepath.Join(root, filepath.FromSlash(id)), spec); err != nil {
		t.Fatal(err)
	}
	return openAt(t, root)
}

func openAt(t *testing.T, root string) *Engine {
	t.Helper()
	return openAs(t, root, "auto")
}

func openAs(t *testing.T, root, dtype string) *Engine {
	t.Helper()
	e, err := Open(Config{Places: hub.Places{Roots: []string{root}}, DType: dtype})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if n := mlx.Live(); n != 0 {
			t.Errorf("%d arrays left behind", n)
		}
	})
	return e
}

func TestContract(t *testing.T) {
	e := open(t, customID, testkit.CheckpointSpec{Kind: "custom_voice"})
	frames := 12
	registrytest.Run(t, registrytest.Subject{
		Loader: e,
		Utterance: tts.Utterance{Request: tts.Request{
			Mode: tts.Control, ModelID: customID, Text: "Hello world.", Speaker: "Ryan", Sampling: tts.Sampling{MaxFrames: &frames},
		}},
		MissingID: baseID,
	})
}

// TestGenerationsDoNotMix: several at the same time say what each says alone.
func TestGenerationsDoNotMix(t *testing.T) {
	e := open(t, customID, testkit.CheckpointSpec{Kind: "custom_voice"})
	m, err := e.Load(t.Context(), customID)
	if err != nil {
		t.Fatal(err)
	}
	speak := func(seed uint64) []float32 {
		frames := 12
		var heard listener
		_, err := m.Generate(t.Context(), []tts.Line{{Sink: &heard, Utterance: tts.Utterance{Request: tts.Request{
			Mode: tts.Control, ModelID: customID, Text: "Hello world.", Speaker: "Ryan", Sampling: tts.Sampling{MaxFrames: &frames, Seed: &seed},
		}}}}, nil)
		if err != nil {
			t.Error(err)
		}
		return heard
	}
	alone := [][]float32{speak(0), speak(1), speak(2)}
	var speaking sync.WaitGroup
	for seed := range uint64(3) {
		speaking.Go(func() {
			if together := speak(seed); !slices.Equal(together, alone[seed]) {
				t.Errorf("seed %d says something else in company", seed)
			}
		})
	}
	speaking.Wait()
	if slices.Equal(alone[0], alone[1]) {
		t.Error("all seeds say the same")
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// listener keeps what it hears.
type listener []float32

func (l *listener) WriteSamples(pcm []float32) error {
	*l = append(*l, pcm...)
	return nil
}

func TestCanceledLoadLeavesNothing(t *testing.T) {
	e := open(t, baseID, testkit.CheckpointSpec{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Load(ctx, baseID); tts.CodeOf(err) != tts.CodeCanceled {
		t.Errorf("got %v", err)
	}
	if n := mlx.Live(); n != 0 {
		t.Errorf("%d arrays left behind", n)
	}
}

// Twenty loads and unloads of half a gigabyte: MLX's memory comes back exactly, the process's within max(5 %, 16 MiB),
// without a slope.
func TestUnloadReleases(t *testing.T) {
	if testing.Short() {
		t.Skip("writes and reads half a gigabyte")
	}
	e := open(t, baseID, testkit.CheckpointSpec{Size: testkit.Size512MiB})
	const cycles = 20
	start := mlx.Memory().Active
	fresh, before := rss(t), 0.0
	var after []float64
	for i := range cycles + 1 {
		m, err := e.Load(t.Context(), baseID)
		if err != nil {
			t.Fatal(err)
		}
		if held := mlx.Memory().Active - start; held < 500<<20 {
			t.Fatalf("only %d bytes were loaded", held)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		if now := mlx.Memory().Active; now != start {
			t.Fatalf("MLX holds %d bytes, %d before the load", now, start)
		}
		if i == 0 { // the first cycle also maps libraries and starts threads
			before = rss(t)
			continue
		}
		now := rss(t)
		for wait := 0; now > before+16 && wait < 20; wait++ { // MLX's own thread may free the last of it a moment later
			time.Sleep(50 * time.Millisecond)
			now = rss(t)
		}
		after = append(after, now)
	}
	if before > fresh+100 {
		t.Errorf("RSS is %.1f MB after the first unload of 512 MB, %.1f MB before the load", before, fresh)
	}
	for i, mb := range after {
		if mb-before > max(0.05*before, 16) {
			t.Errorf("RSS %.1f MB after cycle %d, %.1f MB before it", mb, i+1, before)
		}
	}
	if slope := mean(after[cycles/2:]) - mean(after[:cycles/2]); slope > 4 {
		t.Errorf("RSS grows by %.1f MB in ten cycles: %.1f", slope, after)
	}
	t.Logf("RSS in MB: %.1f before, %.1f after each unload", before, after)
}

func rss(t *testing.T) float64 {
	t.Helper()
	bytes, err := memory.RSS()
	if err != nil {
		t.Fatal(err)
	}
	return memory.MB(bytes)
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
