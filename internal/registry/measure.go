package registry

import (
	"time"

	"ttsui/internal/memory"
	"ttsui/internal/tts"
)

// measurement is what one load or unload did to the process, in the making.
type measurement struct {
	registry *Registry
	what     string // "load" or "unload"
	started  time.Time
	before   *float64 // in MB; nil when it could not be read
}

// startMeasuring notes time and memory before a load or unload, and logs the memory.
func (r *Registry) startMeasuring(what string) measurement {
	m := measurement{registry: r, what: what, before: r.readRSS()}
	if m.before != nil {
		r.log.Info().Msgf("Memory before %s: %s", what, memory.Text(*m.before))
	}
	m.started = r.now()
	return m
}

func (m measurement) seconds() float64 { return m.registry.now().Sub(m.started).Seconds() }

// finish reads and logs the memory after the load or unload.
func (m measurement) finish() tts.Memory {
	r := m.registry
	mem := tts.Memory{BeforeMB: m.before, AfterMB: r.readRSS()}
	if mem.AfterMB != nil && m.before != nil {
		delta := *mem.AfterMB - *m.before
		mem.DeltaMB = &delta
		r.log.Info().Msgf("Memory after %s: %s (%s)", m.what, memory.Text(*mem.AfterMB), memory.DeltaText(delta))
	}
	if bytes, known := r.footprint(); known {
		mb := memory.MB(bytes)
		mem.FootprintMB = &mb
		r.log.Info().Msgf("Footprint after %s: %s", m.what, memory.Text(mb))
	}
	if g, ok := r.loader.(Gauge); ok {
		e := g.Gauge()
		mem.MLXActiveMB, mem.MLXCacheMB, mem.MLXPeakMB = &e.MLXActiveMB, &e.MLXCacheMB, &e.MLXPeakMB
		r.log.Info().Msgf("MLX memory after %s: %s active, %s cached, %s at peak", m.what,
			memory.Text(e.MLXActiveMB), memory.Text(e.MLXCacheMB), memory.Text(e.MLXPeakMB))
	}
	return mem
}

// readRSS is the process's memory in MB, or nil: a figure that can't be read stops no model.
func (r *Registry) readRSS() *float64 {
	bytes, err := r.rss()
	if err != nil {
		r.log.Warn().Msgf("Memory is unknown: %v", err)
		return nil
	}
	mb := memory.MB(bytes)
	return &mb
}
