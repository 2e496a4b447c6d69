package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"slices"

	"ttsui/internal/tts"
)

const (
	warmUp      = 20 // cycles that a process may take to reach its size
	reloadAfter = 10 // cycles after which a model is loaded anew

	// reuse is by how many bytes MLX's active memory may differ from load to load. MLX gives a new array a freed buffer of
	// less than twice its size when it has one, and counts all of it (mlxbridge.TestFreedBufferIsUsedAgain). What the model
	// that was loaded anew gets for its remembered prompt, five arrays of 14 KB, depends on what MLX's threads have freed by
	// then. Nothing new is held until the next load: so far it is compared to the byte, and so it is with no model loaded.
	reuse = 16 << 10
)

// footprint is what a process held after each cycle.
type footprint struct{ rss, active, arrays, handles []float64 }

// runCycles speaks in all modes over and over and wants the process to stay as it was: memory, open files, arrays and
// goroutines.
func runCycles(ctx context.Context, w *world, o options, r *report) error {
	few, err := countGoroutines(ctx, w, 2)
	if err != nil {
		return err
	}
	p, err := w.start(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = p.kill() }()
	if err := p.load(ctx, cloneID, controlID, designID); err != nil {
		return err
	}
	var held, empty footprint
	for n := range warmUp + o.cycles {
		if n == warmUp {
			if err := empty.lookWithoutModels(ctx, p); err != nil {
				return err
			}
			if err := p.load(ctx, cloneID, controlID, designID); err != nil {
				return err
			}
		}
		if err := cycle(ctx, w, p, n); err != nil {
			return fmt.Errorf("cycle %d: %w", n, err)
		}
		if n < warmUp {
			continue
		}
		if err := held.look(ctx, p); err != nil {
			return err
		}
	}
	if err := empty.lookWithoutModels(ctx, p); err != nil {
		return err
	}
	many, err := p.dump()
	if err != nil {
		return err
	}
	held.judge(r)
	r.note("MLX active memory with no model loaded, bytes", empty.active[0])
	r.most("the same after all cycles, bytes more", empty.active[1]-empty.active[0], 0)
	r.most("live arrays with no model loaded", quantile(empty.arrays, 1), 0)
	r.note("goroutines after two cycles", float64(few))
	r.most("goroutines after all of them", float64(many), float64(few+4))
	r.none("faults in the log", p.faults())
	return nil
}

// look adds what the process holds now.
func (f *footprint) look(ctx context.Context, p *process) error {
	s, err := p.Stats(ctx)
	if err != nil {
		return err
	}
	f.rss = append(f.rss, *s.Memory.RSSMB)
	f.active = append(f.active, s.Engine.MLXActiveMB*(1<<20))
	f.arrays = append(f.arrays, float64(s.Engine.LiveArrays))
	f.handles = append(f.handles, float64(p.handles()))
	return nil
}

// lookWithoutModels is look once all models are unloaded. What MLX holds then is for the process, such as the constants of
// kernels that it compiled on a Mac; it may not become more.
func (f *footprint) lookWithoutModels(ctx context.Context, p *process) error {
	for _, id := range []string{cloneID, controlID, designID} {
		if _, err := p.Unload(ctx, id, tts.UnloadOptions{Wait: true}); err != nil {
			return err
		}
	}
	return f.look(ctx, p)
}

// judge wants it to be the same after all cycles, of which the first loaded a model anew.
func (f *footprint) judge(r *report) {
	r.note("cycles of generating in three modes", float64(len(f.rss)))
	r.note("RSS after the warm-up, MiB", f.rss[0])
	r.note("RSS at the end, MiB", f.rss[len(f.rss)-1])
	third := max(1, len(f.rss)/3)
	r.most("RSS, median of the last third above the first's, MiB", quantile(f.rss[len(f.rss)-third:], 0.5)-quantile(f.rss[:third], 0.5), 16)
	r.note("RSS, slope of the last two thirds, MiB per 100", 100*slope(f.rss[third:]))
	var sameLoad float64
	for between := range slices.Chunk(f.active, reloadAfter) {
		sameLoad = max(sameLoad, spread(between))
	}
	r.most("MLX active memory between two loads, differs by bytes", sameLoad, 0)
	r.most("MLX active memory, largest difference, bytes", spread(f.active), reuse)
	r.most("live arrays, largest difference", spread(f.arrays), 0)
	r.most("open files, largest difference", spread(f.handles), 4)
}

