package main

import (
	"bytes"
	"strings"
	"testing"

	"ttsui/internal/tts"
)

// A terminal shows one line that is drawn anew, and at its end what was made.
func TestProgressLine(t *testing.T) {
	var out bytes.Buffer
	p := &progressLine{&out}
	p.text("loading a/b")
	p.job(tts.Job{Stage: tts.StageReference})
	p.job(tts.Job{Stage: tts.StagePrefill})
	p.job(tts.Job{Stage: tts.StageFrames, AudioSeconds: 2})
	p.job(tts.Job{Stage: tts.StageSaving, AudioSeconds: 2})
	p.clear()
	p.done(tts.Result{Samples: 25 * tts.FrameSamples, Seconds: 4, Seed: 7})
	const clear = "\r\x1b[K"
	want := clear + "loading a/b …" + clear + "listening to the reference clip …" + clear + "reading the text …" +
		clear + "speaking: 2.0 s …" + clear + "saving …" + clear + "2.0 s of speech in 4.0 s, seed 7\n"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", &out, want)
	}
}

// Without a terminal nothing is drawn.
func TestNoProgressWithoutTerminal(t *testing.T) {
	var out bytes.Buffer
	p := newProgressLine(&out)
	p.text("loading a/b")
	p.clear()
	p.done(tts.Result{})
	if out.Len() != 0 {
		t.Errorf("drawn: %q", &out)
	}
}

func TestTextOfAFileIsSpokenWhole(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"last line end", "one\ntwo\n", "one\ntwo"},
		{"Windows", "\ufeffone\r\ntwo\r\n\r\n", "one\r\ntwo"},
		{"no line end", "one", "one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readText(bytes.NewBufferString(c.in), "", []string{"-"})
			if got != c.want || err != nil {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// A greedy take is the same with every seed.
func TestRunawayText(t *testing.T) {
	for try, asked := range map[string]tts.Sampling{"or try another seed": {}, "or try a temperature above 0": {Temperature: new(0.0)}} {
		if got := runawayText(tts.RunawaySilence, asked); !strings.HasSuffix(got, try) {
			t.Errorf("%+v: %s", asked, got)
		}
	}
}
