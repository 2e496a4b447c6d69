// Package speed measures how fast a model loads and speaks, on this machine and in this minute. Timings are worth
// something only beside each other, so several sides can be measured in turns: other checkpoints, or another program.
package speed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Side is one of those that are measured in turns.
type Side interface {
	Name() string
	Load(ctx context.Context) (Loading, error)
	Do(ctx context.Context, j Job) (Take, error)
	Close() error // Load may be called again
}

// Kind says what a job is.
type Kind string

// The kinds of jobs.
const (
	Frames Kind = "frames" // the prompt, then frames without their sound
	Split  Kind = "split"  // the same, evaluated part by part, which takes longer
	Decode Kind = "decode" // the codec decoder alone
	Speech Kind = "speech" // an utterance, as users hear it
	Listen Kind = "listen" // Clone: the two encoders over a clip, as if it was never heard
)

// Job asks for one piece of work.
type Job struct {
	Kind        Kind    `json:"kind"`
	Text        string  `json:"text"`
	Temperature float64 `json:"temperature"`
	TopK        int     `json:"top_k"`
	Frames      int     `json:"frames"` // when to stop: random weights never do by themselves
	Chunk       int     `json:"chunk"`  // Decode: frames at once
	Takes       int     `json:"takes"`  // Frames: spoken together; 0 is 1. Only we can do several.
	Clip        int     `json:"clip"`   // Clone: seconds of the clip
	Voice       string  `json:"voice"`  // Clone: what is said in the clip; Design: what the voice is like
}

// newJob asks for a text of so many tokens: a digit is always one.
func newJob(kind Kind, tokens, frames int, temperature float64) Job {
	const clip, voice = 3, 12 // what one says in 3 s has about 12 tokens
	return Job{
		Kind: kind, Text: strings.Repeat("7", tokens), Temperature: temperature, TopK: 50, Frames: frames, Chunk: 1,
		Clip: clip, Voice: strings.Repeat("7", voice),
	}
}

// Take tells what a job took, in seconds; what doesn't belong to its kind is 0, and what a side can't do or tell.
type Take struct {
	Made      int     `json:"made"` // frames; what follows is of all of them
	Prefill   float64 `json:"prefill"`
	Frames    float64 `json:"frames"`
	Host      float64 `json:"host"` // of Frames: outside of MLX's evaluations
	Go        float64 `json:"go"`   // of Host: in Go itself, and in calling from there
	Talker    float64 `json:"talker"`
	Predictor float64 `json:"predictor"`
	Decode    float64 `json:"decode"`
	Vector    float64 `json:"vector"`
	Codes     float64 `json:"codes"`
	First     float64 `json:"first"` // until the first samples
	Total     float64 `json:"total"` // until the last ones
	RSS       uint64  `json:"rss"`   // bytes in memory afterwards
	PeakMLX   uint64  `json:"peak_mlx"`
}

// Loading tells what a load took. Memory is in bytes; what a side can't tell is 0.
type Loading struct {
	Seconds    float64 `json:"load"`
	Read       float64 `json:"read"` // only reading the files, once more
	RSSBefore  uint64  `json:"rss_before"`
	RSSAfter   uint64  `json:"rss_after"`
	RSSPeak    uint64  `json:"rss_peak"`    // while loading
	FrameBytes int64   `json:"frame_bytes"` // of weights that a frame reads
}

// Counter is a Side that can tell what the graph of a frame is made of.
type Counter interface {
	Count(ctx context.Context) (Counts, error)
}

// Counts are operations and kernels of a frame's graph, drawn at random and greedily.
type Counts struct {
	Evaluations   int64 `json:"evaluations"`
	Nodes         int64 `json:"nodes"`
	NodesGreedy   int64 `json:"nodes_greedy"`
	Metal         int64 `json:"metal_nodes"`
	MetalGreedy   int64 `json:"metal_nodes_greedy"`
	Kernels       int64 `json:"metal_kernels"`
	KernelsGreedy int64 `json:"metal_kernels_greedy"`
}

// Options say how much is measured.
type Options struct {
	Frames int       // in one job, at least 8
	Rounds int       // at least 1
	Parts  []string  // of PartNames, in any order; none is all
	Log    io.Writer // is told what runs
}

// Run loads all sides and lets them work in turns. The sides are not closed.
func Run(ctx context.Context, sides []Side, o Options) (*Report, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	r := &Report{Machine: machine(), Date: time.Now(), Frames: o.Frames, Rounds: o.Rounds}
	var err error
	if r.Load, err = SystemLoad(ctx); err != nil {
		return nil, err
	}
	for _, s := range sides {
		fmt.Fprintln(o.Log, "loading:", s.Name())
		f := &Found{Name: s.Name(), Figures: map[Figure][]float64{}}
		r.Sides = append(r.Sides, f)
		if f.Loading, err = s.Load(ctx); err != nil {
			return nil, err
		}
		if c, ok := s.(Counter); ok {
			counts, err := c.Count(ctx)
			if err != nil {
				return nil, err
			}
			f.Counts = &counts
		}
		if err := warmUp(ctx, s); err != nil {
			return nil, err
		}
	}
	for i := range o.Rounds {
		for _, p := range o.parts() {
			for k, s := range sides {
				fmt.Fprintf(o.Log, "round %d of %d: %s: %s\n", i+1, o.Rounds, p.name, s.Name())
				if err := p.measure(ctx, s, o, r.Sides[k]); err != nil {
					return nil, err
				}
			}
		}
	}
	return r, nil
}

// warmUp makes a first frame, which is slower than others.
func warmUp(ctx context.Context, s Side) error {
	_, err := s.Do(ctx, newJob(Frames, 8, 2, sampled))
	return err
}

// Check refuses what can't be measured.
func (o *Options) Check() error {
	if o.Frames < 8 || o.Rounds < 1 {
		return fmt.Errorf("%d frames in %d rounds are too few to tell anything", o.Frames, o.Rounds)
	}
	for _, name := range o.Parts {
		if !slices.Contains(PartNames(), name) {
			return fmt.Errorf("there is no part %q; the parts are %s", name, strings.Join(PartNames(), ", "))
		}
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	return nil
}

// Busy reports whether other programs take so much of this machine that timings would tell of them.
func Busy(load float64) bool { return load > float64(runtime.NumCPU())/2 }

// CloseAll closes all sides and gives their errors.
func CloseAll(sides []Side) error {
	var all []error
	for _, s := range sides {
		all = append(all, s.Close())
	}
	return errors.Join(all...)
}
