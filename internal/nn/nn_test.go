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

// Attention by the definition: row t of the result sees rows max(0, t−window+1)…t.
func reference(q, k, v []float32, heads, kvHeads, time, dim, window int) []float32 {
	out := make([]float32, heads*time*dim)
	for h := range heads {
		kv := h / (heads / kvHeads)
		for t := range time {
			first := max(0, t-window+1)
			var sum float64
			acc := make([]float64, dim)
			for j := first; j <= t; j++ {
				var dot float64
				for d := range dim {
					dot += float64(q[(h*time+t)*dim+d]) * float64(k[(kv*time+j)*dim+d])
				}
				p := math.Exp(dot / math.Sqrt(float64(dim)))
				sum += p
				for d := range dim {
					acc[d] += p * float64(v[(kv*time+j)*dim+d])
				}
			}
			for d := range dim {
				out[(h*time+t)*dim+d] = float32(acc[d] / sum)
			}
		}
	}
	return out
}

// Whatever the pieces in which rows arrive, a cache gives what one pass over all rows gives.
func TestCachesEqualOnePass(t *testing.T) {
	const heads, kvHeads, time, dim, window = 4, 2, 23, 8, 5
	r := rand.New(rand.NewPCG(1, 2))
	q, k, v := random(r, heads*time*dim), random(r, kvHeads*time*dim), random(r, kvHeads*time*dim)
	for _, pieces := range [][]int{{23}, {1, 1, 1, 1, 1, 1, 1, 16}, {10, 1, 7, 5}, {3, 20}} {
		for name, limit := range map[string]int{"all": time, "window": window} {
			t.Run(fmt.Sprint(name, pieces), func(t *testing.T) {
				want := reference(q, k, v, heads, kvHeads, time, dim, limit)
				testkit.MLX(t, func(s *mlx.Scope) error {
					full := &nn.KVCache{Block: 4}
					sliding := &nn.WindowCache{Window: window}
					defer full.Free()
					defer sliding.Free()
					cache := nn.Cache(full)
					if name == "window" {
						cache = sliding
					}
					var parts []mlx.Array
					Q, K, V := s.Floats(q, 1, heads, time, dim), s.Floats(k, 1, kvHeads, time, dim), s.Floats(v, 1, kvHeads, time, dim)
					if name == "window" { // the codec's attention has as many key heads as query heads
						K, V = s.Reshape(s.Concat(2, s.Reshape(K, kvHeads, 1, time*dim, 1), s.Reshape(K, kvHeads, 1, time*dim, 1)), 1, heads, time, dim),
							s.Reshape(s.Concat(2, s.Reshape(V, kvHeads, 1, time*dim, 1), s.Reshape(V, kvHeads, 1, time*dim, 1)), 1, heads, time, dim)
					}
					at := 0
					for _, n := range pieces {
						cut := func(a mlx.Array) mlx.Array { return s.SliceAxis(a, 2, at, at+n) }
						parts = append(parts, cache.Attend(s, cut(Q), cut(K), cut(V), float32(1/math.Sqrt(dim))))
						at += n
					}
					got := s.ReadFloats(s.Concat(2, parts...))
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
