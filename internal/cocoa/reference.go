//go:build darwin || gnustep

package cocoa

import (
	"fmt"
	"strings"

	"github.com/progrium/darwinkit/macos/appkit"

	"ttsui/internal/ui"
)

// reference is where the clip to clone is dropped or browsed for.
type reference struct {
	title *label
	drop  appkit.Button
	text  *label
	clear *button

	page     page
	wave     *waveform
	trim     *button
	warnings []*label
}

func newReference(app *ui.App, p page) *reference {
	r := &reference{page: p, wave: newWaveform("Waveform of the reference"), title: makeLabel("reference label", false), text: makeLabel("reference", false)}
	r.drop = newDropButton("Drop reference audio file\nor click to browse", func(path string) { app.ChooseReference(path) }, func() {
		if path := browse("Choose the reference audio", false); path != "" {
			app.ChooseReference(path)
		}
	})
	setAccessibilityLabel(r.drop, "Reference Audio")
	setIdentifier(r.drop, "drop")
	r.clear = makeButton("clear reference", app.ClearReference)
	r.clear.show(ui.Button{Title: "Clear", Enabled: true, Tooltip: "Use no reference audio"})
	p.add("reference.label", r.title.view)
	p.add("reference.drop", r.drop)
	p.add("reference.text", r.text.view)
	p.add("reference.clear", r.clear.view)
	r.trim = makeButton("trim", app.Trim)
	p.add("reference.wave", r.wave.view)
	p.add("reference.trim", r.trim.view)
	return r
}

func (r *reference) show(s ui.Reference) {
	r.title.show(s.Label, ui.Normal)
	r.text.show(s.Text, ui.Quiet)
	r.wave.show(s.Peaks)
	r.trim.show(s.Trim)
	for i, w := range s.Warnings {
		if i == len(r.warnings) {
			l := makeLabel(fmt.Sprintf("warning %d", i+1), true)
			r.page.add(fmt.Sprintf("reference.warning.%d", i), l.view)
			r.warnings = append(r.warnings, l)
		}
		r.warnings[i].show(strings.TrimSpace(w.Text+" "+w.Hint), ui.Caution)
	}
}

// browse has the user choose a file, or a folder; "" is none. It runs until that is done, so it must begin with a
// click and not in the main queue.
func browse(message string, folder bool) string {
	panel := appkit.OpenPanel_OpenPanel()
	panel.SetMessage(clean(message))
	panel.SetCanChooseFiles(!folder)
	panel.SetCanChooseDirectories(folder)
	panel.SetAllowsMultipleSelection(false)
	if !folder {
		setFileTypes(panel, "wav", "wave", "flac", "mp3", "ogg", "oga", "m4a", "aac", "aif", "aiff", "caf", "mp4")
	}
	if panel.RunModal() != appkit.ModalResponseOK {
		return ""
	}
	for _, url := range panel.URLs() {
		return url.Path()
	}
	return ""
}

// saveTo has the user choose where a file goes; "" is nowhere. Like browse, it begins with a click.
func saveTo(message, name string) string {
	panel := appkit.SavePanel_SavePanel()
	panel.SetMessage(clean(message))
	panel.SetNameFieldStringValue(clean(name))
	setFileTypes(panel, "wav")
	if panel.RunModal() != appkit.ModalResponseOK {
		return ""
	}
	return panel.URL().Path()
}
