package qwen3tts

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"

	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// referencePiece is how many frames of the reference the codec hears at once.
const referencePiece = 64

// voice is what is known of a reference clip, and where the codec decoder stands that speaks after it.
type voice struct {
	speaker mlx.Held     // [H]: the clip's x-vector
	codes   mlx.Held     // [T, 16] Int32: its frames; nil without a transcript
	stream  *codecStream // has heard the frames
}

// remember lets v be as far as from is.
func (v *voice) remember(s *mlx.Scope, from *voice) {
	if a := from.speaker.Array(); !a.IsNil() {
		s.Hold(&v.speaker, s.Alias(a))
	}
	if a := from.codes.Array(); !a.IsNil() {
		s.Hold(&v.codes, s.Alias(a))
		v.stream.continueFrom(s, from.stream)
	}
}

func (v *voice) state() []mlx.Array {
	var list []mlx.Array
	for _, h := range []*mlx.Held{&v.speaker, &v.codes} {
		if !h.Array().IsNil() {
			list = append(list, h.Array())
		}
	}
	return append(list, v.stream.state()...)
}

func (v *voice) free() error { return cmp.Or(v.speaker.Free(), v.codes.Free(), v.stream.free()) }

// fingerprint tells clips apart.
func fingerprint(pcm []float32) string {
	h := sha256.New()
	block := make([]byte, 0, 1<<16)
	for piece := range slices.Chunk(pcm, cap(block)/4) {
		block = block[:0]
		for _, x := range piece {
			block = binary.LittleEndian.AppendUint32(block, math.Float32bits(x))
		}
		_, _ = h.Write(block)
	}
	return string(h.Sum(nil))
}

// listen makes the row's voice: the x-vector of the clip and, when there is a transcript, its codes, which the codec
// decoder hears so that the speech continues them without a seam. What was heard before isn't heard again.
func (g *generation) listen(r *row) error {
	r.clip = fingerprint(r.Reference)
	heard := g.recall(r)
	knewSpeaker, err := g.learn(r, "speaker "+r.clip, func(v *voice) error { return g.embed(r, v, heard.Speaker) })
	if err == nil && tts.Says(r.RefText) {
		var knewCodes bool
		knewCodes, err = g.learn(r, "codes "+r.clip, func(v *voice) error { return g.transcribe(r, v, heard.Codes) })
		knewSpeaker = knewSpeaker && knewCodes
	}
	if err != nil {
		return err
	}
	r.made.ReusedReference = knewSpeaker
	return g.keep(r, heard)
}

// learn gives the row's voice what is remembered under key, or else does the work, and remembers.
func (g *generation) learn(r *row, key string, work func(v *voice) error) (known bool, err error) {
	err = g.step(func(s *mlx.Scope) error {
		var old *voice
		if old, known = recall[*voice](&g.memory, key); known {
			r.voice.remember(s, old)
		}
		return nil
	})
	if err != nil || known {
		return known, err
	}
	v := &voice{stream: g.codec.decoder.newStream()}
	if err = work(v); err == nil {
		err = g.step(func(s *mlx.Scope) error {
			r.voice.remember(s, v)
			g.memory.keep(s, key, v, v.state())
			return nil
		})
	}
	if err != nil {
		_ = g.do(context.Background(), v.free) // the first error is the one to tell
	}
	return false, err
}

// embed makes the x-vector of the row's clip, unless it was heard.
func (g *generation) embed(r *row, v *voice, heard []float32) error {
	return g.step(func(s *mlx.Scope) error {
		if heard != nil {
			s.Hold(&v.speaker, s.Floats(heard, len(heard)))
		} else {
			s.Hold(&v.speaker, g.speaker.embed(s, r.Reference))
		}
		s.Eval(v.speaker.Array())
		return nil
	})
}

// transcribe makes the codes of the row's clip, unless they were heard, and lets the codec decoder hear them.
func (g *generation) transcribe(r *row, v *voice, heard []int32) (err error) {
	if heard == nil {
		err = g.encode(r, v)
	} else {
		err = g.step(func(s *mlx.Scope) error {
			s.Hold(&v.codes, s.Ints(heard, len(heard)/codeGroups, codeGroups))
			return nil
		})
	}
	if err != nil {
		return err
	}
	return g.hear(v)
}

// encode makes the codes of the row's clip.
func (g *generation) encode(r *row, v *voice) (err error) {
	pass := g.codec.encoder.newPass(r.Reference)
	defer func() { err = cmp.Or(err, g.do(context.Background(), pass.free)) }()
	for more := true; more && err == nil; {
		err = g.step(func(s *mlx.Scope) error { more = pass.step(s); return nil })
	}
	if err != nil {
		return err
	}
	return g.step(func(s *mlx.Scope) error {
		s.Hold(&v.codes, pass.codes(s))
		s.Eval(v.codes.Array())
		return nil
	})
}

// hear lets the codec decoder hear the codes.
func (g *generation) hear(v *voice) error {
	var total int
	err := g.step(func(s *mlx.Scope) error {
		total = s.Dim(v.codes.Array(), 0)
		return nil
	})
	for at := 0; at < total && err == nil; {
		// All frames go through the codec's transformer, only the last through the costly rest.
		piece := min(referencePiece, total-v.stream.context-at)
		hear := v.stream.skip
		if piece <= 0 {
			piece, hear = total-at, func(s *mlx.Scope, codes mlx.Array) { v.stream.decode(s, codes) }
		}
		err = g.step(func(s *mlx.Scope) error {
			hear(s, s.SliceAxis(v.codes.Array(), 0, at, at+piece))
			s.Eval(v.stream.state()...)
			return nil
		})
		at += piece
	}
	return err
}
