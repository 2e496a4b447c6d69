package mlxbridge_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	mlx "ttsui/mlxbridge"
)

// The CPU's bodies are held to the formulas, computed here in float64, for every instruction set and for MLX's own
// operations, without and with our kernels for Metal (TTSUI_PLAIN=1, metal). The choice is made once in a process, so each runs in a child.
func TestCPUBodies(t *testing.T) {
	if os.Getenv("TTSUI_BODIES_CHILD") == "" {
		for _, env := range []string{"TTSUI_PLAIN=1", "TTSUI_PLAIN=metal", "TTSUI_SIMD=portable", "TTSUI_SIMD=avx2", "TTSUI_SIMD=avx512", "TTSUI_SIMD="} {
			t.Run(env, func(t *testing.T) {
				child := exec.Command(os.Args[0], "-test.run=^TestCPUBodies$")
				child.Env = append(os.Environ(), env, "TTSUI_BODIES_CHILD=1")
				if out, err := child.CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
		return
	}
	for name, body := range map[string]func(*mlx.Scope, *random) ([]float64, mlx.Array){
		"linear":            linearBody(1, 40, 51, mlx.Float32),
		"linear of rows":    linearBody(13, 67, 37, mlx.Float32),
		"linear, bfloat16":  linearBody(5, 64, 33, mlx.BFloat16),
		"linear, float16":   linearBody(5, 64, 33, mlx.Float16),
		"large, float16":    linearBody(70, 200, 130, mlx.Float16),
		"large, bfloat16":   linearBody(77, 352, 150, mlx.BFloat16),
		"large linear":      linearBody(70, 200, 130, mlx.Float32),
		"convolution":       convBody(23, 5, 9, 3, 1, 2, mlx.Float32),
		"strided":           convBody(64, 16, 8, 8, 4, 1, mlx.Float32),
		"panels":            convBody(23, 5, 64, 3, 1, 2, mlx.Float32),
		"wide panels":       convBody(137, 300, 96, 7, 1, 9, mlx.Float32),
		"strided panels":    convBody(64, 16, 32, 8, 4, 1, mlx.Float32),
		"one row of panels": convBody(3, 160, 32, 3, 1, 1, mlx.Float32),

		"panels in 16 bits":                 convBody(137, 300, 96, 7, 1, 9, mlx.BFloat16),
		"strided panels in 16 bits":         convBody(64, 16, 32, 8, 4, 1, mlx.BFloat16),
		"panels of odd channels in 16 bits": convBody(23, 5, 64, 3, 1, 2, mlx.BFloat16),
		"weights in 16 bits without panels": convBody(23, 6, 9, 3, 1, 2, mlx.BFloat16),
		"weights in float16":                convBody(23, 5, 64, 3, 1, 2, mlx.Float16),
		"products in float16":               float16Body,
		"snake":                             snakeBody,
		"elu":                               activationBody((*mlx.Scope).ELU, func(x float64) float64 { return max(x, 0) + math.Expm1(min(x, 0)) }),
		"gelu":                              activationBody((*mlx.Scope).GELU, func(x float64) float64 { return x * math.Erfc(-x/math.Sqrt2) / 2 }),
		"categorical":                       categoricalBody,
	} {
		checkBody(t, name, body)
	}
	for _, dtype := range []mlx.DType{mlx.Float32, mlx.BFloat16, mlx.Float16} {
		checkBody(t, fmt.Sprint("rms norm ", dtype), rmsBody(dtype))
		checkBody(t, fmt.Sprint("rope ", dtype), ropeBody(dtype))
		checkBody(t, fmt.Sprint("causal attention ", dtype), attentionBody(5, 9, true, dtype))
		checkBody(t, fmt.Sprint("one query ", dtype), attentionBody(1, 33, false, dtype))
		checkBody(t, fmt.Sprint("swiglu ", dtype), swigluBody(dtype))
		checkBody(t, fmt.Sprint("rows of a table ", dtype), takeBody(dtype, false))
		checkBody(t, fmt.Sprint("rows of a turned table ", dtype), takeBody(dtype, true))
		for _, axes := range [][]int{{0, 2, 1}, {2, 1, 0}, {1, 0, 2}, {0, 1, 2}} {
			checkBody(t, fmt.Sprint("contiguous ", axes, dtype), contiguousBody(axes, dtype))
		}
		for _, top := range []filterTop{{0, 1}, {1, 1}, {2, 1}, {40, 1}, {0, 0.3}, {25, 0.6}, {3, 0.01}, {500, 1}} {
			checkBody(t, fmt.Sprint("filter ", top, dtype), filterBody(top, dtype))
		}
		checkBody(t, fmt.Sprint("attention with caches ", dtype), attendBody(1, []int{9}, dtype))
		checkBody(t, fmt.Sprint("attention of a batch ", dtype), attendBody(3, []int{9, 4}, dtype))
		for rows := range 11 {
			checkBody(t, fmt.Sprint("projection of ", rows+1, " rows ", dtype), projectBody(rows+1, false, dtype))
		}
		checkBody(t, fmt.Sprint("gated projection ", dtype), projectBody(2, true, dtype))
		for _, bits := range []int{2, 3, 4, 5, 6, 8} {
			for _, rows := range []int{1, 7} {
				for _, group := range []int{32, 64, 128} {
					checkBody(t, fmt.Sprint(bits, " bits in groups of ", group, ", ", rows, " rows ", dtype), packedBody(bits, rows, group, dtype))
				}
			}
		}
	}
}

func checkBody(t *testing.T, name string, body func(*mlx.Scope, *random) ([]float64, mlx.Array)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		onMLX(t, func(s *mlx.Scope) error {
			want, array := body(s, &random{rand.New(rand.NewPCG(3, 4))})
			tol := 2e-5
			if s.DType(array) == mlx.BFloat16 {
				tol = 8e-3 // its rounding, before a bias and after
			}
			if s.DType(array) == mlx.Float16 {
				tol = 1e-3
			}
			got := s.ReadFloats(array)
			if len(got) != len(want) {
				return fmt.Errorf("%d values, want %d", len(got), len(want))
			}
			for i := range want {
				if !(math.Abs(float64(got[i])-want[i]) <= tol*(1+math.Abs(want[i]))) {
					return fmt.Errorf("element %d: %g, want %g", i, got[i], want[i])
				}
			}
			return nil
		})
	})
}

type random struct{ *rand.Rand }

// floats makes numbers that bfloat16 holds exactly.
func (r *random) floats(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.IntN(129)-64) / 64
	}
	return x
}

