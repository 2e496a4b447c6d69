package layout

import (
	"fmt"
	"unicode/utf8"

	"ttsui/internal/ui"
)

// VoiceFormWidth is that of the window in which a voice gets its name.
const VoiceFormWidth = 380

// VoiceForm is that window, as high as it has to be.
func VoiceForm(f *ui.VoiceForm) Box {
	boxes := []Box{
		Row(gap, 0, view("label", 60, line), grow(view("name", 160, menu)), view("count", 50, line)),
		grow(view("problem", 200, line)),
		grow(view("file", 200, line)),
	}
	if f.Browse.Title != "" {
		boxes = append(boxes, Row(gap, 0, view("browse", 120, button), view("recorded", 120, button), Space()))
		boxes = append(boxes, editor("text", 60, &f.Text)...)
	}
	return Column(gap, margin, append(boxes, Row(gap, 0, Space(), view("cancel", 90, button), view("save", 90, button)))...)
}

// studio is where a clone gets its voice: a saved one, or a clip that is dropped, recorded, looked at and trimmed.
func studio(t *ui.Tab) []Box {
	boxes := voiceBox(&t.Voice)
	if t.Reference.Label != "" {
		boxes = append(boxes, reference(&t.Reference)...)
		boxes = append(boxes, recorder(&t.Recorder))
	}
	if t.RefText.Label != "" {
		boxes = append(boxes, editor("reftext", 60, &t.RefText)...)
	}
	if t.Tail.Title != "" {
		boxes = append(boxes, grow(view("tail", 260, line)))
	}
	return boxes
}

// voiceBox chooses a saved voice.
func voiceBox(v *ui.VoiceBox) []Box {
	first := []Box{view("voice.label", 80, line), view("voice", 200, menu)}
	for _, b := range []struct {
		name  string
		title string
		width float64
	}{{"voice.rename", v.Rename.Title, 90}, {"voice.delete", v.Delete.Title, 80}, {"voice.save", v.Save.Title, 150}} {
		if b.title != "" {
			first = append(first, view(b.name, b.width, button))
		}
	}
	boxes := []Box{Row(gap, 0, first...)}
	if v.Chosen {
		boxes = append(boxes, Row(gap, 0, grow(view("voice.audio", 200, line)), view("voice.replace", 130, button)))
	}
	boxes = append(boxes, wrapped("voice.text", v.Text)...)
	return append(boxes, wrapped("voice.note", v.Note)...)
}

// wrapped is a text of one line, or of two where the least width may be too little for it.
func wrapped(name, text string) []Box {
	const fits = 70 // characters
	switch n := utf8.RuneCountInString(text); {
	case n == 0:
		return nil
	case n <= fits:
		return []Box{grow(view(name, 300, line))}
	}
	return []Box{grow(view(name, 300, lines))}
}

// reference is where the clip is dropped, and what it looks like.
func reference(r *ui.Reference) []Box {
	chosen, height := []Box{grow(view("reference.text", 200, line))}, 64.0
	if r.Trim.Title != "" {
		chosen = append(chosen, view("reference.trim", 210, button))
	}
	if r.Path != "" {
		chosen, height = append(chosen, view("reference.clear", 80, button)), 44
	}
	boxes := []Box{grow(view("reference.label", 200, line)), {Name: "reference.drop", W: 300, H: height, GrowW: true}, Row(gap, 0, chosen...)}
	if r.Studied {
		boxes = append(boxes, Box{Name: "reference.wave", W: 300, H: 36, GrowW: true})
	}
	for i, w := range r.Warnings {
		boxes = append(boxes, wrapped(fmt.Sprintf("reference.warning.%d", i), w.Text+" "+w.Hint)...)
	}
	return boxes
}

// recorder is the line that records. While it does, the meter has the room of what was recorded before.
func recorder(r *ui.RecorderPanel) Box {
	boxes := []Box{view("record", 120, button)}
	if r.Recording {
		return Row(gap, 0, append(boxes, grow(view("record.level", 120, 16)))...)
	}
	if len(r.Device.List) > 0 {
		boxes = append(boxes, view("record.device", 170, menu))
	}
	if r.Latest != "" {
		boxes = append(boxes, view("record.use", 120, button), grow(view("record.latest", 100, line)))
	}
	return Row(gap, 0, boxes...)
}
