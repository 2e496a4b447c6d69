//go:build darwin || gnustep

package cocoa

import (
	"fmt"

	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"

	"ttsui/internal/layout"
	"ttsui/internal/tts"
	"ttsui/internal/ui"
)

// tabPage is what scrolls in the window while a mode is chosen.
type tabPage struct {
	app    *ui.App
	mode   tts.Mode
	scroll appkit.ScrollView
	page   page
	desk   *desk

	modelsTitle, modelsNote *label
	rows                    []*rowView
	voice                   *voiceBox
	reference               *reference
	recorder                *recorder
	tail, live              *check
	language, speaker       *menu
	labels                  map[string]*label // of menus and examples
	examples                []*button
	instruct, refText, text *editor
	generate, stop          *button
	spinner                 *spinner
	progress                *label
	bar                     *progressBar
	wrong                   *label
	dismiss                 *button
	sampling                samplingView
	history                 historyView
	result                  resultView
}

// newTabPage makes the page of a mode, empty until it is shown something.
func newTabPage(d *desk, mode tts.Mode) *tabPage {
	app := d.app
	t := &tabPage{app: app, mode: mode, desk: d, scroll: appkit.NewScrollViewWithFrame(rect(0, 0, 100, 100)), labels: map[string]*label{}}
	t.scroll.SetHasVerticalScroller(true)
	t.scroll.SetBorderType(appkit.NoBorder)
	t.scroll.SetDrawsBackground(false)
	document := appkit.NewViewWithFrame(rect(0, 0, 100, 100))
	t.scroll.SetDocumentView(document)
	t.page = newPage(document)

	t.modelsTitle, t.modelsNote = t.addLabel("models.title", "Model"), t.addLabel("models.note", "models note")
	if mode == tts.Clone {
		t.voice = newVoiceBox(app, t.page)
		t.reference = newReference(app, t.page)
		t.recorder = newRecorder(app, t.page)
		t.refText = makeEditor("Reference Text", app.EditRefText)
		t.refText.addTo(t.page, "reftext")
		t.tail = makeCheck("tail", app.CheckTail)
		t.page.add("tail", t.tail.view)
	}
	t.language = t.addMenu("language", "Language", func(id string) { app.ChooseLanguage(mode, id) })
	t.speaker = t.addMenu("speaker", "Speaker", app.ChooseSpeaker)
	t.addLabel("examples.label", "examples")
	t.instruct = makeEditor("Instruct", func(s string) { app.EditInstruct(mode, s) })
	t.instruct.addTo(t.page, "instruct")
	t.text = makeEditor("Target Text", func(s string) { app.EditText(mode, s) })
	t.text.count.view.SetAlignment(appkit.TextAlignmentRight)
	t.text.addTo(t.page, "text")
	t.sampling = newSamplingView(app, t.page, mode)
	t.addActions()
	t.history = newHistoryView(app, t.page, mode)
	t.result = newResultView(d, t.page, mode)
	return t
}

func (t *tabPage) addActions() {
	app, mode := t.app, t.mode
	t.live = makeCheck("play live", app.CheckLive)
	t.page.add("live", t.live.view)
	t.generate = makeButton("Generate", func() { app.Generate(mode) })
	t.stop = makeButton("Stop", func() { app.Stop(mode) })
	t.spinner = &spinner{view: newSpinner("generating")}
	t.dismiss = makeButton("dismiss error", func() { app.DismissError(mode) })
	t.dismiss.show(ui.Button{Title: "Dismiss", Enabled: true})
	t.page.add("generate", t.generate.view)
	t.page.add("stop", t.stop.view)
	t.page.add("progress.spinner", t.spinner.view)
	t.progress = t.addLabel("progress", "progress")
	t.bar = newProgressBar("spoken so far")
	t.page.add("progress.bar", t.bar.view)
	t.wrong = makeLabel("error", true)
	t.page.add("error", t.wrong.view)
	t.page.add("error.close", t.dismiss.view)
}