func linearBody(rows, in, out int, dtype mlx.DType) func(*mlx.Scope, *random) ([]float64, mlx.Array) {
	return func(s *mlx.Scope, r *random) ([]float64, mlx.Array) {
		x, w, b := r.floats(rows*in), r.floats(out*in), r.floats(out)
		as := func(a mlx.Array) mlx.Array { return s.AsType(a, dtype) }
		return linear(x, w, b, rows, in, out), s.Linear(as(s.Floats(x, rows, in)), as(s.Floats(w, out, in)), as(s.Floats(b, out)))
	}
}

func linear(x, w, b []float32, rows, in, out int) []float64 {
	y := make([]float64, rows*out)
	for t := range rows {
		for n := range out {
			sum := float64(b[n])
			for c := range in {
				sum += float64(x[t*in+c]) * float64(w[n*in+c])
			}
			y[t*out+n] = sum
		}
	}
	return y
}

// float16Body multiplies numbers of every size that float16 has, for results from zero to infinity: they have to be rounded
// to the bit.
func float16Body(s *mlx.Scope, r *random) ([]float64, mlx.Array) {
	const rows, out = 70, 90
	sizes := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(math.Ldexp(float64(1024+r.IntN(1024)), r.IntN(30)-24) * float64(1-2*r.IntN(2)))
			if i%8 == 0 {
				x[i] = float32(math.Ldexp(float64(r.IntN(1024)), -24)) // less than the normal ones
			}
		}
		return x
	}
	x, w := sizes(rows), sizes(out)
	y := make([]float32, 0, rows*out)
	for _, a := range x {
		for _, b := range w {
			y = append(y, a*b)
		}
	}
	var want []float64
	for _, v := range s.ReadFloats(s.AsType(s.AsType(s.Floats(y, rows*out), mlx.Float16), mlx.Float32)) {
		want = append(want, min(max(float64(v), -1e5), 1e5))
	}
	as := func(a mlx.Array) mlx.Array { return s.AsType(a, mlx.Float16) }
	got := s.AsType(s.Linear(as(s.Floats(x, rows, 1)), as(s.Floats(w, out, 1)), mlx.Array{}), mlx.Float32)
	got = s.MulScalar(s.MaxScalar(s.MinScalar(got, 1e5), -1e5), 1<<24) // least ones become whole
	for i := range want {
		want[i] *= 1 << 24
	}
	return want, s.Reshape(got, rows*out)
}

