// Package runaway notices that a model speaks on although its text is done. Speech ends when the model draws the end,
// and now and then it misses that: what follows is silence, or a syllable over and over, or noise until the limit.
//
// The bounds are generous, because a word that is cut is worse than a second of silence. They come from how people read
// and pause, not from measurements with the models.
package runaway

import (
	"math"
	"sync"

	"ttsui/internal/textplan"
	"ttsui/internal/tts"
)

// A take may be three times as long as its text needs, and ten seconds more.
const (
	slowest = 3
	slack   = 125 // frames
)

// phase is how far the speech must be.
type phase int

const (
	early  phase = iota // within the time that the text needs
	late                // beyond it
	missed              // the model found the end more likely than not, not long ago, and didn't draw it
)

// How many frames of silence and of repetition are too many in each phase. Who pauses for effect does so for less than
// eight seconds; a text that repeats itself does so within its time.
var (
	mostSilence    = [...]int{early: 100, late: 50, missed: 25}
	mostRepetition = [...]int{early: 250, late: 75, missed: 38}
)

const (
	longestCycle = 50    // frames that are repeated: four seconds
	mismatch     = 9     // repeated frames that one takes back which is not: nine of ten have to be the same
	likelyEnd    = 0.5   // probability
	quietest     = 0.001 // of full scale, RMS: what is below is silence anywhere,
	quiet        = 0.01  // and so is what is below this part of the take's loudest frame
	breath       = 6     // frames of silence that are kept at the end
	notLong      = 125   // frames
)

// Watch watches over one take: Frame is told of its codec frames, and WriteSamples of its sound, which comes later. They
// may be called by different goroutines.
type Watch struct {
	mu       sync.Mutex
	expected int
	most     int
	frames   int
	heard    int // frames whose sound is known
	end      int // frames before the likely end that was not drawn; 0 when there was none
	silence  int // frames, up to the last that was heard
	loudest  float64
	codes    [longestCycle]int32   // of the first codebook, by frame number
	repeated [longestCycle + 1]int // by the length of the cycle: frames that are as the cycle before has them
	reason   tts.Runaway
	keep     int
	stopped  bool
}

// New watches over a take of text in a language, a name of tts.Languages or empty.
func New(text, language string) *Watch {
	expected := textplan.Frames(text, language)
	return &Watch{expected: int(expected), most: slack + int(slowest*expected)}
}

// Frame takes the next frame, and reports whether the take is still well.
func (w *Watch) Frame(f tts.Frame) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(f.Codes) > 0 {
		w.compare(f.Codes[0])
	}
	if f.End >= likelyEnd {
		w.end = w.frames
	}
	w.frames++
	if w.frames >= w.most {
		keep := w.frames
		if 2*w.end > w.expected { // else there was more to say
			keep = w.end
		}
		w.note(tts.RunawayTooLong, keep)
	}
	w.stopped = w.reason != ""
	return !w.stopped
}

// compare counts for each length of a cycle how long the codes have been going round in it.
func (w *Watch) compare(code int32) {
	for cycle := 1; cycle <= min(longestCycle, w.frames); cycle++ {
		if w.codes[(w.frames-cycle)%longestCycle] != code {
			w.repeated[cycle] = max(0, w.repeated[cycle]-mismatch)
			continue
		}
		if w.repeated[cycle]++; w.repeated[cycle] >= mostRepetition[w.phase()] {
			w.note(tts.RunawayRepetition, w.frames+1-w.repeated[cycle])
		}
	}
	w.codes[w.frames%longestCycle] = code
}

// WriteSamples hears the sound of the frames, mono at tts.SampleRate. It implements tts.Sink and never fails.
func (w *Watch) WriteSamples(pcm []float32) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ; len(pcm) > 0; pcm = pcm[min(tts.FrameSamples, len(pcm)):] {
		w.hear(loudness(pcm[:min(tts.FrameSamples, len(pcm))]))
	}
	return nil
}

func (w *Watch) hear(rms float64) {
	w.heard++
	w.loudest = max(w.loudest, rms)
	if rms > max(quietest, quiet*w.loudest) {
		w.silence = 0
		return
	}
	if w.silence++; w.silence >= mostSilence[w.phase()] {
		w.note(tts.RunawaySilence, w.heard-w.silence+breath)
	}
}

func loudness(pcm []float32) float64 {
	sum := 0.0
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}

func (w *Watch) phase() phase {
	switch {
	case w.end > 0 && w.frames-w.end <= notLong:
		return missed
	case w.frames > w.expected:
		return late
	}
	return early
}

// note notes the first thing that is wrong, and how many frames are worth keeping.
func (w *Watch) note(reason tts.Runaway, keep int) {
	if w.reason == "" {
		w.reason, w.keep = reason, keep
	}
}

// Verdict gives what was wrong with a take that Frame stopped, and how many of its frames were well. A take that came to
// its own end is well.
func (w *Watch) Verdict() (reason tts.Runaway, keep int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.stopped {
		return "", w.frames
	}
	return w.reason, w.keep
}
