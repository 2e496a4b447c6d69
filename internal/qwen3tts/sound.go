package qwen3tts

import (
	"slices"

	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// sound is samples on their way: the decoder makes them on a stream of its own, beside the next frames.
type sound struct {
	scope *mlx.Scope
	wave  mlx.Array // [n·1920]
}

// beginSound has the row's waiting frames decoded, once the frames before are.
func (g *generation) beginSound(r *row) error {
	if err := g.giveSound(r, true); err != nil {
		return err
	}
	codes, n := slices.Concat(r.waiting...), len(r.waiting)
	r.waiting, r.chunk = nil, min(2*r.chunk, largestChunk)
	return g.do(g.ctx, func() error {
		s := mlx.NewScope()
		r.sound = &sound{scope: s}
		s.Beside(func() {
			r.sound.wave = r.voice.stream.decode(s, s.Ints(codes, n, g.cfg.Talker.CodeGroups))
			s.AsyncEval(append(r.voice.stream.state(), r.sound.wave)...)
		})
		return s.Err()
	})
}

// giveSound gives the samples that are on their way to the row's sink, if they are there or when wait is true. The sink
// may be slow: it isn't the MLX thread that waits for it.
func (g *generation) giveSound(r *row, wait bool) error {
	if r.sound == nil {
		return nil
	}
	var pcm []float32
	err := g.do(g.ctx, func() error {
		s := r.sound.scope
		if !wait && g.probe == nil && !s.Ready(r.sound.wave) {
			return s.Err()
		}
		pcm = s.ReadFloats(r.sound.wave)
		g.lap(s, PartCodec)
		r.sound = nil
		return s.Close()
	})
	if err != nil || pcm == nil {
		return err
	}
	if slices.ContainsFunc(pcm, func(x float32) bool { return x != x }) {
		return tts.Errorf(tts.CodeCorrupt, "The model's weights are probably damaged. Download it again.", "the model's sound is not a number")
	}
	r.made.Samples += len(pcm)
	return r.Sink.WriteSamples(pcm)
}

// free waits for samples that nobody wants any more, so that what they need is free afterwards.
func (d *sound) free() error {
	if d == nil {
		return nil
	}
	d.scope.Eval(d.wave)
	return d.scope.Close()
}