func convBody(time, in, out, kernel, stride, dilation int, dtype mlx.DType) func(*mlx.Scope, *random) ([]float64, mlx.Array) {
	return func(s *mlx.Scope, r *random) ([]float64, mlx.Array) {
		x, w, b := r.floats(time*in), r.floats(out*kernel*in), r.floats(out)
		rows := (time-(kernel-1)*dilation-1)/stride + 1
		var y []float64
		for t := range rows {
			for n := range out {
				sum := float64(b[n])
				for j := range kernel {
					for c := range in {
						sum += float64(x[(t*stride+j*dilation)*in+c]) * float64(w[(n*kernel+j)*in+c])
					}
				}
				y = append(y, sum)
			}
		}
		weights := s.ConvWeights(s.AsType(s.Floats(w, out, kernel, in), dtype))
		got := s.Conv1D(s.Floats(x, 1, time, in), weights, s.Floats(b, out), stride, dilation, 1)
		if os.Getenv("TTSUI_PLAIN") != "" { // MLX gives as many bits as the weights have
			got = s.AsType(got, dtype)
		}
		return y, got
	}
}

func rmsBody(dtype mlx.DType) func(*mlx.Scope, *random) ([]float64, mlx.Array) {
	return func(s *mlx.Scope, r *random) ([]float64, mlx.Array) {
		const rows, width, eps = 7, 37, 1e-6
		x, w := r.floats(rows*width), r.floats(width)
		var y []float64
		for t := range rows {
			squares := 0.0
			for _, v := range x[t*width : (t+1)*width] {
				squares += float64(v) * float64(v)
			}
			for i := range width {
				y = append(y, float64(x[t*width+i])/math.Sqrt(squares/width+eps)*float64(w[i]))
			}
		}
		return y, s.RMSNorm(s.AsType(s.Floats(x, rows, width), dtype), s.AsType(s.Floats(w, width), dtype), eps)
	}
}

// The heads are turned in front of the time, as attention does it: the operation reads a view.
func ropeBody(dtype mlx.DType) func(*mlx.Scope, *random) ([]float64, mlx.Array) {
	return func(s *mlx.Scope, r *random) ([]float64, mlx.Array) {
		const heads, time, dims, theta, offset = 3, 5, 16, 1e4, 11
		x := r.floats(time * heads * dims)
		y := make([]float64, heads*time*dims)
		for h := range heads {
			for t := range time {
				for j := range dims / 2 {
					sin, cos := math.Sincos(float64(offset+t) * math.Pow(theta, -2*float64(j)/dims))
					a, b := float64(x[(t*heads+h)*dims+j]), float64(x[(t*heads+h)*dims+j+dims/2])
					y[(h*time+t)*dims+j], y[(h*time+t)*dims+j+dims/2] = a*cos-b*sin, b*cos+a*sin
				}
			}
		}
		return y, s.RoPE(s.Transpose(s.AsType(s.Floats(x, 1, time, heads, dims), dtype), 0, 2, 1, 3), dims, theta, offset)
	}
}

