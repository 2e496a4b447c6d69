package nn_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ttsui/internal/nn"
	"ttsui/internal/safetensors"
	"ttsui/internal/testkit"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// open writes a checkpoint of one file and opens it.
func open(t *testing.T, tensors ...safetensors.Data) *safetensors.Set {
	t.Helper()
	dir := t.TempDir()
	var file bytes.Buffer
	if err := safetensors.Write(&file, nil, tensors); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "model.safetensors"), file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := safetensors.OpenSet(dir)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// read makes what build makes of a checkpoint and reads its weights.
func read[L any](s *mlx.Scope, set *safetensors.Set, dtype mlx.DType, quant nn.Quantization, build func(w *nn.Weights) L) (L, error) {
	w := nn.NewWeights(s, set, dtype, quant)
	layer := build(w)
	if err := w.Check("the checkpoint"); err != nil {
		return layer, err
	}
	return layer, w.Read()
}

// A transposed convolution adds, for each input row, its kernel to the output rows from time·stride on, in whatever form
// its weights are kept.
func TestConvTranspose(t *testing.T) {
	const time, in = 5, 3
	for _, c := range []struct{ out, kernel, stride int }{{32, 4, 2}, {64, 6, 3}, {6, 4, 2}, {32, 2, 2}, {1, 3, 1}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			r := rand.New(rand.NewPCG(7, 8))
			x, w, bias := random(r, time*in), random(r, in*c.out*c.kernel), random(r, c.out)
			want := make([]float64, time*c.stride*c.out)
			for i := range want {
				want[i] = float64(bias[i%c.out])
			}
			for u := range time {
				for j := range min(c.kernel, (time-u)*c.stride) {
					for o := range c.out {
						for i := range in {
							want[(u*c.stride+j)*c.out+o] += float64(x[u*in+i]) * float64(w[(i*c.out+o)*c.kernel+j])
						}
					}
				}
			}
			set := open(t, safetensors.Float32Data("up.weight", []int{in, c.out, c.kernel}, w), safetensors.Float32Data("up.bias", []int{c.out}, bias))
			testkit.MLX(t, func(s *mlx.Scope) error {
				up, err := read(s, set, mlx.Float32, nn.Quantization{}, func(w *nn.Weights) nn.ConvTranspose1D {
					return w.ConvTranspose1D("up", in, c.out, c.kernel, c.stride)
				})
				if err != nil {
					return err
				}
				front := s.Zeros(mlx.Float32, up.Span()-1, in)
				got := s.ReadFloats(up.Apply(s, s.Concat(0, front, s.Floats(x, time, in))))
				if s.Err() == nil && !close(got, want, 1e-5) {
					t.Errorf("got %v, want %v", got, want)
				}
				return nil
			})
		})
	}
}

