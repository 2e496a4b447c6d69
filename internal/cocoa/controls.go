//go:build darwin || gnustep

package cocoa

import (
	"slices"
	"strings"

	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"
	"github.com/progrium/darwinkit/objc"

	"ttsui/internal/ui"
)

// Controls that show a part of a snapshot. They remember what they show, as changing a control to what it is already
// costs a redraw, and would end what the user is about to do with it.

// tint is what a role looks like; the system's own colours follow dark mode.
func tint(role ui.Role) appkit.Color {
	switch role {
	case ui.Quiet:
		return appkit.Color_SecondaryLabelColor()
	case ui.Good:
		return appkit.Color_SystemGreenColor()
	case ui.Caution:
		return appkit.Color_SystemOrangeColor()
	case ui.Danger, ui.Critical:
		return appkit.Color_SystemRedColor()
	}
	return appkit.Color_LabelColor()
}

// button shows a ui.Button. Who can't see it hears its title and what it is about.
type button struct {
	view  appkit.Button
	about string // "" when the title says it all
	shown ui.Button
	role  ui.Role // of the title
}

// makeButton makes a button with a name for tests.
func makeButton(name string, f func()) *button {
	b := &button{view: newButton("", f)}
	setIdentifier(b.view, name)
	return b
}

func (b *button) show(s ui.Button) { b.showAs(s, ui.Normal) }

// showAs is show with a colour. What can't be pressed is grey, as always.
func (b *button) showAs(s ui.Button, role ui.Role) {
	if s == b.shown && role == b.role {
		return
	}
	b.view.SetTitle(clean(s.Title))
	b.view.SetEnabled(s.Enabled)
	b.view.SetToolTip(clean(s.Tooltip))
	setAccessibilityLabel(b.view, strings.TrimSpace(s.Title+" "+b.about))
	if role != ui.Normal && s.Enabled && s.Title != "" {
		b.view.SetAttributedTitle(centred(s.Title, role))
	}
	b.shown, b.role = s, role
}

// check shows a ui.Check.
type check struct {
	view  appkit.Button
	shown ui.Check
}

// makeCheck makes a box with a name for tests, whose owner hears its new state.
func makeCheck(name string, f func(on bool)) *check {
	c := &check{view: newCheckbox("", f)}
	setIdentifier(c.view, name)
	return c
}

func (c *check) show(s ui.Check) {
	if s.Title != c.shown.Title {
		c.view.SetTitle(clean(s.Title))
		c.view.SetToolTip(clean(s.Tooltip))
		setAccessibilityLabel(c.view, s.Title)
	}
	setChecked(c.view, s.On)
	c.shown = s
}

// centred is a button's title in a colour. It says itself where it stands, as the button leaves that to a coloured one.
func centred(title string, role ui.Role) foundation.AttributedString {
	style := appkit.NewMutableParagraphStyle()
	style.SetAlignment(appkit.TextAlignmentCenter)
	return foundation.NewAttributedStringWithStringAttributes(clean(title), map[foundation.AttributedStringKey]objc.IObject{
		"NSFont": appkit.Font_SystemFontOfSize(13), "NSColor": tint(role), "NSParagraphStyle": style,
	})
}

// disclosure shows a ui.Disclosure: a title with a triangle that points to what is open beneath.
type disclosure struct {
	view  appkit.Button
	shown ui.Disclosure
}

func makeDisclosure(name string, toggle func()) *disclosure {
	d := &disclosure{view: newButton("", toggle)}
	d.view.SetBordered(false)
	d.view.SetAlignment(appkit.TextAlignmentLeft)
	setIdentifier(d.view, name)
	return d
}

func (d *disclosure) show(s ui.Disclosure) {
	if s == d.shown {
		return
	}
	triangle, state := "▸ ", ", closed"
	if s.Open {
		triangle, state = "▾ ", ", open"
	}
	d.view.SetTitle(clean(triangle + s.Title))
	setAccessibilityLabel(d.view, s.Title+state)
	d.shown = s
}

// longText is how many bytes a label may lack room for, so that it shows them when the mouse rests on it.
const longText = 40

// label shows a text with a colour.
type label struct {
	view appkit.TextField
	text string
	role ui.Role
}

