package ui

import (
	"context"
	"strings"
	"time"

	"ttsui/internal/tts"
)

// Studio looks at reference clips and cuts them. Its methods end with their ctx.
type Studio interface {
	// Study looks at the clip at path.
	Study(ctx context.Context, path string) (ClipStudy, error)

	// Trim makes a clip of a part of the one at path, and gives its path.
	Trim(ctx context.Context, path string, part Span) (string, error)
}

// Span is a part of a clip.
type Span struct{ From, To time.Duration }

// ClipStudy is what a clip looks like before it is used.
type ClipStudy struct {
	Length   time.Duration
	Peaks    []float32 // the loudest sample of each of equal parts, in [0, 1], for a picture
	Best     Span      // the part that should be used
	Warnings []Problem // what makes a worse voice of it
}

// worthTrimming is how much longer than its best part a clip is before that is offered.
const worthTrimming = 500 * time.Millisecond

// study is a clip being looked at.
type study struct {
	path     string
	cancel   context.CancelFunc
	found    *ClipStudy // nil until it is known
	wrong    error
	trimming bool
}

// trimmed is a clip that was made of a part of another one.
type trimmed struct {
	path, whole string
	text        string // the transcript then, which says more than the part
}

// studyReference looks at the reference when it is another one than before. It comes after each change.
func (c *core) studyReference() {
	t := c.tabs[tts.Clone]
	path := t.reference.text
	if t.study != nil && t.study.path == path || c.closing {
		return
	}
	c.dropStudy(t)
	if path == "" {
		return
	}
	ctx, cancel := context.WithCancel(c.life)
	look := &study{path: path, cancel: cancel}
	t.study = look
	start(c, func() (ClipStudy, error) {
		defer cancel()
		return c.config.Studio.Study(ctx, path)
	}, func(found ClipStudy, err error) {
		if look.wrong = err; err == nil {
			look.found = &found
		}
	})
}

// dropStudy forgets a clip, whatever comes of it.
func (c *core) dropStudy(t *tab) {
	if t.study != nil {
		t.study.cancel()
		t.study = nil
	}
}

// pressTrim takes the best part of the reference, or the whole clip again.
func (c *core) pressTrim(t *tab) {
	look := t.study
	switch {
	case look == nil || look.trimming:
	case t.trimmed.path == look.path:
		t.reference.edit(t.trimmed.whole)
	case look.offersTrim():
		look.trimming = true
		part, text := look.found.Best, t.refText.text
		start(c, func() (string, error) { return c.config.Studio.Trim(c.life, look.path, part) }, func(path string, err error) {
			look.trimming = false
			switch {
			case t.study != look || c.closing: // the user has another clip by now
			case err != nil:
				c.tell("The clip could not be trimmed", problemText(err))
			default:
				t.trimmed = trimmed{path: path, whole: look.path, text: text}
				t.reference.edit(path)
			}
		})
	}
}

// offersTrim reports whether a part of the clip is better than all of it.
func (s *study) offersTrim() bool {
	return s.found != nil && s.found.Best.To > s.found.Best.From && s.found.Length-(s.found.Best.To-s.found.Best.From) > worthTrimming
}

// addStudy adds what is known of the clip to the reference.
func (t *tab) addStudy(r *Reference) {
	look := t.study
	switch {
	case look == nil || look.path != r.Path:
		return
	case look.wrong != nil:
		r.Warnings = []Problem{{Text: "The clip can't be used: " + sentence(look.wrong.Error()), Hint: tts.HintOf(look.wrong)}}
		return
	case look.found == nil:
		r.Text += " · looking at it..."
		return
	}
	r.Studied, r.Peaks, r.Warnings = true, look.found.Peaks, look.found.Warnings
	r.Text += " · " + clock(look.found.Length)
	switch {
	case t.trimmed.path == look.path:
		r.Trim = Button{Title: "Use whole clip", Enabled: true}
		if text := t.refText.text; strings.TrimSpace(text) != "" && text == t.trimmed.text {
			r.Warnings = append(r.Warnings[:len(r.Warnings):len(r.Warnings)],
				Problem{"The reference text is that of the whole clip.", "Shorten it to what is said in the part."})
		}
	case look.offersTrim():
		best := look.found.Best
		r.Trim = Button{Title: "Use best part (" + clock(best.From) + "–" + clock(best.To) + ")", Enabled: !look.trimming,
			Tooltip: "Makes a clip of the part with the clearest speech"}
	}
}

// transcribed reports whether the reference has a transcript, behind which silence can be put.
func (c *core) transcribed(t *tab) bool {
	if t.voice != "" {
		v, _ := c.voices.find(t.voice)
		return v.RefText != ""
	}
	return strings.TrimSpace(t.refText.text) != ""
}

// showTail is the option to put silence behind the clip.
func (c *core) showTail(t *tab) Check {
	if t.mode != tts.Clone || !c.transcribed(t) {
		return Check{}
	}
	return Check{Title: "0.5 s of silence after the clip", On: t.refTail, Tooltip: "Helps when the last sound of the clip is spoken on"}
}