// A table gives the rows that the embedding gives, and stays readable when its file's name is gone; half a file is said
// to be one.
func TestTable(t *testing.T) {
	const rows, width, group = 50, 64, 32
	numbers := random(rand.New(rand.NewPCG(3, 4)), rows*width)
	packed := make([]byte, rows*width)
	for i := range packed {
		packed[i] = byte(i * 37)
	}
	floats := []safetensors.Data{safetensors.Float32Data("e.weight", []int{rows, width}, numbers)}
	quantised := []safetensors.Data{
		safetensors.RawData("e.weight", safetensors.U32, []int{rows, width / 4}, packed),
		safetensors.Float32Data("e.scales", []int{rows, width / group}, numbers[:rows*width/group]),
		safetensors.Float32Data("e.biases", []int{rows, width / group}, numbers[rows*width/group:][:rows*width/group]),
	}
	for name, c := range map[string]struct {
		tensors []safetensors.Data
		dtype   mlx.DType
	}{"float32": {floats, mlx.Float32}, "to bfloat16": {floats, mlx.BFloat16}, "quantised": {quantised, mlx.Float32}} {
		t.Run(name, func(t *testing.T) {
			set := open(t, c.tensors...)
			testkit.MLX(t, func(s *mlx.Scope) error {
				quant := nn.Quantization{GroupSize: group, Bits: 8}
				whole, err := read(s, set, c.dtype, quant, func(w *nn.Weights) nn.Embedding { return w.Embedding("e", rows, width) })
				if err != nil {
					return err
				}
				table, err := read(s, set, c.dtype, quant, func(w *nn.Weights) nn.Table { return w.Table("e", rows, width) })
				if err != nil {
					return err
				}
				path := set.Files[0].Path
				if err := os.Rename(path, path+".moved"); err != nil {
					return err
				}
				ids := []int{7, 0, rows - 1, 7}
				got, want := table.Lookup(s, ids), whole.Lookup(s, s.Ints([]int32{7, 0, rows - 1, 7}, 4))
				if a, b := s.DType(got), s.DType(want); a != b {
					t.Errorf("rows of %v, want %v", a, b)
				}
				if a, b := s.ReadFloats(got), s.ReadFloats(want); s.Err() == nil && !slices.Equal(a, b) {
					t.Errorf("got %v, want %v", a, b)
				}
				if err := os.Truncate(path+".moved", 1000); err != nil {
					return err
				}
				inner := mlx.NewScope()
				table.Lookup(inner, ids)
				if err := inner.Close(); !errors.Is(err, io.ErrUnexpectedEOF) || tts.CodeOf(err) != tts.CodeCorrupt {
					t.Errorf("of half a file: %v", err)
				}
				if err := table.Close(); err != nil {
					return err
				}
				table.Lookup(inner, ids)
				if err := inner.Close(); tts.CodeOf(err) != tts.CodeNotFound {
					t.Errorf("of a file that can't be read: %v", err)
				}
				return nil
			})
		})
	}
}

// Maps of one input are one map, whether their weights are read to their place or converted on the way.
func TestSwiGLU(t *testing.T) {
	const width, inner, time = 8, 6, 3
	r := rand.New(rand.NewPCG(5, 6))
	gate, up, down, x := random(r, inner*width), random(r, inner*width), random(r, width*inner), random(r, time*width)
	times := func(x []float64, w []float32, in int) (y []float64) {
		for t := range len(x) / in {
			for o := range len(w) / in {
				sum := 0.0
				for i := range in {
					sum += x[t*in+i] * float64(w[o*in+i])
				}
				y = append(y, sum)
			}
		}
		return y
	}
	wide := make([]float64, len(x))
	for i, v := range x {
		wide[i] = float64(v)
	}
	middle := times(wide, up, width)
	for i, g := range times(wide, gate, width) {
		middle[i] *= g / (1 + math.Exp(-g))
	}
	want := times(middle, down, inner)
	set := open(t,
		safetensors.Float32Data("m.up_proj.weight", []int{inner, width}, up),
		safetensors.Float32Data("m.down_proj.weight", []int{width, inner}, down),
		safetensors.Float32Data("m.gate_proj.weight", []int{inner, width}, gate))
	for _, c := range []struct {
		dtype     mlx.DType
		tolerance float64
	}{{mlx.Float32, 1e-5}, {mlx.BFloat16, 0.05}} {
		testkit.MLX(t, func(s *mlx.Scope) error {
			mlp, err := read(s, set, c.dtype, nn.Quantization{}, func(w *nn.Weights) nn.SwiGLU { return w.SwiGLU("m", width, inner) })
			if err != nil {
				return err
			}
			got := s.ReadFloats(s.AsType(mlp.Apply(s, s.AsType(s.Floats(x, time, width), c.dtype)), mlx.Float32))
			if s.Err() == nil && !close(got, want, c.tolerance) {
				t.Errorf("%v: got %v, want %v", c.dtype, got, want)
			}
			return nil
		})
	}
}

// close reports whether numbers differ by at most a part of the largest.
func close(got []float32, want []float64, tolerance float64) bool {
	largest := 0.0
	for _, v := range want {
		largest = max(largest, math.Abs(v))
	}
	for i, v := range got {
		if math.Abs(float64(v)-want[i]) > tolerance*largest {
			return false
		}
	}
	return len(got) == len(want)
}
