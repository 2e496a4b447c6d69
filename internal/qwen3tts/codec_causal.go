package qwen3tts

import (
	"cmp"

	"ttsui/internal/nn"
	mlx "ttsui/mlxbridge"
)

// causal is a convolution that sees the past and not the future: a signal may come piece by piece.
type causal struct {
	apply        func(s *mlx.Scope, x mlx.Array) mlx.Array // without padding
	span, stride int                                       // input rows that an output row sees, and between two of them
}

func causalConv(c nn.Conv1D) *causal { return &causal{c.Apply, c.Span(), c.Stride} }

func causalTranspose(c nn.ConvTranspose1D) *causal { return &causal{c.Apply, c.Span(), 1} }

// past holds, for each convolution of a pass over a signal, the input rows that its next output rows will see again:
// the last span−stride. At the beginning these are zeros.
type past map[*causal]*mlx.Held

// feed convolves the next rows x [time, in]; a stride gives ceil(time/stride) rows. Only the last piece of a signal may
// end within a stride: it is filled up with zeros.
func (p past) feed(s *mlx.Scope, c *causal, x mlx.Array) mlx.Array {
	keep, missing := c.span-c.stride, (c.stride-s.Dim(x, 0)%c.stride)%c.stride
	if keep > 0 {
		before := p.rows(s, c, s.Dim(x, 1))
		x = s.Concat(0, before.Array(), x) // [keep+time, in]
		rows := s.Dim(x, 0)
		// Copied into memory of their own: a slice would keep all of x.
		s.Hold(before, s.SliceUpdate(before.Array(), s.SliceAxis(x, 0, rows-keep, rows), 0, 0))
	}
	if missing > 0 {
		x = s.Pad(x, 0, 0, missing)
	}
	return c.apply(s, x)
}

func (p past) rows(s *mlx.Scope, c *causal, width int) *mlx.Held {
	if p[c] == nil {
		p[c] = &mlx.Held{}
	}
	if p[c].Array().IsNil() {
		s.Hold(p[c], s.Zeros(mlx.Float32, c.span-c.stride, width))
	}
	return p[c]
}

// state lists the rows held.
func (p past) state() []mlx.Array {
	var list []mlx.Array
	for _, held := range p {
		list = append(list, held.Array())
	}
	return list
}

func (p past) free() (err error) {
	for _, held := range p {
		err = cmp.Or(err, held.Free())
	}
	clear(p)
	return err
}
