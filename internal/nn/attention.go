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
	q, k, v, o   Linear
	qNorm, kNorm RMSNorm // [HeadDim], when cfg.QKNorm
}

// Attention makes the block from name.{q,k,v,o}_proj, without biases, and name.{q,k}_norm.
func (w *Weights) Attention(name string, cfg AttentionConfig) Attention {
	a := Attention{
		cfg: cfg,
		q:   w.Linear(name+".q_proj", cfg.Width, cfg.Heads*cfg.HeadDim, false),
		k:   w.Linear(name+".k_proj", cfg.Width, cfg.KVHeads*cfg.HeadDim, false),
		v:   w.Linear(name+".v_proj", cfg.Width, cfg.KVHeads*cfg.HeadDim, false),
		o:   w.Linear(name+".o_proj", cfg.Heads*cfg.HeadDim, cfg.Width, false),
	}
	if cfg.QKNorm {
		a.qNorm = w.RMSNorm(name+".q_norm", cfg.HeadDim, cfg.NormEps)
		a.kNorm = w.RMSNorm(name+".k_norm", cfg.HeadDim, cfg.NormEps)
	}
	return a
}

// Apply attends from new rows to themselves and to what came before them, causally. x [batch·time, Width] holds the
// rows of one sequence below those of another, as many of each; each sequence has its cache, to which its rows are
// added. Sequences don't see one another: only the weights are theirs together.
func (a Attention) Apply(s *mlx.Scope, x mlx.Array, caches ...Cache) mlx.Array {
	q, k, v := a.q.Apply(s, x), a.k.Apply(s, x), a.v.Apply(s, x)
	time := s.Dim(x, 0) / len(caches)
	var rows []mlx.Array // of each sequence, [time, heads·dim]
	for i, cache := range caches {
		own := func(y mlx.Array) mlx.Array { return s.SliceAxis(y, 0, i*time, (i+1)*time) }
		rows = append(rows, a.attend(s, own(q), own(k), own(v), cache))
	}
	return a.o.Apply(s, s.Concat(0, rows...))
}

// attend attends from the rows of one sequence, q [time, heads·dim], k and v [time, kv heads·dim]. The result has q's
// shape.
func (a Attention) attend(s *mlx.Scope, q, k, v mlx.Array, cache Cache) mlx.Array {
	time, at := s.Dim(q, 0), cache.Len()
	heads := func(y mlx.Array, n int) mlx.Array { return s.Reshape(y, 1, time, n, a.cfg.HeadDim) }
	q = heads(q, a.cfg.Heads)   // [1, time, heads, dim]
	k = heads(k, a.cfg.KVHeads) // [1, time, kv heads, dim]
	v = heads(v, a.cfg.KVHeads) // [1, time, kv heads, dim]
	if a.cfg.QKNorm {
		q, k = a.qNorm.Apply(s, q), a.kNorm.Apply(s, k)
	}
	turn := func(y mlx.Array) mlx.Array { return s.Transpose(y, 0, 2, 1, 3) } // [1, heads, time, dim] and back
	q = s.RoPE(turn(q), a.cfg.HeadDim, a.cfg.Theta, at)
	k = s.RoPE(turn(k), a.cfg.HeadDim, a.cfg.Theta, at)
	scale := float32(1 / math.Sqrt(float64(a.cfg.HeadDim)))
	y := turn(cache.Attend(s, q, k, turn(v), scale)) // [1, time, heads, dim]
	return s.Reshape(y, time, a.cfg.Heads*a.cfg.HeadDim)
}

// Cache remembers keys and values of past rows.
type Cache interface {
	// Len is the count of rows so far: the position of the next one.
	Len() int
	// Attend adds the rows of k and v [1, kv heads, time, dim] and attends to them and to the past from q [1, heads,
	// time, dim], causally. The result has q's shape.
	Attend(s *mlx.Scope, q, k, v mlx.Array, scale float32) mlx.Array
}

// KVCache remembers all rows. It is allocated ahead and written in place.
type KVCache struct {
	Block  int // rows are allocated in multiples of this
	k, v   mlx.Held
	length int
	room   int
}

// Len is the count of rows so far.
func (c *KVCache) Len() int { return c.length }

// Reset forgets all rows and keeps the memory for the next ones.
func (c *KVCache) Reset() { c.length = 0 }

// State lists the arrays that the cache holds.
func (c *KVCache) State() []mlx.Array { return []mlx.Array{c.k.Array(), c.v.Array()} }

// Continue lets an empty cache begin with the rows of another, which stays as it is: there is no room behind them, so
// the next ones make a copy.
func (c *KVCache) Continue(s *mlx.Scope, from *KVCache) {
	s.Hold(&c.k, s.SliceAxis(from.k.Array(), 2, 0, from.length))
	s.Hold(&c.v, s.SliceAxis(from.v.Array(), 2, 0, from.length))
	c.length, c.room = from.length, from.length
}

// Free frees the memory.
func (c *KVCache) Free() error {
	err := c.k.Free()
	if e := c.v.Free(); err == nil {
		err = e
	}
	c.length, c.room = 0, 0
	return err
}

// Attend implements Cache.
func (c *KVCache) Attend(s *mlx.Scope, q, k, v mlx.Array, scale float32) mlx.Array {
	time := s.Dim(k, 2)
	c.grow(s, k, c.length+time)
	s.Hold(&c.k, s.SliceUpdate(c.k.Array(), k, 0, 0, c.length, 0))
	s.Hold(&c.v, s.SliceUpdate(c.v.Array(), v, 0, 0, c.length, 0))
	if s.Err() != nil {
		return mlx.Array{}
	}
	c.length += time
	keys := s.SliceAxis(c.k.Array(), 2, 0, c.length)
	values := s.SliceAxis(c.v.Array(), 2, 0, c.length)
	if time == 1 {
		return s.Attention(q, keys, values, scale, mlx.Array{})
	}
	return s.CausalAttention(q, keys, values, scale)
}

// grow makes room for rows of the kind of like [1, kv heads, time, dim].
func (c *KVCache) grow(s *mlx.Scope, like mlx.Array, rows int) {
	if rows <= c.room {
		return
	}
	room := (rows + c.Block - 1) / c.Block * c.Block
	more := s.Zeros(s.DType(like), 1, s.Dim(like, 1), room-c.room, s.Dim(like, 3))
	for _, h := range []*mlx.Held{&c.k, &c.v} {
		s.Hold(h, s.Concat(2, h.Array(), more))
	}
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
func (c *WindowCache) Attend(s *mlx.Scope, q, k, v mlx.Array, scale float32) mlx.Array {
	time, past := s.Dim(k, 2), min(c.length, c.Window-1)
	k = s.Concat(2, c.k.Array(), k) // [1, heads, past+time, dim]
	v = s.Concat(2, c.v.Array(), v)
	var mask mlx.Array
	if time > 1 {
		mask = c.mask(s, past, time, s.DType(q))
	}
	y := s.Attention(q, k, v, scale, mask)
	rows := past + time
	s.Hold(&c.k, s.SliceAxis(k, 2, max(0, rows-c.Window+1), rows))
	s.Hold(&c.v, s.SliceAxis(v, 2, max(0, rows-c.Window+1), rows))
	if s.Err() == nil {
		c.length += time
	}
	return y
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
