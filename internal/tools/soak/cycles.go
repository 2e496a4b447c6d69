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

	"ttsui/internal/tts"
)

// warmUp is how many cycles a process may take to reach its size.
const warmUp = 20

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
	var rss, active, arrays, handles []float64
	for n := range warmUp + o.cycles {
		if err := cycle(ctx, w, p, n); err != nil {
			return fmt.Errorf("cycle %d: %w", n, err)
		}
		if n < warmUp {
			continue
		}
		s, err := p.Stats(ctx)
		if err != nil {
			return err
		}
		rss = append(rss, *s.Memory.RSSMB)
		active = append(active, s.Engine.MLXActiveMB)
		arrays = append(arrays, float64(s.Engine.LiveArrays))
		handles = append(handles, float64(p.handles()))
	}
	many, err := p.dump()
	if err != nil {
		return err
	}
	r.note("cycles of generating in three modes", float64(len(rss)))
	r.note("RSS after the warm-up, MiB", rss[0])
	r.note("RSS at the end, MiB", rss[len(rss)-1])
	third := max(1, len(rss)/3)
	r.most("RSS, median of the last third above the first's, MiB", quantile(rss[len(rss)-third:], 0.5)-quantile(rss[:third], 0.5), 16)
	r.note("RSS, slope of the last two thirds, MiB per 100", 100*slope(rss[third:]))
	r.most("MLX active memory, largest difference, MiB", quantile(active, 1)-quantile(active, 0), 0)
	r.most("live arrays, largest difference", quantile(arrays, 1)-quantile(arrays, 0), 0)
	r.most("open files, largest difference", quantile(handles, 1)-quantile(handles, 0), 4)
	r.note("goroutines after two cycles", float64(few))
	r.most("goroutines after all of them", float64(many), float64(few+4))
	r.none("faults in the log", p.faults())
	return nil
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

// cycle speaks to a file, to a listener, and with a clip that comes along; every tenth is a job that is stopped and a
// model that is unloaded and loaded besides.
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
	if n%10 != 0 {
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
