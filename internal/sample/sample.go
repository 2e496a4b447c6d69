// Package sample turns logits into tokens on the device: repetition penalty, suppression, temperature, top-k, top-p
// and the draw, in the order and with the ties of the official package (Hugging Face's logits processors).
package sample

import (
	"math"

	mlx "ttsui/mlxbridge"
)

// Params is how a token is drawn. A Temperature of 0 is greedy: the largest logit wins and the rest has no effect.
type Params struct {
	Temperature float32
	TopK        int     // keep values ≥ the k-th largest; 0 keeps all
	TopP        float32 // keep the likeliest values whose probabilities reach p; ≥ 1 keeps all
}

// Draw gives a token (Uint32) for each row of logits [rows, vocab], all by one key: [rows]. A greedy one needs no key.
func (p Params) Draw(s *mlx.Scope, logits mlx.Array, key uint64) mlx.Array {
	if p.Temperature == 0 {
		return s.ArgMax(logits, -1, false)
	}
	return s.Categorical(p.Filter(s, logits), key)
}

// Filter divides logits by the temperature, in Float32, and sets those that can't be drawn to −∞.
func (p Params) Filter(s *mlx.Scope, logits mlx.Array) mlx.Array {
	return s.Filter(logits, p.Temperature, p.TopK, min(p.TopP, 1))
}

// Penalize makes tokens that were drawn before less likely: logit/r when it is positive, else logit·r, once for each
// distinct token (Keskar et al. 2019). logits are [1, vocab], seen [vocab] is Bool.
func Penalize(s *mlx.Scope, logits, seen mlx.Array, r float32) mlx.Array {
	if r == 1 {
		return logits
	}
	lower := s.Where(s.GreaterScalar(logits, 0), s.DivScalar(logits, r), s.MulScalar(logits, r))
	return s.Where(seen, lower, logits)
}

// See marks token [1] in seen [vocab].
func See(s *mlx.Scope, seen, token mlx.Array) mlx.Array {
	ids := s.Arange(0, s.Dim(seen, 0), mlx.Uint32)
	return s.Or(seen, s.Equal(ids, token))
}

// Suppress gives the addend [vocab] that makes tokens impossible: −∞ where suppressed says so, else 0.
func Suppress(s *mlx.Scope, vocab int, suppressed func(token int) bool) mlx.Array {
	mask := make([]float32, vocab)
	for i := range mask {
		if suppressed(i) {
			mask[i] = float32(math.Inf(-1))
		}
	}
	return s.Floats(mask, vocab)
}

// Key is the key of draw n ≤ 255 of a step. Seed, step and n give the same key everywhere.
func Key(seed uint64, step, n int) uint64 {
	// The finaliser of SplitMix64 (Steele, Lea, Flood 2014) spreads neighbouring seeds, steps and draws.
	z := seed + (uint64(step+1)<<8+uint64(n))*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
