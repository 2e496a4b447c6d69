package ui

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ttsui/internal/tts"
)

// voicesEvery is how often the server is asked for its saved voices: other programs may change them, too.
const voicesEvery = 5 * time.Second

// voices is what is known of the saved voices, and what was asked of them.
type voices struct {
	known   bool // the server has told
	list    []tts.Voice
	wrong   error      // why they can't be listed
	changes int        // grows with each change that is asked for or answered, so that an older list is known as one
	doing   int        // of changes, the one that the server has not answered; 0 for none
	form    *voiceForm // nil while none is open
	forms   int        // that there were
}

func (v *voices) find(id string) (tts.Voice, bool) {
	i := slices.IndexFunc(v.list, func(voice tts.Voice) bool { return voice.ID == id })
	if i < 0 {
		return tts.Voice{}, false
	}
	return v.list[i], true
}

// named reports whether another voice than that with this id has a name, in any case.
func (v *voices) named(name, id string) bool {
	return slices.ContainsFunc(v.list, func(voice tts.Voice) bool { return voice.ID != id && strings.EqualFold(voice.Name, name) })
}

// put takes the record of one voice.
func (v *voices) put(voice tts.Voice) {
	list := slices.Clone(v.list)
	if i := slices.IndexFunc(list, func(old tts.Voice) bool { return old.ID == voice.ID }); i >= 0 {
		list[i] = voice
	} else {
		list = append(list, voice)
	}
	v.list = list
}

func (c *core) askVoices(s *session) {
	seen := c.voices.changes
	poll(c, s, &s.asksVoices, s.Server.Voices, func(list []tts.Voice, err error) {
		if c.voices.wrong = err; err == nil && seen == c.voices.changes {
			c.learnVoices(list)
		}
		c.after(voicesEvery, func() { s.asksVoices = false; c.askVoices(s) })
	})
}

// learnVoices takes the server's list. A voice that is not in it is no choice any more, whoever deleted it.
func (c *core) learnVoices(list []tts.Voice) {
	c.voices.known, c.voices.list = true, list
	if t := c.tabs[tts.Clone]; t.voice != "" {
		if _, there := c.voices.find(t.voice); !there {
			t.voice = ""
		}
	}
}

// chooseVoice takes a saved voice, or none by "".
func (c *core) chooseVoice(id string) {
	t := c.tabs[tts.Clone]
	if _, there := c.voices.find(id); id != "" && !there {
		return
	}
	t.voice, t.voiceChosen = id, true
	if id != "" {
		c.stopRecording() // its button is out of sight
	}
}

// awayVoices says why the voices can't be changed now, "" when they can.
func (c *core) awayVoices() string {
	switch {
	case c.server.state != ServerRunning:
		return awayText(c.server.state)
	case c.voices.doing != 0:
		return "Another voice is being changed"
	}
	return ""
}

// changeVoice has the server change a voice, one at a time. What the session's end has cut off is settled by nobody.
func (c *core) changeVoice(ask func(context.Context, Server) (tts.Voice, error), settle func(tts.Voice, error)) {
	if c.awayVoices() != "" {
		return
	}
	c.voices.changes++
	s, doing := c.server.session, c.voices.changes
	c.voices.doing = doing
	start(c, func() (tts.Voice, error) { return ask(s.ctx, s.Server) }, func(v tts.Voice, err error) {
		if c.voices.doing != doing {
			return
		}
		c.voices.doing = 0
		c.voices.changes++
		settle(v, err)
	})
}

// askDelete deletes the voice that is chosen, after a question.
func (c *core) askDelete() {
	v, there := c.voices.find(c.tabs[tts.Clone].voice)
	if !there || c.awayVoices() != "" {
		return
	}
	c.ask(fmt.Sprintf("Delete the voice “%s”?", v.Name), "Its copy of the clip is deleted, too. What was spoken with it stays.",
		answer{AlertButton{Title: "Delete", Role: Danger}, func() { c.deleteVoice(v) }}, cancelAnswer())
}

func (c *core) deleteVoice(v tts.Voice) {
	c.changeVoice(func(ctx context.Context, s Server) (tts.Voice, error) { return s.DeleteVoice(ctx, v.ID) }, func(_ tts.Voice, err error) {
		if err != nil && tts.CodeOf(err) != tts.CodeNotFound { // else another program was faster
			c.tell("The voice could not be deleted", problemText(err))
			return
		}
		c.learnVoices(slices.DeleteFunc(slices.Clone(c.voices.list), func(old tts.Voice) bool { return old.ID == v.ID }))
		c.log.did("Deleted the voice " + v.Name)
	})
}

// voiceChoices is the menu of voices.
func (c *core) voiceChoices() []Choice {
	list := []Choice{{Title: "(No Speaker)"}}
	for _, v := range c.voices.list {
		list = append(list, Choice{ID: v.ID, Title: v.Name})
	}
	return distinct(list)
}

// showVoices is the box of saved voices.
func (c *core) showVoices(t *tab) VoiceBox {
	if t.mode != tts.Clone {
		return VoiceBox{}
	}
	s := VoiceBox{Menu: showChoices("Speaker", c.voiceChoices(), t.voice)}
	if c.voices.wrong != nil {
		s.Note = "The saved voices can't be listed: " + problemText(c.voices.wrong)
	}
	away := c.awayVoices()
	if t.voice == "" {
		missing := away
		if missing == "" && t.reference.text == "" {
			missing = "Choose reference audio first"
		}
		s.Save = Button{Title: "Save as speaker…", Enabled: missing == "", Tooltip: missing}
		if c.voices.doing != 0 {
			s.Save.Title = "Saving..."
		}
		return s
	}
	v, there := c.voices.find(t.voice)
	if !there {
		s.Text = "Asking the server for its voices..."
		return s
	}
	s.Chosen = true
	s.Audio, s.Text = "Audio: "+filepath.Base(v.AudioPath), v.RefText
	if v.RefText == "" {
		s.Text = "No reference text"
	}
	if v.Missing {
		s.Note = "Its clip isn't there any more. Replace its audio, or delete the voice."
	}
	s.Rename = Button{Title: "Rename…", Enabled: away == "", Tooltip: away}
	s.Replace = Button{Title: "Replace audio…", Enabled: away == "", Tooltip: away}
	s.Delete = Button{Title: "Delete", Enabled: away == "", Tooltip: away}
	return s
}

// voiceMissing says why a tab can't speak with the saved voice that is chosen, "" when it can.
func (c *core) voiceMissing(t *tab) string {
	if t.voice == "" {
		return ""
	}
	switch v, there := c.voices.find(t.voice); {
	case !there:
		return "Asking the server for its voices"
	case v.Missing:
		return "The clip of this voice isn't there any more"
	}
	return ""
}
