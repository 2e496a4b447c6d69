package nn_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"ttsui/internal/nn"
	"ttsui/internal/testkit"
	mlx "ttsui/mlxbridge"
)

func random(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// heads is the shape of the rows qkv [time, (heads + 2·kv heads)·dim] of these tests.
const heads, kvHeads, time, dim, theta = 4, 2, 23, 8, 1e4

func row(qkv []float32, t, head int) []float32 {
	at := (t*(heads+2*kvHeads) + head) * dim
	return qkv[at : at+dim]
}

// turned is a head's row at position t.
func turned(x []float32, t int) []float64 {
	y := make([]float64, dim)
	for j := range dim / 2 {
		sin, cos := math.Sincos(float64(t) * math.Pow(theta, -2*float64(j)/dim))
		a, b := float64(x[j]), float64(x[j+dim/2])
		y[j], y[j+dim/2] = a*cos-b*sin, b*cos+a*sin
	}
	return y
}

// Attention by the definition: row t of the result [time, heads·dim] sees rows max(0, t−window+1)…t.
func reference(qkv []float32, window int) []float32 {
	out := make([]float32, time*heads*dim)
	for t := range time {
		for h := range heads {
			kv := h / (heads / kvHeads)
			q := turned(row(qkv, t, h), t)
			var sum float64
			acc := make([]float64, dim)
			for j := max(0, t-window+1); j <= t; j++ {
				var dot float64
				for d, x := range turned(row(qkv, j, heads+kv), j) {
					dot += q[d] * x
				}
				p := math.Exp(dot / math.Sqrt(dim))
				sum += p
				for d, x := range row(qkv, j, heads+kvHeads+kv) {
					acc[d] += p * float64(x)
				}
			}
			for d := range dim {
				out[(t*heads+h)*dim+d] = float32(acc[d] / sum)
			}
		}
	}
	return out
}

// Whatever the pieces in which rows arrive, a cache gives what one pass over all rows gives.
func TestCachesEqualOnePass(t *testing.T) {
	const window = 5
	qkv := random(rand.New(rand.NewPCG(1, 2)), time*(heads+2*kvHeads)*dim)
	shape := nn.Heads{Attender: mlx.Attender{Heads: heads, Theta: theta}, KVHeads: kvHeads, Dim: dim}
	for _, pieces := range [][]int{{23}, {1, 1, 1, 1, 1, 1, 1, 16}, {10, 1, 7, 5}, {3, 20}} {
		for name, limit := range map[string]int{"all": time, "window": window} {
			t.Run(fmt.Sprint(name, pieces), func(t *testing.T) {
				want := reference(qkv, limit)
				testkit.MLX(t, func(s *mlx.Scope) error {
					full := &nn.KVCache{Block: 4}
					sliding := &nn.WindowCache{Window: window}
					defer full.Free()
					defer sliding.Free()
					cache := nn.Cache(full)
					if name == "window" {
						cache = sliding
					}
					rows := s.Floats(qkv, time, (heads+2*kvHeads)*dim)
					var parts []mlx.Array
					at := 0
					for _, n := range pieces {
						parts = append(parts, cache.Attend(s, s.SliceAxis(rows, 0, at, at+n), shape))
						at += n
					}
					got := s.ReadFloats(s.Concat(0, parts...))
					for i := range want {
						if math.Abs(float64(got[i]-want[i])) > 1e-5 {
							return fmt.Errorf("element %d: %g, want %g", i, got[i], want[i])
						}
					}
					return nil
				})
			})
		}
	}
}
