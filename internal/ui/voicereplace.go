package ui

import (
	"context"
	"strings"

	"ttsui/internal/tts"
)

// replaceAudio opens the form that gives the voice that is chosen another clip. What is said in the old one says
// nothing of it, so the form begins without a transcript.
func (c *core) replaceAudio() {
	if v, there := c.voices.find(c.tabs[tts.Clone].voice); there {
		c.openForm(voiceForm{title: "Replace Audio", voice: v.ID, replaces: true}, v.Name)
	}
}

// chooseClip takes a file as the new clip.
func (c *core) chooseClip(path string) {
	if f := c.voices.form; f != nil && f.replaces && path != "" {
		f.clip = path
	}
}

// replaceRequest asks for what the form says.
func (f *voiceForm) replaceRequest(ctx context.Context, s Server, name string) (tts.Voice, error) {
	text := strings.TrimSpace(f.refText.text)
	return s.ChangeVoice(ctx, f.voice, tts.VoiceChange{Name: &name, RefAudioPath: &f.clip, RefText: &text})
}

// showReplace adds to the form what gives a voice another clip.
func (c *core) showReplace(f *voiceForm, s *VoiceForm) {
	if !f.replaces {
		return
	}
	s.Text = f.refText.show("Reference Text (optional)", "", tts.MaxRefTextRunes)
	s.Browse = Button{Title: "Choose File…", Enabled: true}
	s.Recorded = Button{Title: "Use Recorded", Enabled: c.recorder.latest != "" && c.recorder.latest != f.clip}
	if c.recorder.latest == "" {
		s.Recorded.Tooltip = "Nothing was recorded yet"
	}
}
