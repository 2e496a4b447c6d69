//go:build darwin || gnustep

package cocoa

import (
	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"
)

// The controls, as bare as they come: whoever makes one places it. Each has an accessibility label from the start, as a
// control without one can't be found by who doesn't see it, nor by our tests.

// rect is a frame. Cocoa counts upwards from the bottom.
func rect(x, y, width, height float64) foundation.Rect {
	return foundation.Rect{Origin: foundation.Point{X: x, Y: y}, Size: foundation.Size{Width: width, Height: height}}
}

// newLabel is text that the user can't change.
func newLabel(text string) appkit.TextField {
	label := appkit.NewTextFieldWithFrame(foundation.Rect{})
	label.SetEditable(false)
	label.SetSelectable(false)
	label.SetBezeled(false)
	label.SetDrawsBackground(false)
	setLabelText(label, text)
	return label
}

// setLabelText changes a label, and nothing when it says that already: drawing is not free.
func setLabelText(label appkit.TextField, text string) {
	if text = clean(text); label.StringValue() != text {
		label.SetStringValue(text)
	}
}

// newField is one line of text that the user writes; f gets it with each change.
func newField(label string, f func(string)) appkit.TextField {
	field := appkit.NewTextFieldWithFrame(foundation.Rect{})
	setAccessibilityLabel(field, label)
	setIdentifier(field, label)
	onFieldChange(field, func() { f(field.StringValue()) })
	return field
}

// newButton is a push button; f may be nil.
func newButton(title string, f func()) appkit.Button {
	button := appkit.NewButtonWithFrame(foundation.Rect{})
	button.SetButtonType(appkit.ButtonTypeMomentaryPushIn)
	button.SetBezelStyle(appkit.BezelStyleRounded)
	button.SetTitle(clean(title))
	setAccessibilityLabel(button, title)
	if f != nil {
		onAction(button, f)
	}
	return button
}

// newCheckbox is a box with a title beside it; f gets its new state.
func newCheckbox(title string, f func(on bool)) appkit.Button {
	box := appkit.NewButtonWithFrame(foundation.Rect{})
	box.SetButtonType(appkit.ButtonTypeSwitch)
	box.SetTitle(clean(title))
	setAccessibilityLabel(box, title)
	onAction(box, func() { f(box.State() == appkit.ControlStateValueOn) })
	return box
}

// setChecked changes a checkbox without calling anybody.
func setChecked(box appkit.Button, on bool) {
	state := appkit.ControlStateValueOff
	if on {
		state = appkit.ControlStateValueOn
	}
	box.SetState(state)
}

// newPopup is a choice of several; f gets the index of the one that is chosen.
func newPopup(label string, choices []string, f func(index int)) appkit.PopUpButton {
	popup := appkit.NewPopUpButtonWithFramePullsDown(foundation.Rect{}, false)
	setAccessibilityLabel(popup, label)
	setChoices(popup, choices)
	onAction(popup, func() { f(popup.IndexOfSelectedItem()) })
	return popup
}

// setChoices replaces what a popup offers. Two choices of the same name would be one, so names must differ.
func setChoices(popup appkit.PopUpButton, choices []string) {
	popup.RemoveAllItems()
	for _, choice := range choices {
		popup.AddItemWithTitle(clean(choice))
	}
}

// newSpinner turns for as long as something works whose end nobody knows; it is invisible otherwise.
func newSpinner(label string) appkit.ProgressIndicator {
	spinner := appkit.NewProgressIndicatorWithFrame(foundation.Rect{})
	spinner.SetStyle(appkit.ProgressIndicatorStyleSpinning)
	spinner.SetControlSize(appkit.ControlSizeSmall)
	setIdentifier(spinner, label)
	spinner.SetIndeterminate(true)
	spinner.SetDisplayedWhenStopped(false)
	setAccessibilityLabel(spinner, label)
	return spinner
}

// setSpinning starts or stops a spinner.
func setSpinning(spinner appkit.ProgressIndicator, on bool) {
	if on {
		spinner.StartAnimation(nil)
	} else {
		spinner.StopAnimation(nil)
	}
}
