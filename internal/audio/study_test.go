package audio

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ttsui/internal/tts"
)

// syllables is a voice as far as levels go: a buzz of many harmonics in syllables of 200 ms with pauses of 100 ms, at an
// amplitude.
func syllables(seconds, amplitude float64) []float32 {
	pcm := make([]float32, int(seconds*tts.SampleRate))
	const syllable, period = tts.SampleRate * 3 / 10, tts.SampleRate / 150
	for i := range pcm {
		at := float64(i%syllable) / (tts.SampleRate * 2 / 10)
		if at >= 1 {
			continue
		}
		phase, v := 2*math.Pi*float64(i%period)/period, 0.0
		for h := 1.0; h <= 8; h++ {
			v += math.Sin(h*phase+h*h) / 8
		}
		pcm[i] = float32(amplitude * math.Sin(math.Pi*at) * 2 * v)
	}
	return pcm
}

func add(pcm []float32, sound func(i int) float64) []float32 {
	for i := range pcm {
		pcm[i] = max(-1, min(1, pcm[i]+float32(sound(i))))
	}
	return pcm
}

func noise(amplitude float64) func(int) float64 {
	rng := rand.New(rand.NewPCG(1, 1))
	return func(int) float64 { return amplitude * (2*rng.Float64() - 1) }
}

func chord(amplitude float64) func(int) float64 {
	return func(i int) float64 {
		t := 2 * math.Pi * float64(i) / tts.SampleRate
		return amplitude * (math.Sin(220*t) + math.Sin(277.2*t) + math.Sin(329.6*t)) / 3
	}
}

// rumble is noise without high tones.
func rumble(amplitude float64) func(int) float64 {
	white, v := noise(1), 0.0
	return func(i int) float64 {
		v = 0.99*v + 0.05*white(i)
		return amplitude * v
	}
}

func louder(pcm []float32, by float32) []float32 {
	return add(pcm, func(i int) float64 { return float64(pcm[i] * (by - 1)) })
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		name string
		pcm  []float32
		want string
	}{
		{"a good clip", add(syllables(10, 0.5), noise(0.002)), ""},
		{"without any noise", syllables(10, 0.5), ""},
		{"as loud as can be", louder(syllables(10, 0.5), 1/peakOf(syllables(10, 0.5))), ""},
		{"short", syllables(2, 0.5), "short"},
		{"long", syllables(40, 0.5), "long"},
		{"cut off", louder(syllables(10, 0.5), 6), "clipped"},
		{"quiet", syllables(10, 0.005), "quiet"},
		{"with little speech", add(append(syllables(3, 0.5), make([]float32, 8*tts.SampleRate)...), noise(0.002)), "silent"},
		{"filled up with zeros", append(syllables(3, 0.5), make([]float32, 8*tts.SampleRate)...), "silent"},
		{"noise between zeros", append(append(make([]float32, 4*tts.SampleRate), add(syllables(3, 0.3), noise(0.1))...), make([]float32, 4*tts.SampleRate)...), "silent noisy"},
		{"in noise", add(syllables(10, 0.3), noise(0.1)), "noisy"},
		{"in faint noise", add(syllables(10, 0.3), noise(0.01)), ""},
		{"to music", add(syllables(10, 0.3), chord(0.05)), "music"},
		{"to a hum", add(syllables(10, 0.3), func(i int) float64 { return 0.03 * math.Sin(2*math.Pi*100*float64(i)/tts.SampleRate) }), "music"},
		{"to faint music", add(syllables(10, 0.3), chord(0.003)), ""},
		{"music alone", add(make([]float32, 10*tts.SampleRate), chord(0.5)), "music"},
		{"noise alone", add(make([]float32, 10*tts.SampleRate), noise(0.5)), "noisy"},
		{"nothing", nil, "short quiet silent"},
		{"in a rumble", add(syllables(10, 0.3), rumble(0.1)), "noisy"},
		{"zeros", make([]float32, 10*tts.SampleRate), "quiet silent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := Measure(c.pcm)
			var got []string
			for _, w := range m.warnings() {
				got = append(got, w.Code)
				if w.Text == "" || w.Hint == "" {
					t.Errorf("%+v says too little", w)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%q, want %q: %+v, SNR %.1f", got, c.want, m, m.SNR())
			}
		})
	}
}

