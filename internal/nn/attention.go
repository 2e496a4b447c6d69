package nn

import (
	"math"

	mlx "ttsui/mlxbridge"
)

// AttentionConfig is the shape of an attention block.
type AttentionConfig struct {
	Width   int     // of the activations
	Heads   int     // of the queries
	KVHeads int     // of keys and values; divides Heads
	HeadDim int     // of each head; Heads·HeadDim need not be Width
	Theta   float32 // base of the rotary angles
	QKNorm  bool    // RMSNorm over each head's query and key, before RoPE
	NormEps float32 // of QKNorm
}

// Attention is multi-head attention with rotary positions (rotate-half pairing over the whole head).
type Attention struct {
	cfg          AttentionConfig
	qkv          stack
	o            Linear
	qNorm, kNorm RMSNorm // [HeadDim], when cfg.QKNorm
}

// Attention makes the block from name.{q,k,v,o}_proj, without biases, and name.{q,k}_norm.
func (w *Weights) Attention(name string, cfg AttentionConfig) Attention {
	q := w.Linear(name+".q_proj", cfg.Width, cfg.Heads*cfg.HeadDim, false)
	k := w.Linear(name+".k_proj", cfg.Width, cfg.KVHeads*cfg.HeadDim, false)
	v := w.Linear(name+".v_proj", cfg.Width, cfg.KVHeads*cfg.HeadDim, false)
	a := Attention{cfg: cfg, qkv: w.stack(q, k, v), o: w.Linear(name+".o_proj", cfg.Heads*cfg.HeadDim, cfg.Width, false)}
	if cfg.QKNorm {
		a.qNorm = w.RMSNorm(name+".q_norm", cfg.HeadDim, cfg.NormEps)
		a.kNorm = w.RMSNorm(name+".k_norm", cfg.HeadDim, cfg.NormEps)
	}
	return a
}

// Apply attends from new rows x [time, Width] to themselves and to what came before them, causally, and adds them to the
// cache.
func (a Attention) Apply(s *mlx.Scope, x mlx.Array, cache Cache) mlx.Array {
	return a.o.Apply(s, cache.Attend(s, a.qkv.project(s, x, mlx.Projection{}), a.heads()))
}

// Residual gives x + a(norm(x)). x [sequences·time, Width] holds the rows of one sequence below those of another, as many
// of each; each sequence has its cache, to which its rows are added. Sequences don't see one another: only the weights are
// theirs together.
func (a Attention) Residual(s *mlx.Scope, x mlx.Array, norm RMSNorm, caches ...*KVCache) mlx.Array {
	y := attend(s, a.qkv.project(s, x, norm.before()), a.heads(), caches...)
	return a.o.project(s, y, mlx.Projection{Add: x})
}

func (a Attention) heads() Heads {
	return Heads{
		Attender: mlx.Attender{Heads: a.cfg.Heads, QNorm: a.qNorm.w, KNorm: a.kNorm.w, Eps: a.cfg.NormEps, Theta: a.cfg.Theta},
		KVHeads:  a.cfg.KVHeads, Dim: a.cfg.HeadDim,
	}
}

// Heads is what rows of queries, keys and values consist of, and what becomes of them.
type Heads struct {
	mlx.Attender
	KVHeads int // divides Heads
	Dim     int // of each head
}

// Cache remembers keys and values of past rows.
type Cache interface {
	// Len is the count of rows so far: the position of the next one.
	Len() int
	// Attend adds rows qkv [time, (Heads + 2·KVHeads)·Dim], queries, keys and values side by side, and attends from them to
	// themselves and to the past, causally. It gives [time, Heads·Dim].
	Attend(s *mlx.Scope, qkv mlx.Array, h Heads) mlx.Array
}

// KVCache remembers all rows. It is allocated ahead and written in place.
type KVCache struct {
	Block  int      // rows are allocated in multiples of this
	kv     mlx.Held // [2, kv heads, room, dim]: keys, and values
	length int
	room   int
}

// Len is the count of rows so far.
func (c *KVCache) Len() int { return c.length }

// Reset forgets all rows and keeps the memory for the next ones.
func (c *KVCache) Reset() { c.length = 0 }

// State is the array that the cache holds.
func (c *KVCache) State() mlx.Array { return c.kv.Array() }

// Continue lets an empty cache begin with the rows of another, which stays as it is: there is no room behind them, so
// the next ones make a copy.
func (c *KVCache) Continue(s *mlx.Scope, from *KVCache) {
	s.Hold(&c.kv, s.SliceAxis(from.kv.Array(), 2, 0, from.length))
	c.length, c.room = from.length, from.length
}

// Free frees the memory.
func (c *KVCache) Free() error {
	c.length, c.room = 0, 0
	return c.kv.Free()
}

