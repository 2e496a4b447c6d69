package ui

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"time"

	"ttsui/internal/tts"
)

// The documents in the Store, and how long after a change they are written.
const (
	draftsName   = "drafts.json"
	settingsName = "settings.json"
	saveAfter    = 500 * time.Millisecond
)

// draft is the inputs of a tab.
type draft struct {
	Text      string `json:"text"`
	Instruct  string `json:"instruct"`
	RefText   string `json:"ref_text"`
	Reference string `json:"ref_audio_path"`
	Language  string `json:"language"`
	Speaker   string `json:"speaker"`
	Model     string `json:"model_id"`

	Sampling     map[SamplingKey]string `json:"sampling,omitempty"` // as it was typed
	SamplingOpen bool                   `json:"sampling_open,omitempty"`
	HistoryOpen  bool                   `json:"history_open,omitempty"`
	Voice        string                 `json:"voice"`
	RefTail      bool                   `json:"ref_tail_silence"`
}

// drafts is what the window remembers.
type drafts struct {
	Tab       tts.Mode `json:"tab"`
	LogFilter string   `json:"log_filter"`
	Device    string   `json:"microphone"`
	LiveOff   bool     `json:"play_later,omitempty"` // than it is made
	Softer    float64  `json:"softer,omitempty"`     // 1 − the volume
	Clone     draft    `json:"clone"`
	Control   draft    `json:"control"`
	Design    draft    `json:"design"`
}

func (d *drafts) of(mode tts.Mode) *draft {
	switch mode {
	case tts.Control:
		return &d.Control
	case tts.Design:
		return &d.Design
	}
	return &d.Clone
}

// savedSettings is Settings as they are typed.
type savedSettings map[SettingKey]string

// documents is what was read from the Store. What is nil was not there or could not be read.
type documents struct {
	drafts   *drafts
	settings savedSettings
	past     map[tts.Mode][]*past
	notes    []string
}

// readDocuments reads what there is. What is broken is told and done without; it is put aside, as it was the user's.
func readDocuments(c Config) (d documents) {
	store := c.Store
	d.drafts, d.settings = new(drafts), savedSettings{}
	if !d.read(store, draftsName, "What was typed before", d.drafts) {
		d.drafts = nil
	}
	if !d.read(store, settingsName, "The settings", &d.settings) {
		d.settings = nil
	}
	var err error
	if d.past, err = readHistory(c); err != nil {
		d.notes = append(d.notes, "The history could not be read: "+err.Error())
	}
	return d
}

func (d *documents) read(store Store, name, what string, into any) bool {
	data, err := store.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		d.notes = append(d.notes, fmt.Sprintf("%s could not be read: %v", what, err))
		return false
	}
	if err := json.Unmarshal(data, into); err != nil {
		d.notes = append(d.notes, fmt.Sprintf("%s could not be restored, as %s is broken: %v", what, name, err))
		if err := store.Write("broken-"+name, data); err != nil {
			d.notes = append(d.notes, fmt.Sprintf("%s could not be put aside: %v", name, err))
		}
		return false
	}
	return true
}

// restore puts what was read where the user has not been faster.
func (c *core) restore(d documents) {
	for _, note := range d.notes {
		c.log.remark(note)
	}
	if d.drafts != nil {
		c.restoreDrafts(d.drafts)
		c.saved.drafts = *d.drafts
	}
	for mode, t := range c.tabs {
		t.past.set(d.past[mode])
	}
	for _, key := range settingKeys() {
		text, there := d.settings[key]
		if !there {
			continue
		}
		if !c.settings.restore(key, text) {
			c.log.remark(fmt.Sprintf("The setting %s can't be %q, and is what it is without a choice", key, text))
		}
		c.saved.settings, _ = c.saved.settings.with(key, text)
	}
	c.saved.restored = true
}

func (c *core) restoreDrafts(d *drafts) {
	if c.mode == tts.Clone {
		c.selectTab(d.Tab)
	}
	c.log.setFilter(d.LogFilter)
	c.recorder.device = d.Device
	c.liveOff = c.liveOff || d.LiveOff
	if c.softer == 0 {
		c.setVolume(1 - d.Softer)
	}
	for mode, t := range c.tabs {
		saved := d.of(mode)
		t.text.restore(saved.Text)
		t.instruct.restore(saved.Instruct)
		t.refText.restore(saved.RefText)
		t.reference.restore(saved.Reference)
		t.refTail = t.refTail || saved.RefTail
		if mode == tts.Clone && !t.voiceChosen {
			t.voice = saved.Voice
		}
		t.language = pick(t.languages(), saved.Language, t.language)
		t.speaker = pick(t.speakers(), saved.Speaker, t.speaker)
		if t.model == "" && modeOf(saved.Model) == mode {
			t.model = saved.Model
		}
		t.sampling.restore(saved.SamplingOpen, saved.Sampling)
		t.past.open = t.past.open || saved.HistoryOpen
	}
}

// drafts gathers what is to be remembered.
func (c *core) drafts() drafts {
	d := drafts{Tab: c.mode, LogFilter: c.log.filter, Device: c.recorder.device, LiveOff: c.liveOff, Softer: c.softer}
	for mode, t := range c.tabs {
		*d.of(mode) = draft{Text: t.text.text, Instruct: t.instruct.text, RefText: t.refText.text, Reference: t.reference.text,
			Language: t.language, Speaker: t.speaker, Model: t.model, Voice: t.voice, RefTail: t.refTail, Sampling: t.sampling.draft(),
			SamplingOpen: t.sampling.open, HistoryOpen: t.past.open}
	}
	return d
}

// saved is what the Store has or is about to have.
type saved struct {
	restored bool // before that, nothing is saved: it would replace what was not read yet
	drafts   drafts
	settings Settings
	due      bool // a save is about to begin
	running  bool
	failed   bool // the last one; that is told once
}

// settle comes after each change: a new reference is looked at, and what is new is saved soon, or at once when Close has
// begun.
func (c *core) settle() {
	c.studyReference()
	s := &c.saved
	if !s.restored || s.running || reflect.DeepEqual(s.drafts, c.drafts()) && s.settings == c.settings.values {
		return
	}
	if c.closing {
		c.save()
		return
	}
	if !s.due {
		s.due = true
		c.after(saveAfter, func() {
			s.due = false
			c.save()
		})
	}
}

// save writes what is new. A write that failed is tried again with the next change.
func (c *core) save() {
	s := &c.saved
	if s.running {
		return // settle comes again when it is done
	}
	now, settings := c.drafts(), c.settings.values
	newDrafts, newSettings := !reflect.DeepEqual(now, s.drafts), settings != s.settings
	s.drafts, s.settings, s.running = now, settings, true
	c.run(func() error {
		var errs []error
		if newDrafts {
			errs = append(errs, writeDocument(c.config.Store, draftsName, now))
		}
		if newSettings {
			errs = append(errs, writeDocument(c.config.Store, settingsName, saveSettings(settings)))
		}
		return errors.Join(errs...)
	}, func(err error) {
		s.running = false
		if err != nil && !s.failed {
			c.log.remark("What you type can't be saved: " + err.Error())
		}
		s.failed = err != nil
	})
}

func writeDocument(store Store, name string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return store.Write(name, append(data, '\n'))
}

func saveSettings(s Settings) savedSettings {
	saved := savedSettings{}
	for _, key := range settingKeys() {
		saved[key] = settingText(s, key)
	}
	return saved
}