// Keys and values are views of larger caches, as the talker's are.
func attentionBody(time, positions int, causal bool, dtype mlx.DType) func(*mlx.Scope, *random) ([]float64, mlx.Array) {
	return func(s *mlx.Scope, r *random) ([]float64, mlx.Array) {
		const heads, kvHeads, dim, room = 6, 2, 20, 40
		q, k, v := r.floats(heads*time*dim), r.floats(kvHeads*room*dim), r.floats(kvHeads*room*dim)
		scale := 1 / math.Sqrt(dim)
		var y []float64
		for h := range heads {
			for t := range time {
				last := positions
				if causal {
					last = positions - time + t + 1
				}
				total, sum := 0.0, make([]float64, dim)
				for j := range last {
					dot := 0.0
					for d := range dim {
						dot += float64(q[(h*time+t)*dim+d]) * float64(k[(h/3*room+j)*dim+d])
					}
					p := math.Exp(dot * scale)
					total += p
					for d := range dim {
						sum[d] += p * float64(v[(h/3*room+j)*dim+d])
					}
				}
				for d := range dim {
					y = append(y, sum[d]/total)
				}
			}
		}
		view := func(x []float32) mlx.Array {
			return s.SliceAxis(s.AsType(s.Floats(x, 1, kvHeads, room, dim), dtype), 2, 0, positions)
		}
		queries := s.AsType(s.Floats(q, 1, heads, time, dim), dtype)
		if causal {
			return y, s.CausalAttention(queries, view(k), view(v), float32(scale))
		}
		return y, s.Attention(queries, view(k), view(v), float32(scale), mlx.Array{})
	}
}

func swigluBody(dtype mlx.DType) func(*mlx.Scope, *random) ([]float64, mlx.Array) {
	return func(s *mlx.Scope, r *random) ([]float64, mlx.Array) {
		const n = 1500
		gate, up := r.floats(n), r.floats(n)
		var y []float64
		for i := range n {
			y = append(y, float64(gate[i])/(1+math.Exp(-float64(gate[i])))*float64(up[i]))
		}
		return y, s.SwiGLU(s.AsType(s.Floats(gate, 1, n), dtype), s.AsType(s.Floats(up, 1, n), dtype))
	}
}

func snakeBody(s *mlx.Scope, r *random) ([]float64, mlx.Array) {
	const rows, channels = 9, 37
	x, rate, gain := r.floats(rows*channels), r.floats(channels), r.floats(channels)
	for i := range rate {
		rate[i] *= 40 // many turns
	}
	var y []float64
	for i, v := range x {
		sin := math.Sin(float64(v * rate[i%channels]))
		y = append(y, float64(v)+sin*sin*float64(gain[i%channels]))
	}
	return y, s.Snake(s.Floats(x, rows, channels), s.Floats(rate, channels), s.Floats(gain, channels))
}

// activationBody compares what an activation makes of numbers of every size with them, so that small ones count as well.
func activationBody(apply func(*mlx.Scope, mlx.Array) mlx.Array, want func(float64) float64) func(*mlx.Scope, *random) ([]float64, mlx.Array) {
	return func(s *mlx.Scope, r *random) ([]float64, mlx.Array) {
		x := make([]float32, 40003)
		var y []float64
		for i := range x {
			x[i] = float32(math.Ldexp(1+r.Float64(), r.IntN(28)-20) * float64(1-2*r.IntN(2)))
			y = append(y, want(float64(x[i]))/float64(x[i]))
		}
		numbers := s.Floats(x, len(x))
		return y, s.Div(apply(s, numbers), numbers)
	}
}

