package desktop_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ttsui/internal/audio"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/testkit"
	"ttsui/internal/tts"
	"ttsui/internal/ui"
)

// TestStudio: a clip is recorded, looked at, saved as a voice and spoken with, over the real server.
func TestStudio(t *testing.T) {
	d := open(t, t.TempDir(), testkit.FreePort(t), &registrytest.Tones{})
	d.running()
	d.app.Record()
	d.until("half a second", func(s *ui.Snapshot) bool {
		return s.Clone.Recorder.Recording && s.Clone.Recorder.Level > 0.5 && s.Clone.Recorder.Record.Title != "Stop (0:00)"
	})
	d.app.Record()
	s := d.until("a clip that is looked at", func(s *ui.Snapshot) bool { return s.Clone.Reference.Studied })
	if r := s.Clone.Reference; filepath.Dir(r.Path) != filepath.Join(d.home, "clone", "tmp_audio") || len(r.Peaks) == 0 || len(r.Warnings) == 0 {
		t.Errorf("the clip is %+v", r)
	}
	d.app.EditRefText("A tone.")
	d.app.SaveSpeaker()
	d.app.EditVoiceName("Tone")
	d.until("a name", func(s *ui.Snapshot) bool { return s.VoiceForm != nil && s.VoiceForm.Save.Enabled })
	d.app.SubmitVoice()
	d.until("the voice", func(s *ui.Snapshot) bool { return s.Clone.Voice.Chosen && s.Clone.Voice.Text == "A tone." })
	d.load(tts.Clone)
	d.app.EditText(tts.Clone, "Hello.")
	d.app.CheckTail(true)
	d.until("Generate", func(s *ui.Snapshot) bool { return s.Clone.Generate.Enabled })
	d.app.Generate(tts.Clone)
	d.until("a result", func(s *ui.Snapshot) bool { return s.Clone.Result != nil || s.Clone.Error != nil })
	if d.last.Clone.Error != nil {
		t.Error(d.last.Clone.Error)
	}
	d.app.DeleteVoice()
	d.app.AnswerAlert(d.until("a question", func(s *ui.Snapshot) bool { return s.Alert != nil }).Alert.ID, 0)
	d.until("no voice", func(s *ui.Snapshot) bool { return !s.Clone.Voice.Chosen && len(s.Clone.Voice.Menu.List) == 1 })
}

// TestBestPart: the best part of a clip becomes a clip that only this user can read, of which the newest stay.
func TestBestPart(t *testing.T) {
	d := open(t, t.TempDir(), testkit.FreePort(t), &registrytest.Tones{})
	dir := filepath.Join(d.home, "clone", "tmp_audio")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 25 {
		path := filepath.Join(dir, fmt.Sprintf("old (part %08d).wav", i))
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Unix(int64(1e9+i), 0)); err != nil {
			t.Fatal(err)
		}
	}
	clip := filepath.Join(t.TempDir(), "long.wav")
	pcm := make([]float32, 20*tts.SampleRate) // a second of sound in each two
	for i := range pcm {
		if i/tts.SampleRate%2 == 0 {
			pcm[i] = float32(i%100)/200 - 0.25
		}
	}
	if err := audio.WritePrivate(clip, pcm); err != nil {
		t.Fatal(err)
	}
	d.app.ChooseReference(clip)
	s := d.until("an offer", func(s *ui.Snapshot) bool { return s.Clone.Reference.Trim.Enabled })
	whole := s.Clone.Reference
	d.app.Trim()
	s = d.until("a part", func(s *ui.Snapshot) bool { return s.Clone.Reference.Path != clip && s.Clone.Reference.Studied })
	part := s.Clone.Reference.Path
	info, err := os.Stat(part)
	if err != nil || filepath.Dir(part) != dir || info.Mode().Perm() != 0o600 || info.Size() < 8*2*tts.SampleRate || info.Size() > 15*2*tts.SampleRate+44 {
		t.Errorf("the part %s of %s: %+v, %v", part, whole.Trim.Title, info, err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*.wav"))
	if _, err := os.Stat(filepath.Join(dir, "old (part 00000024).wav")); err != nil || len(left) != 20 {
		t.Errorf("%d are left, %v", len(left), err)
	}
}
