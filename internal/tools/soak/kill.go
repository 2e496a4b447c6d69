package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"ttsui/internal/tts"
)

// killing is what a row of killed servers leaves.
type killing struct {
	w    *world
	rand *rand.Rand

	mu     sync.Mutex
	wanted map[string]int // frames of the files that were asked for
	told   map[string]int // and of those whose answer has come

	answered, cut   int
	lost, torn      []string // files: answered for and gone; not whole
	unclean, faults []string // starts
}

// killOften kills servers while they speak. A file that was answered for has to be there; any other is whole or not
// there; the next server starts as if nothing had been.
func killOften(ctx context.Context, w *world, o options, r *report) error {
	k := &killing{w: w, rand: rand.New(rand.NewPCG(3, 4))}
	for round := range o.kills {
		if err := k.round(ctx, round); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
	}
	r.note("servers killed", float64(o.kills))
	r.note("files that were answered for", float64(k.answered))
	r.note("generations that were cut", float64(k.cut))
	r.none("files answered for and not there, or not whole", k.lost)
	r.none("files that are not whole", k.torn)
	r.none("starts after a kill that were not clean", k.unclean)
	r.none("faults in the log", k.faults)
	return k.clearUp(ctx, r)
}

// round starts a server, has it speak, and kills it.
func (k *killing) round(ctx context.Context, round int) error {
	p, err := k.w.start(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = p.kill() }()
	if pid, err := k.w.announced(); err != nil || pid != p.cmd.Process.Pid {
		k.unclean = append(k.unclean, fmt.Sprintf("round %d: server.json names %d, not %d: %v", round, pid, p.cmd.Process.Pid, err))
	}
	if err := p.load(ctx, controlID, cloneID); err != nil {
		return err
	}
	k.wanted, k.told = map[string]int{}, map[string]int{}
	dying, dead := context.WithCancel(ctx)
	defer dead()
	var speaking sync.WaitGroup
	for i, dir := range []string{k.w.results(), filepath.Join(k.w.own(), "control", "generated")} {
		seed := k.rand.Uint64()
		speaking.Go(func() { k.speak(dying, p, dir, fmt.Sprintf("%d-%d", round, i), seed) })
	}
	speaking.Go(func() {
		for dying.Err() == nil {
			if _, err := p.clone(dying, k.w.clip, 4); err != nil {
				return
			}
		}
	})
	if err := p.speaking(ctx); err != nil {
		return err
	}
	time.Sleep(time.Duration(k.rand.IntN(400)) * time.Millisecond) // the moment is what the soak is about
	if err := p.kill(); err != nil {
		return err
	}
	dead()
	speaking.Wait()
	k.faults = append(k.faults, p.faults()...)
	return k.look()
}

// speak asks for one file after the other until the server is dead. Every third replaces one that is there.
func (k *killing) speak(ctx context.Context, p *process, dir, name string, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	for n := 0; ctx.Err() == nil; n++ {
		frames := 1 + random.IntN(8)
		path := filepath.Join(dir, fmt.Sprintf("%s-%d.wav", name, n))
		if n%3 == 2 {
			path = filepath.Join(dir, "again.wav")
		}
		k.mu.Lock()
		k.wanted[path] = frames
		k.mu.Unlock()
		if _, err := p.Generate(ctx, control(frames, path)); err != nil {
			return
		}
		k.mu.Lock()
		k.told[path] = frames
		k.mu.Unlock()
	}
}

// look compares the files with what was asked for, and takes them away.
func (k *killing) look() error {
	k.answered += len(k.told)
	for path, frames := range k.wanted {
		got, err := checkWAV(path)
		_, answered := k.told[path]
		switch {
		case answered && (err != nil || k.told[path] != got && frames != got):
			k.lost = append(k.lost, fmt.Sprintf("%s: %d frames, not %d: %v", path, got, frames, err))
		case !answered && os.IsNotExist(err):
			k.cut++
		case err != nil:
			k.torn = append(k.torn, err.Error())
		}
		if filepath.Base(path) == "again.wav" {
			continue
		}
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// clearUp lets two days pass and starts a last server, which removes what the killed ones left. Half files it would
// remove at once, too.
func (k *killing) clearUp(ctx context.Context, r *report) error {
	halves, clips, err := k.w.leftovers()
	if err != nil {
		return err
	}
	r.note("half files left behind", float64(len(halves)))
	r.note("clips of requests left behind", float64(len(clips)))
	twoDaysAgo := time.Now().Add(-48 * time.Hour)
	for _, path := range clips { // each lies in a folder of its own
		if err := errors.Join(os.Chtimes(path, twoDaysAgo, twoDaysAgo), os.Chtimes(filepath.Dir(path), twoDaysAgo, twoDaysAgo)); err != nil {
			return err
		}
	}
	p, err := k.w.start(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = p.kill() }()
	halves, clips, err = k.w.leftovers()
	if err != nil {
		return err
	}
	r.none("half files after the next start", halves)
	r.none("clips of requests, a day later", clips)
	if err := p.load(ctx, controlID); err != nil {
		return err
	}
	if _, err := p.Generate(ctx, control(4, filepath.Join(k.w.results(), "again.wav"))); err != nil {
		return err
	}
	if info, err := p.Unload(ctx, controlID, tts.UnloadOptions{}); err != nil || info.State != tts.Unloaded {
		return fmt.Errorf("the model is %s: %w", info.State, err)
	}
	_, err = p.stop()
	return err
}
