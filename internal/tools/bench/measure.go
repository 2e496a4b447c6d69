package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"ttsui/internal/qwen3tts"
	"ttsui/internal/tts"
)

// found is what was found out about one side.
type found struct {
	Name    string               `json:"name"`
	Loading loading              `json:"loading"`
	PeakRSS uint64               `json:"peak_rss"`
	PeakMLX uint64               `json:"peak_mlx"`
	Figures map[figure][]float64 `json:"figures"` // one value a round
}

// figure is a thing that is measured in every round; less is better. Its text says the unit.
type figure string

// The figures in the order of the table.
const (
	prefillShort figure = "prefill, 32 tokens of text (ms)"
	prefillLong  figure = "prefill, 256 tokens of text (ms)"
	talkerFrame  figure = "talker (ms a frame)"
	predictFrame figure = "predictor (ms a frame)"
	bothFrame    figure = "talker and predictor (ms a frame)"
	codecOne     figure = "codec, 1 frame at once (ms a frame)"
	codecFour    figure = "codec, 4 frames at once (ms a frame)"
	wholeFrame   figure = "whole utterance (ms a frame)"
	firstAudio   figure = "first audio (ms)"
	realTime     figure = "real-time factor"
)

func figures() []figure {
	return []figure{prefillShort, prefillLong, talkerFrame, predictFrame, bothFrame, codecOne, codecFour, wholeFrame, firstAudio, realTime}
}

// measure loads every side and lets them speak in turn.
func (r *report) measure(ctx context.Context, sides []side) (err error) {
	for _, s := range sides {
		defer func() { err = errors.Join(err, s.close()) }()
		f := &found{Name: s.name(), Figures: map[figure][]float64{}}
		r.Sides = append(r.Sides, f)
		fmt.Fprintln(os.Stderr, "loading:", f.Name)
		if f.Loading, err = s.load(ctx); err != nil {
			return err
		}
		if _, err := s.speak(ctx, newJob(8, 2, 1, false)); err != nil { // warms up
			return err
		}
	}
	for i := range r.Rounds {
		for k, s := range sides {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", i+1, r.Rounds, s.name())
			if err := r.Sides[k].round(ctx, s, r.Frames); err != nil {
				return err
			}
		}
	}
	return nil
}

// newJob asks for a text of so many tokens: a digit is always one.
func newJob(tokens, frames, chunk int, parts bool) job {
	return job{Text: strings.Repeat("7", tokens), Speaker: "Ryan", Temperature: 0.9, TopK: 50, Frames: frames, Chunk: chunk, Parts: parts}
}

// round lets s speak once as users would have it and twice part by part.
func (f *found) round(ctx context.Context, s side, frames int) error {
	whole, err := s.speak(ctx, newJob(32, frames, 1, false))
	if err != nil {
		return err
	}
	parts, err := s.speak(ctx, newJob(32, frames, 4, true))
	if err != nil {
		return err
	}
	long, err := s.speak(ctx, newJob(256, 1, 1, true))
	if err != nil {
		return err
	}
	spoken := float64(whole.Samples) / tts.FrameSamples
	f.add(firstAudio, 1000*whole.First)
	f.add(wholeFrame, 1000*whole.Total/spoken)
	f.add(realTime, whole.Total/(float64(whole.Samples)/tts.SampleRate))

	f.add(prefillShort, 1000*parts.perLap(qwen3tts.PartPrefill))
	f.add(prefillLong, 1000*long.perLap(qwen3tts.PartPrefill))
	talker := 1000 * parts.perLap(qwen3tts.PartTalker)
	predictor := 1000 * parts.perFrame(qwen3tts.PartPredictor)
	f.add(talkerFrame, talker)
	f.add(predictFrame, predictor)
	f.add(bothFrame, talker+predictor)
	f.add(codecOne, 1000*long.codec(1))
	f.add(codecFour, 1000*parts.codec(4))
	f.PeakRSS, f.PeakMLX = long.PeakRSS, long.PeakMLX
	return nil
}

func (f *found) add(name figure, value float64) { f.Figures[name] = append(f.Figures[name], value) }

// perLap is the mean of a part's laps.
func (t take) perLap(part string) float64 {
	sum, n := t.sum(part, 0)
	return sum / float64(n)
}

// perFrame is a part's time over the frames spoken.
func (t take) perFrame(part string) float64 {
	sum, _ := t.sum(part, 0)
	return sum / (float64(t.Samples) / tts.FrameSamples)
}

// codec is the codec's time for a frame when it decodes so many at once.
func (t take) codec(chunk int) float64 {
	sum, n := t.sum(qwen3tts.PartCodec, chunk)
	return sum / float64(n*chunk)
}

// sum adds up the laps of a part, of one size or, by 0, of all.
func (t take) sum(part string, size int) (seconds float64, n int) {
	for _, l := range t.Laps {
		if l.Part == part && (size == 0 || l.Size == size) {
			seconds += l.Seconds
			n++
		}
	}
	return seconds, n
}