func TestMeasures(t *testing.T) {
	near := func(what string, got, want, within float64) {
		t.Helper()
		if math.Abs(got-want) > within {
			t.Errorf("%s is %.2f, want %.2f", what, got, want)
		}
	}
	// A tone of amplitude 0.1 for 6 s, then noise of amplitude 0.001 for 4 s.
	pcm := add(make([]float32, 10*tts.SampleRate), noise(0.001))
	add(pcm[:6*tts.SampleRate], func(i int) float64 { return 0.1 * math.Sin(2*math.Pi*200*float64(i)/tts.SampleRate) })
	m := Measure(pcm)
	near("length", m.Seconds, 10, 0)
	near("peak", m.Peak, -20, 0.1)
	near("speech", m.Speech, -23, 0.1)
	near("noise", m.Noise, -64.8, 0.5)
	near("SNR", m.SNR(), 41.8, 0.6)
	near("silence", m.Silence, 0.4, 0.01)
	near("clipped", m.Clipped, 0, 0)
	near("tonality", m.Tonal, 0.2, 0.2)
	for i := range 1000 {
		pcm[i] = -1
	}
	near("clipped", Measure(pcm).Clipped, 1000.0/240_000, 1e-4)
	if got := Peaks([]float32{0.1, -0.2, 0.3, 0}, 2); got[0] != 0.2 || got[1] != 0.3 {
		t.Errorf("peaks %v", got)
	}
}

// TestSpokenClip: real speech has no faults, and its measures are a recording's.
func TestSpokenClip(t *testing.T) {
	s, err := StudyReference(t.Context(), filepath.Join("..", "..", "cmd", "ttsui", "testdata", "spoken.flac"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v, SNR %.1f, best %+v, %v", s.Measures, s.SNR(), s.Best, s.Warnings)
	for _, w := range s.Warnings {
		if w.Code != "short" {
			t.Errorf("%+v", w)
		}
	}
	if s.Best.Start < 0 || s.Best.End > s.Seconds || s.Best.Seconds() < 0.5 || s.SNR() < 20 || s.Peak > 0 {
		t.Errorf("%+v, best %+v", s.Measures, s.Best)
	}
}

func TestBestSpan(t *testing.T) {
	quiet := func(seconds float64) []float32 { return make([]float32, int(seconds*tts.SampleRate)) }
	join := func(parts ...[]float32) (all []float32) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return add(all, noise(0.001))
	}
	loud := func(pcm []float32) []float32 { return louder(pcm, 6) }
	for _, c := range []struct {
		name       string
		pcm        []float32
		start, end float64
	}{
		{"silence around it", join(quiet(2), syllables(9, 0.5), quiet(3)), 1.8, 11.2},
		{"a short one", join(syllables(2.9, 0.5)), 0, 2.9},
		{"of two halves the one with speech", join(syllables(1.1, 0.5), quiet(10), syllables(11.9, 0.5), quiet(1)), 10.9, 23.2},
		{"not what is cut off", join(loud(syllables(12, 0.5)), quiet(1), syllables(9, 0.5)), 12.8, 22},
		{"nothing at all", make([]float32, 20*tts.SampleRate), 0, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, silent := measure(c.pcm)
			got := bestSpan(c.pcm, silent)
			if math.Abs(got.Start-c.start) > 0.25 || math.Abs(got.End-c.end) > 0.25 {
				t.Errorf("%+v, want %.1f to %.1f", got, c.start, c.end)
			}
		})
	}
	steady := add(make([]float32, 60*tts.SampleRate), chord(0.5))
	_, _, silent := measure(steady)
	if got := bestSpan(steady, silent); got.Seconds() < 8 || got.Seconds() > 15 {
		t.Errorf("without pauses: %+v", got)
	}
}

func TestTrimReference(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "long.wav"), filepath.Join(dir, "new", "part.wav")
	if err := WritePrivate(from, syllables(10, 0.5)); err != nil {
		t.Fatal(err)
	}
	if err := TrimReference(t.Context(), from, to, Span{2, 5.5}); err != nil {
		t.Fatal(err)
	}
	pcm, err := ReadReference(t.Context(), to)
	if err != nil || len(pcm) != 3.5*tts.SampleRate {
		t.Fatalf("%d samples, %v", len(pcm), err)
	}
	whole := syllables(10, 0.5)[2*tts.SampleRate:]
	for i := tts.SampleRate; i < 2*tts.SampleRate; i++ {
		if math.Abs(float64(pcm[i]-whole[i])) > 1e-3 {
			t.Fatalf("sample %d is %v, want %v", i, pcm[i], whole[i])
		}
	}
	if pcm[0] != 0 || pcm[len(pcm)-1] != 0 {
		t.Error("the cut can be heard")
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for _, bad := range []Span{{2, 2}, {3, 2}, {2, 2.1}, {-5, -1}, {20, 30}, {math.NaN(), 3}, {0, math.NaN()}} {
		if err := TrimReference(t.Context(), from, to, bad); tts.CodeOf(err) != tts.CodeInvalid || tts.HintOf(err) == "" {
			t.Errorf("%v: %v", bad, err)
		}
	}
}
