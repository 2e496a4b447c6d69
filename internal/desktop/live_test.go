package desktop_test

import (
	"context"
	"os"
	"testing"
	"time"

	"ttsui/internal/registry/registrytest"
	"ttsui/internal/testkit"
	"ttsui/internal/tts"
	"ttsui/internal/ui"
)

// TestLive: over the real server and by a real player, speech is heard while the model still speaks, and the clip is then
// that of the result.
func TestLive(t *testing.T) {
	heard := make(chan struct{})
	d := open(t, t.TempDir(), testkit.FreePort(t), &registrytest.Tones{
		Length: func(tts.Utterance) int { return 60 },
		OnFrame: func(ctx context.Context, frame int) error {
			if frame < 40 {
				time.Sleep(8 * time.Millisecond) // ten times as fast as it plays
				return nil
			}
			select { // the rest is not made before something of this was heard
			case <-heard:
			case <-ctx.Done():
			}
			return nil
		},
	})
	d.running()
	d.load(tts.Control)
	d.app.EditText(tts.Control, "Hello.")
	d.until("Generate", func(s *ui.Snapshot) bool { return s.Control.Generate.Enabled })
	d.app.Generate(tts.Control)
	s := d.until("sound before its end", func(s *ui.Snapshot) bool { return s.Player.Position > 0 })
	if p := s.Player; !p.Growing || !p.Playing || !s.Control.Stop.Enabled || s.Control.Result != nil || p.Path != "" {
		t.Errorf("while it is made: %+v", p)
	}
	d.app.PlayPause()
	paused := d.until("a pause", func(s *ui.Snapshot) bool { return !s.Player.Playing }).Player.Position
	close(heard)
	s = d.until("a result", func(s *ui.Snapshot) bool { return s.Control.Result != nil })
	if p := s.Player; p.Position != paused || p.Growing || p.Length != 4800*time.Millisecond || p.Path != s.Control.Result.Path {
		t.Errorf("made: %+v", p)
	}
	const header = 44
	if info, err := os.Stat(s.Player.Path); err != nil || info.Size() != header+2*60*tts.FrameSamples {
		t.Errorf("its file: %v, %v", info, err)
	}
	d.app.Seek(4500 * time.Millisecond)
	d.app.PlayPause()
	d.until("the sound", func(s *ui.Snapshot) bool { return s.Player.Playing })
	d.until("the end", func(s *ui.Snapshot) bool { return !s.Player.Playing && s.Player.Position == 0 })
}
