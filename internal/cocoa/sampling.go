//go:build darwin || gnustep

package cocoa

import (
	"github.com/progrium/darwinkit/macos/appkit"

	"ttsui/internal/tts"
	"ttsui/internal/ui"
)

// samplingView is the panel of how tokens are drawn.
type samplingView struct {
	app    *ui.App
	page   page
	mode   tts.Mode
	toggle *disclosure
	reset  *button
	values []*samplingValue

	takes, longText, guard samplingMenu
}

// samplingValue is a value of the panel.
type samplingValue struct {
	title, limits, wrong *label
	field                appkit.TextField
	rev                  int
}

func newSamplingView(app *ui.App, p page, mode tts.Mode) samplingView {
	v := samplingView{app: app, page: p, mode: mode, toggle: makeDisclosure("sampling", func() { app.ToggleSampling(mode) }),
		reset: makeButton("reset sampling", func() { app.ResetSampling(mode) })}
	v.reset.about = "sampling"
	p.add("sampling.toggle", v.toggle.view)
	p.add("sampling.reset", v.reset.view)
	v.takes, v.longText = v.newMenu(ui.SamplingTakes, "Takes"), v.newMenu(ui.SamplingLongText, "Long text")
	v.guard = v.newMenu(ui.SamplingGuard, "Speech that doesn't end")
	return v
}

func (v *samplingView) show(s *ui.SamplingPanel) {
	v.toggle.show(s.Toggle)
	v.reset.show(s.Reset)
	v.takes.show(s.Takes)
	v.longText.show(s.LongText)
	v.guard.show(s.Guard)
	for i, value := range s.List {
		if i == len(v.values) {
			v.values = append(v.values, v.newValue(value))
		}
		v.values[i].show(value)
	}
}

// samplingMenu is a value of the panel that is chosen, not typed.
type samplingMenu struct {
	title *label
	menu  *menu
}

func (v *samplingView) newMenu(key ui.SamplingKey, name string) samplingMenu {
	place := "sampling." + string(key)
	m := samplingMenu{title: makeLabel(name+" label", false), menu: makeMenu(name, func(id string) { v.app.EditSampling(v.mode, key, id) })}
	v.page.add(place, m.menu.view)
	v.page.add(place+".label", m.title.view)
	return m
}

func (m samplingMenu) show(s ui.Choices) {
	m.menu.show(s)
	m.title.show(s.Label, ui.Normal)
}

func (v *samplingView) newValue(s ui.SamplingValue) *samplingValue {
	key, place := s.Key, "sampling."+string(s.Key)
	l := &samplingValue{title: makeLabel(place+" label", false), limits: makeLabel(place+" limits", false), wrong: makeLabel(place+" problem", false)}
	l.field = newField(s.Field.Label, func(text string) { v.app.EditSampling(v.mode, key, text) })
	v.page.add(place+".label", l.title.view)
	v.page.add(place, l.field)
	v.page.add(place+".limits", l.limits.view)
	v.page.add(place+".problem", l.wrong.view)
	return l
}

func (l *samplingValue) show(s ui.SamplingValue) {
	l.title.show(s.Field.Label, ui.Normal)
	l.limits.show(s.Limits, ui.Quiet)
	l.wrong.show(s.Field.Problem, ui.Danger)
	if s.Field.Rev != l.rev {
		l.field.SetStringValue(clean(s.Field.Text))
		l.rev = s.Field.Rev
	}
}
