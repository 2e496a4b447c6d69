package main

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// A run over a tiny checkpoint fills every figure, in the table and in JSON.
func TestRun(t *testing.T) {
	o := options{size: "tiny", dtype: "float32", frames: 8, rounds: 2, force: true}
	var table bytes.Buffer
	if err := run(context.Background(), o, &table); err != nil {
		t.Fatal(err)
	}
	for _, name := range figures() {
		if !strings.Contains(table.String(), string(name)) {
			t.Errorf("the table lacks %q", name)
		}
	}
	o.json = true
	var text bytes.Buffer
	if err := run(context.Background(), o, &text); err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(text.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	for _, name := range figures() {
		values := r.Sides[0].Figures[name]
		if len(values) != 2 || slices.ContainsFunc(values, func(x float64) bool { return !(x > 0) }) {
			t.Errorf("%s is %v, want two positive values", name, values)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	for name, o := range map[string]options{
		"few frames": {size: "tiny", frames: 7, rounds: 1, force: true},
		"no rounds":  {size: "tiny", frames: 8, force: true},
		"size":       {size: "3B", frames: 8, rounds: 1, force: true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := run(context.Background(), o, &bytes.Buffer{}); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestTake(t *testing.T) {
	two := take{Samples: 2 * 1920, Laps: []lap{
		{"prefill", 0, 5}, {"predictor", 0, 1}, {"predictor", 0, 3}, {"talker", 0, 7}, {"codec", 1, 2}, {"codec", 4, 4},
	}}
	for name, got := range map[string][2]float64{
		"lap":            {two.perLap("talker"), 7},
		"frame":          {two.perFrame("predictor"), 2},
		"codec":          {two.codec(4), 1},
		"codec, by ones": {two.codec(1), 2},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %g, want %g", name, got[0], got[1])
		}
	}
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := median(test.values); got != test.want {
			t.Errorf("median of %v is %g, want %g", test.values, got, test.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{0.123: "0.12", 1.239: "1.24", 12.34: "12.3", 123.4: "123", 12345: "12345"} {
		if got := number(x); got != want {
			t.Errorf("%g is written %s, want %s", x, got, want)
		}
	}
}

func TestParseLoad(t *testing.T) {
	for text, want := range map[string]float64{
		" 10:16:38 up 48 min,  0 user,  load average: 1.74, 1.42, 1.34":   1.74,
		"10:16  up 3 days, 22:04, 4 users, load averages: 2.50 2.43 2.40": 2.5,
		" 10:16:38 up 48 min,  load average: 12.00, 1.42, 1.34\n":         12,
	} {
		if got, err := parseLoad(text); err != nil || got != want {
			t.Errorf("%q: %g, %v; want %g", text, got, err, want)
		}
	}
	if _, err := parseLoad("busy"); err == nil {
		t.Error("no error")
	}
}
