package speech

import (
	"context"
	"runtime"
	"sync"

	"ttsui/internal/memory"
	"ttsui/internal/tts"
)

// tally counts what a Service has done. Its zero value is ready.
type tally struct {
	mu          sync.Mutex
	generations uint64
	last        *tts.GenerationStats
}

// add counts a generation. Seconds are those of the model's work.
func (t *tally) add(res tts.Result, seconds float64) {
	frames, samples, _ := res.Whole()
	g := &tts.GenerationStats{Frames: frames, AudioSeconds: float64(samples) / tts.SampleRate, Seconds: seconds, FirstAudio: res.FirstAudio, ReusedReference: res.ReusedReference}
	if seconds > 0 && samples > 0 { // JSON has no infinity
		g.FramesPerSecond = float64(frames) / seconds
		g.RealTimeFactor = seconds / g.AudioSeconds
	}
	for _, take := range res.Each() {
		g.Takes++
		g.PromptRows += take.PromptRows
		g.ReusedRows += take.ReusedRows
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.generations += uint64(g.Takes)
	t.last = g
}

// Stats tells how this process does.
func (s *Service) Stats(context.Context) (tts.Stats, error) {
	st := tts.Stats{
		UptimeSeconds: s.Registry.Uptime().Seconds(),
		ModelsLoaded:  s.Registry.Loaded(),
		QueueLength:   s.Queue.Length(),
		Memory:        processMemory(),
		Engine:        s.Registry.Engine(),
		Versions:      tts.Versions{TTSUI: tts.Version(), Go: runtime.Version()},
	}
	s.tally.mu.Lock()
	defer s.tally.mu.Unlock()
	st.Generations, st.LastGeneration = s.tally.generations, s.tally.last
	return st, nil
}

// processMemory reads what can be read; a figure that can't stays unknown.
func processMemory() (m tts.ProcessMemory) {
	mb := func(bytes uint64) *float64 {
		n := memory.MB(bytes)
		return &n
	}
	if rss, err := memory.RSS(); err == nil {
		m.RSSMB = mb(rss)
	}
	if available, _, err := memory.Machine(); err == nil {
		m.AvailableMB = mb(available)
	}
	if footprint, known := memory.Footprint(); known {
		m.FootprintMB = mb(footprint)
	}
	return m
}
