//go:build darwin || gnustep

package cocoa

import (
	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"

	"ttsui/internal/layout"
	"ttsui/internal/tts"
	"ttsui/internal/ui"
)

// desk is the window: it shows a snapshot and reports what the user does. All of it runs on the main thread.
type desk struct {
	app    *ui.App
	window appkit.Window
	page   page
	shown  ui.Snapshot

	title, subtitle, caption *label
	modes                    map[tts.Mode]*button
	tabs                     map[tts.Mode]*tabPage
	log                      *logPanel
	status                   map[string]*label
	retry                    *button
	settings                 *settingsWindow
	about                    *aboutWindow
	voiceForm                *voiceForm
	alert                    int // the ID of the last sheet
	wakefulness              wakefulness
	play                     appkit.MenuItem
}

// newDesk builds the window, empty until the first snapshot.
func newDesk(app *ui.App, about func(engine string) string) *desk {
	d := &desk{app: app, modes: map[tts.Mode]*button{}, tabs: map[tts.Mode]*tabPage{}, status: map[string]*label{}}
	d.window = newWindow("TTSUI", d.arrange, d.updateKeys)
	d.page = newPage(d.window.ContentView())
	d.title, d.subtitle, d.caption = makeLabel("title", false), makeLabel("subtitle", false), makeLabel("caption", false)
	d.title.view.SetFont(appkit.Font_BoldSystemFontOfSize(18))
	d.title.show("TTSUI", ui.Normal)
	d.subtitle.view.SetAlignment(appkit.TextAlignmentRight)
	d.subtitle.show("Qwen3-TTS", ui.Quiet)
	d.page.add("title", d.title.view)
	d.page.add("subtitle", d.subtitle.view)
	d.page.add("caption", d.caption.view)
	for _, mode := range tts.Modes() {
		b := makeButton("mode "+string(mode), nil)
		b.view.SetButtonType(appkit.ButtonTypePushOnPushOff)
		onAction(b.view, func() {
			app.SelectTab(mode)
			b.view.SetState(state(mode == d.shown.Tab)) // what is true is told by the next snapshot
		})
		d.modes[mode] = b
		d.page.add("mode."+string(mode), b.view)
		d.tabs[mode] = newTabPage(d, mode)
		d.page.view.AddSubview(d.tabs[mode].scroll)
	}
	d.log = newLogPanel(app, d.page, d.copyLog)
	for _, name := range []string{"queue", "speed", "memory"} {
		d.addStatus(name, false)
	}
	d.addStatus("text", true)
	for _, name := range []string{"queue", "speed", "memory"} {
		d.status[name].view.SetAlignment(appkit.TextAlignmentRight)
	}
	d.addStatus("hint", true)
	d.retry = makeButton("retry start", app.RetryStart)
	d.page.add("status.retry", d.retry.view)
	d.settings = newSettingsWindow(app)
	d.about = newAboutWindow(about)
	d.voiceForm = newVoiceForm(app)
	return d
}

func (d *desk) addStatus(name string, wraps bool) {
	l := makeLabel("status "+name, wraps)
	d.status[name] = l
	d.page.add("status."+name, l.view)
}

// show draws a snapshot.
func (d *desk) show(s ui.Snapshot) {
	if s.Tab != d.shown.Tab {
		d.window.MakeFirstResponder(nil) // what is typed must not go on into a text that is out of sight
	}
	d.shown = s
	d.wakefulness.stay(s.Working)
	d.caption.show(s.Selected().Caption, ui.Quiet)
	for mode, b := range d.modes {
		b.show(ui.Button{Title: s.Of(mode).Title, Enabled: true, Tooltip: s.Of(mode).Caption})
		b.view.SetState(state(mode == s.Tab))
		d.tabs[mode].scroll.SetHidden(mode != s.Tab)
	}
	d.tabs[s.Tab].show(s.Selected(), &s.Player)
	d.log.show(&s.Log)
	d.showStatus(&s.Status)
	d.settings.show(&s.Settings)
	d.arrange()
	d.voiceForm.show(s.VoiceForm)
	if s.Alert != nil && s.Alert.ID != d.alert {
		d.alert = s.Alert.ID
		d.ask(*s.Alert)
	}
}

func (d *desk) showStatus(s *ui.Status) {
	d.status["text"].show(s.Text, s.Role)
	d.status["queue"].show(s.Queue, ui.Quiet)
	d.status["speed"].show(s.Speed, ui.Quiet)
	d.status["memory"].show(s.Memory, ui.Quiet)
	d.status["memory"].view.SetToolTip(clean(s.Tooltip))
	hint := s.Hint
	if hint == "" {
		hint = s.Notice
	}
	d.status["hint"].show(hint, ui.Caution)
	d.retry.show(s.Retry)
}

// arrange puts everything in its place.
func (d *desk) arrange() {
	if d.shown.Tab == "" {
		return // before the first snapshot
	}
	size := d.window.ContentView().Bounds().Size
	box := layout.Window(&d.shown)
	d.page.arrange(box, size)
	at := box.Place(layout.Rect{W: size.Width, H: size.Height})[layout.Content]
	for mode, t := range d.tabs {
		if mode == d.shown.Tab {
			t.scroll.SetFrame(rect(at.X, size.Height-at.Y-at.H, at.W, at.H))
			t.arrange(d.shown.Selected(), &d.shown.Player)
		}
	}
}

// copyLog puts the log on the clipboard.
func (d *desk) copyLog() { copyText(d.shown.Log.CopyText()) }

// reveal shows the result's file in the Finder.
func (d *desk) reveal() {
	if path := d.shown.Player.Path; path != "" {
		appkit.Workspace_SharedWorkspace().SelectFileInFileViewerRootedAtPath(path, "")
	}
}

// openDocs shows the description of the server's endpoints in the browser.
func (d *desk) openDocs() {
	if url := d.shown.Status.DocsURL(); url != "" {
		appkit.Workspace_SharedWorkspace().OpenURL(foundation.URL_URLWithString(url))
	}
}

// saveAs copies the result of a mode to where the user wants it.
func (d *desk) saveAs(mode tts.Mode) {
	if t := d.shown.Of(mode); t.Result != nil {
		if to := saveTo("Choose where to save the generated audio", t.SaveName); to != "" {
			d.app.SaveAs(mode, to)
		}
	}
}

func state(on bool) appkit.ControlStateValue {
	if on {
		return appkit.ControlStateValueOn
	}
	return appkit.ControlStateValueOff
}

// open shows the window where it stood the last time.
func (d *desk) open() {
	if !d.window.SetFrameUsingName(windowName) {
		d.window.Center()
	}
	d.window.SetFrameAutosaveName(windowName)
	d.window.MakeKeyAndOrderFront(nil)
}

// windowName is what Cocoa remembers the window's frame by.
const windowName appkit.WindowFrameAutosaveName = "TTSUI"
