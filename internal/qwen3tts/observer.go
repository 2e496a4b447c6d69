package qwen3tts

import (
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// observer tells the caller of each frame. Without a caller who wants to know it does nothing.
type observer struct {
	tell func(tts.Frame) bool
	end  []mlx.Array // [1, 1]: how likely the end was in the present frame; empty when nobody wants to know
}

// see takes the logits [1, vocab] that the first code is drawn from, at temperature 1.
func (o *observer) see(s *mlx.Scope, logits mlx.Array, eos int) {
	if o.tell != nil {
		o.end = []mlx.Array{s.SliceAxis(s.Softmax(logits, 1), 1, eos, eos+1)}
	}
}

// goesOn tells of a frame whose arrays are computed, and gives the caller's answer.
func (o *observer) goesOn(s *mlx.Scope, frame []int32) bool {
	if o.tell == nil {
		return true
	}
	end := s.ReadFloats(o.end[0])
	return s.Err() != nil || o.tell(tts.Frame{Codes: frame, End: float64(end[0])})
}
