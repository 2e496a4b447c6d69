package main

import (
	"context"
	"fmt"
	"runtime"
	"syscall"
	"time"

	"ttsui/internal/memory"
	"ttsui/internal/qwen3tts"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// ttsui measures our own engine in this process.
type ttsui struct {
	dir, dtype string
	spoken     int
	thread     *mlx.Thread
	model      *qwen3tts.Model
}

func newTTSUI(dir, dtype string) *ttsui { return &ttsui{dir: dir, dtype: dtype} }

func (t *ttsui) name() string { return "TTSUI" }

func (t *ttsui) load(ctx context.Context) (l loading, err error) {
	if t.thread, err = mlx.StartThread(true); err != nil {
		return l, err
	}
	if l.RSSBefore, err = memory.RSS(); err != nil {
		return l, err
	}
	started := time.Now()
	if t.model, err = qwen3tts.NewLoader(t.thread, qwen3tts.DType(t.dtype)).Load(ctx, t.dir); err != nil {
		return l, err
	}
	l.Seconds = time.Since(started).Seconds()
	l.RSSAfter, err = memory.RSS()
	return l, err
}

// watch is the sink of an utterance: it notes when samples come, and how many.
type watch struct {
	started time.Time
	take    *take
}

// WriteSamples implements tts.Sink.
func (w *watch) WriteSamples(pcm []float32) error {
	t := w.take
	if t.Samples == 0 {
		t.First = time.Since(w.started).Seconds()
	}
	t.Samples += len(pcm)
	if n := len(t.Laps); n > 0 { // the probe has been told of the codec just before
		t.Laps[n-1].Size = len(pcm) / tts.FrameSamples
	}
	return nil
}

func (t *ttsui) speak(ctx context.Context, j job) (out take, err error) {
	seed := uint64(1)
	t.spoken++
	text := fmt.Sprintf("%0*d", len(j.Text), t.spoken) // a model remembers the prompt that it has read before
	u := tts.Utterance{Request: tts.Request{
		Mode: tts.Control, Text: text, Language: "English", Speaker: j.Speaker,
		Sampling: tts.Sampling{Temperature: &j.Temperature, TopK: &j.TopK, MaxFrames: &j.Frames, Seed: &seed},
	}}
	var probe qwen3tts.Probe
	if j.Parts {
		probe = func(part string, took time.Duration) {
			out.Laps = append(out.Laps, lap{Part: part, Seconds: took.Seconds()})
		}
	}
	w := &watch{started: time.Now(), take: &out}
	if _, err := t.model.Generate(ctx, []tts.Line{{Utterance: u, Sink: w}}, nil, probe); err != nil {
		return out, err
	}
	out.Total = time.Since(w.started).Seconds()
	out.PeakMLX = mlx.Memory().Peak
	out.PeakRSS, err = peakRSS()
	return out, err
}

func (t *ttsui) close() (err error) {
	if t.model != nil {
		err = t.model.Close()
	}
	if t.thread == nil {
		return err
	}
	if e := t.thread.Stop(); err == nil {
		err = e
	}
	return err
}

// peakRSS is the most memory that this process has held, in bytes.
func peakRSS() (uint64, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("ask for the peak of memory: %w", err)
	}
	peak := uint64(usage.Maxrss)
	if runtime.GOOS != "darwin" { // elsewhere it counts in KiB
		peak *= 1024
	}
	return peak, nil
}
