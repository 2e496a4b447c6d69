package qwen3tts

import (
	"os"
	"testing"
	"time"

	"ttsui/internal/safetensors"
	"ttsui/internal/testkit"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// What a frame costs whatever it computes, at the released models' depth: 28 layers, and 15 steps through 5. The bounds
// are issue #6's, or below.
func TestFrameCounts(t *testing.T) {
	if testkit.GPU() {
		t.Skip("the CPU counts for Metal, too")
	}
	for name, spec := range map[string]testkit.CheckpointSpec{
		"F32": {DType: safetensors.F32}, "BF16": {DType: safetensors.BF16}, "F16": {DType: safetensors.F16}, "8 bits": {Bits: 8},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			spec.Size, spec.Kind = testkit.SizeThin, "custom_voice"
			if err := testkit.WriteCheckpoint(dir, spec); err != nil {
				t.Fatal(err)
			}
			added := int64(0)
			if spec.Bits > 0 {
				added = 2 * (28 + 15*5) // to what comes out of a quantised product, twice in a layer
			}
			testFrameCounts(t, loadTinyIn(t, Auto, dir), 1490+added, 1150+added)
		})
	}
}

func testFrameCounts(t *testing.T, m *Model, metalNodes, metalKernels int64) {
	for _, tt := range []struct {
		name           string
		metal          bool
		temperature    float64
		nodes, kernels int64 // at most
	}{
		{"here, greedy", false, 0, 1200, 0},
		{"here, sampled", false, 0.9, 1200, 0},
		{"Metal, greedy", true, 0, metalNodes, metalKernels},
		{"Metal, sampled", true, 0.9, metalNodes, metalKernels},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !tt.metal && os.Getenv("TTSUI_PLAIN") != "" {
				t.Skip("MLX's own operations are many more")
			}
			u := control("Hello world.")
			u.Sampling.Temperature = &tt.temperature
			c, err := m.CountFrame(t.Context(), u, tt.metal)
			if err != nil {
				t.Fatal(err)
			}
			if !tt.metal {
				c.Kernels = 0
			}
			t.Logf("%d nodes, %d kernels", c.Nodes, c.Kernels)
			if c.Evaluations != 1 {
				t.Errorf("%d evaluations, want 1", c.Evaluations)
			}
			if c.Nodes > tt.nodes || c.Kernels > tt.kernels || c.Nodes < 500 {
				t.Errorf("%d nodes and %d kernels, want at most %d and %d: %v", c.Nodes, c.Kernels, tt.nodes, tt.kernels, c.Names)
			}
		})
	}
}

// What is measured has happened: as many frames as were asked for, in a time that the parts fit into, and nothing is left.
func TestFrames(t *testing.T) {
	for checkpoint, mode := range map[string]tts.Mode{"custom_voice": tts.Control, "base": tts.Clone} {
		m := loadTiny(t, testkit.Golden("checkpoints", checkpoint))
		u := control("Hello world.")
		u.Mode, u.Reference = mode, make([]float32, tts.SampleRate)
		if _, err := m.Frames(t.Context(), u, 1, 1, nil); err != nil { // its prompt is remembered
			t.Fatal(err)
		}
		live := mlx.Live()
		parts := map[string]int{}
		for _, probe := range []Probe{nil, func(part string, _ time.Duration) { parts[part]++ }} {
			c, err := m.Frames(t.Context(), u, 1, 3, probe)
			if err != nil {
				t.Fatal(err)
			}
			if c.Frames != 3 || c.Prefill <= 0 || c.Go <= 0 || c.Host <= c.Go || c.Host >= c.Total {
				t.Errorf("%s: %+v", mode, c)
			}
		}
		if c, err := m.Frames(t.Context(), u, 4, 3, nil); err != nil || c.Frames != 3 || c.Total <= 0 {
			t.Errorf("%s, four takes: %+v, %v", mode, c, err)
		}
		if parts[PartTalker] != 3 || parts[PartPredictor] != 3 || len(parts) != 2 {
			t.Errorf("%s: the parts are %v", mode, parts)
		}
		if took, err := m.DecodeFrames(t.Context(), 4, 2); took <= 0 || err != nil {
			t.Errorf("decoded in %v, %v", took, err)
		}
		if n := mlx.Live() - live; n != 0 {
			t.Errorf("%s: %d arrays left behind", mode, n)
		}
	}
}

// A clip is listened to each time, though the model remembers it.
func TestListen(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "base"))
	clip, times := make([]float32, tts.SampleRate), 0
	m.codec.encoder.tap = func(string, mlx.Array) { times++ }
	u := control("Hello world.")
	u.Mode, u.Reference, u.RefText = tts.Clone, clip, "Hello."
	if _, err := m.Frames(t.Context(), u, 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	once, live := times, mlx.Live()
	for range 2 {
		if vector, codes, err := m.Listen(t.Context(), clip); err != nil || vector <= 0 || codes <= 0 {
			t.Errorf("%v, %v, %v", vector, codes, err)
		}
	}
	if n := mlx.Live() - live; times != 3*once || n != 0 {
		t.Errorf("the encoder was seen %d times in three passes, %d in the first; %d arrays left behind", times, once, n)
	}
	if _, _, err := m.Listen(t.Context(), nil); err == nil {
		t.Error("no clip, and no error")
	}
}

// A frame of the 0.6B model reads 444 million weights of the talker, and 1,211 million of the predictor.
func TestFrameBytes(t *testing.T) {
	const matrices = 1024 * (2048 + 1024 + 1024 + 2048 + 3*3072)
	const layer = matrices + 2*1024 + 2*128
	const weights = 28*layer + 1024 + 3072*1024 + 15*(5*layer+1024+2048*1024)
	// With a scale and an offset for 64 of them, a quantised weight has half a bit more; norms have none.
	const fourBits = ((28+15*5)*matrices+3072*1024+15*2048*1024)*45/80 + 2*((28+15*5)*(layer-matrices)+16*1024)
	for _, c := range []struct {
		bits  int
		dtype mlx.DType
		want  int64
	}{
		{0, mlx.BFloat16, 2 * weights}, {0, mlx.Float32, 4 * weights}, {4, mlx.BFloat16, fourBits},
	} {
		dir := t.TempDir()
		if err := testkit.WriteCheckpoint(dir, testkit.CheckpointSpec{Size: testkit.Size06B, Kind: "custom_voice", Bits: c.bits, Sparse: true}); err != nil {
			t.Fatal(err)
		}
		set, err := safetensors.OpenSet(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := frameBytes(set, c.dtype, 15); got != c.want {
			t.Errorf("%d bits, %v: %d bytes, want %d", c.bits, c.dtype, got, c.want)
		}
	}
}
