package audio

import (
	"context"
	"fmt"
	"math"

	"ttsui/internal/tts"
)

// Span is a part of a clip, in seconds from its beginning.
type Span struct{ Start, End float64 }

// Seconds is how long the part is.
func (s Span) Seconds() float64 { return s.End - s.Start }

// Warning is something about a clip that makes a worse voice of it.
type Warning struct {
	Code string // short, long, clipped, quiet, silent, noisy or music
	Text string // what it is
	Hint string // what to do about it
}

// Study is a reference clip, looked at before it is used.
type Study struct {
	Measures
	Best     Span // the part that should be used
	Warnings []Warning
	PCM      []float32 // mono, at tts.SampleRate
}

// StudyReference reads the clip at path as ReadReference does, and looks at it.
func StudyReference(ctx context.Context, path string) (*Study, error) {
	pcm, err := ReadReference(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &Study{PCM: pcm}
	var silent []bool
	s.Measures, _, silent = measure(pcm)
	s.Best = bestSpan(pcm, silent)
	s.Warnings = s.Measures.warnings()
	return s, nil
}

// Limits of a good clip. They are where a listener begins to notice, and generous.
const (
	shortest   = 3.0 // seconds
	longest    = 30.0
	bestLeast  = 8.0
	bestMost   = 15.0
	quietest   = -42.0  // dB
	leastSNR   = 20.0   // dB
	mostTonal  = 0.5    // above it what sounds between words is no noise
	mostSilent = 0.6    // share
	mostClip   = 0.0005 // share
)

// warnings says what of the measures is bad.
func (m Measures) warnings() (list []Warning) {
	warn := func(bad bool, code, text, hint string) {
		if bad {
			list = append(list, Warning{code, text, hint})
		}
	}
	warn(m.Seconds < shortest, "short", fmt.Sprintf("The clip is only %.1f seconds long.", m.Seconds), "Use 8 to 15 seconds of speech.")
	warn(m.Seconds > longest, "long", fmt.Sprintf("The clip is %.0f seconds long, and takes as long to listen to each time.", m.Seconds),
		"Trim it to the best 8 to 15 seconds.")
	warn(m.Clipped > mostClip, "clipped", "The clip is distorted: it was recorded too loudly.", "Lower the level of the microphone and record it again.")
	warn(m.Speech < quietest, "quiet", fmt.Sprintf("The voice is very quiet (%.0f dB).", m.Speech), "Come closer to the microphone, or raise its level.")
	warn(m.Silence > mostSilent, "silent", fmt.Sprintf("There is no speech in %.0f %% of the clip.", 100*m.Silence), "Trim it to where somebody speaks.")
	loud, tonal := m.Speech > emptyLevel && m.SNR() < leastSNR, m.Tonal > mostTonal
	warn(loud && tonal, "music", "Something other than noise sounds between the words: music, a hum or another voice.",
		"Use a clip in which nothing but one voice is heard.")
	warn(loud && !tonal, "noisy", fmt.Sprintf("The clip is noisy: the voice is only %.0f dB above what is heard between the words.", m.SNR()),
		"Record it in a quiet room, close to the microphone.")
	return list
}

// bestSpan is the part of a clip, from pause to pause where there are any, with the most speech in it and the least that is
// cut off. Of a short clip it is all but the silence around it.
func bestSpan(pcm []float32, silent []bool) Span {
	const second = tts.SampleRate / frameLength // frames
	first, last := 0, len(silent)
	for first < last && silent[first] {
		first++
	}
	for last > first && silent[last-1] {
		last--
	}
	whole := Span{0, float64(len(pcm)) / tts.SampleRate}
	if first == last {
		return whole
	}
	const margin = second / 5
	first, last = max(0, first-margin), min(len(silent), last+margin)
	span := func(from, to int) Span {
		return Span{float64(from) / second, min(float64(to)/second, whole.End)}
	}
	if float64(last-first) <= bestMost*second {
		return span(first, last)
	}
	worth := newWorth(pcm, silent)
	best, from, to := math.Inf(-1), first, last
	try := func(a, b int) {
		if w := worth.of(a, b); w > best {
			best, from, to = w, a, b
		}
	}
	starts, ends := pausesIn(silent, first, last, margin)
	for _, a := range starts {
		for _, b := range ends {
			if n := b - a; n >= bestLeast*second && n <= bestMost*second {
				try(a, b)
			}
		}
	}
	if math.IsInf(best, -1) { // nobody stops to breathe
		const length = 12 * second
		for a := first; a+length <= last; a += second / 2 {
			try(a, a+length)
		}
	}
	return span(from, to)
}

// pausesIn lists the frames between first and last at which speech begins and ends after and before a pause, with a margin
// of silence.
func pausesIn(silent []bool, first, last, margin int) (starts, ends []int) {
	const least = 6 // frames: shorter ones are in the middle of words
	starts, ends = []int{first}, []int{last}
	for i := first; i < last; {
		end := i
		for end < last && silent[end] {
			end++
		}
		if end-i >= least && i > first && end < last {
			part := min(margin, (end-i)/2)
			starts, ends = append(starts, end-part), append(ends, i+part)
		}
		i = max(end, i+1)
	}
	return starts, ends
}

// worth tells how good parts of a clip are. It holds sums over all frames before one.
type worth struct{ speech, clipped []int }

func newWorth(pcm []float32, silent []bool) worth {
	w := worth{make([]int, len(silent)+1), make([]int, len(silent)+1)}
	for i, s := range silent {
		w.speech[i+1], w.clipped[i+1] = w.speech[i], w.clipped[i]
		if !s {
			w.speech[i+1]++
		}
		if clippedSamples(pcm[i*frameLength:(i+1)*frameLength]) > 0 {
			w.clipped[i+1]++
		}
	}
	return w
}

// of is the worth of the frames from a up to b: their share of speech, less ten times that of frames that are cut off, and
// a little for each second.
func (w worth) of(a, b int) float64 {
	n := float64(b - a)
	return float64(w.speech[b]-w.speech[a])/n - 10*float64(w.clipped[b]-w.clipped[a])/n + n/1e5
}

// TrimReference writes a part of the clip at from, which may be any reference, to a WAV file that only this user can
// read. It ends with a fade of 5 ms at either side, so that no cut is heard.
func TrimReference(ctx context.Context, from, to string, part Span) error {
	const fade = tts.SampleRate / 200
	pcm, err := ReadReference(ctx, from)
	if err != nil {
		return err
	}
	at := func(seconds float64) int {
		return int(max(0, min(math.Round(seconds*tts.SampleRate), float64(len(pcm))))) // NaN is caught below
	}
	if !(part.Seconds() > 0) || at(part.End)-at(part.Start) < minMillis*tts.SampleRate/1000 {
		return tts.Errorf(tts.CodeInvalid, "Choose a part of 3 to 15 seconds.", "the part from %.2f to %.2f seconds is too short", part.Start, part.End)
	}
	pcm = pcm[at(part.Start):at(part.End)]
	for i := range fade {
		gain := float32(i) / fade
		pcm[i] *= gain
		pcm[len(pcm)-1-i] *= gain
	}
	return WritePrivate(to, pcm)
}

// WritePrivate writes a WAV file that only this user can read.
func WritePrivate(path string, pcm []float32) error {
	w, err := CreateWAV(path)
	if err != nil {
		return err
	}
	defer w.Abort()
	w.Private()
	if err := w.WriteSamples(pcm); err != nil {
		return err
	}
	return w.Commit()
}
