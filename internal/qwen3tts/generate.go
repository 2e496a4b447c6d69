package qwen3tts

import (
	"cmp"
	"context"
	"slices"
	"time"

	"ttsui/internal/sample"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

const (
	cacheBlock   = 256 // positions by which the talker's cache grows
	firstChunk   = 1   // frames decoded at once: few at first, so that sound starts early,
	largestChunk = 8   // then more, since a decoder call has a fixed cost
)

// Probe is told how long each part of a generation took. A model that is probed evaluates part by part, which is
// slower than the one evaluation a frame of an unprobed one: it is for benchmarks.
type Probe func(part string, took time.Duration)

// The parts that a Probe is told of.
const (
	PartPrefill   = "prefill"
	PartPredictor = "predictor"
	PartTalker    = "talker"
	PartCodec     = "codec"
)

// Generate speaks lines together, each into its own sink, and tells what it made of each. They share the reading of the
// weights, which is what a frame's time goes into, so that several take little longer than one. What a line says
// doesn't depend on the others, but for rounding where a backend adds up the products of several rows in another order
// than those of one; on the CPU only quantised weights do that. The first error ends them all. It ends with
// CodeCanceled within one frame of ctx's end. progress, which counts the frames of all lines, and probe may be nil.
func (m *Model) Generate(ctx context.Context, lines []tts.Line, progress func(tts.Progress), probe Probe) ([]tts.Result, error) {
	if progress == nil {
		progress = func(tts.Progress) {}
	}
	for _, l := range lines {
		if l.Mode != m.Mode() {
			return nil, tts.Errorf(tts.CodeInvalid, "Use a model made for this mode.", "%s is a model for %s, not for %s", l.ModelID, m.Mode(), l.Mode)
		}
	}
	g := m.newGeneration(ctx, lines, progress)
	g.probe = probe
	return g.finish()
}

// generation is a batch of lines on their way.
type generation struct {
	*Model
	ctx      context.Context // of the one call this value lives for
	progress func(tts.Progress)
	probe    Probe
	tap      tap // tests only
	lapStart time.Time

	rows     []*row   // as they were asked for
	speaking []*row   // those that have not come to their end
	early    mlx.Held // [vocab]: what is suppressed for the first two draws
	later    mlx.Held // [vocab]: and afterwards
}

func (m *Model) newGeneration(ctx context.Context, lines []tts.Line, progress func(tts.Progress)) *generation {
	g := &generation{Model: m, ctx: ctx, progress: progress, lapStart: time.Now()}
	for _, l := range lines {
		g.rows = append(g.rows, m.newRow(l))
	}
	g.speaking = slices.Clone(g.rows)
	return g
}

// finish runs the generation, frees what it holds and tells what it made.
func (g *generation) finish() ([]tts.Result, error) {
	started := time.Now()
	err := g.run()
	if e := g.do(context.Background(), g.free); err == nil {
		err = e
	}
	var made []tts.Result
	for _, r := range g.rows {
		r.made.Seconds = time.Since(started).Seconds()
		made = append(made, r.made)
	}
	return made, err
}

func (g *generation) free() error {
	first := cmp.Or(g.early.Free(), g.later.Free())
	for _, r := range g.rows {
		first = cmp.Or(first, r.free())
	}
	return first
}

func (g *generation) run() error {
	if g.Mode() == tts.Clone {
		g.progress(tts.Progress{Stage: tts.StageReference})
		for _, r := range g.rows {
			if err := g.listen(r); err != nil {
				return err
			}
		}
	}
	g.progress(tts.Progress{Stage: tts.StagePrefill})
	if err := g.step(g.prepare); err != nil {
		return err
	}
	for _, r := range g.rows {
		if err := g.step(func(s *mlx.Scope) error { return g.prefill(s, r) }); err != nil {
			return err
		}
	}
	for len(g.speaking) > 0 {
		if err := g.step(g.frame); err != nil {
			return err
		}
		if err := g.speak(); err != nil {
			return err
		}
	}
	return nil
}

// step runs f on the MLX thread in a scope of its own, unless the caller has gone.
func (g *generation) step(f func(s *mlx.Scope) error) error {
	return g.do(g.ctx, func() (err error) {
		s := mlx.NewScope()
		defer func() { err = cmp.Or(err, s.Close()) }()
		return f(s)
	})
}

// prepare makes what the rows have in common.
func (g *generation) prepare(s *mlx.Scope) error {
	t := &g.cfg.Talker
	special := func(id int) bool { return id >= t.VocabSize-suppressedTail && id != t.CodecEos }
	s.Hold(&g.later, sample.Suppress(s, t.VocabSize, special))
	s.Hold(&g.early, sample.Suppress(s, t.VocabSize, func(id int) bool { return special(id) || id == t.CodecEos }))
	return nil
}

// frame makes the next frame of each row that speaks: code 0 from the talker's last output, the others from the
// predictor, and the talker's next output. One evaluation computes all of it.
func (g *generation) frame(s *mlx.Scope) error {
	if err := g.stopAtLimit(s); err != nil || len(g.speaking) == 0 {
		return err
	}
	var past, inFrame []caches
	var text []mlx.Array // [1, H] of each row
	for _, r := range g.speaking {
		past, inFrame, text = append(past, r.past), append(inFrame, r.inFrame), append(text, r.textRow(s))
	}
	h := stack(s, g.speaking)                    // [B, H]
	code0 := g.drawFirst(s, h)                   // [B]
	row0 := g.talker.codec(s, code0)             // [B, H]
	draw := func(n int, l mlx.Array) mlx.Array { // [B, codes] → [B]
		return g.each(s, l, func(r *row, l mlx.Array) mlx.Array { return r.how.predictor.Draw(s, l, r.key(n)) })
	}
	codes, codec := g.predictor.predict(s, h, row0, inFrame, draw, g.tap)
	all := s.AsType(s.Concat(0, append([]mlx.Array{code0}, codes...)...), mlx.Int32) // [16·B], code by code
	g.tap.see("frame", all)
	g.lap(s, PartPredictor, all)

	next := g.talker.forward(s, s.Add(codec, s.Concat(0, text...)), past...) // [B, H]
	state := []mlx.Array{all}
	for b, r := range g.speaking {
		s.Hold(&r.hidden, s.SliceAxis(next, 0, b, b+1))
		state = append(state, r.hidden.Array(), r.seen.Array())
		state = append(state, r.observer.end...)
	}
	s.Eval(state...)
	g.lap(s, PartTalker)

	ids := s.ReadInts(all)
	if s.Err() != nil {
		return nil
	}
	batch := len(g.speaking)
	for b, r := range g.speaking {
		frame := make([]int32, len(ids)/batch)
		for n := range frame {
			frame[n] = ids[n*batch+b]
		}
		r.take(s, frame, int32(g.cfg.Talker.CodecEos))
	}
	return nil
}

// stopAtLimit ends the rows that have all the frames they may have. One more draw tells whether the speech was at its
// end.
func (g *generation) stopAtLimit(s *mlx.Scope) error {
	all := g.speaking
	g.speaking = slices.DeleteFunc(slices.Clone(all), func(r *row) bool { return r.made.Frames < r.how.maxFrames })
	if len(g.speaking) > 0 {
		ids := s.ReadInts(g.drawFirst(s, stack(s, g.speaking)))
		if s.Err() != nil {
			return nil
		}
		for b, r := range g.speaking {
			r.ended, r.made.Truncated = true, ids[b] != int32(g.cfg.Talker.CodecEos)
		}
	}
	g.speaking = slices.DeleteFunc(all, func(r *row) bool { return r.ended })
	return nil
}

// drawFirst draws codes 0 [B] of the rows that speak from the talker's outputs h [B, H].
func (g *generation) drawFirst(s *mlx.Scope, h mlx.Array) mlx.Array {
	l := g.talker.logits(s, h) // [B, vocab]
	g.tap.see("talker.hidden", h)
	g.tap.see("talker.logits", l)
	code0 := g.each(s, l, func(r *row, l mlx.Array) mlx.Array {
		suppressed := g.later.Array()
		if r.made.Frames < minNewTokens {
			suppressed = g.early.Array()
		}
		l = s.Add(sample.Penalize(s, l, r.seen.Array(), r.how.penalty), suppressed)
		r.observer.see(s, l, g.cfg.Talker.CodecEos)
		code := r.how.talker.Draw(s, l, r.key(0))
		s.Hold(&r.seen, sample.See(s, r.seen.Array(), code))
		return code
	})
	g.tap.see("talker.token", code0)
	return code0
}

// minNewTokens is how many first codes are drawn before the end of speech is possible.
const minNewTokens = 2

// each draws a code [1] for each row that speaks, from its own logits [1, n] of all logits [B, n], and gives all, [B].
func (g *generation) each(s *mlx.Scope, logits mlx.Array, draw func(r *row, logits mlx.Array) mlx.Array) mlx.Array {
	var codes []mlx.Array
	for b, r := range g.speaking {
		codes = append(codes, draw(r, s.SliceAxis(logits, 0, b, b+1)))
	}
	return s.Concat(0, codes...)
}

// stack gives the last outputs of the talker for rows, [B, H].
func stack(s *mlx.Scope, rows []*row) mlx.Array {
	var hidden []mlx.Array
	for _, r := range rows {
		hidden = append(hidden, r.hidden.Array())
	}
	return s.Concat(0, hidden...)
}

// speak turns the frames of the rows into sound, as far as their chunks are full, and tells how far all are. The first
// sound is waited for, since somebody listens, and the last; what comes between is made beside the next frames. Rows that
// have ended leave the batch.
func (g *generation) speak() error {
	frames := 0
	for _, r := range g.rows {
		if n := len(r.waiting); n >= r.chunk || r.ended && n > 0 {
			if err := g.beginSound(r); err != nil {
				return err
			}
		}
		if err := g.giveSound(r, r.made.Samples == 0 || r.ended); err != nil {
			return err
		}
		frames += r.made.Frames
	}
	g.speaking = slices.DeleteFunc(g.speaking, func(r *row) bool { return r.ended })
	g.progress(tts.Progress{Stage: tts.StageFrames, Frames: frames})
	return nil
}

// lap evaluates arrays and tells the probe how long the part took. Without a probe it does nothing.
func (g *generation) lap(s *mlx.Scope, part string, arrays ...mlx.Array) {
	if g.probe == nil {
		return
	}
	s.Eval(arrays...)
	g.probe(part, time.Since(g.lapStart))
	g.lapStart = time.Now()
}
