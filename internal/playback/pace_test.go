package playback

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"ttsui/internal/tts"
)

// TestEnoughIsAhead: what is made at a steady rate, in pieces that come at once, is heard without a gap once it is heard,
// unless that would take too long; and soon when it is made faster than it plays.
func TestEnoughIsAhead(t *testing.T) {
	const frame = time.Second * tts.FrameSamples / tts.SampleRate
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0.2, 20).Draw(t, "rate")
		frames := rapid.IntRange(1, 16).Draw(t, "frames of a piece")
		pieces := rapid.IntRange(2, 60).Draw(t, "pieces")
		length := time.Duration(pieces*frames) * frame
		apart := time.Duration(float64(time.Duration(frames)*frame) / rate)
		if apart < 60*time.Millisecond { // many would come as one
			return
		}
		var p pace
		var starts time.Time
		made, began, capped := time.Duration(0), time.Now(), false
		for piece := range pieces {
			now := began.Add(time.Duration(piece) * apart)
			if !starts.IsZero() && now.Sub(starts) > made && !capped {
				t.Fatalf("after %v of %v it runs dry; it was heard from %v on", made, length, starts.Sub(began))
			}
			for range frames {
				made += frame
				p.add(now, made)
				ahead := p.ahead(made, length)
				if starts.IsZero() && made >= ahead {
					starts, capped = now, ahead >= mostAhead
				}
			}
		}
		if soon := began.Add(2*apart + leastAhead); rate > 1.1 && length > time.Second+2*apart && (starts.IsZero() || starts.After(soon)) {
			t.Fatalf("at a rate of %.1f it is heard after %v, in pieces of %v", rate, starts.Sub(began), apart)
		}
	})
}

// TestPaceInOneGo: what comes faster than pieces can be told apart is heard after two of them.
func TestPaceInOneGo(t *testing.T) {
	var p pace
	began := time.Now()
	for ms := range 51 {
		if got := p.ahead(time.Duration(ms)*20*time.Millisecond, time.Minute); got != mostAhead {
			t.Fatalf("after %d ms: %v", ms, got)
		}
		p.add(began.Add(time.Duration(ms)*time.Millisecond), time.Duration(ms+1)*20*time.Millisecond)
	}
	for ms := 51; ms < 60; ms++ {
		p.add(began.Add(time.Duration(ms)*time.Millisecond), time.Duration(ms+1)*20*time.Millisecond)
	}
	if got := p.ahead(60*20*time.Millisecond, time.Minute); got != leastAhead {
		t.Errorf("then: %v", got)
	}
}

// TestPaceIsSlow: the arithmetic of one case, and its bounds.
func TestPaceIsSlow(t *testing.T) {
	var p pace
	began := time.Now()
	for i := range 5 { // a second in two
		p.add(began.Add(time.Duration(i)*2*time.Second), time.Duration(i+1)*time.Second)
	}
	for _, c := range []struct{ expected, want time.Duration }{
		{10 * time.Second, 8026 * time.Millisecond}, // 2.5 s for the gap, 5 s × (1 / 0.475 − 1)
		{5 * time.Second, 4711 * time.Millisecond},  // it is longer already than was thought
		{time.Hour, mostAhead},
	} {
		if got := p.ahead(5*time.Second, c.expected); (got - c.want).Abs() > time.Millisecond {
			t.Errorf("expected %v: %v, want %v", c.expected, got, c.want)
		}
	}
}