// makeLabel makes an empty label. One that wraps has room for several lines.
func makeLabel(name string, wraps bool) *label {
	l := &label{view: newLabel("")}
	setIdentifier(l.view, name)
	l.view.SetTextColor(tint(ui.Normal))
	setWraps(l.view, wraps)
	return l
}

func (l *label) show(text string, role ui.Role) {
	if text != l.text {
		setLabelText(l.view, text)
		if len(text) > longText {
			l.view.SetToolTip(clean(text))
		} else if len(l.text) > longText {
			l.view.SetToolTip("")
		}
		l.text = text
	}
	if role != l.role {
		l.view.SetTextColor(tint(role))
		l.role = role
	}
}

// menu shows ui.Choices as a popup.
type menu struct {
	view  appkit.PopUpButton
	shown []ui.Choice
}

// makeMenu makes a popup whose owner hears the ID of what is chosen.
func makeMenu(label string, choose func(id string)) *menu {
	m := &menu{}
	m.view = newPopup(label, nil, func(i int) {
		if i >= 0 && i < len(m.shown) {
			choose(m.shown[i].ID)
		}
	})
	setIdentifier(m.view, label)
	return m
}

func (m *menu) show(c ui.Choices) {
	if !slices.Equal(m.shown, c.List) {
		var titles []string
		for _, choice := range c.List {
			title := choice.Title
			if choice.Detail != "" {
				title += " – " + choice.Detail
			}
			titles = append(titles, title)
		}
		setChoices(m.view, titles)
		m.shown = c.List
	}
	at := slices.IndexFunc(c.List, func(choice ui.Choice) bool { return choice.ID == c.Chosen })
	if at >= 0 && m.view.IndexOfSelectedItem() != at {
		m.view.SelectItemAtIndex(at)
	}
}

// deeds shows what can be done, as a menu that opens below three dots.
type deeds struct {
	view  appkit.PopUpButton
	shown []ui.Choice
}

// makeDeeds makes a menu whose owner hears the ID of what is chosen.
func makeDeeds(label string, choose func(id string)) *deeds {
	m := &deeds{view: appkit.NewPopUpButtonWithFramePullsDown(foundation.Rect{}, true)}
	setAccessibilityLabel(m.view, label)
	setIdentifier(m.view, label)
	onAction(m.view, func() {
		if i := m.view.IndexOfSelectedItem() - 1; i >= 0 && i < len(m.shown) { // the first is the dots
			choose(m.shown[i].ID)
		}
	})
	return m
}

func (m *deeds) show(list []ui.Choice) {
	if slices.Equal(m.shown, list) {
		return
	}
	titles := []string{"…"}
	for _, choice := range list {
		titles = append(titles, choice.Title)
	}
	setChoices(m.view, titles)
	m.shown = list
}

// editor shows a ui.Field of several lines. The user's typing is theirs: it is replaced only when the field has a new
// Rev.
type editor struct {
	area  textArea
	title *label
	count *label
	wrong *label
	rev   int
}

// makeEditor makes an editor that tells of what is typed.
func makeEditor(name string, edited func(string)) *editor {
	e := &editor{area: newTextArea(true, appkit.Font_SystemFontOfSize(13)), title: makeLabel(name+" label", false),
		count: makeLabel(name+" count", false), wrong: makeLabel(name+" problem", false)}
	e.area.view.SetAllowsUndo(true)
	setAccessibilityLabel(e.area.view, name)
	setIdentifier(e.area.view, name)
	onTextChange(e.area.view, func() { edited(e.area.text()) })
	return e
}

// addTo puts the editor into a page; place is its name there.
func (e *editor) addTo(p page, place string) {
	p.add(place+".label", e.title.view)
	p.add(place+".count", e.count.view)
	p.addArea(place, e.area)
	p.add(place+".problem", e.wrong.view)
}

func (e *editor) show(f ui.Field) {
	title := f.Label
	if f.Placeholder != "" {
		title += " – " + f.Placeholder
	}
	e.title.show(title, ui.Normal)
	e.count.show(f.Count, ui.Quiet)
	e.wrong.show(f.Problem, ui.Danger)
	if f.Rev != e.rev {
		e.area.setText(f.Text)
		e.rev = f.Rev
	}
}

// spinner turns while something goes on.
type spinner struct {
	view appkit.ProgressIndicator
	on   bool
}

func (s *spinner) show(on bool) {
	if on != s.on {
		setSpinning(s.view, on)
		s.on = on
	}
}
