package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"ttsui/internal/tts"
)

// quantizeKilled kills servers while they make a smaller copy of a model. There is no copy then, or a whole one, and the
// next server clears up what the last one left.
func quantizeKilled(ctx context.Context, w *world, o options, r *report) error {
	how := tts.Quantization{Bits: 4}
	copyDir := filepath.Join(w.models, filepath.FromSlash(how.CopyID(bigID)))
	random := rand.New(rand.NewPCG(7, 8))
	var halves, drafts, faults []string
	cut := 0
	for range o.quantizes {
		p, err := w.start(ctx)
		if err != nil {
			return err
		}
		left, err := filepath.Glob(filepath.Join(filepath.Dir(copyDir), ".*"))
		if err != nil {
			return errors.Join(err, p.kill())
		}
		drafts = append(drafts, left...)
		if err := killQuantizing(ctx, p, how, random.Float64()); err != nil {
			return err
		}
		faults = append(faults, p.faults()...)
		if _, err := os.Stat(copyDir); err == nil {
			if err := loadOnce(ctx, w, how.CopyID(bigID)); err != nil {
				halves = append(halves, err.Error())
			}
			if err := os.RemoveAll(copyDir); err != nil {
				return err
			}
			continue
		}
		cut++
	}
	if err := wholeCopy(ctx, w, how); err != nil {
		halves = append(halves, err.Error())
	}
	r.note("servers killed while they quantised", float64(o.quantizes))
	r.note("copies that were cut", float64(cut))
	r.none("copies that are not whole", halves)
	r.none("halves that the next start left", drafts)
	r.none("faults in the log", faults)
	return os.RemoveAll(copyDir)
}

// killQuantizing kills a server when a part of the copy is written.
func killQuantizing(ctx context.Context, p *process, how tts.Quantization, part float64) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = p.Quantize(ctx, bigID, how) // an error is the kill
		stop()
	}()
	// It ends with the copy, or when enough is written: so it may come a little late.
	_ = p.WatchModels(ctx, func(info tts.ModelInfo) {
		if d := info.Download; d != nil && info.Phase == tts.PhaseQuantizing && float64(d.BytesDone) >= part*float64(d.BytesTotal) {
			stop()
		}
	})
	err := p.kill()
	<-ended
	return err
}

// loadOnce has a new server load a model.
func loadOnce(ctx context.Context, w *world, id string) error {
	p, err := w.start(ctx)
	if err != nil {
		return err
	}
	return errors.Join(p.load(ctx, id), p.kill())
}

// wholeCopy lets a server make the copy in peace, and load it.
func wholeCopy(ctx context.Context, w *world, how tts.Quantization) error {
	p, err := w.start(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = p.kill() }()
	info, err := p.Quantize(ctx, bigID, how)
	if err != nil || info.State != tts.Unloaded {
		return fmt.Errorf("the last copy is %s, %v: %w", info.State, info.Error, err)
	}
	return p.load(ctx, info.ModelID)
}
