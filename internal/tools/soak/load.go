package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"ttsui/internal/tts"
)

// holdLoad asks one thing after the other for /health and /models while a large model is loaded and unloaded all the
// time and another one speaks.
func holdLoad(ctx context.Context, w *world, o options, r *report) (err error) {
	p, err := w.start(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = p.kill() }()
	if err := p.load(ctx, designID); err != nil {
		return err
	}
	var work sync.WaitGroup
	held, release := context.WithTimeout(ctx, o.seconds)
	defer release()
	var loads, takes atomic.Int64
	var spoken counter
	failed := make(chan error, 2)
	work.Go(func() { failed <- reload(held, ctx, p, &loads) })
	work.Go(func() {
		frames := 256
		for held.Err() == nil {
			_, err := p.Generate(held, tts.Request{Mode: tts.Design, ModelID: designID, Text: "On and on.", Instruct: "calm", Audio: &spoken,
				Sampling: tts.Sampling{MaxFrames: &frames}})
			if err != nil && held.Err() == nil {
				failed <- err
				return
			}
			takes.Add(1)
		}
		failed <- nil
	})
	var health, models probe
	work.Go(func() { health.run(held, p.addr, "/health") })
	work.Go(func() { models.run(held, p.addr, "/models") })
	work.Wait()
	for range 2 {
		if err := <-failed; err != nil {
			return err
		}
	}
	health.report(r, "/health", o.seconds)
	models.report(r, "/models", o.seconds)
	r.least("loads and unloads of the large model meanwhile", float64(loads.Load()), 1)
	r.least("takes meanwhile", float64(takes.Load()), 1)
	r.least("seconds of audio meanwhile", float64(spoken.samples)/tts.SampleRate, 1)
	r.none("faults in the log", p.faults())
	_, err = p.stop()
	return err
}

// reload loads and unloads the large model until held ends; the last round comes to its end.
func reload(held, ctx context.Context, p *process, rounds *atomic.Int64) error {
	for held.Err() == nil {
		if err := p.load(ctx, bigID); err != nil {
			return err
		}
		if info, err := p.Unload(ctx, bigID, tts.UnloadOptions{}); err != nil || info.State != tts.Unloaded {
			return fmt.Errorf("%s is %s after unloading: %w", bigID, info.State, err)
		}
		rounds.Add(1)
	}
	return nil
}

// probe asks for one thing over and over.
type probe struct {
	millis []float64
	wrong  []string
}

func (b *probe) run(ctx context.Context, addr, path string) {
	c := &http.Client{Transport: &http.Transport{}}
	defer c.CloseIdleConnections()
	for ctx.Err() == nil {
		began := time.Now()
		if err := get(ctx, c, "http://"+addr+path); err != nil && ctx.Err() == nil {
			b.wrong = append(b.wrong, err.Error())
		}
		if ctx.Err() == nil {
			b.millis = append(b.millis, float64(time.Since(began).Microseconds())/1000)
		}
		runtime.Gosched()
	}
}

func get(ctx context.Context, c *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	return nil
}

func (b *probe) report(r *report, path string, in time.Duration) {
	r.note(path+" requests/s", float64(len(b.millis))/in.Seconds())
	r.note(path+" p50, ms", quantile(b.millis, 0.5))
	r.most(path+" p99, ms", quantile(b.millis, 0.99), 50)
	r.note(path+" max, ms", quantile(b.millis, 1))
	r.none(path+" errors", b.wrong)
}
