package speed

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// fake is a side whose jobs take what it says, and that writes down who works when.
type fake struct {
	name  string
	slow  float64
	turns *[]string
}

func (f fake) Name() string { return f.name }
func (f fake) Load(context.Context) (Loading, error) {
	return Loading{Seconds: f.slow, FrameBytes: 1e9}, nil
}
func (f fake) Close() error { return nil }
func (f fake) Do(_ context.Context, j Job) (Take, error) {
	*f.turns = append(*f.turns, fmt.Sprint(f.name, j.Kind, j.Temperature))
	s := f.slow * float64(j.Frames)
	return Take{Made: j.Frames, Prefill: f.slow, Frames: s, Host: s / 10, Talker: s / 4, Predictor: s / 2, Decode: s, Vector: f.slow, Codes: 3 * f.slow, First: f.slow, Total: 2 * s}, nil
}

// Sides work in turns, and their figures are a frame's, with their ratio to the first side's.
func TestRun(t *testing.T) {
	var turns []string
	sides := []Side{fake{"a", 0.1, &turns}, fake{"b", 0.5, &turns}}
	r, err := Run(t.Context(), sides, Options{Frames: 8, Rounds: 2, Parts: []string{"speech", "split", "reference"}})
	if err != nil {
		t.Fatal(err)
	}
	round := []string{"asplit0", "asplit0.9", "bsplit0", "bsplit0.9", "alisten0", "blisten0", "aspeech0.9", "bspeech0.9"}
	if want := slices.Concat([]string{"aframes0.9", "bframes0.9"}, round, round); !slices.Equal(turns, want) {
		t.Errorf("the turns are %v, want %v", turns, want)
	}
	for name, want := range map[Figure]float64{talkerFrame: 25, predictFrame: 50, drawFrame: 0, clipVector: 100, clipCodes: 300, wholeFrame: 200, firstAudio: 100, realTime: 2.5} {
		if got := r.Sides[0].Figures[name]; len(got) != 2 || got[0] < want-1e-9 || got[0] > want+1e-9 {
			t.Errorf("%s is %v, want %g twice", name, got, want)
		}
	}
	var table bytes.Buffer
	if err := r.Table(&table); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(table.String(), "5.00× (5.00–5.00)") || strings.Contains(table.String(), string(frameGreedy)) {
		t.Errorf("the table:\n%s", table.String())
	}
}

// What a side can't tell isn't counted as none: it is left out.
func TestUntold(t *testing.T) {
	f := &Found{Figures: map[Figure][]float64{}}
	for _, measure := range []func(context.Context, Side, Options, *Found) error{measureReference, measureSpeech} {
		if err := measure(t.Context(), mute{}, Options{Frames: 8}, f); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.Figures) != 2 || len(f.Figures[wholeFrame]) != 1 || len(f.Figures[realTime]) != 1 {
		t.Errorf("the figures are %v", f.Figures)
	}
}

// mute is a side that neither clones nor streams.
type mute struct{ Side }

func (mute) Do(_ context.Context, j Job) (Take, error) { return Take{Made: j.Frames, Total: 1}, nil }

// The spread of a ratio is that of the rounds, each with its own.
func TestRatioText(t *testing.T) {
	if got, want := ratioText([]float64{1, 2, 4}, []float64{10, 16, 60}), "8.00× (8.00–15.0)"; got != want {
		t.Errorf("%s, want %s", got, want)
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
	for x, want := range map[float64]string{0.123: "0.12", 1.239: "1.24", 12.34: "12.3", 123.4: "123", 12345: "12345", -12.34: "-12.3"} {
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
