package playback_test

import (
	"math"
	"testing"
	"time"

	"ttsui/internal/playback"
	"ttsui/internal/tts"
)

// piece is half a second of sound that gets louder.
func piece() []float32 {
	pcm := make([]float32, tts.SampleRate/2)
	for i := range pcm {
		pcm[i] = float32(i) / float32(len(pcm))
	}
	return pcm
}

// live begins a clip of which nothing is there yet, and plays it.
func live(t *testing.T) *playback.Clip {
	t.Helper()
	c, err := playback.Silent().Live(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		length := c.Length()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		add(t, c) // who makes it may not know yet
		c.Finish()
		if c.Length() != length {
			t.Error("it grows after Close")
		}
	})
	c.Play()
	return c
}

// feed adds to a clip, clearly faster than it plays, until it is heard, and gives its length.
func feed(t *testing.T, c *playback.Clip) time.Duration {
	t.Helper()
	for add(t, c); c.Waiting(); add(t, c) {
		time.Sleep(60 * time.Millisecond) // so that pieces are told apart
	}
	return c.Length()
}

func add(t *testing.T, c *playback.Clip) {
	t.Helper()
	if err := c.WriteSamples(piece()); err != nil {
		t.Fatal(err)
	}
}

// TestLiveClip: it is heard while it is made, waits where it runs dry, goes on, ends when it is complete, and is then a
// clip like any other.
func TestLiveClip(t *testing.T) {
	c := live(t)
	length := feed(t, c)
	wait(t, "sound before the end", func() bool { return c.Position() > 0 })
	wait(t, "an underrun", func() bool { return c.Underruns() == 1 })
	if !c.Playing() || !c.Waiting() || c.Position() != length || c.Length() != length {
		t.Errorf("it ran dry: playing %v, waiting %v, at %v of %v", c.Playing(), c.Waiting(), c.Position(), c.Length())
	}
	add(t, c)
	c.Finish()
	wait(t, "the end", func() bool { return !c.Playing() })
	if c.Position() != c.Length() || c.Length() != length+500*time.Millisecond || c.Underruns() != 1 || c.Waiting() {
		t.Errorf("it ended at %v of %v, with %d underruns", c.Position(), c.Length(), c.Underruns())
	}
	for i, v := range c.Peaks(int(c.Length() / (500 * time.Millisecond))) {
		if math.Abs(float64(v)-1) > 0.001 {
			t.Errorf("piece %d reaches %v", i, v)
		}
	}
	c.Play()
	if at := c.Position(); at > length || !c.Playing() {
		t.Errorf("played again, it is at %v", at)
	}
}

// TestLiveClipIsShort: what ends before its rate is known is heard all the same.
func TestLiveClipIsShort(t *testing.T) {
	c := live(t)
	add(t, c)
	if !c.Waiting() || c.Position() != 0 {
		t.Errorf("waiting %v, at %v", c.Waiting(), c.Position())
	}
	c.Finish()
	wait(t, "the end", func() bool { return !c.Playing() })
	if c.Position() != c.Length() || c.Underruns() != 0 {
		t.Errorf("it ended at %v of %v, with %d underruns", c.Position(), c.Length(), c.Underruns())
	}
}

// TestLiveClipIsWound: who goes to the end of what there is waits there, is not sent back to the beginning, and caused no
// underrun; a pause keeps the place while the clip grows.
func TestLiveClipIsWound(t *testing.T) {
	c := live(t)
	length := feed(t, c)
	c.Seek(time.Hour)
	c.Pause()
	c.Play()
	if !c.Waiting() || c.Position() != length {
		t.Errorf("at the end: waiting %v, at %v", c.Waiting(), c.Position())
	}
	c.Seek(100 * time.Millisecond)
	c.Pause()
	at := c.Position()
	add(t, c)
	if c.Waiting() || c.Playing() || c.Position() != at || at < 100*time.Millisecond || c.Underruns() != 0 {
		t.Errorf("paused at %v it is at %v, waiting %v, with %d underruns", at, c.Position(), c.Waiting(), c.Underruns())
	}
	c.Play()
	wait(t, "sound after the pause", func() bool { return c.Position() > at })
}
