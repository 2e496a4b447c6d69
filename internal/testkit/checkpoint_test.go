package testkit

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttsui/internal/safetensors"
	"ttsui/internal/tokenizer"
)

// write writes a checkpoint into a folder that the test removes.
func write(t *testing.T, spec CheckpointSpec) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := WriteCheckpoint(dir, spec); err != nil {
		t.Fatal(err)
	}
	return dir
}

// shapes opens the weights in dir and gives every tensor's shape.
func shapes(t *testing.T, dir string) map[string][]int {
	t.Helper()
	set, err := safetensors.OpenSet(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]int{}
	for _, name := range set.Names() {
		_, tensor, _ := set.Lookup(name)
		all[name] = tensor.Shape
	}
	return all
}

func realShapes(t *testing.T, name string) (want map[string][]int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "real_shapes", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

// Sparse checkpoints have the names and shapes of the released models, and take no space.
func TestWriteCheckpointRealShapes(t *testing.T) {
	for _, size := range []Size{Size06B, Size17B} {
		t.Run(string(size), func(t *testing.T) {
			dir := write(t, CheckpointSpec{Size: size, Official: true, Sparse: true})
			if diff := cmp.Diff(realShapes(t, "main_"+string(size)+"_base_official"), shapes(t, dir)); diff != "" {
				t.Error("main: -want +got\n", diff)
			}
			speech := filepath.Join(dir, "speech_tokenizer")
			if diff := cmp.Diff(realShapes(t, "speech_tokenizer"), shapes(t, speech)); diff != "" {
				t.Error("speech tokenizer: -want +got\n", diff)
			}
			var disk syscall.Stat_t
			if err := syscall.Stat(filepath.Join(dir, weightsName), &disk); err != nil {
				t.Fatal(err)
			}
			if used := disk.Blocks * 512; used > 4*blockSize {
				t.Errorf("a file of %d bytes without data takes %d", disk.Size, used)
			}
		})
	}
}

// Tiny checkpoints have the names and shapes of the golden ones.
func TestWriteCheckpointGoldenShapes(t *testing.T) {
	for _, kind := range []string{"base", "custom_voice", "voice_design"} {
		t.Run(kind, func(t *testing.T) {
			dir := write(t, CheckpointSpec{Kind: kind, Shards: 3})
			for _, folder := range []string{"", "speech_tokenizer"} {
				want := shapes(t, filepath.Join(Golden("checkpoints", kind), folder))
				if diff := cmp.Diff(want, shapes(t, filepath.Join(dir, folder))); diff != "" {
					t.Errorf("%q: -want +got\n%s", folder, diff)
				}
			}
		})
	}
}

// The released models that have no list of shapes have their number of tensors and parameters.
func TestWriteCheckpointCounts(t *testing.T) {
	for _, test := range []struct {
		size             Size
		kind             string
		tensors, numbers int
	}{
		{Size06B, "custom_voice", 402, 905_788_672},
		{Size17B, "custom_voice", 404, 1_916_676_352},
		{Size17B, "voice_design", 404, 1_916_676_352},
	} {
		t.Run(fmt.Sprint(test.size, test.kind), func(t *testing.T) {
			all := shapes(t, write(t, CheckpointSpec{Size: test.size, Kind: test.kind, Sparse: true}))
			numbers := 0
			for _, shape := range all {
				numbers += tensor{shape: shape}.len()
			}
			if len(all) != test.tensors || numbers != test.numbers {
				t.Errorf("%d tensors of %d numbers, want %d of %d", len(all), numbers, test.tensors, test.numbers)
			}
		})
	}
}

// values reads every tensor in dir, in the axis order of the official layout.
func values(t *testing.T, dir string, spec CheckpointSpec) map[string][]float32 {
	t.Helper()
	set, err := safetensors.OpenSet(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]float32{}
	for _, name := range set.Names() {
		file, tensor, _ := set.Lookup(name)
		v, err := file.Float32s(name)
		if err != nil {
			t.Fatal(err)
		}
		if !spec.Official && len(tensor.Shape) == 3 {
			v = swapLastAxes(v, tensor.Shape)
		}
		all[name] = v
	}
	return all
}

func swapLastAxes(v []float32, shape []int) []float32 {
	out := make([]float32, len(v))
	n, rows, cols := shape[0], shape[1], shape[2]
	for i := range n {
		for r := range rows {
			for c := range cols {
				out[(i*cols+c)*rows+r] = v[(i*rows+r)*cols+c]
			}
		}
	}
	return out
}

// What a checkpoint holds depends on the seed and not on how it is written.
func TestWriteCheckpointValues(t *testing.T) {
	first := CheckpointSpec{Seed: 1}
	want := values(t, write(t, first), first)
	for _, spec := range []CheckpointSpec{{Seed: 1}, {Seed: 1, Shards: 4}, {Seed: 1, Official: true}, {Seed: 1, Official: true, Shards: 2}} {
		if !maps.EqualFunc(want, values(t, write(t, spec), spec), slices.Equal) {
			t.Errorf("%+v: other values", spec)
		}
	}
	second := CheckpointSpec{Seed: 2}
	for name, v := range values(t, write(t, second), second) {
		if slices.Equal(v, want[name]) && !strings.HasSuffix(name, ".initialized") {
			t.Errorf("%s does not depend on the seed", name)
		}
	}
	checkMoments(t, want["talker.text_projection.linear_fc1.weight"], 0, 1.0/8) // 64 inputs
	checkMoments(t, want["talker.model.text_embedding.weight"], 0, 1)
	checkMoments(t, want["talker.model.norm.weight"], 1, 0.1)
	head := want["talker.codec_head.weight"]
	for i, x := range head {
		if eos := i/64 == 2150; eos != (x == 0) {
			t.Fatalf("codec_head[%d] = %g: only the row of the end of speech is zero", i, x)
		}
	}
}

func checkMoments(t *testing.T, v []float32, mean, std float64) {
	t.Helper()
	var sum, squares float64
	for _, x := range v {
		sum += float64(x)
		squares += float64(x) * float64(x)
	}
	n := float64(len(v))
	m := sum / n
	s := math.Sqrt(squares/n - m*m)
	if math.Abs(m-mean) > 4*std/math.Sqrt(n) || math.Abs(s-std) > 4*std/math.Sqrt(2*n) {
		t.Errorf("mean %g and deviation %g of %d values, want %g and %g", m, s, len(v), mean, std)
	}
}

// A tokenizer of the real size knows the words of every prompt by their real ids.
func TestWriteCheckpointTokenizer(t *testing.T) {
	tokens, err := tokenizer.Load(write(t, CheckpointSpec{Size: Size06B, Kind: "custom_voice", Sparse: true}))
	if err != nil {
		t.Fatal(err)
	}
	got := tokens.EncodeTemplate("<|im_start|>assistant\n<|im_end|>\n<|im_start|>user\n<tts_pad>")
	want := []int32{151644, 77091, 198, 151645, 198, 151644, 872, 198, 151671}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("-want +got\n", diff)
	}
}

