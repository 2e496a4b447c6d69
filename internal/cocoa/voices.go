//go:build darwin || gnustep

package cocoa

import (
	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"

	"ttsui/internal/layout"
	"ttsui/internal/ui"
)

// voiceBox is where a saved voice is chosen.
type voiceBox struct {
	title, audio, text, note *label
	menu                     *menu
	save, rename, delete     *button
	replace                  *button
}

func newVoiceBox(app *ui.App, p page) *voiceBox {
	v := &voiceBox{title: makeLabel("voice label", false), audio: makeLabel("voice audio", false), text: makeLabel("voice text", true),
		note: makeLabel("voice note", true), menu: makeMenu("Voice", app.ChooseVoice), save: makeButton("save speaker", app.SaveSpeaker),
		rename: makeButton("rename voice", app.RenameVoice), replace: makeButton("replace audio", app.ReplaceAudio), delete: makeButton("delete voice", app.DeleteVoice)}
	p.add("voice.label", v.title.view)
	p.add("voice", v.menu.view)
	p.add("voice.save", v.save.view)
	p.add("voice.rename", v.rename.view)
	p.add("voice.replace", v.replace.view)
	p.add("voice.delete", v.delete.view)
	p.add("voice.audio", v.audio.view)
	p.add("voice.text", v.text.view)
	p.add("voice.note", v.note.view)
	return v
}

func (v *voiceBox) show(s ui.VoiceBox) {
	v.title.show(s.Menu.Label, ui.Normal)
	v.menu.show(s.Menu)
	v.audio.show(s.Audio, ui.Quiet)
	v.text.show(s.Text, ui.Quiet)
	v.note.show(s.Note, ui.Caution)
	v.save.show(s.Save)
	v.rename.show(s.Rename)
	v.replace.show(s.Replace)
	v.delete.showAs(s.Delete, ui.Danger)
}

// voiceForm is the window in which a voice gets its name, or another clip. Nothing else can be done while it is open.
type voiceForm struct {
	app                         *ui.App
	window                      appkit.Window
	page                        page
	title, count, problem, file *label
	field                       appkit.TextField
	save, cancel                *button
	browse, recorded            *button
	text                        *editor
	id, rev                     int
}

func newVoiceForm(app *ui.App) *voiceForm {
	f := &voiceForm{app: app, title: makeLabel("voice name label", false), count: makeLabel("voice name count", false),
		problem: makeLabel("voice name problem", false), file: makeLabel("voice file", false)}
	f.window = keep(appkit.NewWindowWithContentRectStyleMaskBackingDefer(rect(0, 0, layout.VoiceFormWidth, 100),
		appkit.WindowStyleMaskTitled, appkit.BackingStoreBuffered, false)) // it is closed by its buttons, and as high as a form needs it
	f.window.SetReleasedWhenClosed(false)
	f.page = newPage(f.window.ContentView())
	f.field = newField("Voice Name", app.EditVoiceName)
	f.count.view.SetAlignment(appkit.TextAlignmentRight)
	f.browse = makeButton("browse voice", func() {
		if path := browse("Choose the audio of the voice", false); path != "" {
			app.ChooseVoiceClip(path)
		}
	})
	f.recorded = makeButton("use recorded voice", app.UseRecordedClip)
	f.text = makeEditor("Voice Text", app.EditVoiceText)
	f.save = makeButton("save voice name", func() { f.end(app.SubmitVoice) })
	f.cancel = makeButton("cancel voice name", func() { f.end(app.CancelVoice) })
	f.save.view.SetKeyEquivalent("\r")
	f.cancel.view.SetKeyEquivalent("\x1b")
	f.page.add("label", f.title.view)
	f.page.add("name", f.field)
	f.page.add("count", f.count.view)
	f.page.add("problem", f.problem.view)
	f.page.add("file", f.file.view)
	f.page.add("browse", f.browse.view)
	f.page.add("recorded", f.recorded.view)
	f.text.addTo(f.page, "text")
	f.page.add("cancel", f.cancel.view)
	f.page.add("save", f.save.view)
	return f
}

// show opens the window for a form that is new.
func (f *voiceForm) show(s *ui.VoiceForm) {
	if s == nil {
		return
	}
	f.title.show(s.Name.Label, ui.Normal)
	f.count.show(s.Name.Count, s.CountRole)
	f.problem.show(s.Name.Problem, ui.Danger)
	f.file.show(s.File, ui.Quiet)
	f.save.show(s.Save)
	f.cancel.show(s.Cancel)
	f.browse.show(s.Browse)
	f.recorded.show(s.Recorded)
	f.text.show(s.Text)
	if s.ID != f.id || s.Name.Rev != f.rev {
		f.field.SetStringValue(clean(s.Name.Text))
		f.rev = s.Name.Rev
	}
	if s.ID != f.id {
		f.id = s.ID
		f.window.SetTitle(clean(s.Title))
		f.text.area.setText(s.Text.Text)
		box := layout.VoiceForm(s)
		_, height := box.Min()
		f.window.SetContentSize(foundation.Size{Width: layout.VoiceFormWidth, Height: height})
		f.page.arrange(box, foundation.Size(f.window.ContentView().Bounds().Size))
		soon(f.run)
	}
}

// run keeps the user in the window until it is ended.
func (f *voiceForm) run() {
	f.window.Center()
	f.window.MakeFirstResponder(f.field)
	appkit.Application_SharedApplication().RunModalForWindow(f.window)
	f.window.OrderOut(nil)
}

// end does what a button says, and closes the window.
func (f *voiceForm) end(act func()) {
	act()
	appkit.Application_SharedApplication().StopModal()
}
