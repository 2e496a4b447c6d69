package ui

import "slices"

// alert is an Alert with what its buttons do.
type alert struct {
	Alert
	answers []answer
}

// answer is a button and what it does.
type answer struct {
	AlertButton
	act func()
}

func cancelAnswer() answer { return answer{AlertButton{Title: "Cancel", Cancel: true}, func() {}} }

// ask puts a sheet behind those that wait to be answered. The same question is not asked twice at a time.
func (c *core) ask(title, text string, answers ...answer) {
	if slices.ContainsFunc(c.alerts, func(a alert) bool { return a.Title == title }) {
		return
	}
	c.lastID++
	a := alert{Alert: Alert{ID: c.lastID, Title: title, Text: text}, answers: answers}
	for _, answer := range answers {
		a.Buttons = append(a.Buttons, answer.AlertButton)
	}
	c.alerts = append(c.alerts, a)
}

// tell puts up a message.
func (c *core) tell(title, text string) {
	c.ask(title, text, answer{AlertButton{Title: "OK", Cancel: true}, func() {}})
}

// answer does what a button says. An alert that is not shown any more has no answer.
func (c *core) answer(id, button int) {
	if len(c.alerts) == 0 || c.alerts[0].ID != id || button < 0 || button >= len(c.alerts[0].answers) {
		return
	}
	act := c.alerts[0].answers[button].act
	c.alerts = c.alerts[1:]
	act()
}

// shownAlert is the sheet that waits for an answer.
func (c *core) shownAlert() *Alert {
	if len(c.alerts) == 0 {
		return nil
	}
	shown := c.alerts[0].Alert
	return &shown
}

// quitQuestion is asked before the window is closed while speech is being made.
func (c *core) quitQuestion() Alert {
	n := c.busy()
	if n == 0 {
		return Alert{}
	}
	return Alert{Title: "Quit while speech is being made?", Text: lossText(n),
		Buttons: []AlertButton{{Title: "Quit", Role: Danger}, {Title: "Cancel", Cancel: true}}}
}
