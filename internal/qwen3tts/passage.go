package qwen3tts

import (
	"cmp"

	mlx "ttsui/mlxbridge"
)

// longHead is how many rows of a prompt that depend on the voice alone are worth a pass of their own, which reads the
// weights once more, and is remembered for the next text.
const longHead = 16

// passage is rows of prompts that the talker has read.
type passage struct {
	past   caches   // without room for more rows
	hidden mlx.Held // [1, H]: the talker's output for the last row
}

func (p *passage) free() error { return cmp.Or(p.past.free(), p.hidden.Free()) }

// read sends a prompt through the talker and lets the row continue from it. It gives the count of the prompt's rows
// that needn't be read, since they are remembered. A prompt is cut at the same place whether its head is remembered or
// not, so that a line is the same to the last bit.
func (g *generation) read(s *mlx.Scope, p prompt, r *row) (reused int) {
	rows := s.Dim(p.prefill, 0)
	all, known := recall[*passage](&g.memory, p.key)
	if known {
		r.continueFrom(s, all)
		return rows
	}
	var head *passage
	rest := p.prefill
	if p.head >= longHead {
		rest = s.SliceAxis(p.prefill, 0, p.head, rows)
		if head, known = recall[*passage](&g.memory, p.headKey); known {
			reused = p.head
		} else {
			head = g.pass(s, s.SliceAxis(p.prefill, 0, 0, p.head), nil)
		}
	}
	all = g.pass(s, rest, head)
	r.continueFrom(s, all)
	if head != nil && reused == 0 {
		g.memory.keep(s, p.headKey, head, head.state())
	}
	g.memory.keep(s, p.key, all, all.state())
	return reused
}

// pass sends rows [n, H] that follow before, if there is one, through the talker.
func (g *generation) pass(s *mlx.Scope, rows mlx.Array, before *passage) *passage {
	p := &passage{past: g.talker.decoder.newCaches(1)}
	if before != nil {
		p.past.continueFrom(s, before.past)
	}
	s.Hold(&p.hidden, g.talker.forward(s, rows, p.past))
	return p
}

func (p *passage) state() []mlx.Array { return append(p.past.state(), p.hidden.Array()) }

func (r *row) continueFrom(s *mlx.Scope, p *passage) {
	r.past.continueFrom(s, p.past)
	s.Hold(&r.hidden, s.Alias(p.hidden.Array()))
}
