package qwen3tts

import (
	"cmp"
	"context"
	"math/rand/v2"
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

	referencePiece = 64 // frames of the reference that the codec hears at once
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

// Generate speaks u into sink. It ends with CodeCanceled within one frame of ctx's end. progress and probe may be nil.
func (m *Model) Generate(ctx context.Context, u tts.Utterance, sink tts.Sink, progress func(tts.Progress), probe Probe) (tts.Result, error) {
	if progress == nil {
		progress = func(tts.Progress) {}
	}
	if u.Mode != m.Mode() {
		return tts.Result{}, tts.Errorf(tts.CodeInvalid, "Use a model made for this mode.", "%s is a model for %s, not for %s", u.ModelID, m.Mode(), u.Mode)
	}
	g := m.newGeneration(ctx, u, sink, progress)
	g.probe = probe
	return g.finish(u)
}

// generation is one utterance on its way.
type generation struct {
	*Model
	ctx      context.Context // of the one call this value lives for
	sink     tts.Sink
	progress func(tts.Progress)
	probe    Probe
	tap      tap // tests only
	how      settings
	lapStart time.Time

	speaker  mlx.Held     // [H]: the reference's x-vector
	pass     *encoderPass // over the reference, nil without a transcript
	codes    mlx.Held     // [T, 16] Int32: the reference's frames
	past     caches       // the talker's, over the whole utterance
	inFrame  caches       // the predictor's, within a frame
	hidden   mlx.Held     // [1, H]: the talker's last output
	seen     mlx.Held     // [vocab] Bool: first codes drawn so far
	early    mlx.Held     // [vocab]: what is suppressed for the first two draws
	later    mlx.Held     // [vocab]: and afterwards
	trailing mlx.Held     // [M, H]
	pad      mlx.Held     // [1, H]
	stream   *codecStream // the codec decoder's state

	waiting   [][]int32 // frames not decoded yet
	chunk     int       // how many of them are decoded at once
	frames    int
	samples   int
	truncated bool
}

func (m *Model) newGeneration(ctx context.Context, u tts.Utterance, sink tts.Sink, progress func(tts.Progress)) *generation {
	return &generation{
		Model: m, ctx: ctx, sink: sink, progress: progress,
		how:      m.gen.settings(u.Sampling, uint64(rand.Uint32())),
		past:     m.talker.decoder.newCaches(cacheBlock),
		inFrame:  m.predictor.decoder.newCaches(m.cfg.Talker.CodeGroups),
		stream:   m.codec.decoder.newStream(),
		chunk:    firstChunk,
		lapStart: time.Now(),
	}
}

// finish runs the generation, frees what it holds and tells what it made.
func (g *generation) finish(u tts.Utterance) (tts.Result, error) {
	started := time.Now()
	err := g.run(u)
	if e := g.do(context.Background(), g.free); err == nil {
		err = e
	}
	return tts.Result{
		OutputPath: u.OutputPath, Frames: g.frames, Samples: g.samples, Seed: g.how.seed,
		Seconds: time.Since(started).Seconds(), Truncated: g.truncated,
	}, err
}

func (g *generation) free() error {
	first := cmp.Or(g.past.free(), g.inFrame.free(), g.stream.free())
	if g.pass != nil {
		first = cmp.Or(first, g.pass.free())
	}
	for _, h := range []*mlx.Held{&g.speaker, &g.codes, &g.hidden, &g.seen, &g.early, &g.later, &g.trailing, &g.pad} {
		first = cmp.Or(first, h.Free())
	}
	return first
}

func (g *generation) run(u tts.Utterance) error {
	if u.Mode == tts.Clone {
		g.progress(tts.Progress{Stage: tts.StageReference})
		if err := g.listen(u); err != nil {
			return err
		}
	}
	g.progress(tts.Progress{Stage: tts.StagePrefill})
	if err := g.step(func(s *mlx.Scope) error { return g.prefill(s, u.Request) }); err != nil {
		return err
	}
	for done := false; !done; {
		if err := g.step(func(s *mlx.Scope) (err error) { done, err = g.frame(s); return err }); err != nil {
			return err
		}
		if n := len(g.waiting); n >= g.chunk || done && n > 0 {
			if err := g.speak(); err != nil {
				return err
			}
		}
		g.progress(tts.Progress{Stage: tts.StageFrames, Frames: g.frames})
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

// listen makes the reference: the x-vector of the clip and, when there is a transcript, its codes, which the codec
// decoder hears so that the speech continues them without a seam.
func (g *generation) listen(u tts.Utterance) error {
	err := g.step(func(s *mlx.Scope) error {
		s.Hold(&g.speaker, g.Model.speaker.embed(s, u.Reference))
		s.Eval(g.speaker.Array())
		return nil
	})
	if err != nil || !tts.Says(u.RefText) {
		return err
	}
	g.pass = g.codec.encoder.newPass(u.Reference)
	for more := true; more && err == nil; {
		err = g.step(func(s *mlx.Scope) error { more = g.pass.step(s); return nil })
	}
	if err != nil {
		return err
	}
	var total int
	err = g.step(func(s *mlx.Scope) error {
		s.Hold(&g.codes, g.pass.codes(s))
		s.Eval(g.codes.Array())
		total = s.Dim(g.codes.Array(), 0)
		return nil
	})
	for at := 0; at < total && err == nil; {
		// All frames go through the codec's transformer, only the last through the costly rest.
		piece := min(referencePiece, total-g.stream.context-at)
		hear := g.stream.skip
		if piece <= 0 {
			piece, hear = total-at, func(s *mlx.Scope, codes mlx.Array) { g.stream.decode(s, codes) }
		}
		err = g.step(func(s *mlx.Scope) error {
			hear(s, s.SliceAxis(g.codes.Array(), 0, at, at+piece))
			s.Eval(g.stream.state()...)
			return nil
		})
		at += piece
	}
	return err
}

// prefill builds the prompt, sends it through the talker and prepares the loop's state. The pass is computed together
// with the first frame.
func (g *generation) prefill(s *mlx.Scope, req tts.Request) error {
	p, err := prompter{g.Model, s}.build(req, reference{speaker: g.speaker.Array(), codes: g.codes.Array()})
	if err != nil {
		return err
	}
	rows, t := s.Dim(p.prefill, 0), &g.cfg.Talker
	if room := t.MaxPositions - rows; s.Err() == nil && room < 1 {
		return tts.Errorf(tts.CodeInvalid, "Use a shorter text or a shorter reference.", "the prompt takes %d of the model's %d positions", rows, t.MaxPositions)
	} else if g.how.maxFrames > room {
		g.how.maxFrames = room
	}
	g.tap.see("prefill", p.prefill)
	g.tap.see("trailing", p.trailing)
	g.tap.see("pad", p.pad)
	s.Hold(&g.hidden, g.talker.forward(s, p.prefill, g.past))
	s.Hold(&g.trailing, p.trailing)
	s.Hold(&g.pad, p.pad)
	s.Hold(&g.seen, s.Zeros(mlx.Bool, t.VocabSize))
	special := func(id int) bool { return id >= t.VocabSize-suppressedTail && id != t.CodecEos }
	s.Hold(&g.later, sample.Suppress(s, t.VocabSize, special))
	s.Hold(&g.early, sample.Suppress(s, t.VocabSize, func(id int) bool { return special(id) || id == t.CodecEos }))
	g.lap(s, PartPrefill, g.hidden.Array())
	return nil
}

// frame makes the next frame: code 0 from the talker's last output, the others from the predictor, and the talker's
// next output. One evaluation computes all of it.
func (g *generation) frame(s *mlx.Scope) (done bool, err error) {
	var keys mlx.Array // [16, 2]
	if !g.how.talker.Greedy() || !g.how.predictor.Greedy() {
		keys = sample.Keys(s, g.how.seed, g.frames, g.cfg.Talker.CodeGroups)
	}
	h := g.hidden.Array()
	code0 := g.drawFirst(s, h, keys)
	if g.frames == g.how.maxFrames { // one more draw tells whether the speech was at its end
		if ids := s.ReadInts(code0); s.Err() == nil {
			g.truncated = ids[0] != int32(g.cfg.Talker.CodecEos)
		}
		return true, nil
	}
	row0 := g.talker.codec(s, code0) // [1, H]
	codes, row := g.predictor.predict(s, h, row0, g.inFrame, g.how.predictor, keys, g.tap)
	all := s.AsType(s.Concat(0, append([]mlx.Array{code0}, codes...)...), mlx.Int32) // [16]
	g.tap.see("frame", all)
	g.lap(s, PartPredictor, all)

	s.Hold(&g.hidden, g.talker.forward(s, s.Add(row, g.textRow(s)), g.past))
	s.Eval(all, g.hidden.Array(), g.seen.Array())
	g.lap(s, PartTalker)

	frame := s.ReadInts(all)
	if s.Err() != nil {
		return false, nil
	}
	if frame[0] == int32(g.cfg.Talker.CodecEos) {
		return true, nil
	}
	g.frames++
	g.waiting = append(g.waiting, frame)
	return false, nil
}

// drawFirst draws code 0 [1] from the talker's output h [1, H].
func (g *generation) drawFirst(s *mlx.Scope, h, keys mlx.Array) mlx.Array {
	l := g.talker.logits(s, h) // [vocab]
	g.tap.see("talker.hidden", h)
	g.tap.see("talker.logits", l)
	l = sample.Penalize(s, l, g.seen.Array(), g.how.penalty)
	suppressed := g.later.Array()
	if g.frames < minNewTokens {
		suppressed = g.early.Array()
	}
	l = s.Add(l, suppressed)
	var key mlx.Array
	if !g.how.talker.Greedy() {
		key = sample.Key(s, keys, 0)
	}
	code0 := g.how.talker.Draw(s, l, key)
	g.tap.see("talker.token", code0)
	s.Hold(&g.seen, sample.See(s, g.seen.Array(), code0))
	return code0
}

// minNewTokens is how many first codes are drawn before the end of speech is possible.
const minNewTokens = 2

// textRow is the text side [1, H] of the next row: the trailing text, then padding.
func (g *generation) textRow(s *mlx.Scope) mlx.Array {
	if g.frames >= s.Dim(g.trailing.Array(), 0) {
		return g.pad.Array()
	}
	return s.SliceAxis(g.trailing.Array(), 0, g.frames, g.frames+1)
}

// speak turns the waiting frames into samples and gives them to the sink, which may be slow: it isn't the MLX thread
// that waits for it.
func (g *generation) speak() error {
	n := len(g.waiting)
	codes := slices.Concat(g.waiting...)
	g.waiting = nil
	var pcm []float32
	err := g.step(func(s *mlx.Scope) error {
		pcm = g.pcm(s, s.Ints(codes, n, g.cfg.Talker.CodeGroups))
		g.lap(s, PartCodec)
		return nil
	})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(pcm, func(x float32) bool { return x != x }) {
		return tts.Errorf(tts.CodeCorrupt, "The model's weights are probably damaged. Download it again.", "the model's sound is not a number")
	}
	g.chunk = min(2*g.chunk, largestChunk)
	g.samples += len(pcm)
	return g.sink.WriteSamples(pcm)
}

// pcm decodes frames [n, 16] to n·1920 samples and computes the decoder's next state.
func (g *generation) pcm(s *mlx.Scope, frames mlx.Array) []float32 {
	wave := g.stream.decode(s, frames)
	s.Eval(append(g.stream.state(), wave)...)
	return s.ReadFloats(wave)
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