// countGoroutines tells how many a server has after so many cycles.
func countGoroutines(ctx context.Context, w *world, cycles int) (int, error) {
	p, err := w.start(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = p.kill() }()
	if err := p.load(ctx, cloneID, controlID, designID); err != nil {
		return 0, err
	}
	for n := range cycles {
		if err := cycle(ctx, w, p, n); err != nil {
			return 0, err
		}
	}
	return p.dump()
}

// cycle speaks to a file, to a listener, and with a clip that comes along; every tenth time a job is stopped and a model
// unloaded and loaded besides.
func cycle(ctx context.Context, w *world, p *process, n int) error {
	path := filepath.Join(w.results(), "cycle.wav")
	if _, err := p.Generate(ctx, control(16, path)); err != nil {
		return err
	}
	if frames, err := checkWAV(path); err != nil || frames != 16 {
		return fmt.Errorf("%d frames: %w", frames, err)
	}
	var heard counter
	design := control(16, "")
	design.Mode, design.ModelID, design.Instruct, design.Audio = tts.Design, designID, "calm", &heard
	if _, err := p.Generate(ctx, design); err != nil || heard.samples != 16*tts.FrameSamples {
		return fmt.Errorf("%d samples: %w", heard.samples, err)
	}
	if size, err := p.clone(ctx, w.clip, 16); err != nil || size != 44+2*16*tts.FrameSamples {
		return fmt.Errorf("%d bytes: %w", size, err)
	}
	if n%reloadAfter != 0 {
		return nil
	}
	if err := p.stopOne(ctx); err != nil {
		return err
	}
	if _, err := p.Unload(ctx, designID, tts.UnloadOptions{Wait: true}); err != nil {
		return err
	}
	if err := p.load(ctx, designID); err != nil {
		return err
	}
	_, err := p.Generate(ctx, design) // after it, the model remembers its prompt again
	return err
}

// stopOne cancels a generation that would take for ever.
func (p *process) stopOne(ctx context.Context) error {
	ended := make(chan error, 1)
	var heard counter
	req := control(tts.MaxFrames, "")
	req.Audio = &heard
	go func() {
		_, err := p.Generate(ctx, req)
		ended <- err
	}()
	if err := p.speaking(ctx); err != nil {
		return err
	}
	list, err := p.Jobs(ctx)
	if err != nil {
		return err
	}
	job, err := p.CancelJob(ctx, list[0].ID)
	if err != nil || job.State != tts.JobCanceled {
		return fmt.Errorf("the job is %s: %w", job.State, err)
	}
	if err := <-ended; err == nil {
		return fmt.Errorf("the stopped job answered as if it were whole")
	}
	return nil
}

// clone sends a clip as a form and gives the size of the audio that comes back.
func (p *process) clone(ctx context.Context, clip []byte, frames int) (size int64, err error) {
	var form bytes.Buffer
	f := multipart.NewWriter(&form)
	for name, value := range map[string]string{"model_id": cloneID, "text": "In my voice.", "max_frames": fmt.Sprint(frames)} {
		_ = f.WriteField(name, value) // a Buffer takes everything
	}
	part, err := f.CreateFormFile("ref_audio", "me.wav")
	if err == nil {
		_, err = part.Write(clip)
	}
	if err != nil {
		return 0, err
	}
	_ = f.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.addr+"/generate/clone", &form)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", f.FormDataContentType())
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		var refusal struct{ Detail string }
		_ = json.NewDecoder(res.Body).Decode(&refusal)
		return 0, fmt.Errorf("%s: %s", res.Status, refusal.Detail)
	}
	return io.Copy(io.Discard, res.Body)
}
