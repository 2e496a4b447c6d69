package layout

import (
	"fmt"

	"ttsui/internal/tts"
	"ttsui/internal/ui"
)

// Sizes of the window: the least that it takes, and what it opens with.
const (
	MinWidth   = 640
	MinHeight  = 560
	OpenWidth  = 780
	OpenHeight = 975
)

// Heights and widths of controls, which are the same everywhere.
const (
	gap       = 8
	margin    = 16
	line      = 20 // a label of one line
	lines     = 38 // of two
	paragraph = 56 // of three
	button    = 30
	menu      = 26
)

// The parts of the window, by the names of their places.
const (
	Content = "content" // where the tab scrolls
	LogText = "log.text"
)

// Window is all of the window but what scrolls in Content.
func Window(s *ui.Snapshot) Box {
	modes := make([]Box, 0, 3)
	for _, mode := range tts.Modes() {
		modes = append(modes, grow(view("mode."+string(mode), 120, 32)))
	}
	return Column(gap, margin,
		Row(gap, 0, view("title", 120, 28), Space(), view("subtitle", 110, line)),
		Row(gap, 0, modes...),
		grow(view("caption", 200, line)),
		Box{Name: Content, W: 400, H: 180, GrowW: true, GrowH: true},
		Row(gap, 0, view("log.title", 90, line), view("log.filter", 110, menu), grow(view("log.note", 60, line)),
			view("log.copy", 80, button), view("log.clear", 80, button)),
		Box{Name: LogText, W: 400, H: 90, GrowW: true},
		status(&s.Status),
	)
}

// status is the line at the foot.
func status(s *ui.Status) Box {
	height := float64(line)
	if s.State == ui.ServerFailed || s.State == ui.ServerUnreachable {
		height = lines // what is wrong takes some words
	}
	boxes := []Box{grow(view("status.text", 160, height))}
	for _, v := range []struct {
		name, text string
		width      float64
	}{{"status.queue", s.Queue, 80}, {"status.speed", s.Speed, 120}, {"status.memory", s.Memory, 110}} {
		if v.text != "" {
			boxes = append(boxes, view(v.name, v.width, line))
		}
	}
	if s.Retry.Title != "" && s.Retry.Enabled {
		boxes = append(boxes, view("status.retry", 90, button))
	}
	all := []Box{Row(gap, 0, boxes...)}
	if s.Hint != "" || s.Notice != "" {
		all = append(all, grow(view("status.hint", 300, lines)))
	}
	return Column(2, 0, all...)
}

// Tab is what scrolls: one of the three ways to choose a voice, and its result.
func Tab(t *ui.Tab, p *ui.PlayerPanel) Box {
	boxes := []Box{grow(view("models.title", 200, line))}
	for i := range t.Models {
		boxes = append(boxes, row(i, &t.Models[i]))
	}
	if t.ModelsNote != "" {
		boxes = append(boxes, grow(view("models.note", 300, line)))
	}
	boxes = append(boxes, inputs(t)...)
	boxes = append(boxes,
		Row(gap, 0, grow(view("text.label", 160, line)), view("text.count", 140, line)),
		Box{Name: "text", W: 300, H: 80, GrowW: true, GrowH: true})
	boxes = append(boxes, problem("text.problem", t.Text.Problem)...)
	boxes = append(boxes, sampling(&t.Sampling, &t.Live)...)
	boxes = append(boxes, actions(t))
	boxes = append(boxes, progressBar(t.ProgressBar)...)
	if t.Error != nil {
		boxes = append(boxes, Row(gap, 0, grow(view("error", 300, paragraph)), view("error.close", 80, button)))
	}
	boxes = append(boxes, past(&t.History)...) // above what is chosen in it, which comes and goes
	if t.Result != nil {
		boxes = append(boxes, result(t, p))
	} else if p.Visible {
		boxes = append(boxes, Column(4, 0, player(p)...))
	}
	return Column(gap, 0, boxes...)
}