// A projection with all that may stand around it: a norm, and a gate or what is added.
func projectBody(rows int, gated bool, dtype mlx.DType) func(*mlx.Scope, *random) ([]float64, mlx.Array) {
	return func(s *mlx.Scope, r *random) ([]float64, mlx.Array) {
		const in, out, eps = 96, 34, 1e-6
		as := func(a mlx.Array) mlx.Array { return s.AsType(a, dtype) }
		x, norm, w := r.floats(rows*in), r.floats(in), r.floats(out*in)
		normed := make([]float32, rows*in)
		for t := range rows {
			squares := 0.0
			for _, v := range x[t*in : (t+1)*in] {
				squares += float64(v) * float64(v)
			}
			for i := range in {
				normed[t*in+i] = float32(float64(x[t*in+i]) / math.Sqrt(squares/in+eps) * float64(norm[i]))
			}
		}
		for i := range w {
			w[i] /= 16 // so small that it doesn't matter whether a body rounds what it has normalised
		}
		y := linear(normed, w, make([]float32, out), rows, in, out)
		p := mlx.Projection{W: as(s.Floats(w, out, in)), Norm: as(s.Floats(norm, in)), Eps: eps, Gated: gated}
		if !gated {
			add := r.floats(rows * out)
			for i, v := range add {
				y[i] += float64(v)
			}
			p.Add = as(s.Floats(add, rows, out))
			return y, s.Project(as(s.Floats(x, rows, in)), p)
		}
		var z []float64
		for t := range rows {
			for n := range out / 2 {
				gate, up := y[t*out+n], y[t*out+n+out/2]
				z = append(z, gate/(1+math.Exp(-gate))*up)
			}
		}
		return z, s.Project(as(s.Floats(x, rows, in)), p)
	}
}

// Indices that are none take the last row.
func takeBody(dtype mlx.DType, turned bool) func(*mlx.Scope, *random) ([]float64, mlx.Array) {
	return func(s *mlx.Scope, _ *random) ([]float64, mlx.Array) {
		const rows, width = 5, 37
		x := make([]float32, rows*width)
		for i := range x {
			x[i] = float32(i % 251)
		}
		table := s.AsType(s.Floats(x, rows, width), dtype)
		at := func(row, i int) float32 { return x[row*width+i] }
		if turned { // [width, rows]: its rows are columns
			table = s.Transpose(table, 1, 0)
			at = func(row, i int) float32 { return x[i*width+row] }
		}
		s.Eval(table)
		n, across := s.Dim(table, 0), s.Dim(table, 1)
		ids := []int32{2, 0, -1, int32(n), int32(n - 1), 1}
		var want []float64
		for _, id := range ids {
			row := int(id)
			if row < 0 || row >= n {
				row = n - 1
			}
			for i := range across {
				want = append(want, float64(at(row, i)))
			}
		}
		return want, s.AsType(s.Take(table, s.Ints(ids, 2, 3)), mlx.Float32)
	}
}

// The rows of a batch, each sequence at a position of its own. The caches come back with the rows in them.
func attendBody(time int, at []int, dtype mlx.DType) func(*mlx.Scope, *random) ([]float64, mlx.Array) {
	return func(s *mlx.Scope, r *random) ([]float64, mlx.Array) {
		const heads, kvHeads, dim, room, eps, theta = 4, 2, 20, 12, 1e-6, 1e4
		const width = (heads + 2*kvHeads) * dim
		batch := len(at)
		rows, qNorm, kNorm := r.floats(batch*time*width), r.floats(dim), r.floats(dim)
		as := func(x []float32, shape ...int) mlx.Array { return s.AsType(s.Floats(x, shape...), dtype) }
		var caches [][]float32 // [2, kvHeads, room, dim] each
		var past []mlx.KV
		for b := range batch {
			caches = append(caches, r.floats(2*kvHeads*room*dim))
			past = append(past, mlx.KV{Cache: as(caches[b], 2, kvHeads, room, dim), At: at[b]})
		}
		y, next := s.Attend(as(rows, batch*time, width), mlx.Attender{Heads: heads, QNorm: as(qNorm, dim), KNorm: as(kNorm, dim), Eps: eps, Theta: theta}, past...)

		head := func(b, t, h int) []float32 { return rows[((b*time+t)*(heads+2*kvHeads)+h)*dim:][:dim] }
		for b := range batch {
			for t := range time {
				for h := range kvHeads {
					place := func(h int) []float32 { return caches[b][(h*room+at[b]+t)*dim:] }
					for d, v := range turnedHead(head(b, t, heads+h), kNorm, at[b]+t, eps, theta) {
						place(h)[d] = float32(v)
					}
					copy(place(kvHeads+h), head(b, t, heads+kvHeads+h))
				}
			}
		}
		var want []float64
		for b := range batch {
			for t := range time {
				for h := range heads {
					keys, values := caches[b][h/2*room*dim:], caches[b][(kvHeads+h/2)*room*dim:]
					want = append(want, attendTo(turnedHead(head(b, t, h), qNorm, at[b]+t, eps, theta), keys, values, at[b]+t+1)...)
				}
			}
		}
		got := []mlx.Array{s.Reshape(y, batch*time*heads*dim)}
		for b, kv := range next {
			for _, v := range caches[b] {
				want = append(want, float64(v))
			}
			got = append(got, s.Reshape(kv.Cache, len(caches[b])))
		}
		return want, s.Concat(0, got...)
	}
}

