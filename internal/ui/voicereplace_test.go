package ui

import (
	"strings"
	"testing"

	"ttsui/internal/tts"
)

// TestReplaceAudio: a voice gets another clip, from a file or the recorder, with its transcript or none; its name may
// change with it.
func TestReplaceAudio(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.server.saved = []tts.Voice{{ID: "a", Name: "Ann", RefText: "Old words.", AudioPath: "/saved/ann.wav", Missing: true}}
		w.ready()
		w.ReplaceAudio()
		if f := w.see().VoiceForm; f != nil {
			t.Errorf("of no voice: %+v", f)
		}
		w.ChooseVoice("a")
		w.ReplaceAudio()
		f := w.see().VoiceForm
		if f == nil || f.Name.Text != "Ann" || f.Save.Enabled || f.Name.Problem != "" || f.Text.Label == "" || f.Text.Text != "" || f.File != "No audio selected" || f.Recorded.Enabled || !f.Browse.Enabled {
			t.Fatalf("the form is %+v", f)
		}
		w.ChooseVoiceClip("/clips/new.wav")
		w.EditVoiceText(strings.Repeat("x", tts.MaxRefTextRunes+1))
		if f = w.see().VoiceForm; f.Save.Enabled || f.Text.Problem == "" {
			t.Errorf("a long text: %+v", f)
		}
		w.EditVoiceText(" New words. ")
		w.EditVoiceName("Anna")
		if f = w.see().VoiceForm; f.File != "new.wav" || !f.Save.Enabled {
			t.Errorf("a file: %+v", f)
		}
		w.SubmitVoice()
		s := w.see()
		want := tts.Voice{ID: "a", Name: "Anna", RefText: "New words.", AudioPath: "/clips/new.wav"}
		if b := s.Clone.Voice; w.server.saved[0] != want || b.Audio != "Audio: new.wav" || b.Text != "New words." || b.Note != "" || b.Menu.Chosen != "a" {
			t.Errorf("saved %+v, shown %+v", w.server.saved[0], b)
		}
		w.ChooseVoice("")
		w.Record()
		w.see()
		w.Record()
		latest := w.see().Clone.Recorder.Latest
		w.ChooseVoice("a")
		w.ReplaceAudio()
		if f = w.see().VoiceForm; f.Text.Text != "" || !f.Recorded.Enabled {
			t.Errorf("once more: %+v", f)
		}
		w.UseRecordedClip()
		if f = w.see().VoiceForm; "Latest: "+f.File != latest || f.Recorded.Enabled || !f.Save.Enabled {
			t.Errorf("recorded: %+v, %s", f, latest)
		}
		w.SubmitVoice()
		if w.see(); w.server.saved[0].RefText != "" || w.server.saved[0].AudioPath == want.AudioPath {
			t.Errorf("saved %+v", w.server.saved[0])
		}
	})
}
