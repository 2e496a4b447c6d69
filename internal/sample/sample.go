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

// Draw gives one token [1] (Uint32) for logits [vocab] (Float32). key [2] is only used when it isn't greedy.
func (p Params) Draw(s *mlx.Scope, logits, key mlx.Array) mlx.Array {
	if p.Temperature == 0 {
		return s.ArgMax(logits, -1, true)
	}
	return s.Reshape(s.RandomCategorical(p.Filter(s, logits), key), 1)
}

// Greedy reports whether Draw needs no key.
func (p Params) Greedy() bool { return p.Temperature == 0 }

// Filter divides logits [vocab] by the temperature and sets those that can't be drawn to −∞.
func (p Params) Filter(s *mlx.Scope, logits mlx.Array) mlx.Array {
	l := s.DivScalar(logits, p.Temperature)
	never := s.Full(float32(math.Inf(-1)), mlx.Float32)
	if vocab := s.Dim(l, 0); p.TopK > 0 && p.TopK < vocab {
		kth := s.SliceAxis(s.Sort(l, 0), 0, vocab-p.TopK, vocab-p.TopK+1) // [1]
		l = s.Where(s.GreaterEqual(l, kth), l, never)
	}
	if p.TopP < 1 {
		l = s.Where(s.GreaterEqual(l, p.floor(s, l)), l, never)
	}
	return l
}

// floor is the smallest logit [1] that top-p keeps: going up from the least likely, logits are dropped while their
// probabilities add up to no more than 1−p; the best always stays.
func (p Params) floor(s *mlx.Scope, l mlx.Array) mlx.Array {
	up := s.Sort(l, 0)
	total := s.CumSum(s.Softmax(up, 0), 0)
	kept := s.Where(s.GreaterScalar(total, 1-p.TopP), s.Neg(up), s.Full(float32(math.Inf(-1)), mlx.Float32))
	smallest := s.Neg(s.Max(kept, 0, true))
	return s.Minimum(smallest, s.Max(l, 0, true))
}

// Penalize makes tokens that were drawn before less likely: logit/r when it is positive, else logit·r, once for each
// distinct token (Keskar et al. 2019). seen [vocab] is Bool.
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

// Key gives draw number n of the step's random sequence, [2].
func Key(s *mlx.Scope, keys mlx.Array, n int) mlx.Array {
	return s.Reshape(s.SliceAxis(keys, 0, n, n+1), 2)
}

// Keys makes n independent keys [n, 2] for one step of a sequence. Seed and step give the same keys everywhere.
func Keys(s *mlx.Scope, seed uint64, step, n int) mlx.Array {
	// The finaliser of SplitMix64 (Steele, Lea, Flood 2014) spreads neighbouring seeds and steps.
	z := seed + uint64(step+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return s.RandomSplit(s.RandomKey(z^z>>31), n)
}
