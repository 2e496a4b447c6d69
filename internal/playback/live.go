package playback

import (
	"time"

	"ttsui/internal/audio"
)

// growth is what a clip has of its own while it is made.
type growth struct {
	growing   bool // more will come
	gathering bool // nothing is heard until enough is there
	underruns int
	expected  time.Duration // its length at the end
	pace      pace
}

// Live gives a clip that is still to be made: WriteSamples adds to it, Finish says that it is complete. Expected is how
// long it will about become.
//
// While it is made it is heard as soon as so much is there that it won't run dry, at the rate at which it is made. When
// it runs dry all the same, it waits until that is so again.
func (p *Player) Live(expected time.Duration) (*Clip, error) {
	s, err := newSound()
	if err != nil {
		return nil, err
	}
	return p.ready(&Clip{sound: s, growth: growth{growing: true, gathering: true, expected: expected}})
}

// WriteSamples implements tts.Sink: it adds to a clip of Live's. One call at a time; after Finish or Close it does nothing.
// What can't be kept is not heard, as Err says, and no error: the speech is made all the same, and the clip is complete.
func (c *Clip) WriteSamples(samples []float32) error {
	if !c.grows() {
		return nil
	}
	pcm := make([]int16, len(samples))
	for i, v := range samples {
		pcm[i] = audio.Int16(v)
	}
	if err := c.sound.write(pcm); err != nil {
		c.Finish()
		c.fail(err)
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sound.extend(pcm)
	c.pace.add(time.Now(), duration(c.sound.samples))
	if c.gathering {
		c.gather()
	}
	c.wake()
	return nil
}

func (c *Clip) grows() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.growing
}

// Finish says that a clip of Live's is complete: from now on it is like one that was opened.
func (c *Clip) Finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.growing, c.gathering = false, false
}

// Waiting reports whether the clip would play if more of it were there.
func (c *Clip) Waiting() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.playing && c.gathering
}

// Underruns counts how often the clip ran dry while it was made.
func (c *Clip) Underruns() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.underruns
}

// gather stops the sound of a clip that grows until enough of it is there. The caller holds mu.
func (c *Clip) gather() {
	c.gathering = c.growing && duration(c.sound.samples-c.at) < c.pace.ahead(duration(c.sound.samples), c.expected)
}

// How much of a clip has to be there before it is heard.
const (
	leastAhead = 300 * time.Millisecond
	mostAhead  = 30 * time.Second // who waits longer would rather hear it in pieces
	leastLeft  = 2 * time.Second  // to come of a clip that is longer already than expected
	caution    = 0.95             // of the rate, which is not the same all the time
)

// pace is how fast a clip is made. It comes in pieces, each of which may be written in many parts.
type pace struct {
	began, latest time.Time     // when the first and the latest piece began to come
	first         time.Duration // how long the first piece plays
	gap           time.Duration // the longest from one piece to the next
}

// add notes that there is so much by now.
func (p *pace) add(now time.Time, made time.Duration) {
	const piece = 50 * time.Millisecond // what comes within it came at once
	switch {
	case p.began.IsZero():
		p.began, p.latest, p.first = now, now, made
	case now.Sub(p.latest) >= piece:
		p.gap, p.latest = max(p.gap, now.Sub(p.latest)), now
	case p.latest.Equal(p.began):
		p.first = made
	}
}

// ahead is how much has to be there that was not heard yet, when so much is made. What is made more slowly than it plays
// is heard when the rest comes in time.
func (p *pace) ahead(made, expected time.Duration) time.Duration {
	if p.latest.Equal(p.began) {
		return mostAhead // nobody knows yet
	}
	rate := caution * (made - p.first).Seconds() / p.latest.Sub(p.began).Seconds()
	ahead := max(leastAhead, p.gap*5/4).Seconds()
	if rate < 1 {
		ahead += max(leastLeft, expected-made).Seconds() * (1/rate - 1)
	}
	return time.Duration(min(ahead, mostAhead.Seconds()) * float64(time.Second))
}
