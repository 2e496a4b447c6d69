package layout

import "ttsui/internal/ui"

// The size of the window of the settings.
const (
	SettingsWidth  = 560
	SettingsHeight = 360
)

// Settings is the window of the settings: a line for each, its label to the left.
func Settings(s *ui.SettingsPanel) Box {
	var boxes []Box
	for _, setting := range s.List {
		name := string(setting.Key)
		parts := []Box{view(name+".label", 190, line), grow(view(name, 160, menu))}
		if setting.Folder {
			parts = append(parts, view(name+".browse", 90, button))
		}
		boxes = append(boxes, Row(gap, 0, parts...))
		boxes = append(boxes, problem(name+".problem", setting.Field.Problem)...)
	}
	boxes = append(boxes, Row(gap, 0, grow(view("note", 200, lines)), view("restart", 130, button)))
	return Column(gap, margin, boxes...)
}
