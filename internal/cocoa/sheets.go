//go:build darwin || gnustep

package cocoa

import (
	"github.com/progrium/darwinkit/macos/appkit"

	"ttsui/internal/ui"
)

// ask shows a sheet and reports its answer.
func (d *desk) ask(a ui.Alert) {
	soon(func() {
		alert := newAlert(a)
		alert.BeginSheetModalForWindowCompletionHandler(d.window, func(answer appkit.ModalResponse) {
			d.app.AnswerAlert(a.ID, buttonOf(answer))
		})
	})
}

// mayQuit asks whoever quits while speech is being made.
func (d *desk) mayQuit() bool {
	return !d.shown.Busy || buttonOf(newAlert(d.shown.QuitQuestion).RunModal()) == 0
}

func newAlert(a ui.Alert) appkit.Alert {
	alert := keep(appkit.NewAlert()) // it must outlive the event that it begins in; there are few
	alert.SetMessageText(clean(a.Title))
	alert.SetInformativeText(clean(a.Text))
	for _, b := range a.Buttons {
		button := alert.AddButtonWithTitle(clean(b.Title))
		if b.Cancel {
			button.SetKeyEquivalent("\x1b")
		}
	}
	return alert
}

// buttonOf is which button was pressed, counted from 0.
func buttonOf(answer appkit.ModalResponse) int { return int(answer - appkit.AlertFirstButtonReturn) }
