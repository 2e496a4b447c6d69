package hub

import (
	"sync"
	"time"
)

// Phase is what a fetcher is doing.
type Phase string

// The phases. With several files at a time the first that applies to any of them is told.
const (
	Downloading Phase = "downloading" // bytes are coming, or are asked for
	Verifying   Phase = "verifying"   // what lies on the disk is read and compared with its checksum
	Waiting     Phase = "waiting"     // another process is fetching the same
)

// Progress is how far a fetcher is.
type Progress struct {
	Phase      Phase
	File       string        // that something happened to last
	BytesDone  int64         // never falls
	BytesTotal int64         // of all files, with those that were there before
	Rate       float64       // bytes a second, of late
	ETA        time.Duration // until the end at this rate; 0 while nobody knows
}

const (
	tick       = 200 * time.Millisecond // between two reports
	rateWindow = 5 * time.Second        // that the rate is of
)

// meter adds up the progress of several files. Its methods may be called by several goroutines.
type meter struct {
	mu     sync.Mutex
	total  int64
	done   []int64 // by file
	phase  []Phase // by file; "" when it isn't being worked on
	names  []string
	last   int      // the file that something happened to
	gained int64    // bytes that came during this run
	shown  int64    // what was reported last
	window []sample // oldest first
}

// sample is how much had come at a time.
type sample struct {
	at     time.Time
	gained int64
}

func newMeter(files []File) *meter {
	m := &meter{done: make([]int64, len(files)), phase: make([]Phase, len(files))}
	for _, f := range files {
		m.total += f.Size
		m.names = append(m.names, f.Name)
	}
	return m
}

// enter says what is being done with file i.
func (m *meter) enter(i int, p Phase) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.phase[i] = p
}

// set says how much of file i is there, without having come just now.
func (m *meter) set(i int, done int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done[i] = done
}

// reach says how much of file i has come.
func (m *meter) reach(i int, done int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := done - m.done[i]; n > 0 {
		m.done[i], m.last = done, i
		m.gained += n
	}
}

// report gives the state of things at a time.
func (m *meter) report(now time.Time) Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	done := int64(0)
	p := Progress{Phase: Downloading, BytesTotal: m.total}
	best := len(phaseOrder())
	for i, n := range m.done {
		done += n
		for rank, phase := range phaseOrder()[:best] {
			if m.phase[i] == phase {
				best, p.Phase = rank, phase
				break
			}
		}
	}
	if len(m.names) > 0 {
		p.File = m.names[m.last]
	}
	m.shown = max(m.shown, done)
	p.BytesDone = m.shown
	p.Rate = m.rate(now)
	if left := m.total - done; p.Rate > 0 && left > 0 {
		p.ETA = time.Duration(float64(left) / p.Rate * float64(time.Second))
	}
	return p
}

func phaseOrder() []Phase { return []Phase{Downloading, Verifying, Waiting} }

// rate adds a sample to the window and gives the speed over it. The caller holds mu.
func (m *meter) rate(now time.Time) float64 {
	for len(m.window) > 1 && now.Sub(m.window[1].at) >= rateWindow {
		m.window = m.window[1:]
	}
	m.window = append(m.window, sample{now, m.gained})
	first := m.window[0]
	seconds := now.Sub(first.at).Seconds()
	if seconds <= 0 {
		return 0
	}
	return float64(m.gained-first.gained) / seconds
}

// start reports to see, from one goroutine, until stop is called; the last report comes then. A nil see is nobody.
func (m *meter) start(see func(Progress)) (stop func()) {
	if see == nil {
		return func() {}
	}
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		see(m.report(time.Now()))
		for {
			select {
			case now := <-ticker.C:
				see(m.report(now))
			case <-ended:
				see(m.report(time.Now()))
				return
			}
		}
	}()
	return func() { close(ended); <-done }
}
