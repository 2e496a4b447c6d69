package ui

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"ttsui/internal/tts"
)

// field is a text that the user edits.
type field struct {
	text   string
	rev    int
	edited bool // since the start: a draft does not replace it
}

// edit takes what the user typed.
func (f *field) edit(s string) { f.text, f.edited = strings.ToValidUTF8(s, "�"), true }

// set changes the text from our side, for views to show.
func (f *field) set(s string) { f.text, f.rev = strings.ToValidUTF8(s, "�"), f.rev+1 }

// restore sets a draft, unless the user was faster.
func (f *field) restore(s string) {
	if !f.edited && f.text != s {
		f.set(s)
	}
}

// show is the field as a view gets it; most is how many characters it may have.
func (f *field) show(label, placeholder string, most int) Field {
	n := utf8.RuneCountInString(f.text)
	shown := Field{Label: label, Placeholder: placeholder, Text: f.text, Rev: f.rev, Count: plural(n, "character", "characters")}
	if n > most {
		shown.Problem = "Too long: at most " + thousands(most) + " characters."
	}
	return shown
}

// tab is what the user has in a tab.
type tab struct {
	mode      tts.Mode
	text      field
	instruct  field
	refText   field
	reference field  // the path of the clip
	language  string // a name of tts.Languages, Auto, or "" where the tab has no such choice
	speaker   string
	model     string // that the user chose; it counts only while it is loaded

	sampling samplingForm
	past     results

	voice       string // the ID of the saved voice to clone, "" for reference
	voiceChosen bool   // since the start: a draft does not replace it
	refTail     bool   // put silence behind the clip
	study       *study // of reference, nil when there is none
	trimmed     trimmed

	run      *generation // nil when none runs
	problem  *Problem
	result   *Result
	segment  int       // of result that is chosen, from 1; 0 for none
	spoken   spoken    // by result
	playback *playback // of result
}

func newTab(mode tts.Mode) *tab {
	t := &tab{mode: mode, sampling: newSamplingForm()}
	switch mode {
	case tts.Control:
		t.language, t.speaker = "Chinese", "Vivian"
	case tts.Design:
		t.language = "English"
	}
	return t
}

// words are the texts of a tab that never change.
type words struct {
	title, caption       string
	instruct, instructTo string // label and placeholder
	examplesTitle        string
	examples             []string
}

func (t *tab) words() words {
	switch t.mode {
	case tts.Control:
		return words{
			title: "Control", caption: "Use predefined voices with emotion control",
			instruct: "Emotion & Style", instructTo: "How to speak (optional)",
			examplesTitle: "Examples", examples: []string{"Very happy and excited", "Calm and soothing", "Professional and formal"},
		}
	case tts.Design:
		return words{
			title: "Design", caption: "Create any voice from text description",
			instruct: "Voice Description", instructTo: "What the voice is like (required)",
			examplesTitle: "Examples", examples: []string{
				"A calm, deep male voice that takes its time",
				"A bright young woman, quick and cheerful",
				"An old sailor, hoarse and kind, with a smile in his voice",
			},
		}
	}
	return words{title: "Clone", caption: "Clone a voice from reference audio"}
}

// insertExample puts an example in the place of another one or of nothing, and after what the user has written.
func (t *tab) insertExample(i int) {
	examples := t.words().examples
	if i < 0 || i >= len(examples) {
		return
	}
	before := strings.TrimSpace(t.instruct.text)
	switch {
	case before == "" || slices.Contains(examples, before):
		t.instruct.set(examples[i])
	case strings.HasSuffix(before, ".") || strings.HasSuffix(before, ","):
		t.instruct.set(before + " " + examples[i])
	default:
		t.instruct.set(before + ", " + examples[i])
	}
	t.instruct.edited = true
}

// pick gives the ID among choices, or else what was chosen before.
func pick(choices []Choice, id, before string) string {
	if slices.ContainsFunc(choices, func(c Choice) bool { return c.ID == id }) {
		return id
	}
	return before
}

