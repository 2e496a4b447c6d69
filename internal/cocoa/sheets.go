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
			alert.Autorelease()
		})
	})
}

// mayQuit asks whoever quits while speech is being made.
func (d *desk) mayQuit() bool {
	if !d.shown.Busy {
		return true
	}
	alert := newAlert(d.shown.QuitQuestion)
	defer alert.Autorelease()
	return buttonOf(alert.RunModal()) == 0
}

// newAlert makes an alert that lives until Autorelease: it outlives the event that it begins in.
func newAlert(a ui.Alert) appkit.Alert {
	alert := keep(appkit.NewAlert())
	alert.SetMessageText(clean(a.Title))
	alert.SetInformativeText(clean(a.Text))
	for i, b := range a.Buttons {
		button := alert.AddButtonWithTitle(clean(b.Title))
		button.SetHasDestructiveAction(b.Role == ui.Danger)
		if b.Cancel && i > 0 { // the first one has Return
			button.SetKeyEquivalent("\x1b")
		}
	}
	return alert
}

// buttonOf is which button was pressed, counted from 0.
func buttonOf(answer appkit.ModalResponse) int { return int(answer - appkit.AlertFirstButtonReturn) }
