//go:build darwin || gnustep

package cocoa

import "github.com/progrium/darwinkit/macos/appkit"

// aboutWindow tells what the program is made of.
type aboutWindow struct {
	window appkit.Window
	area   textArea
	text   func(engine string) string
}

func newAboutWindow(text func(engine string) string) *aboutWindow {
	const width, height, margin = 520, 360, 16
	a := &aboutWindow{window: newPanel("About TTSUI", width, height), area: newTextArea(false, appkit.Font_SystemFontOfSize(12)), text: text}
	setAccessibilityLabel(a.area.view, "About TTSUI")
	setIdentifier(a.area.view, "About TTSUI")
	a.window.ContentView().AddSubview(a.area.scroll)
	a.area.place(rect(margin, margin, width-2*margin, height-2*margin))
	return a
}

// open shows the window. What engine there is may have become known since the last time.
func (a *aboutWindow) open(engine string) {
	a.area.setText(a.text(engine))
	a.window.Center()
	a.window.MakeKeyAndOrderFront(nil)
}
