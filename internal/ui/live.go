package ui

import (
	"context"
	"time"

	"ttsui/internal/tts"
)

// LiveClip is a clip of speech that is being made. WriteSamples, Finish and Peaks may be called beside other methods, and
// after Close, when they do nothing of use.
type LiveClip interface {
	Clip
	tts.Sink        // adds to it
	Finish()        // it is complete: from now on it is like any clip
	Waiting() bool  // it would play if there were more of it
	Underruns() int // how often it ran dry
}

// live is the part of a generation that is played as it is made.
type live struct {
	playback *playback // nil before its first sound
	result   *Result   // what the tab had before that, and its ID in the history
	chosen   string
	anew     bool // it ran away, and is spoken once more
	replay   bool // from the beginning, when that is done
}

// showLive is the box that decides whether speech is played as it is made.
func (c *core) showLive() Check {
	return Check{Title: "Play as it is made", On: !c.liveOff, Tooltip: "Plays speech as soon as the first of it is there. Holds from the next Generate on."}
}

// speakTo has the server speak req, and plays it as it is made where that is wanted. It runs on the goroutine of a run.
func (c *core) speakTo(ctx context.Context, server Server, t *tab, run *generation, req tts.Request) (tts.Result, error) {
	if !run.aloud || req.Takes > 1 || req.Splice != nil {
		return server.Generate(ctx, req)
	}
	l := &listener{core: c, tab: t, run: run, req: req}
	req.Audio = l
	res, err := server.Generate(ctx, req)
	l.finish()
	if err != nil || !ranAway(req, res) {
		return res, err
	}
	c.post(func() { c.speakAnew(t, run) })
	req.Audio, req.JobID, req.Sampling.Seed = nil, tts.NewJobID(), new(res.Seed+1)
	better, err := server.Generate(ctx, req)
	if err != nil {
		return res, nil // which is whole, and in its place
	}
	better.Retries++
	better.Seconds += res.Seconds
	return better, nil
}

// ranAway reports whether a take that was heard should be made anew, as the server does with those that were not. Of a
// text in segments most is well, and with a temperature of 0 it would be the same again.
func ranAway(req tts.Request, res tts.Result) bool {
	return res.Runaway != "" && len(res.Segments) < 2 && !req.Sampling.Greedy()
}

// listener gets the speech of a run as it is made, and plays it from its first sound on. It belongs to the goroutine of the
// run.
type listener struct {
	core *core
	tab  *tab
	run  *generation
	req  tts.Request

	clip LiveClip // nil before the first sound, and when there is no way to play it
	deaf bool     // there is none
}

// WriteSamples implements tts.Sink. What can't be played is made all the same.
func (l *listener) WriteSamples(pcm []float32) error {
	if l.clip == nil && !l.deaf {
		clip, err := l.core.config.Player.Live(l.req)
		l.clip, l.deaf = clip, err != nil
		l.core.post(func() { l.core.beginLive(l.tab, l.run, l.req.OutputPath, clip, err) })
	}
	if l.deaf {
		return nil
	}
	return l.clip.WriteSamples(pcm)
}

func (l *listener) finish() {
	if l.clip != nil {
		l.clip.Finish()
	}
}

// beginLive puts speech that is being made into the player, in the place of the tab's result, and plays it.
func (c *core) beginLive(t *tab, run *generation, path string, clip LiveClip, err error) {
	if err != nil {
		c.log.remark("The speech can't be played as it is made: " + problemText(err))
		return
	}
	p := &playback{path: path, clip: clip, live: clip}
	if c.closing || t.run != run { // it was stopped
		c.closePlayback(p)
		return
	}
	c.closeClip(t)
	t.playback = p
	run.live = live{playback: p, result: t.result, chosen: t.past.chosen}
	t.result, t.past.chosen = nil, ""
	c.playUnasked(t)
	c.tick()
}

// playUnasked plays what the user has not clicked on: not in a tab that is not seen, nor while a recording would hear it.
func (c *core) playUnasked(t *tab) {
	if c.tabs[c.mode] == t && c.recorder.take == nil && !c.recorder.busy {
		c.play(t.playback)
	}
}

// speakAnew silences speech that ran away, while the server makes it anew.
func (c *core) speakAnew(t *tab, run *generation) {
	run.anew = true
	if p := run.live.playback; p != nil && t.playback == p {
		run.replay = p.playing
		c.closePlayback(p)
	}
}

// dropLive ends the playing of a run of which nothing comes. The tab has what it had before, unless the user has chosen
// something else meanwhile.
func (c *core) dropLive(t *tab, run *generation) {
	p := run.live.playback
	if p == nil || t.playback != p {
		return
	}
	c.tellWaits(p)
	c.closeClip(t)
	if t.result, t.past.chosen = run.result, run.chosen; t.result != nil {
		c.openClip(t)
	}
}

// keepLive lets the result of a run be played by the clip that played it as it was made. Where that isn't the same, as a
// take that ran away is cut in its file, the file is opened, and the playing goes on in it.
func (c *core) keepLive(t *tab, run *generation, res tts.Result) {
	p := run.live.playback
	if p == nil || t.playback != p {
		c.openClip(t)
		return
	}
	from, play := time.Duration(0), run.replay
	if p.clip != nil {
		c.tellWaits(p)
		if (p.clip.Length() - seconds(res.AudioSeconds())).Abs() < time.Millisecond {
			p.live = nil
			c.picture(p)
			return
		}
		from, play = p.clip.Position(), p.playing
	}
	c.openClip(t)
	t.playback.from, t.playback.play = from, play
}

// tellWaits tells how often the sound had to wait for speech.
func (c *core) tellWaits(p *playback) {
	if p.live == nil {
		return
	}
	if n := p.live.Underruns(); n > 0 {
		c.log.did("Speech was made more slowly than it plays: the sound waited " + plural(n, "time", "times"))
	}
}

// picture draws a sound that has grown. A little more would not be seen.
func (c *core) picture(p *playback) {
	length := p.clip.Length()
	if p.drawing || length == p.drawn || p.live != nil && length-p.drawn <= p.drawn/100 {
		return
	}
	p.drawing, p.drawn = true, length
	clip := p.clip
	start(c, func() ([]float32, error) { return clip.Peaks(peakCount), nil }, func(peaks []float32, _ error) {
		p.drawing, p.peaks = false, peaks
		if p.clip != nil {
			c.picture(p)
		}
	})
}

// retriesNote tells of a result that is not the first that was made.
func retriesNote(res tts.Result) string {
	switch res.Retries {
	case 0:
		return ""
	case 1:
		return "It ran away, and was spoken anew with another seed."
	}
	return "It ran away " + plural(res.Retries, "time", "times") + ", and was spoken anew with other seeds."
}