// turnedHead normalises a query or key and turns it by its position.
func turnedHead(x, norm []float32, position int, eps, theta float64) []float64 {
	dim, squares := len(x), 0.0
	for _, v := range x {
		squares += float64(v) * float64(v)
	}
	y := make([]float64, dim)
	for i, v := range x {
		y[i] = float64(v) / math.Sqrt(squares/float64(dim)+eps) * float64(norm[i])
	}
	for j := range dim / 2 {
		sin, cos := math.Sincos(float64(position) * math.Pow(theta, -2*float64(j)/float64(dim)))
		a, b := y[j], y[j+dim/2]
		y[j], y[j+dim/2] = a*cos-b*sin, b*cos+a*sin
	}
	return y
}

// attendTo is the attention of a query to so many keys and values.
func attendTo(q []float64, keys, values []float32, positions int) []float64 {
	dim, total := len(q), 0.0
	out := make([]float64, dim)
	for j := range positions {
		dot := 0.0
		for d, v := range q {
			dot += v * float64(keys[j*dim+d])
		}
		p := math.Exp(dot / math.Sqrt(float64(dim)))
		total += p
		for d := range out {
			out[d] += p * float64(values[j*dim+d])
		}
	}
	for d := range out {
		out[d] /= total
	}
	return out
}

func packedBody(bits, rows, group int, dtype mlx.DType) func(*mlx.Scope, *random) ([]float64, mlx.Array) {
	return func(s *mlx.Scope, r *random) ([]float64, mlx.Array) {
		const in, out = 256, 37
		x, b := r.floats(rows*in), r.floats(out)
		q := s.Quantize(s.Floats(r.floats(out*in), out, in), group, bits)
		w := s.ReadFloats(s.Dequantize(q))
		return linear(x, w, b, rows, in, out), s.Project(s.AsType(s.Floats(x, rows, in), dtype), mlx.Projection{Quant: &q, Bias: s.Floats(b, out)})
	}
}

// A part of an array, with its axes in another order. Its numbers say where they were.
func contiguousBody(axes []int, dtype mlx.DType) func(*mlx.Scope, *random) ([]float64, mlx.Array) {
	return func(s *mlx.Scope, _ *random) ([]float64, mlx.Array) {
		whole, part := [3]int{70, 5, 41}, [3]int{67, 4, 40}
		x := make([]float32, whole[0]*whole[1]*whole[2])
		for i := range x {
			x[i] = float32(i % 251)
		}
		var want []float64
		for i := range part[axes[0]] {
			for j := range part[axes[1]] {
				for k := range part[axes[2]] {
					var at [3]int
					at[axes[0]], at[axes[1]], at[axes[2]] = i, j, k
					want = append(want, float64(x[((at[0]+3)*whole[1]+at[1]+1)*whole[2]+at[2]+1]))
				}
			}
		}
		view := s.Slice(s.AsType(s.Floats(x, whole[:]...), dtype), []int{3, 1, 1}, whole[:])
		return want, s.Contiguous(s.Transpose(view, axes...))
	}
}
