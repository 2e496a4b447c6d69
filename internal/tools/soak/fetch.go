package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"ttsui/internal/testkit"
	"ttsui/internal/testkit/fakehub"
	"ttsui/internal/tts"
)

// fetching is a model on its way into an empty cache, by servers that are killed.
type fetching struct {
	w     *world
	hub   *fakehub.Hub
	files map[string][]byte
	cache string

	unclean, faults []string
	asked           int      // questions for files that were looked at
	again           []string // those for bytes that were on the disk
}

// fetchKilled kills servers while they fetch a model that is being loaded, until one has it loaded. What was on the disk
// is never fetched again, and what was on its way at a kill is hardly anything.
func fetchKilled(ctx context.Context, w *world, o options, r *report) error {
	f := &fetching{w: w, hub: fakehub.Open(), files: map[string][]byte{}, cache: filepath.Join(w.dir, "cache")}
	defer f.hub.Close()
	source := filepath.Join(w.dir, "source")
	err := testkit.WriteCheckpoint(source, testkit.CheckpointSpec{Kind: "custom_voice", Size: testkit.Size512MiB, TalkerLayers: 6})
	if err != nil {
		return err
	}
	total, err := f.read(source)
	if err != nil {
		return err
	}
	f.hub.Add(bigID, f.files)
	random := rand.New(rand.NewPCG(5, 6))
	var points []int64
	for range o.fetches {
		points = append(points, random.Int64N(total))
	}
	slices.Sort(points)
	for i, point := range points {
		if err := f.kill(ctx, point); err != nil {
			return fmt.Errorf("round %d: %w", i, err)
		}
	}
	f.hub.Break(nil)
	loaded, err := f.end(ctx)
	if err != nil {
		return err
	}
	r.note("servers killed while they fetched", float64(o.fetches))
	r.note("bytes of the model, in MB", float64(total)/1e6)
	r.most("bytes that were sent again, in % of it", 100*float64(f.hub.Sent()-total)/float64(total), 1)
	r.none("questions for bytes that were there", f.again)
	r.none("the model isn't loaded in the end, or not whole", loaded)
	r.none("starts after a kill that were not clean", f.unclean)
	r.none("faults in the log", f.faults)
	return os.RemoveAll(f.cache)
}

// read reads what the hub has of the model.
func (f *fetching) read(dir string) (total int64, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		f.files[filepath.ToSlash(name)] = data
		total += int64(len(data))
		return err
	})
	return total, err
}

// start starts a server that has no model, and has it load the one from the hub.
func (f *fetching) start(ctx context.Context) (p *process, ended <-chan tts.ModelInfo, err error) {
	p, err = f.w.startAs(ctx, []string{"HF_HUB_OFFLINE=", "HF_ENDPOINT=" + f.hub.URL, "TTSUI_MIRRORS=", "HF_TOKEN=", "HF_HUB_CACHE=" + f.cache,
		"TTSUI_MODELS=" + filepath.Join(f.w.dir, "none")})
	if err != nil {
		return nil, nil, err
	}
	loads := make(chan tts.ModelInfo, 1)
	go func() {
		info, _ := p.Load(ctx, bigID, tts.LoadOptions{Force: true}) // an error is the kill
		loads <- info
	}()
	return p, loads, nil
}

// kill lets a server fetch until so many bytes were sent in all.
func (f *fetching) kill(ctx context.Context, point int64) error {
	reached, died := make(chan struct{}), make(chan struct{})
	defer close(died)
	var once sync.Once
	f.hub.Break(func(fakehub.Request) fakehub.Fault {
		// A hub that is slower than its client has little on the way: what the system holds for a process goes with it.
		return fakehub.Fault{Pause: 50 * time.Microsecond, Sending: func(total int64) {
			if total >= point {
				once.Do(func() { close(reached) })
				<-died
			}
		}}
	})
	kept, err := f.kept()
	if err != nil {
		return err
	}
	p, loaded, err := f.start(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = p.kill() }()
	select {
	case <-reached:
	case info := <-loaded:
		return fmt.Errorf("the load ended before the point: %s, %v", info.State, info.Error)
	case <-time.After(startTimeout):
		return errors.New("nothing was fetched for a minute")
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := p.kill(); err != nil {
		return err
	}
	f.faults = append(f.faults, p.faults()...)
	f.look(kept)
	return nil
}

// kept is how much of each file is on the disk.
func (f *fetching) kept() (sizes map[string]int64, err error) {
	sizes = map[string]int64{}
	blobs := filepath.Join(f.cache, "models--*", "blobs", "*")
	found, err := filepath.Glob(blobs)
	for _, path := range found {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		for name, blob := range f.hub.Blobs(bigID) {
			if base := filepath.Base(path); base == blob || base == blob+".incomplete" {
				sizes[name] = info.Size()
			}
		}
	}
	return sizes, err
}

// look compares what was asked for since the last look with what was there.
func (f *fetching) look(kept map[string]int64) {
	requests := f.hub.Requests()
	for _, q := range requests[f.asked:] {
		if q.Offset < kept[q.Name] {
			f.again = append(f.again, fmt.Sprintf("%s from %d on, where %d were there", q.Name, q.Offset, kept[q.Name]))
		}
	}
	f.asked = len(requests)
}

// end lets the last server load the model, and compares its files.
func (f *fetching) end(ctx context.Context) (wrong []string, err error) {
	p, loaded, err := f.start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.kill() }()
	if info := <-loaded; info.State != tts.Loaded {
		wrong = append(wrong, fmt.Sprintf("%s, %v", info.State, info.Error))
	}
	if _, err := p.stop(); err != nil {
		f.unclean = append(f.unclean, err.Error())
	}
	dirs, err := filepath.Glob(filepath.Join(f.cache, "models--*", "snapshots", "*"))
	if err != nil || len(dirs) != 1 {
		return append(wrong, fmt.Sprintf("snapshots: %q", dirs)), err
	}
	for name, want := range f.files {
		got, err := os.ReadFile(filepath.Join(dirs[0], filepath.FromSlash(name)))
		if err != nil || !bytes.Equal(got, want) {
			wrong = append(wrong, fmt.Sprintf("%s has %d bytes: %v", name, len(got), err))
		}
	}
	return wrong, nil
}