// Attend implements Cache.
func (c *KVCache) Attend(s *mlx.Scope, qkv mlx.Array, h Heads) mlx.Array { return attend(s, qkv, h, c) }

// attend has the rows qkv [sequences·time, (Heads + 2·KVHeads)·Dim] of several sequences attend, each to its cache. It gives
// [sequences·time, Heads·Dim].
func attend(s *mlx.Scope, qkv mlx.Array, h Heads, caches ...*KVCache) mlx.Array {
	time := s.Dim(qkv, 0) / len(caches)
	var past []mlx.KV
	for _, c := range caches {
		c.grow(s, s.DType(qkv), h, c.length+time)
		past = append(past, mlx.KV{Cache: c.kv.Array(), At: c.length})
	}
	y, next := s.Attend(qkv, h.Attender, past...)
	for i, c := range caches {
		s.Hold(&c.kv, next[i].Cache)
		if s.Err() == nil {
			c.length = next[i].At
		}
	}
	return y
}

// grow makes room for rows.
func (c *KVCache) grow(s *mlx.Scope, dtype mlx.DType, h Heads, rows int) {
	if rows <= c.room {
		return
	}
	room := (rows + c.Block - 1) / c.Block * c.Block
	s.Hold(&c.kv, s.Concat(2, c.kv.Array(), s.Zeros(dtype, 2, h.KVHeads, room-c.room, h.Dim)))
	if s.Err() == nil {
		c.room = room
	}
}

// WindowCache remembers the last Window−1 rows: a query sees itself and the Window−1 rows before it.
type WindowCache struct {
	Window int
	k, v   mlx.Held
	length int // rows so far, forgotten ones included
}

// Len is the count of rows so far.
func (c *WindowCache) Len() int { return c.length }

// State lists the arrays that the cache holds, which an evaluation of what Attend gave leaves open.
func (c *WindowCache) State() []mlx.Array {
	if c.k.Array().IsNil() {
		return nil
	}
	return []mlx.Array{c.k.Array(), c.v.Array()}
}

// Continue lets an empty cache begin with the rows of another, which stays as it is.
func (c *WindowCache) Continue(s *mlx.Scope, from *WindowCache) {
	if !from.k.Array().IsNil() {
		s.Hold(&c.k, s.Alias(from.k.Array()))
		s.Hold(&c.v, s.Alias(from.v.Array()))
	}
	c.length = from.length
}

// Free frees the memory and forgets all rows.
func (c *WindowCache) Free() error {
	err := c.k.Free()
	if e := c.v.Free(); err == nil {
		err = e
	}
	c.length = 0
	return err
}

// Attend implements Cache.
func (c *WindowCache) Attend(s *mlx.Scope, qkv mlx.Array, h Heads) mlx.Array {
	time, past := s.Dim(qkv, 0), min(c.length, c.Window-1)
	part := func(first, heads int, norm mlx.Array) mlx.Array { // [1, heads, time, dim]
		x := s.Reshape(s.SliceAxis(qkv, 1, first*h.Dim, (first+heads)*h.Dim), 1, time, heads, h.Dim)
		if !norm.IsNil() {
			x = s.RMSNorm(x, norm, h.Eps)
		}
		return s.Transpose(x, 0, 2, 1, 3)
	}
	q := s.RoPE(part(0, h.Heads, h.QNorm), h.Dim, h.Theta, c.length)
	k := s.RoPE(part(h.Heads, h.KVHeads, h.KNorm), h.Dim, h.Theta, c.length)
	v := part(h.Heads+h.KVHeads, h.KVHeads, mlx.Array{})
	k = s.Concat(2, c.k.Array(), k) // [1, kv heads, past+time, dim]
	v = s.Concat(2, c.v.Array(), v)
	var mask mlx.Array
	if time > 1 {
		mask = c.mask(s, past, time, s.DType(q))
	}
	y := s.Attention(q, k, v, float32(1/math.Sqrt(float64(h.Dim))), mask)
	rows := past + time
	s.Hold(&c.k, s.SliceAxis(k, 2, max(0, rows-c.Window+1), rows))
	s.Hold(&c.v, s.SliceAxis(v, 2, max(0, rows-c.Window+1), rows))
	if s.Err() == nil {
		c.length += time
	}
	return s.Reshape(s.Transpose(y, 0, 2, 1, 3), time, h.Heads*h.Dim)
}

// mask is [time, past+time]: 0 where query i sees key j, 0 ≤ i−j < Window, else −∞.
func (c *WindowCache) mask(s *mlx.Scope, past, time int, dtype mlx.DType) mlx.Array {
	never := float32(math.Inf(-1))
	m := make([]float32, time*(past+time))
	for i := range time {
		for j := range past + time {
			if d := past + i - j; d < 0 || d >= c.Window {
				m[i*(past+time)+j] = never
			}
		}
	}
	return s.AsType(s.Floats(m, time, past+time), dtype)
}
