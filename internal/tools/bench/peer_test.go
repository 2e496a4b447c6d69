package main

import (
	"strings"
	"testing"

	"ttsui/internal/speed"
)

// fakeScript is a program that prints what it likes.
const fakeScript = `
def load(checkpoint, dtype):
    print("loading")
    return f"{checkpoint} in {dtype}"

def frames(model, job):
    print("{}")
    return {"made": job["frames"], "frames": 0.5}

def fail(model, job):
    raise ValueError("no speech from " + model)

serve(load, {"frames": frames, "speech": fail}, lambda: {"peak_mlx": 7})
`

// A peer's answers are its own, whatever the program prints; when it ends, the error says why; and it can load again.
func TestPeer(t *testing.T) {
	p := &peer{program: program{name: "fake", script: fakeScript}, python: "python3", dir: "weights", dtype: "float32"}
	for range 2 {
		l, err := p.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if l.RSSBefore == 0 || l.RSSAfter == 0 || l.RSSPeak == 0 {
			t.Errorf("the load is %+v", l)
		}
		for frames := range 3 {
			took, err := p.Do(t.Context(), speed.Job{Kind: speed.Frames, Frames: frames})
			if err != nil {
				t.Fatal(err)
			}
			if took.Made != frames || took.Frames != 0.5 || took.PeakMLX != 7 || took.RSS == 0 {
				t.Errorf("%d frames took %+v", frames, took)
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := p.Do(t.Context(), speed.Job{Kind: speed.Speech})
	for _, words := range []string{"fake has ended", "no speech from weights in float32"} {
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("the error %v lacks %q", err, words)
		}
	}
	if err := p.Close(); err != nil {
		t.Errorf("the program's end is told twice: %v", err)
	}
}
