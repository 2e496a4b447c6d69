package audio

import (
	"math"
	"slices"

	"ttsui/internal/tts"
)

// Measures are what the samples of a clip tell about it as a reference, without a model. Levels are in dB, 0 being full
// scale, of frames of 20 ms.
type Measures struct {
	Seconds float64
	Peak    float64 // of the loudest sample
	Speech  float64 // mean of the loud frames, which in a recording of somebody are those of speech
	Noise   float64 // of the quiet frames: what is heard between words and in them
	Silence float64 // share of the frames between words, in [0, 1]
	Clipped float64 // share of the samples that are cut off at full scale, in [0, 1]
	Tonal   float64 // how much of a tone is in the quiet frames, in [0, 1]: little in noise, much in music and hum
}

// SNR is how far speech is above what is heard between words, in dB.
func (m Measures) SNR() float64 { return m.Speech - m.Noise }

const (
	frameLength = tts.SampleRate / 50
	noLevel     = -120.0 // of digital silence
	emptyLevel  = -90.0  // below it is no microphone's noise
	loudRange   = 20.0   // dB between the loudest frames and the quietest that still count as loud
	clipLevel   = 0.99   // from here on samples may be cut off,
	clipRun     = 4      // if so many in a row
	clipStep    = 0.004  // differ by less
)

// Measure measures a clip of mono samples at tts.SampleRate.
func Measure(pcm []float32) Measures {
	m, _, _ := measure(pcm)
	return m
}

// measure also gives the level of each frame, and which of them are silent.
func measure(pcm []float32) (m Measures, levels []float64, silent []bool) {
	levels = frameLevels(pcm)
	m = Measures{Seconds: float64(len(pcm)) / tts.SampleRate, Peak: noLevel, Speech: noLevel, Noise: noLevel, Silence: 1}
	if len(levels) == 0 {
		return m, levels, nil
	}
	m.Peak = decibel(float64(peakOf(pcm)))
	m.Clipped = float64(clippedSamples(pcm)) / float64(len(pcm))
	sorted := slices.Sorted(slices.Values(levels))
	m.Speech = loudLevel(sorted)
	m.Noise = quietLevel(levels)
	// Half way between speech and noise, and not so low that a breath counts as speech.
	border := max((m.Speech+m.Noise)/2, m.Speech-40, emptyLevel)
	n := 0
	silent = make([]bool, len(levels))
	for i, l := range levels {
		if silent[i] = l < border; silent[i] {
			n++
		}
	}
	m.Silence = float64(n) / float64(len(levels))
	m.Tonal = tonality(pcm, levels, m.Noise)
	return m, levels, silent
}

// frameLevels gives the level of each whole frame.
func frameLevels(pcm []float32) []float64 {
	levels := make([]float64, len(pcm)/frameLength)
	for i := range levels {
		var sum float64
		for _, v := range pcm[i*frameLength : (i+1)*frameLength] {
			sum += float64(v) * float64(v)
		}
		levels[i] = decibel(math.Sqrt(sum / frameLength))
	}
	return levels
}

func decibel(amplitude float64) float64 {
	return max(20*math.Log10(amplitude), noLevel) // of 0 it is −∞
}

func peakOf(pcm []float32) (peak float32) {
	for _, v := range pcm {
		peak = max(peak, v, -v)
	}
	return peak
}

// clippedSamples counts samples in flat tops at full scale.
func clippedSamples(pcm []float32) (n int) {
	run := 0
	for i := range pcm {
		v := max(pcm[i], -pcm[i])
		flat := i > 0 && math.Abs(float64(pcm[i]-pcm[i-1])) < clipStep
		switch {
		case v < clipLevel:
			run = 0
		case flat:
			run++
		default:
			run = 1
		}
		if run == clipRun {
			n += clipRun
		} else if run > clipRun {
			n++
		}
	}
	return n
}

// loudLevel is the mean level of the frames that are nearly as loud as the loudest twentieth.
func loudLevel(sorted []float64) float64 {
	top := sorted[len(sorted)*19/20]
	from, _ := slices.BinarySearch(sorted, top-loudRange)
	var sum float64
	for _, l := range sorted[from:] {
		sum += math.Pow(10, l/10)
	}
	return decibel(math.Sqrt(sum / float64(len(sorted)-from)))
}

// quietLevel is the level that a twentieth of the frames are below. Those around the recording with nothing in them don't
// count: it may have been filled up with zeros.
func quietLevel(levels []float64) float64 {
	from, to := 0, len(levels)
	for from < to && levels[from] < emptyLevel {
		from++
	}
	for to > from && levels[to-1] < emptyLevel {
		to--
	}
	if from == to {
		return noLevel
	}
	sorted := slices.Sorted(slices.Values(levels[from:to]))
	return sorted[len(sorted)/20]
}

// tonality is the median of how periodic the quiet frames are that have anything in them.
func tonality(pcm []float32, levels []float64, noise float64) float64 {
	const most = 100 // frames, which are enough for a median
	var quiet []int
	for i := 0; (i+1)*frameLength+tonalReach <= len(pcm) && i < len(levels); i++ {
		if levels[i] > emptyLevel && levels[i] <= noise+3 {
			quiet = append(quiet, i)
		}
	}
	if len(quiet) == 0 {
		return 0
	}
	likeness := make([]float64, min(most, len(quiet)))
	for k := range likeness {
		at := quiet[k*len(quiet)/len(likeness)] * frameLength
		likeness[k] = periodicity(pcm[at : at+tonalReach])
	}
	slices.Sort(likeness)
	return likeness[len(likeness)/2]
}

// What periodicity looks at, in samples.
const (
	tonalWindow   = 2 * frameLength
	longestPeriod = tts.SampleRate / 45 // below the hum of the mains
	tonalReach    = tonalWindow + longestPeriod
)

// periodicity is how alike a piece of sound is to itself a period later, at best. Periods count from where it is unlike
// itself: every sound is like itself a moment later.
func periodicity(pcm []float32) (best float64) {
	unlike := false
	for period := 1; period <= longestPeriod; period++ {
		c := correlation(pcm[:tonalWindow], pcm[period:period+tonalWindow])
		unlike = unlike || c < 0.3
		if unlike {
			best = max(best, c)
		}
	}
	return best
}

// correlation of two pieces of one length, in [−1, 1].
func correlation(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// Peaks is the loudest sample of each of n equal parts, for a picture.
func Peaks(pcm []float32, n int) []float32 {
	peaks := make([]float32, n)
	for i := range peaks {
		peaks[i] = peakOf(pcm[i*len(pcm)/n : (i+1)*len(pcm)/n])
	}
	return peaks
}