// row is a model: its box to choose it, its name and its button, one after the other from the left; beneath, what went
// wrong. What goes on with it gets the room that there is.
func row(i int, r *ui.Row) Box {
	name := func(part string) string { return fmt.Sprintf("row.%d.%s", i, part) }
	boxes := []Box{view(name("check"), 24, line), view(name("name"), 260, line)}
	if r.Busy != "" {
		boxes = append(boxes, view(name("spinner"), 16, 16))
	}
	if r.Action.Title != "" {
		boxes = append(boxes, view(name("button"), 90, button))
	}
	if r.Busy != "" || r.Note != "" {
		boxes = append(boxes, grow(view(name("busy"), 100, line)))
	} else {
		boxes = append(boxes, Space())
	}
	if len(r.Menu) > 0 {
		boxes = append(boxes[:len(boxes)-1], view(name("menu"), 44, menu), boxes[len(boxes)-1])
	}
	first := Row(gap, 0, boxes...)
	first.H = button // with a spinner in the button's place, too
	all := []Box{first}
	if r.Error != "" {
		all = append(all, Row(gap, 0, Box{W: 24}, grow(view(name("error"), 300, lines))))
	}
	b := Column(0, 0, all...)
	b.Name = name("all") // a click anywhere in it chooses the model
	return b
}

// inputs is what a mode asks for beside the text.
func inputs(t *ui.Tab) []Box {
	var boxes []Box
	if t.Mode == tts.Clone {
		boxes = append(boxes, studio(t)...)
	}
	var menus []Box
	for _, m := range []struct {
		name    string
		choices *ui.Choices
	}{{"language", &t.Language}, {"speaker", &t.Speaker}} {
		if len(m.choices.List) > 0 {
			choice := view(m.name, 140, menu)
			choice.GrowW = m.name == "speaker" || len(t.Speaker.List) == 0 // a speaker's description needs the room
			menus = append(menus, view(m.name+".label", 80, line), choice)
		}
	}
	if len(menus) > 0 {
		boxes = append(boxes, Row(gap, 0, menus...))
	}
	if t.Mode != tts.Clone {
		boxes = append(boxes, editor("instruct", 54, &t.Instruct)...)
		examples := []Box{view("examples.label", 80, line)}
		for i := range t.Examples {
			examples = append(examples, grow(view(fmt.Sprintf("example.%d", i), 120, button)))
		}
		boxes = append(boxes, Row(gap, 0, examples...))
	}
	return boxes
}

// editor is a text of several lines with its label.
func editor(name string, height float64, f *ui.Field) []Box {
	boxes := []Box{grow(view(name+".label", 200, line)), {Name: name, W: 300, H: height, GrowW: true}}
	return append(boxes, problem(name+".problem", f.Problem)...)
}

func problem(name, text string) []Box {
	if text == "" {
		return nil
	}
	return []Box{grow(view(name, 300, line))}
}

// actions is the buttons that make speech, and how far it is.
func actions(t *ui.Tab) Box {
	boxes := []Box{view("generate", 130, button), view("stop", 90, button)}
	if t.Progress != "" {
		boxes = append(boxes, view("progress.spinner", 16, 16))
	}
	return Row(gap, 0, append(boxes, grow(view("progress", 160, line)))...)
}

// result is what was made, and its player.
func result(t *ui.Tab, p *ui.PlayerPanel) Box {
	r := t.Result
	boxes := []Box{Row(gap, 0, grow(view("result.name", 160, line)), view("result.about", 250, line), view("result.keep", 100, button))}
	boxes = append(boxes, takes(&t.Takes)...)
	var second []Box
	second = append(second, wrapped("result.note", r.Note)...)
	if t.Freeze.Title != "" {
		second = append(second, view("result.freeze", 110, button))
	}
	if len(second) > 0 {
		boxes = append(boxes, Row(gap, 0, second...))
	}
	boxes = append(boxes, player(p, view("result.reveal", 120, button), view("result.save", 90, button))...)
	return Column(4, 0, append(boxes, segments(&t.Segments)...)...)
}

// player plays what was made or is being made; what can be done with a file stands beside its buttons.
func player(p *ui.PlayerPanel, deeds ...Box) []Box {
	if !p.Visible {
		return nil
	}
	buttons := []Box{view("player.back", 64, button), view("player.play", 80, button), view("player.forward", 64, button), grow(view("player.time", 90, line))}
	boxes := []Box{
		{Name: "player.wave", W: 300, H: 48, GrowW: true},
		Row(gap, 0, Box{Name: "player.slider", W: 200, H: line, GrowW: true}, view("player.volume.label", 50, line), view("player.volume", 90, line)),
		Row(gap, 0, append(buttons, deeds...)...),
	}
	return append(boxes, problem("player.error", p.Error)...)
}

func view(name string, w, h float64) Box { return Box{Name: name, W: w, H: h} }

// grow lets a box take what is left of its line.
func grow(b Box) Box {
	b.GrowW = true
	return b
}
