package runaway_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"ttsui/internal/runaway"
	"ttsui/internal/textplan"
	"ttsui/internal/tts"
)

// take is a way to speak: codes and loudness of each frame, and how likely the end was.
type take struct {
	code func(frame int) int32
	loud func(frame int) float32
	end  func(frame int) float64
}

// voice is speech as it should be.
func voice() take {
	random := rand.New(rand.NewPCG(1, 2))
	return take{
		code: func(int) int32 { return random.Int32N(2048) },
		loud: func(n int) float32 { return 0.1 + 0.05*float32(n%3) },
		end:  func(int) float64 { return 0.01 },
	}
}

// speak gives the frame at which the watch stops the take, or all frames.
func (k take) speak(text string, frames int) (n int, reason tts.Runaway, keep int) {
	w := runaway.New(text, "English")
	pcm := make([]float32, tts.FrameSamples)
	for n < frames {
		n++
		if !w.Frame(tts.Frame{Codes: []int32{k.code(n - 1), 7}, End: k.end(n - 1)}) {
			break
		}
		for i := range pcm {
			pcm[i] = k.loud(n-1) * float32(1-2*(i%2))
		}
		_ = w.WriteSamples(pcm)
	}
	reason, keep = w.Verdict()
	return n, reason, keep
}

var (
	text     = strings.Repeat("All work and no play makes Jack a dull boy. ", 10)
	expected = int(textplan.Frames(text, "English"))
)

func from(frame int, then, before float64) func(int) float64 {
	return func(n int) float64 {
		if n >= frame {
			return then
		}
		return before
	}
}

func TestWatch(t *testing.T) {
	silentFrom := func(frame int) func(int) float32 {
		return func(n int) float32 { return float32(from(frame, 0.0005, 0.1)(n)) }
	}
	loopFrom := func(frame, cycle int) func(int) int32 {
		k := voice()
		return func(n int) int32 {
			if n >= frame {
				return int32(n % cycle)
			}
			return k.code(n)
		}
	}
	ends := func(at int) func(int) float64 {
		return func(n int) float64 {
			if n == at {
				return 0.6
			}
			return 0.1
		}
	}
	for name, c := range map[string]struct {
		change   func(k *take)
		reason   tts.Runaway
		at, keep int
	}{
		"it never ends":                   {func(*take) {}, tts.RunawayTooLong, 3*expected + 125, 3*expected + 125},
		"it nearly ended, far too early":  {func(k *take) { k.end = ends(40) }, tts.RunawayTooLong, 3*expected + 125, 3*expected + 125},
		"it nearly ended":                 {func(k *take) { k.end = ends(400) }, tts.RunawayTooLong, 3*expected + 125, 400},
		"silence early":                   {func(k *take) { k.loud = silentFrom(20) }, tts.RunawaySilence, 121, 26},
		"silence when it should end":      {func(k *take) { k.loud = silentFrom(expected) }, tts.RunawaySilence, expected + 51, expected + 6},
		"silence when it nearly ended":    {func(k *take) { k.loud, k.end = silentFrom(50), ends(49) }, tts.RunawaySilence, 76, 56},
		"nothing but silence":             {func(k *take) { k.loud = silentFrom(0) }, tts.RunawaySilence, 101, 6},
		"a room that is not quite silent": {func(k *take) { k.loud = func(n int) float32 { return float32(from(20, 0.004, 0.6)(n)) } }, tts.RunawaySilence, 121, 26},
		"one frame over and over":         {func(k *take) { k.code = loopFrom(20, 1) }, tts.RunawayRepetition, 271, 21},
		"a syllable over and over":        {func(k *take) { k.code = loopFrom(expected, 7) }, tts.RunawayRepetition, expected + 7 + 75, expected + 7},
		"a sentence over and over":        {func(k *take) { k.code = loopFrom(expected, 50) }, tts.RunawayRepetition, expected + 50 + 75, expected + 50},
		"a syllable when it nearly ended": {func(k *take) { k.code, k.end = loopFrom(60, 7), ends(59) }, tts.RunawayRepetition, 60 + 7 + 38, 67},
		"code 0 over and over":            {func(k *take) { k.code = func(int) int32 { return 0 } }, tts.RunawayRepetition, 251, 1},
	} {
		t.Run(name, func(t *testing.T) {
			k := voice()
			c.change(&k)
			if n, reason, keep := k.speak(text, 5000); reason != c.reason || n != c.at || keep != c.keep {
				t.Errorf("%q at frame %d, keeping %d; want %q at %d, keeping %d", reason, n, keep, c.reason, c.at, c.keep)
			}
		})
	}
}

// TestNothingIsCut: what speech may do is left alone.
func TestNothingIsCut(t *testing.T) {
	slowly := 2 * expected
	for name, change := range map[string]func(k *take){
		"slowly":                      func(*take) {},
		"in a whisper behind a shout": func(k *take) { k.loud = func(n int) float32 { return float32(from(20, 0.02, 0.9)(n)) } },
		"with pauses": func(k *take) {
			k.loud = func(n int) float32 { return []float32{0.1, 0}[n/49%2] }
		},
		"a word again and again, as the text has it": func(k *take) {
			code := k.code
			k.code = func(n int) int32 {
				if n < expected/2 {
					return int32(n % 10)
				}
				return code(n)
			}
		},
		"with a vowel held": func(k *take) {
			code := k.code
			k.code = func(n int) int32 {
				if n%100 < 60 {
					return 0
				}
				return code(n)
			}
		},
		"with an end that was likely long ago": func(k *take) {
			k.end = func(n int) float64 { return from(41, 0, 0.6)(n) }
			k.loud = func(n int) float32 { return float32(from(170, 0, 0.1)(n) + from(219, 0.1, 0)(n)) }
		},
		"with silence before its end":         func(k *take) { k.loud = func(n int) float32 { return float32(from(slowly-50, 0, 0.1)(n)) } },
		"with an end that is always possible": func(k *take) { k.end = func(int) float64 { return 0.4 } },
	} {
		t.Run(name, func(t *testing.T) {
			k := voice()
			change(&k)
			if n, reason, _ := k.speak(text, slowly); reason != "" {
				t.Errorf("%q at frame %d of %d", reason, n, slowly)
			}
		})
	}
}

// TestShortTexts: a word may take ten seconds.
func TestShortTexts(t *testing.T) {
	for _, word := range []string{"Oh.", "啊", "42", "…"} {
		if n, reason, _ := voice().speak(word, 124); reason != "" {
			t.Errorf("%s: %q at frame %d", word, reason, n)
		}
		if _, reason, _ := voice().speak(word, 200); reason != tts.RunawayTooLong {
			t.Errorf("%s takes sixteen seconds", word)
		}
	}
}