func (t *tabPage) addLabel(place, name string) *label {
	l := makeLabel(name, false)
	t.page.add(place, l.view)
	t.labels[place] = l
	return l
}

func (t *tabPage) addMenu(place, label string, choose func(string)) *menu {
	m := makeMenu(label, choose)
	t.page.add(place, m.view)
	t.addLabel(place+".label", label+" label")
	return m
}

func (t *tabPage) show(s *ui.Tab, p *ui.PlayerPanel) {
	t.modelsTitle.show(s.ModelsTitle, ui.Normal)
	t.modelsNote.show(s.ModelsNote, ui.Quiet)
	for i, row := range s.Models {
		if i == len(t.rows) {
			t.rows = append(t.rows, newRowView(t.app, t.page, i))
		}
		t.rows[i].show(row)
	}
	if t.mode == tts.Clone {
		t.voice.show(s.Voice)
		t.reference.show(s.Reference)
		t.recorder.show(s.Recorder)
		if s.RefText.Label != "" { // else it is out of sight, with what was typed
			t.refText.show(s.RefText)
		}
		t.tail.show(s.Tail)
	}
	t.labels["language.label"].show(s.Language.Label, ui.Normal)
	t.labels["speaker.label"].show(s.Speaker.Label, ui.Normal)
	t.language.show(s.Language)
	t.speaker.show(s.Speaker)
	t.labels["examples.label"].show(s.ExamplesTitle, ui.Quiet)
	t.showExamples(s.Examples)
	t.instruct.show(s.Instruct)
	t.text.show(s.Text)
	t.live.show(s.Live)
	t.generate.show(s.Generate)
	t.stop.show(s.Stop)
	t.spinner.show(s.Progress != "")
	t.progress.show(s.Progress, ui.Quiet)
	t.bar.show(s.ProgressBar)
	if s.Error != nil {
		t.wrong.show(s.Error.Text+"\n"+s.Error.Hint, ui.Danger)
	}
	t.sampling.show(&s.Sampling)
	t.history.show(&s.History)
	t.result.show(s, p)
}

func (t *tabPage) showExamples(texts []string) {
	for i, text := range texts {
		if i == len(t.examples) {
			b := makeButton(fmt.Sprintf("example %d", i+1), func() { t.app.InsertExample(t.mode, i) })
			b.view.SetFont(appkit.Font_SystemFontOfSize(11))
			truncates(b.view)
			t.page.add(fmt.Sprintf("example.%d", i), b.view)
			t.examples = append(t.examples, b)
		}
		t.examples[i].show(ui.Button{Title: text, Enabled: true, Tooltip: text})
	}
}

// arrange gives the page the width that there is, and the height that it needs.
func (t *tabPage) arrange(s *ui.Tab, p *ui.PlayerPanel) {
	room := t.scroll.ContentSize()
	box := layout.Tab(s, p)
	_, least := box.Min()
	size := foundation.Size{Width: room.Width, Height: max(room.Height, least)}
	document := t.page.view
	if now := document.Frame().Size; now != size {
		top := max(0, now.Height-t.top())
		document.SetFrame(rect(0, 0, size.Width, size.Height))
		t.scrollTo(size.Height - top)
	}
	t.page.arrange(box, size)
}

// top is how far above the document's bottom the visible part ends.
func (t *tabPage) top() float64 {
	seen := t.scroll.DocumentVisibleRect()
	return seen.Origin.Y + seen.Size.Height
}

// scrollTo lets the visible part end there, as near as it can: what was on top stays on top.
func (t *tabPage) scrollTo(top float64) {
	clip := t.scroll.ContentView()
	room := t.scroll.ContentSize().Height
	most := max(0, t.page.view.Frame().Size.Height-room)
	clip.ScrollToPoint(foundation.Point{Y: min(max(0, top-room), most)})
	t.scroll.ReflectScrolledClipView(clip)
}
