package qwen3tts

import (
	"cmp"
	"math/rand/v2"

	"ttsui/internal/sample"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// row is one line of a generation: a sequence of its own, with all that it needs to say the same in any company.
type row struct {
	tts.Line
	how settings

	clip  string // the reference's fingerprint
	voice voice

	past     caches   // the talker's, over the whole line
	inFrame  caches   // the predictor's, within a frame
	hidden   mlx.Held // [1, H]: the talker's last output
	seen     mlx.Held // [vocab] Bool: first codes drawn so far
	trailing mlx.Held // [M, H]
	pad      mlx.Held // [1, H]
	observer observer

	waiting [][]int32 // frames not decoded yet
	chunk   int       // how many of them are decoded at once
	sound   *sound    // of those before, on its way
	ended   bool
	made    tts.Result
}

func (m *Model) newRow(l tts.Line) *row {
	r := &row{
		Line:    l,
		how:     m.gen.settings(l.Sampling, uint64(rand.Uint32())),
		voice:   voice{stream: m.codec.decoder.newStream()},
		past:    m.talker.decoder.newCaches(cacheBlock),
		inFrame: m.predictor.decoder.newCaches(m.cfg.Talker.CodeGroups),
		chunk:   firstChunk,

		observer: observer{tell: l.Observe},
	}
	r.made = tts.Result{OutputPath: l.OutputPath, Seed: r.how.seed}
	return r
}

func (r *row) free() error {
	first := cmp.Or(r.sound.free(), r.voice.free(), r.past.free(), r.inFrame.free())
	for _, h := range []*mlx.Held{&r.hidden, &r.seen, &r.trailing, &r.pad} {
		first = cmp.Or(first, h.Free())
	}
	return first
}

// prefill builds the row's prompt, sends it through the talker and prepares the row's state.
func (g *generation) prefill(s *mlx.Scope, r *row) error {
	p, err := prompter{g.Model, s}.build(r.Request, r.voice, r.clip)
	if err != nil {
		return err
	}
	rows, t := s.Dim(p.prefill, 0), &g.cfg.Talker
	if room := t.MaxPositions - rows; s.Err() == nil && room < 1 {
		return tts.Errorf(tts.CodeInvalid, "Use a shorter text or a shorter reference.", "the prompt takes %d of the model's %d positions", rows, t.MaxPositions)
	} else if r.how.maxFrames > room {
		r.how.maxFrames = room
	}
	g.tap.see("prefill", p.prefill)
	g.tap.see("trailing", p.trailing)
	g.tap.see("pad", p.pad)
	r.made.PromptRows, r.made.ReusedRows = rows, g.read(s, p, r)
	s.Hold(&r.trailing, p.trailing)
	s.Hold(&r.pad, p.pad)
	s.Hold(&r.seen, s.Zeros(mlx.Bool, t.VocabSize))
	g.lap(s, PartPrefill, r.hidden.Array())
	return nil
}

// key is that of the draw of code n of the row's next frame.
func (r *row) key(n int) uint64 { return sample.Key(r.how.seed, r.made.Frames, n) }

// textRow is the text side [1, H] of the next row: the trailing text, then padding.
func (r *row) textRow(s *mlx.Scope) mlx.Array {
	at := r.made.Frames
	if at >= s.Dim(r.trailing.Array(), 0) {
		return r.pad.Array()
	}
	return s.SliceAxis(r.trailing.Array(), 0, at, at+1)
}

// take takes the next frame. Its code 0 may say that the speech has ended, or the observer wants no more.
func (r *row) take(s *mlx.Scope, frame []int32, eos int32) {
	if frame[0] == eos {
		r.ended = true
		return
	}
	r.made.Frames++
	r.waiting = append(r.waiting, frame)
	r.ended = !r.observer.goesOn(s, frame)
}