// distinct numbers titles that are there more than once, as a menu could not tell them apart.
func distinct(list []Choice) []Choice {
	taken := map[string]bool{}
	for i, title := 0, ""; i < len(list); i++ {
		title = list[i].Title
		for n := 2; taken[title]; n++ {
			title = fmt.Sprintf("%s (%d)", list[i].Title, n)
		}
		list[i].Title, taken[title] = title, true
	}
	return list
}

// languages are the choices of language; a clone has none, as the model hears it from the text.
func (t *tab) languages() (list []Choice) {
	if t.mode == tts.Clone {
		return nil
	}
	list = append(list, Choice{ID: tts.LanguageAuto, Title: tts.LanguageAuto, Detail: "from the text"})
	for _, name := range tts.Languages() {
		list = append(list, Choice{ID: name, Title: name})
	}
	return list
}

// speakers are the built-in voices, of which each speaks every language.
func (t *tab) speakers() (list []Choice) {
	if t.mode != tts.Control {
		return nil
	}
	for _, s := range tts.Speakers() {
		c := Choice{ID: s.Name, Title: strings.ReplaceAll(s.Name, "_", " "), Detail: s.Native + ": " + s.Description}
		if s.Dialect != "" {
			c.Title += " (" + s.Dialect + " dialect)"
		}
		list = append(list, c)
	}
	return list
}

// showReference is the reference as a view gets it. A saved voice has its own.
func (t *tab) showReference() Reference {
	if t.mode != tts.Clone || t.voice != "" {
		return Reference{}
	}
	r := Reference{Label: "Reference Audio", Path: t.reference.text, Text: "Drop reference audio file or click to browse"}
	if r.Path != "" {
		r.Text = "Using: " + filepath.Base(r.Path)
	}
	t.addStudy(&r)
	return r
}

// showTab is the tab as a view gets it.
func (c *core) showTab(t *tab) Tab {
	w := t.words()
	s := Tab{
		Mode: t.mode, Title: w.title, Caption: w.caption,
		ModelsTitle: "Model", Models: c.rows(t),
		Voice: c.showVoices(t), Reference: t.showReference(), Recorder: c.showRecorder(t), Tail: c.showTail(t),
		Language: showChoices("Language", t.languages(), t.language),
		Speaker:  showChoices("Speaker", t.speakers(), t.speaker),
		Examples: w.examples, ExamplesTitle: w.examplesTitle,
		Text:     t.text.show("Target Text", "Text to synthesize (required)", tts.MaxTextRunes),
		Generate: c.generateButton(t), Stop: Button{Title: "Stop", Enabled: t.run != nil, Tooltip: "Stop generation"},
		SaveAs: Button{Title: "Save As...", Enabled: t.result != nil}, SaveName: string(t.mode) + "_output.wav",
		Error: t.problem, Result: t.result, Freeze: c.freezeButton(t), Sampling: t.sampling.show(), Live: c.showLive(), History: c.showHistory(t),
		Takes: t.showTakes(), Segments: c.showSegments(t), ProgressBar: t.run.bar(),
	}
	if t.result != nil {
		s.KeepSeed = Button{Title: "Keep Seed", Enabled: t.sampling.typed(SamplingSeed) != t.result.Seed, Tooltip: "Speaks with this seed from now on"}
	}
	if s.Models == nil {
		s.ModelsNote = cmp.Or(awayText(c.server.state), "Asking the server for its models...")
	}
	switch {
	case t.voice != "": // has its own
	case t.mode == tts.Clone:
		s.RefText = t.refText.show("Reference Text (optional)", "What is said in the reference audio", tts.MaxRefTextRunes)
	default:
		s.Instruct = t.instruct.show(w.instruct, w.instructTo, tts.MaxInstructRunes)
	}
	if t.run != nil {
		s.Progress = t.run.progress()
	}
	return s
}

func showChoices(label string, list []Choice, chosen string) Choices {
	if list == nil {
		return Choices{}
	}
	return Choices{Label: label, List: list, Chosen: chosen}
}
