package layout

import (
	"fmt"

	"ttsui/internal/ui"
)

// samplingChoices is the line of the sampling panel whose values are chosen, not typed.
func samplingChoices() []Box {
	choice := func(name string, label float64) Box {
		return Row(gap, 0, view(name+".label", label, line), grow(view(name, 150, menu)))
	}
	return []Box{Row(gap, 0, choice("sampling.takes", 120), choice("sampling.long_text", 120)), choice("sampling.runaway_guard", 160)}
}

// progressBar is how much of a long text is spoken.
func progressBar(b ui.ProgressBar) []Box {
	if !b.Visible {
		return nil
	}
	return []Box{{Name: "progress.bar", W: 300, H: 16, GrowW: true}}
}

// takes is a button for each take, side by side.
func takes(s *ui.TakesPanel) []Box {
	if s.Title == "" {
		return nil
	}
	const apart = 4
	boxes := []Box{view("takes.title", 40, line)}
	for i := range s.List {
		boxes = append(boxes, view(fmt.Sprintf("takes.%d", i), 50, button))
	}
	return []Box{Row(gap, 0, Row(apart, 0, boxes...), Space(), view("takes.star", 80, button))}
}

// segments is what a result consists of: a few rows at a time, and what can be done with the one that is chosen.
func segments(s *ui.SegmentsPanel) []Box {
	if s.Title == "" {
		return nil
	}
	return []Box{
		grow(view("segments.title", 200, line)),
		{Name: "segments.list", W: 300, H: 120, GrowW: true},
		Row(gap, 0, grow(view("segments.details", 200, line)), view("segments.again", 120, button)),
	}
}
