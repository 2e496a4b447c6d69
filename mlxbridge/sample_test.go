package mlxbridge_test

import (
	"math"
	"slices"

	mlx "ttsui/mlxbridge"
)

// filterTop is what a filter keeps: the k largest, and of those the likeliest up to p.
type filterTop struct {
	k int
	p float64
}

// What is kept is the logit by temperature, what is not stands here as −10⁶, less than all that float16 has. Some logits are equal.
func filterBody(top filterTop, dtype mlx.DType) func(*mlx.Scope, *random) ([]float64, mlx.Array) {
	return func(s *mlx.Scope, r *random) ([]float64, mlx.Array) {
		const vocab, temperature = 301, 0.75
		var y []float64
		var x []float32
		for range 2 {
			row := r.floats(vocab)
			for i := range row { // halves of whole numbers, so that bfloat16 has them exactly
				row[i] = float32(math.Round(float64(row[i])*40)) / 2
			}
			row[7] = float32(math.Inf(-1))
			x = append(x, row...)
			y = append(y, filtered(row, temperature, top)...)
		}
		kept := s.Filter(s.AsType(s.Floats(x, 2, vocab), dtype), temperature, top.k, float32(top.p))
		return y, s.MaxScalar(kept, -1e6)
	}
}

func filtered(logits []float32, temperature float64, top filterTop) []float64 {
	var y []float64
	for _, l := range logits {
		y = append(y, float64(l)/temperature)
	}
	up := slices.Sorted(slices.Values(y))
	least := up[0]
	if top.k > 0 && top.k < len(up) {
		least = up[len(up)-top.k]
	}
	if top.p < 1 {
		up = slices.DeleteFunc(up, func(l float64) bool { return l < least })
		sum, total := 0.0, 0.0
		for _, l := range up {
			sum += math.Exp(l)
		}
		for i := 0; i < len(up) && total <= (1-top.p)*sum; i++ {
			total += math.Exp(up[i])
			least = up[i]
		}
	}
	for i := range y {
		if y[i] < least || math.IsInf(y[i], -1) {
			y[i] = -1e6
		}
	}
	return y
}

// What argmax(logits + mx.random.gumbel(…)) of MLX 0.32.4 for Python gives with these keys: each draw of 2, 5 and 64 logits, and then of
// five rows at once.
func categoricalBody(s *mlx.Scope, _ *random) ([]float64, mlx.Array) {
	want := []float64{0, 3, 9, 0, 4, 16, 0, 3, 59, 0, 3, 61, 0, 2, 48, 0, 2, 27, 0, 4, 32, 0, 4, 34, 0, 4, 15, 0, 2, 26, 0, 4, 54, 0, 2, 62, 2, 5, 7, 5, 2}
	var draws []mlx.Array
	for key := range uint64(12) {
		for _, vocab := range []int{2, 5, 64} {
			logits := make([]float32, vocab)
			for i := range logits {
				logits[i] = float32(i%7) / 3
			}
			logits[1] = float32(math.Inf(-1))
			draws = append(draws, s.Categorical(s.Floats(logits, 1, vocab), key<<40|key))
		}
	}
	var rows []float32
	for j := range 5 {
		for i := range 9 {
			rows = append(rows, float32(i*(j+1)%11)/4)
		}
	}
	draws = append(draws, s.Categorical(s.Floats(rows, 5, 9), 5<<32|77))
	// With this key the bits of number 5 are so many that in float32 they are 1: its noise is still finite.
	draws = append(draws, s.Categorical(s.Floats([]float32{0, 0, 0, 40, 0, 0, 0, 0}, 1, 8), 4736190))
	want = append(want, 3)
	return want, s.AsType(s.Concat(0, draws...), mlx.Float32)
}
