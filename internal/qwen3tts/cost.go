package qwen3tts

import (
	"cmp"
	"context"
	"strings"
	"time"

	"ttsui/internal/safetensors"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// What a generation costs, for benchmarks and for the tests that hold it to its bounds. Nothing here makes sound that
// anybody hears.

// Cost is what the prompt and some frames took.
type Cost struct {
	Prefill time.Duration
	Frames  int           // that were made: fewer than asked for where the speech ended
	Total   time.Duration // of all frames
	Host    time.Duration // of Total: outside of MLX's evaluations, in Go, in the bridge and in making graphs
	Go      time.Duration // of Host: in Go, and on the way from there to C++
}

// Frames makes the prompts of so many takes of u and n frames of each after it, together, and tells what these took, their
// sound left out. With a probe each frame is evaluated part by part, and the probe is told how long each part took.
func (m *Model) Frames(ctx context.Context, u tts.Utterance, takes, n int, probe Probe) (c Cost, err error) {
	err = m.rehearse(ctx, u, takes, n, func(g *generation) error {
		c.Prefill = time.Since(g.lapStart)
		g.probe, g.lapStart = probe, time.Now()
		begin, waited, inside := time.Now(), mlx.Waited(), mlx.Inside()
		for r := g.rows[0]; c.Frames < n && !r.ended; c.Frames = r.made.Frames {
			if err := g.step(g.frame); err != nil {
				return err
			}
		}
		c.Total = time.Since(begin)
		c.Host = c.Total - (mlx.Waited() - waited)
		c.Go = c.Total - (mlx.Inside() - inside)
		return nil
	})
	return c, err
}

// CountFrame tells what the graph of one frame in the middle of u is made of: here, or with metal where MLX's kernels
// for Metal are (see mlxbridge.StartCount).
func (m *Model) CountFrame(ctx context.Context, u tts.Utterance, metal bool) (counts mlx.Counts, err error) {
	const before = 2 // the first frames may not suppress what later ones do
	err = m.rehearse(ctx, u, 1, before+1, func(g *generation) error {
		for range before {
			if err := g.step(g.frame); err != nil {
				return err
			}
		}
		return g.step(func(s *mlx.Scope) error {
			if err := mlx.StartCount(metal); err != nil {
				return err
			}
			err := g.frame(s)
			var e error
			counts, e = mlx.StopCount()
			return cmp.Or(err, e)
		})
	})
	return counts, err
}

// rehearse computes the prompts of takes of u for n frames and hands the generation on to f.
func (m *Model) rehearse(ctx context.Context, u tts.Utterance, takes, n int, f func(g *generation) error) (err error) {
	most := n + 1
	u.Sampling.MaxFrames, u.Takes = &most, takes
	var lines []tts.Line
	for _, take := range u.Each() {
		line := tts.Line{Utterance: u}
		line.Request = take
		lines = append(lines, line)
	}
	g := m.newGeneration(ctx, lines, func(tts.Progress) {})
	defer func() { err = cmp.Or(err, g.do(context.Background(), g.free)) }()
	if u.Mode == tts.Clone {
		for _, r := range g.rows {
			if err := g.listen(r); err != nil {
				return err
			}
		}
	}
	if err := g.step(g.prepare); err != nil {
		return err
	}
	g.lapStart = time.Now()
	for _, r := range g.rows {
		err := g.step(func(s *mlx.Scope) error {
			err := g.prefill(s, r)
			s.Eval(r.hidden.Array())
			return err
		})
		if err != nil {
			return err
		}
	}
	return f(g)
}

// DecodeFrames decodes n frames, so many at once, and tells how long that took.
func (m *Model) DecodeFrames(ctx context.Context, n, chunk int) (took time.Duration, err error) {
	stream := m.codec.decoder.newStream()
	defer func() { err = cmp.Or(err, m.do(context.Background(), stream.free)) }()
	codes := make([]int32, chunk*m.cfg.Talker.CodeGroups)
	for i := range codes {
		codes[i] = int32(i * 7 % m.cfg.Talker.Predictor.VocabSize)
	}
	begin := time.Now()
	for range n / chunk {
		err := m.do(ctx, func() error {
			s := mlx.NewScope()
			wave := stream.decode(s, s.Ints(codes, chunk, m.cfg.Talker.CodeGroups))
			s.Eval(append(stream.state(), wave)...)
			return s.Close()
		})
		if err != nil {
			return 0, err
		}
	}
	return time.Since(begin), nil
}

// Listen makes the x-vector and the codes of a clip, heard before or not, and tells how long each of them took.
func (m *Model) Listen(ctx context.Context, clip []float32) (vector, codes time.Duration, err error) {
	g := m.newGeneration(ctx, []tts.Line{{Utterance: tts.Utterance{Reference: clip}}}, nil)
	defer func() { err = cmp.Or(err, g.do(context.Background(), g.free)) }()
	r, begin := g.rows[0], time.Now()
	if err := g.embed(r, &r.voice, nil); err != nil {
		return 0, 0, err
	}
	vector, begin = time.Since(begin), time.Now()
	err = g.encode(r, &r.voice)
	return vector, time.Since(begin), err
}

// FrameBytes is how many bytes of weights a frame reads at least; dir is the checkpoint that the model was loaded from.
// Rows of embeddings and the caches are left out.
func (m *Model) FrameBytes(dir string) (int64, error) {
	set, err := safetensors.OpenSet(dir)
	if err != nil {
		return 0, err
	}
	return frameBytes(set, m.dtype, int64(m.cfg.Talker.CodeGroups-1)), nil
}

func frameBytes(set *safetensors.Set, dtype mlx.DType, steps int64) (bytes int64) {
	times := map[string]int64{
		"talker.model.layers": 1, "talker.model.norm": 1, "talker.codec_head": 1,
		"talker.code_predictor.model.layers": steps, "talker.code_predictor.model.norm": steps, "talker.code_predictor.lm_head": 1, projectionName: steps,
	}
	for _, name := range set.Names() {
		_, t, _ := set.Lookup(name)
		size := dtype.Size()
		if t.DType == safetensors.U32 { // quantised
			size = t.DType.Size()
		}
		for _, n := range t.Shape {
			size *= n
		}
		for prefix, n := range times {
			if strings.HasPrefix(name, prefix+".") {
				bytes += n * int64(size)
			}
		}
	}
	return bytes
}
