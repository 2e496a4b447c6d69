//go:build darwin || gnustep

package cocoa

import (
	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"

	"ttsui/internal/layout"
	"ttsui/internal/ui"
)

// settingsWindow is the window of the settings: a line for each, with what is wrong beneath.
type settingsWindow struct {
	app     *ui.App
	window  appkit.Window
	page    page
	lines   []*settingLine
	note    *label
	restart *button
}

// settingLine is a setting.
type settingLine struct {
	title, wrong *label
	field        appkit.TextField // unless there is a menu
	menu         *menu
	browse       *button
	rev          int
	first        bool // nothing was shown yet
}

func newSettingsWindow(app *ui.App) *settingsWindow {
	w := &settingsWindow{app: app, note: makeLabel("settings note", true), restart: makeButton("restart server", app.RestartServer)}
	w.window = newPanel("Settings", layout.SettingsWidth, layout.SettingsHeight)
	w.page = newPage(w.window.ContentView())
	w.page.add("note", w.note.view)
	w.page.add("restart", w.restart.view)
	return w
}

func (w *settingsWindow) open() {
	w.window.Center()
	w.window.MakeKeyAndOrderFront(nil)
}

func (w *settingsWindow) show(s *ui.SettingsPanel) {
	for i, setting := range s.List {
		if i == len(w.lines) {
			w.lines = append(w.lines, w.newLine(setting))
		}
		w.lines[i].show(setting)
	}
	w.note.show(s.Note, ui.Quiet)
	w.restart.show(s.Restart)
	w.page.arrange(layout.Settings(s), foundation.Size(w.window.ContentView().Bounds().Size))
}

func (w *settingsWindow) newLine(s ui.Setting) *settingLine {
	key, place := s.Key, string(s.Key)
	l := &settingLine{title: makeLabel(place+" label", false), wrong: makeLabel(place+" problem", false), first: true}
	edit := func(text string) { w.app.EditSetting(key, text) }
	w.page.add(place+".label", l.title.view)
	w.page.add(place+".problem", l.wrong.view)
	if len(s.Choices.List) > 0 {
		l.menu = makeMenu(s.Field.Label, edit)
		w.page.add(place, l.menu.view)
		return l
	}
	l.field = newField(s.Field.Label, edit)
	l.field.SetPlaceholderString(clean(s.Field.Placeholder))
	w.page.add(place, l.field)
	if s.Folder {
		l.browse = makeButton("browse "+place, func() {
			if path := browse(s.Field.Label, true); path != "" {
				l.field.SetStringValue(clean(path))
				edit(path)
			}
		})
		l.browse.show(ui.Button{Title: "Browse…", Enabled: true})
		w.page.add(place+".browse", l.browse.view)
	}
	return l
}

func (l *settingLine) show(s ui.Setting) {
	l.title.show(s.Field.Label, ui.Normal)
	l.wrong.show(s.Field.Problem, ui.Danger)
	if l.menu != nil {
		l.menu.show(s.Choices)
		return
	}
	if l.first || s.Field.Rev != l.rev {
		l.field.SetStringValue(clean(s.Field.Text))
		l.rev, l.first = s.Field.Rev, false
	}
}