func TestWriteCheckpointRefuses(t *testing.T) {
	for name, spec := range map[string]CheckpointSpec{
		"kind":  {Kind: "singing"},
		"size":  {Size: "3B"},
		"type":  {DType: safetensors.I32},
		"split": {Shards: 10_000},
	} {
		t.Run(name, func(t *testing.T) {
			if err := WriteCheckpoint(t.TempDir(), spec); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestEncodeFloat(t *testing.T) {
	for _, test := range []struct {
		dtype safetensors.DType
		in    float64
		want  uint32
	}{
		{safetensors.F32, -1.5, 0xbfc00000},
		{safetensors.BF16, 1, 0x3f80},
		{safetensors.BF16, 1 + 1.0/256, 0x3f80}, // half-way: to even
		{safetensors.BF16, 1 + 3.0/256, 0x3f82},
		{safetensors.F16, 0, 0},
		{safetensors.F16, 1, 0x3c00},
		{safetensors.F16, -2, 0xc000},
		{safetensors.F16, 65504, 0x7bff},
		{safetensors.F16, 1 - 1.0/8192, 0x3c00},            // carries into the exponent
		{safetensors.F16, math.Ldexp(1, -14), 0x0400},      // the smallest normal
		{safetensors.F16, math.Ldexp(1, -24), 0x0001},      // the smallest of all
		{safetensors.F16, math.Ldexp(1023.9, -24), 0x0400}, // rounds up to the smallest normal
		{safetensors.F16, -math.Ldexp(512.4, -24), 0x8200}, // subnormal
	} {
		if got := encodeFloat(test.dtype, test.in); got != test.want {
			t.Errorf("%s of %g: %#x, want %#x", test.dtype, test.in, got, test.want)
		}
	}
}
