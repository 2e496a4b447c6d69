package playback_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ttsui/internal/audio"
	"ttsui/internal/playback"
	"ttsui/internal/tts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// write makes a result of so many milliseconds, which gets louder.
func write(t *testing.T, ms int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "result.wav")
	w, err := audio.CreateWAV(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	pcm := make([]float32, ms*tts.SampleRate/1000)
	for i := range pcm {
		pcm[i] = -float32(i) / float32(len(pcm))
	}
	if err := w.WriteSamples(pcm); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, ms int) *playback.Clip {
	t.Helper()
	c, err := playback.Silent().Open(write(t, ms))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// wait waits until the clip is as wanted; devices have a time of their own.
func wait(t *testing.T, what string, is func() bool) {
	t.Helper()
	for started := time.Now(); !is(); time.Sleep(time.Millisecond) {
		if time.Since(started) > 20*time.Second {
			t.Fatal("not within 20 seconds: " + what)
		}
	}
}

func TestClipPlaysToItsEnd(t *testing.T) {
	c := open(t, 300)
	if c.Length() != 300*time.Millisecond || c.Position() != 0 || c.Playing() {
		t.Fatalf("at first: %v of %v, playing %v", c.Position(), c.Length(), c.Playing())
	}
	for range 2 { // the second time from the beginning again
		c.Play()
		wait(t, "the end", func() bool { return !c.Playing() })
		if c.Position() != c.Length() {
			t.Errorf("it ended at %v of %v", c.Position(), c.Length())
		}
	}
}

func TestPauseKeepsThePlace(t *testing.T) {
	c := open(t, 60_000)
	c.Play()
	wait(t, "sound", func() bool { return c.Position() > 0 })
	c.Pause()
	at := c.Position()
	time.Sleep(50 * time.Millisecond)
	if c.Playing() || c.Position() != at || at >= c.Length() {
		t.Errorf("paused at %v it is at %v, playing %v", at, c.Position(), c.Playing())
	}
	c.Seek(30 * time.Second)
	if c.Position() != 30*time.Second {
		t.Errorf("after a seek it is at %v", c.Position())
	}
	c.Play()
	wait(t, "sound after the pause", func() bool { return c.Position() > 30*time.Second })
	c.Seek(50 * time.Second)
	if at := c.Position(); at < 50*time.Second || !c.Playing() {
		t.Errorf("after a seek while it plays it is at %v, playing %v", at, c.Playing())
	}
	for to, want := range map[time.Duration]time.Duration{-time.Second: 0, time.Hour: time.Minute} {
		c.Pause()
		if c.Seek(to); c.Position() != want {
			t.Errorf("a seek to %v comes to %v", to, c.Position())
		}
	}
}

func TestPeaks(t *testing.T) {
	c := open(t, 1_000)
	peaks := c.Peaks(10)
	for i, v := range peaks {
		if want := float32(i+1) / 10; v < want-0.001 || v > want+0.001 {
			t.Errorf("part %d reaches %v, want %v", i, v, want)
		}
	}
	if empty := open(t, 0); empty.Peaks(3)[2] != 0 || empty.Length() != 0 {
		t.Error("an empty clip has a sound")
	}
}

func TestOpenRefuses(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.wav")
	if err := os.WriteFile(other, []byte("RIFF, but nothing else"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, code := range map[string]tts.Code{
		filepath.Join(t.TempDir(), "none.wav"): tts.CodeNotFound,
		t.TempDir():                            tts.CodeInvalid,
		other:                                  tts.CodeUnsupported,
		filepath.Join("..", "audio", "testdata", "mono24.flac"):          tts.CodeUnsupported,
		filepath.Join("..", "testkit", "testdata", "golden", "clip.wav"): tts.CodeUnsupported, // of floats
	} {
		if _, err := playback.Silent().Open(path); tts.CodeOf(err) != code || tts.HintOf(err) == "" {
			t.Errorf("%s: %v, want an error of code %s", path, err, code)
		}
	}
}
