//go:build darwin || gnustep

package cocoa

import (
	"cmp"
	"fmt"

	"github.com/progrium/darwinkit/macos/appkit"

	"ttsui/internal/ui"
)

// rowView is a model's row: the check, the name, and a button or a spinner with words; beneath, what went wrong.
type rowView struct {
	model   string // its ID
	shown   ui.Row
	whole   appkit.Button // clear, and over the texts, so that a click anywhere in the row chooses the model
	check   appkit.Button
	name    *label
	action  *button
	spinner *spinner
	busy    *label
	wrong   *label
	menu    *deeds
}

// newRowView makes the row at place i of a page.
func newRowView(app *ui.App, p page, i int) *rowView {
	r := &rowView{}
	choose := func() {
		app.ClickRow(r.model)
		setChecked(r.check, r.shown.Checked) // what is true is told by the next snapshot
	}
	r.whole = newButton("", choose)
	r.whole.SetBordered(false)
	r.whole.SetTransparent(true)
	r.check = newCheckbox("", func(bool) { choose() })
	r.name = makeLabel("model", false)
	r.action = makeButton("model action", func() { app.ClickRowButton(r.model) })
	r.spinner = &spinner{view: newSpinner("working")}
	r.busy, r.wrong = makeLabel("model state", false), makeLabel("model error", true)
	r.menu = makeDeeds("model menu", func(id string) { app.ChooseRowMenu(r.model, id) })
	place := func(part string) string { return fmt.Sprintf("row.%d.%s", i, part) }
	p.add(place("name"), r.name.view)
	p.add(place("spinner"), r.spinner.view)
	p.add(place("busy"), r.busy.view)
	p.add(place("error"), r.wrong.view)
	p.add(place("all"), r.whole)
	p.add(place("check"), r.check)
	p.add(place("button"), r.action.view)
	p.add(place("menu"), r.menu.view)
	return r
}

func (r *rowView) show(s ui.Row) {
	if s.ModelID != r.model {
		r.model = s.ModelID
		setAccessibilityLabel(r.whole, "Choose "+s.Name)
		setAccessibilityLabel(r.check, "Use "+s.Name)
		r.action.about = s.Name
		setAccessibilityLabel(r.menu.view, "More about "+s.Name)
		for part, view := range map[string]appkit.IView{"row": r.whole, "use": r.check, "name": r.name.view, "action": r.action.view,
			"state": r.busy.view, "error": r.wrong.view, "menu": r.menu.view} {
			setIdentifier(view, part+" of "+s.Name)
		}
	}
	setChecked(r.check, s.Checked)
	r.check.SetEnabled(s.Choosable)
	role := ui.Normal
	if s.Dimmed {
		role = ui.Quiet
	}
	r.name.show(s.Name, role)
	r.action.showAs(s.Action, s.Colour)
	r.spinner.show(s.Busy != "")
	r.busy.show(cmp.Or(s.Busy, s.Note), ui.Quiet)
	r.wrong.show(s.Error, ui.Danger)
	r.menu.show(s.Menu)
	if s.Tooltip != r.shown.Tooltip {
		r.whole.SetToolTip(clean(s.Tooltip))
	}
	r.shown = s
}
