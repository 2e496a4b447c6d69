package layout

import "ttsui/internal/ui"

// disclosure is the line that opens and closes what is beneath it.
func disclosure(name string) Box { return view(name, 220, menu) }

// sampling is the panel of how tokens are drawn: two values beside each other, each with what is wrong beneath.
func sampling(s *ui.SamplingPanel, live *ui.Check) []Box {
	if s.Toggle.Title == "" {
		return nil
	}
	first := []Box{disclosure("sampling.toggle"), Space()}
	if live.Title != "" {
		first = append(first, view("live", 160, line))
	}
	if s.Toggle.Open {
		first = append(first, view("sampling.reset", 80, button))
	}
	boxes := []Box{Row(gap, 0, first...)}
	if !s.Toggle.Open {
		return boxes
	}
	for i := 0; i+1 < len(s.List); i += 2 {
		pair := s.List[i : i+2]
		wrong := pair[0].Field.Problem != "" || pair[1].Field.Problem != ""
		boxes = append(boxes, Row(gap, 0, samplingValue(&pair[0], wrong), samplingValue(&pair[1], wrong)))
	}
	return append(boxes, samplingChoices()...)
}

// samplingValue is a value of the panel, with room for a problem when one beside it has one.
func samplingValue(v *ui.SamplingValue, wrong bool) Box {
	name := "sampling." + string(v.Key)
	boxes := []Box{Row(gap, 0, view(name+".label", 120, line), grow(view(name, 60, menu)), grow(view(name+".limits", 90, line)))}
	if wrong {
		boxes = append(boxes, grow(view(name+".problem", 200, line)))
	}
	return Column(2, 0, boxes...)
}

// past is the results of a tab: a few rows at a time, and what can be done with the one that is chosen.
func past(h *ui.HistoryPanel) []Box {
	if h.Toggle.Title == "" {
		return nil
	}
	boxes := []Box{disclosure("history.toggle")}
	if h.Toggle.Open {
		boxes = append(boxes,
			Box{Name: "history.list", W: 300, H: 130, GrowW: true},
			grow(view("history.details", 300, line)),
			Row(gap, 0, view("history.again", 170, button), view("history.star", 80, button), view("history.trash", 120, button)))
	}
	return boxes
}
