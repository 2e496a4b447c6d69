package ui

import (
	"path/filepath"
	"time"
)

// Of the player.
const (
	skipStep  = 10 * time.Second
	tickEvery = 100 * time.Millisecond // while it plays
	peakCount = 400                    // parts of the picture
)

// playback is a result in the player.
type playback struct {
	path    string
	clip    Clip // nil until it is open
	peaks   []float32
	playing bool
	closed  bool // before it was open
	wrong   error

	live    LiveClip      // the clip, while it is made
	drawing bool          // its picture
	drawn   time.Duration // how long it was when that was begun
	from    time.Duration // where to play from when it is open, if it is to be played then
	play    bool
}

// opened is what opening a clip gives.
type opened struct {
	clip  Clip
	peaks []float32
}

// openClip puts the result of a tab into its player, in the place of the one before.
func (c *core) openClip(t *tab) {
	c.closeClip(t)
	p := &playback{path: t.result.Path}
	t.playback = p
	start(c, func() (opened, error) {
		clip, err := c.config.Player.Open(p.path)
		if err != nil {
			return opened{}, err
		}
		return opened{clip, clip.Peaks(peakCount)}, nil
	}, func(o opened, err error) {
		p.clip, p.peaks, p.wrong = o.clip, o.peaks, err
		switch {
		case p.closed:
			c.closePlayback(p)
		case p.play && err == nil:
			p.clip.Seek(min(p.from, p.clip.Length()))
			c.playUnasked(t)
		}
	})
}

// closeClip empties the player of a tab.
func (c *core) closeClip(t *tab) {
	if t.playback != nil {
		c.closePlayback(t.playback)
		t.playback = nil
	}
}

func (c *core) closePlayback(p *playback) {
	p.closed, p.playing, p.live = true, false, nil
	if p.clip == nil {
		return
	}
	clip := p.clip
	p.clip = nil
	c.run(clip.Close, func(error) {}) // what can't be freed is not the user's concern
}

// current is the playback that is seen, if it can be played.
func (c *core) current() *playback {
	p := c.tabs[c.mode].playback
	if p == nil || p.clip == nil {
		return nil
	}
	return p
}

func (c *core) playPause() {
	p := c.current()
	switch {
	case p == nil:
	case p.playing:
		c.pause()
	default:
		c.play(p)
	}
}

func (c *core) play(p *playback) {
	p.clip.Play()
	p.playing, p.wrong = true, nil
	c.tick()
}

func (c *core) pause() {
	if p := c.current(); p != nil && p.playing {
		p.clip.Pause()
		p.playing = false
	}
}

// seek goes to a place, or to the end that is nearer.
func (c *core) seek(to time.Duration) {
	if p := c.current(); p != nil {
		p.clip.Seek(min(max(to, 0), p.clip.Length()))
	}
}

func (c *core) skip(by time.Duration) {
	if p := c.current(); p != nil {
		c.seek(p.clip.Position() + by)
	}
}

// tick has the position shown while there is one that moves, and the length while it grows. A sound that has ended is back
// at its beginning.
func (c *core) tick() {
	if c.ticking {
		return
	}
	c.ticking = true
	c.after(tickEvery, func() {
		c.ticking = false
		p := c.current()
		if p == nil || !p.playing && p.live == nil {
			return
		}
		if p.live != nil {
			c.picture(p)
		}
		if p.playing && !p.clip.Playing() {
			p.playing = false
			if p.wrong = p.clip.Err(); p.wrong == nil {
				p.clip.Seek(0)
			}
		}
		c.tick()
	})
}

// setVolume says how loud sounds are, from 0 to 1.
func (c *core) setVolume(volume float64) {
	c.softer = 1 - min(max(volume, 0), 1)
	c.config.Player.SetVolume(1 - c.softer)
}

// showPlayer is the player of the tab that is seen.
func (c *core) showPlayer() PlayerPanel {
	s := PlayerPanel{
		Play:    Button{Title: "Play"},
		Back:    Button{Title: "10 s", Tooltip: "Back 10 seconds"},
		Forward: Button{Title: "10 s", Tooltip: "Forward 10 seconds"},
	}
	p := c.tabs[c.mode].playback
	if p == nil {
		return s
	}
	s.Volume = 1 - c.softer
	s.Visible, s.Path, s.Name, s.Playing, s.Peaks = true, p.path, filepath.Base(p.path), p.playing, p.peaks
	if p.playing {
		s.Play.Title = "Pause"
	}
	if p.clip != nil {
		s.Play.Enabled, s.Back.Enabled, s.Forward.Enabled = true, true, true
		s.Position, s.Length = p.clip.Position(), p.clip.Length()
		s.Time = clock(s.Position) + " / " + clock(s.Length)
	}
	if p.live != nil {
		s.Path, s.Growing = "", true // the file isn't there yet
		if p.live.Waiting() {
			s.Time += " · waiting"
		}
	}
	if p.wrong != nil {
		s.Error = "It can't be played: " + problemText(p.wrong)
	}
	return s
}
