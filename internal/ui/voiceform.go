package ui

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"ttsui/internal/tts"
)

// voiceForm is where a voice gets its name: a new one, or one that is renamed or gets another clip.
type voiceForm struct {
	id    int
	title string
	name  field
	clip  string // the path of its audio
	text  string // what is said in it
	voice string // the ID of the one that is changed, "" for a new one

	replaces bool  // the clip is to be chosen, and takes the place of the voice's
	refText  field // what is said in it then
}

// openForm opens a form in the place of another one.
func (c *core) openForm(f voiceForm, name string) {
	if c.awayVoices() != "" {
		return
	}
	c.voices.forms++
	f.id = c.voices.forms
	f.name.set(name)
	c.voices.form = &f
}

// saveSpeaker asks for the name of the reference clip.
func (c *core) saveSpeaker() {
	if t := c.tabs[tts.Clone]; t.reference.text != "" {
		c.openForm(voiceForm{title: "Save Speaker", clip: t.reference.text, text: strings.TrimSpace(t.refText.text)}, "")
	}
}

// renameVoice asks for another name of the voice that is chosen.
func (c *core) renameVoice() {
	if v, there := c.voices.find(c.tabs[tts.Clone].voice); there {
		c.openForm(voiceForm{title: "Rename Speaker", clip: v.AudioPath, voice: v.ID}, v.Name)
	}
}

// freeze asks for the name of a result, which is the clip of a voice then, and its text the transcript.
func (c *core) freeze(t *tab) {
	if t.mode != tts.Clone && t.result != nil && freezeProblem(t) == "" {
		c.openForm(voiceForm{title: "Save Speaker", clip: t.result.Path, text: t.spoken.text}, c.voices.freeName(t.spoken.voice))
	}
}

// spoken is what a result says, and what its voice could be called.
type spoken struct{ text, voice string }

// newSpoken tells it of a request and its result. What was cut off says less than its text.
func newSpoken(req tts.Request, truncated bool) spoken {
	s := spoken{text: strings.TrimSpace(req.Text), voice: strings.ReplaceAll(req.Speaker, "_", " ")}
	if req.Mode == tts.Design {
		s.voice = shortName(req.Instruct)
	}
	if truncated {
		s.text = ""
	}
	return s
}

// shortName takes as many words of a description as a name may have characters.
func shortName(text string) string {
	name := ""
	for _, word := range strings.Fields(text) {
		word = strings.Trim(word, ".,;:!?\"'()")
		if longer := strings.TrimSpace(name + " " + word); utf8.RuneCountInString(longer) <= tts.MaxVoiceName {
			name = longer
			continue
		}
		break
	}
	return name
}

// freeName is a name, with a number where there is such a voice. It may be too long then, which the form tells.
func (v *voices) freeName(name string) string {
	free := name
	for n := 2; free != "" && v.named(free, ""); n++ {
		free = fmt.Sprintf("%s %d", name, n)
	}
	return free
}

// freezeProblem says why a result can't be a voice, "" when it can.
func freezeProblem(t *tab) string {
	if utf8.RuneCountInString(t.spoken.text) > tts.MaxRefTextRunes {
		return "It is too long for a voice: speak 8 to 15 seconds"
	}
	return ""
}

// freezeButton is shown beside a result of the modes whose voices can be kept.
func (c *core) freezeButton(t *tab) Button {
	if t.mode == tts.Clone || t.result == nil {
		return Button{}
	}
	if c.voices.doing != 0 {
		return Button{Title: "Saving...", Tooltip: c.awayVoices()}
	}
	if problem := cmp.Or(c.awayVoices(), freezeProblem(t)); problem != "" {
		return Button{Title: "Save voice…", Tooltip: problem}
	}
	return Button{Title: "Save voice…", Enabled: true, Tooltip: "Keeps this voice for the Clone tab"}
}

// formProblem says why the form can't be saved; blank is a name that is not typed yet.
func (c *core) formProblem(f *voiceForm) (problem string, blank bool) {
	name, err := tts.VoiceName(f.name.text)
	switch {
	case !tts.Says(f.name.text):
		return "Name the voice", true
	case utf8.RuneCountInString(strings.TrimSpace(f.name.text)) > tts.MaxVoiceName:
		return fmt.Sprintf("At most %d characters.", tts.MaxVoiceName), false
	case err != nil:
		return sentence(err.Error()), false
	case c.voices.named(name, f.voice):
		return "There is a voice of this name.", false
	case f.replaces && f.clip == "":
		return "Choose the audio", true
	case utf8.RuneCountInString(f.refText.text) > tts.MaxRefTextRunes:
		return "The text is too long", true
	}
	return "", false
}

// closeForm closes the form without saving anything.
func (c *core) closeForm() { c.voices.form = nil }

// submitForm closes the form and saves what it says. When that can't be, the form can be opened once more as it was.
func (c *core) submitForm() {
	f := c.voices.form
	if f == nil {
		return
	}
	c.closeForm()
	name := strings.TrimSpace(f.name.text)
	fail := func(text string) {
		c.ask("The voice could not be saved", text, answer{AlertButton{Title: "Try Again"}, func() { c.openForm(*f, name) }}, cancelAnswer())
	}
	problem, _ := c.formProblem(f)
	if problem = cmp.Or(problem, c.awayVoices()); problem != "" {
		fail(sentence(problem))
		return
	}
	c.changeVoice(func(ctx context.Context, s Server) (tts.Voice, error) {
		switch {
		case f.replaces:
			return f.replaceRequest(ctx, s, name)
		case f.voice != "":
			return s.ChangeVoice(ctx, f.voice, tts.VoiceChange{Name: &name})
		}
		return s.SaveVoice(ctx, tts.NewVoice{Name: name, RefAudioPath: f.clip, RefText: f.text})
	}, func(v tts.Voice, err error) {
		if err != nil {
			fail(problemText(err))
			return
		}
		c.voices.put(v)
		c.chooseVoice(v.ID)
		c.log.did("Saved the voice " + v.Name)
	})
}

// showForm is the form as a view gets it, nil while there is none.
func (c *core) showForm() *VoiceForm {
	f := c.voices.form
	if f == nil {
		return nil
	}
	problem, blank := c.formProblem(f)
	missing := cmp.Or(problem, c.awayVoices())
	n := utf8.RuneCountInString(strings.TrimSpace(f.name.text))
	s := &VoiceForm{
		ID: f.id, Title: f.title, File: "No audio selected",
		Name: Field{Label: "Name", Text: f.name.text, Rev: f.name.rev, Count: fmt.Sprintf("%d/%d", n, tts.MaxVoiceName)},
		Save: Button{Title: "Save", Enabled: missing == "", Tooltip: missing}, Cancel: Button{Title: "Cancel", Enabled: true},
	}
	if n > tts.MaxVoiceName {
		s.CountRole = Danger
	}
	c.showReplace(f, s)
	if f.clip != "" {
		s.File = filepath.Base(f.clip)
	}
	if !blank {
		s.Name.Problem = problem
	}
	return s
}
