package main

import (
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ttsui/internal/tts"
)

func TestFigures(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	for q, want := range map[float64]float64{0: 1, 0.2: 1, 0.5: 3, 0.99: 5, 1: 5} {
		if got := quantile(values, q); got != want {
			t.Errorf("the quantile %g is %g, want %g", q, got, want)
		}
	}
	if got := slope([]float64{1, 3, 5, 7}); math.Abs(got-2) > 1e-12 {
		t.Errorf("the slope is %g", got)
	}
	for x, want := range map[float64]string{0: "0", 3: "3", 0.123: "0.12", 12.34: "12.3", 1234.5: "1234"} {
		if got := number(x); got != want {
			t.Errorf("%g is written %s", x, got)
		}
	}
}

func TestReportTellsBrokenBounds(t *testing.T) {
	var out strings.Builder
	r := newReport(&out)
	r.most("small", 1, 1)
	r.least("large", 1, 1)
	r.none("faults", nil)
	if err := r.end(); err != nil {
		t.Error(err)
	}
	for name, broken := range map[string]func(*report){
		"most":  func(r *report) { r.most("x", 1.1, 1) },
		"least": func(r *report) { r.least("x", 0.9, 1) },
		"none":  func(r *report) { r.none("x", []string{"a case"}) },
		"NaN":   func(r *report) { r.most("x", math.NaN(), 1) },
	} {
		r := newReport(io.Discard)
		broken(r)
		if r.end() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestFootprintThatGrows: what one load holds may differ from what the next does by a buffer; what grows is told.
func TestFootprintThatGrows(t *testing.T) {
	for name, c := range map[string]struct {
		active, arrays func(cycle int) float64 // added
		broken         int
	}{
		"nothing":                 {nil, nil, 0},
		"a buffer for each load":  {func(n int) float64 { return float64(n / reloadAfter % 3 * 2688) }, nil, 0},
		"a byte once":             {func(n int) float64 { return float64(n / 25) }, nil, 1},
		"a byte in each cycle":    {func(n int) float64 { return float64(n) }, nil, 1},
		"a kilobyte in each load": {func(n int) float64 { return float64(n / reloadAfter * 1000) }, nil, 1},
		"an array":                {nil, func(n int) float64 { return float64(n / 49) }, 1},
	} {
		var f footprint
		for n := range 200 {
			active, arrays := 8964350.0, 543.0
			if c.active != nil {
				active += c.active(n)
			}
			if c.arrays != nil {
				arrays += c.arrays(n)
			}
			f.rss, f.active = append(f.rss, 61), append(f.active, active)
			f.arrays, f.handles = append(f.arrays, arrays), append(f.handles, 12)
		}
		r := newReport(io.Discard)
		if f.judge(r); r.broken != c.broken {
			t.Errorf("%s: %d bounds are broken, want %d", name, r.broken, c.broken)
		}
	}
}

func TestCheckWAV(t *testing.T) {
	whole := make([]byte, 44+2*2*tts.FrameSamples)
	copy(whole, "RIFF")
	binary.LittleEndian.PutUint32(whole[4:], uint32(len(whole)-8))
	binary.LittleEndian.PutUint32(whole[40:], uint32(len(whole)-44))
	path := filepath.Join(t.TempDir(), "a.wav")
	for size, frames := range map[int]int{len(whole): 2, len(whole) - 2: 0, len(whole) - 2*tts.FrameSamples: 0, 44: 0, 10: 0, 0: 0} {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := checkWAV(path); got != frames || (err == nil) != (frames > 0) {
			t.Errorf("%d of %d bytes: %d frames, %v", size, len(whole), got, err)
		}
	}
}

func TestFollowerCounts(t *testing.T) {
	var f follower
	for _, id := range []uint64{1, 2, 2, 5, 6} {
		f.see(tts.LogEvent{Entry: &tts.LogEntry{ID: id}})
	}
	f.see(tts.LogEvent{Lost: 3})
	f.see(tts.LogEvent{Entry: &tts.LogEntry{ID: 10}})
	f.see(tts.LogEvent{Err: io.EOF})
	if want := (follower{got: 5, repeated: 1, missed: 2, lost: 3, last: 10, broken: 1}); f != want {
		t.Errorf("%+v, want %+v", f, want)
	}
}

func TestOnlyKnownParts(t *testing.T) {
	if err := run(t.Context(), options{only: "quit,none"}, io.Discard); err == nil || !strings.Contains(err.Error(), "load, cycles") {
		t.Error(err)
	}
}
