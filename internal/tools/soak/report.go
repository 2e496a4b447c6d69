package main

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"time"
)

// report prints figures as they come, each beside the bound that it has to keep.
type report struct {
	out    io.Writer
	began  time.Time // the part
	start  time.Time
	broken int
}

func newReport(out io.Writer) *report {
	now := time.Now()
	fmt.Fprintf(out, "%d cores, %s/%s, %s\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, now.Format(time.DateTime))
	return &report{out: out, began: now, start: now}
}

func (r *report) begin(part string) {
	r.began = time.Now()
	fmt.Fprintf(r.out, "\n%s (%.0f s since the start)\n", part, r.began.Sub(r.start).Seconds())
}

// end gives errBroken when a bound was.
func (r *report) end() error {
	fmt.Fprintf(r.out, "\n%d bounds broken, %.0f s\n", r.broken, time.Since(r.start).Seconds())
	if r.broken > 0 {
		return errBroken
	}
	return nil
}

func (r *report) line(name, value, bound, verdict string) {
	fmt.Fprintf(r.out, "  %-52s %12s  %-14s %s\n", name, value, bound, verdict)
}

// note prints a figure that has no bound.
func (r *report) note(name string, value float64) { r.line(name, number(value), "", "") }

// most prints a figure that may not be above its bound.
func (r *report) most(name string, value, bound float64) {
	r.judge(name, value, "≤ "+number(bound), value <= bound)
}

// least prints a figure that may not be below its bound.
func (r *report) least(name string, value, bound float64) {
	r.judge(name, value, "≥ "+number(bound), value >= bound)
}

// none prints how often something was that may not be, and the first cases.
func (r *report) none(name string, cases []string) {
	r.most(name, float64(len(cases)), 0)
	for _, c := range cases[:min(3, len(cases))] {
		fmt.Fprintf(r.out, "      %.500s\n", c)
	}
}

func (r *report) judge(name string, value float64, bound string, kept bool) {
	verdict := "ok"
	if !kept {
		verdict = "BROKEN"
		r.broken++
	}
	r.line(name, number(value), bound, verdict)
}

// number writes a figure with as many digits as mean something.
func number(x float64) string {
	switch {
	case x == math.Trunc(x) || math.Abs(x) >= 1000:
		return fmt.Sprintf("%.0f", x)
	case math.Abs(x) >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// quantile is the value that q of all values do not exceed.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

// spread is the largest difference between values.
func spread(values []float64) float64 { return quantile(values, 1) - quantile(values, 0) }

// slope is how much values rise from one to the next, by least squares.
func slope(values []float64) float64 {
	n := float64(len(values))
	var sx, sy, sxx, sxy float64
	for i, y := range values {
		x := float64(i)
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}
