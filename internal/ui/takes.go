package ui

import (
	"fmt"
	"slices"
	"strconv"

	"ttsui/internal/tts"
)

// The choices of the sampling panel. Nothing is chosen by "", as nothing is typed.
const (
	SamplingTakes    SamplingKey = "takes"
	SamplingLongText SamplingKey = "long_text"
	SamplingGuard    SamplingKey = "runaway_guard"
)

// TakesPanel is the takes of the text that the tab's result is one of.
type TakesPanel struct {
	Title string // "" when there is only this one
	List  []TakeButton
	Star  Button // of the result: App.StarResult
}

// TakeButton is one of them: App.ChooseResult.
type TakeButton struct {
	ID     string
	Button Button
	Name   string // for who can't see that the button has a star
	Chosen bool
}

// samplingChoices are what else may be chosen in the sampling panel.
func samplingChoices(key SamplingKey) (list []Choice) {
	switch key {
	case SamplingTakes:
		list = append(list, Choice{Title: "1 take"})
		for n := 2; n <= tts.MaxTakes; n++ {
			list = append(list, Choice{ID: strconv.Itoa(n), Title: plural(n, "take", "takes")})
		}
	case SamplingLongText:
		list = []Choice{{Title: "Automatic"}, {ID: string(tts.LongOn), Title: "Always in segments"}, {ID: string(tts.LongOff), Title: "In one piece"}}
	case SamplingGuard:
		list = []Choice{{Title: "Make it anew"}, {ID: guardOff, Title: "Let it run on"}}
	}
	return list
}

// guardOff lets speech run on although its text is done.
const guardOff = "off"

// chosen is the ID of what is chosen.
func (f *samplingForm) chosen(key SamplingKey) string {
	return pick(samplingChoices(key), f.typed(key), "")
}

// takes is how many are asked for.
func (f *samplingForm) takes() int {
	n, _ := strconv.Atoi(f.chosen(SamplingTakes)) // "" is one
	return max(n, 1)
}

// addChoices puts into a request what was chosen.
func (f *samplingForm) addChoices(r *tts.Request) {
	r.LongText = tts.LongText(f.chosen(SamplingLongText))
	r.NoGuard = f.chosen(SamplingGuard) == guardOff
	if n := f.takes(); n > 1 {
		r.Takes = n
	}
}

// takesProblem says why there can't be as many takes as are asked for, "" when there can.
func takesProblem(r *tts.Request) string {
	if r.Takes > 1 && r.Long() {
		return "A text in segments has one take: choose “1 take” or “In one piece” under Sampling"
	}
	return ""
}

// generateTitle is what Generate will make.
func (t *tab) generateTitle() string {
	if n := t.sampling.takes(); n > 1 {
		return fmt.Sprintf("Generate %d Takes", n)
	}
	return "Generate"
}

// showTakes is the takes of the chosen result's job that are left, in the order in which they were asked for.
func (t *tab) showTakes() TakesPanel {
	chosen := t.past.current()
	if chosen == nil || chosen.Job == "" {
		return TakesPanel{}
	}
	s := TakesPanel{Title: "Take", Star: Button{Title: starTitle(chosen), Enabled: true, Tooltip: "Marks the take that is chosen, in the history, too"}}
	for _, p := range slices.Backward(t.past.list) { // the oldest first
		if p.Job != chosen.Job {
			continue
		}
		take := TakeButton{ID: p.ID, Name: fmt.Sprintf("Take %d", p.Take), Chosen: p == chosen,
			Button: Button{Title: strconv.Itoa(p.Take), Enabled: true, Tooltip: clock(seconds(p.Seconds)) + " · seed " + writeSeed(p.Seed)}}
		if p.Star {
			take.Button.Title, take.Name = "★ "+take.Button.Title, take.Name+", starred"
		}
		s.List = append(s.List, take)
	}
	return s
}

// starTitle is the title of the button that marks a result, or takes the mark away.
func starTitle(p *past) string {
	if p.Star {
		return "Unstar"
	}
	return "Star"
}
