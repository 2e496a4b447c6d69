package layout_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ttsui/internal/layout"
	"ttsui/internal/tts"
	"ttsui/internal/ui"
)

// scroller is what a scroll bar takes of the content's width.
const scroller = 20

// anySnapshot draws a window with any of the things that may be in it or not.
func anySnapshot(t *rapid.T) (*ui.Snapshot, *ui.Tab) {
	may := func(what string) bool { return rapid.Bool().Draw(t, what) }
	text := func(what string) string {
		if may(what) {
			return "words"
		}
		return ""
	}
	s := &ui.Snapshot{Status: ui.Status{Speed: text("speed"), Memory: text("memory"), Queue: text("queue"), Hint: text("hint"),
		Notice: text("notice"), Retry: ui.Button{Title: text("retry"), Enabled: may("can retry")}}}
	tab := &ui.Tab{Mode: rapid.SampledFrom(tts.Modes()).Draw(t, "mode"), ModelsNote: text("note"), Progress: text("progress")}
	for i := range rapid.IntRange(0, 4).Draw(t, "models") {
		row := ui.Row{ModelID: fmt.Sprint(i), Busy: text("busy"), Note: text("note"), Error: text("error")}
		if row.Busy == "" || may("be stopped") {
			row.Action.Title = "Load"
		}
		if row.Busy == "" && may("be copied") {
			row.Menu = []ui.Choice{{ID: "delete"}}
		}
		tab.Models = append(tab.Models, row)
	}
	disclosure := func(what string) ui.Disclosure { return ui.Disclosure{Title: text(what), Open: may("open " + what)} }
	choices := ui.Choices{List: []ui.Choice{{ID: "a"}}}
	switch tab.Mode {
	case tts.Clone:
		anyStudio(tab, may, text)
		for range rapid.IntRange(0, 4).Draw(t, "warnings") {
			tab.Reference.Warnings = append(tab.Reference.Warnings, ui.Problem{Text: "words"})
		}
	case tts.Control:
		tab.Language, tab.Speaker, tab.Examples = choices, choices, []string{"a", "b", "c"}
	default:
		tab.Language, tab.Examples = choices, []string{"a", "b", "c"}
	}
	tab.Live.Title = text("live")
	tab.Instruct.Problem, tab.Text.Problem = text("instruct problem"), text("text problem")
	if may("failed") {
		tab.Error = &ui.Problem{Text: "words"}
	}
	if may("made") {
		tab.Result, tab.Freeze.Title = &ui.Result{Note: strings.Repeat(text("result note"), rapid.IntRange(1, 40).Draw(t, "length of the note"))}, text("freeze")
		tab.Segments.Title, tab.Takes.Title = text("segments"), text("takes")
		tab.Takes.List = make([]ui.TakeButton, rapid.IntRange(1, tts.MaxTakes).Draw(t, "number of takes"))
	}
	s.Player = ui.PlayerPanel{Visible: may("player"), Error: text("player error")} // of a result, or of what is being made
	tab.ProgressBar.Visible = may("progress bar")
	tab.Sampling.Toggle, tab.History.Toggle = disclosure("sampling"), disclosure("history")
	for i := range 6 {
		tab.Sampling.List = append(tab.Sampling.List, ui.SamplingValue{Key: ui.SamplingKey(fmt.Sprint(i)), Field: ui.Field{Problem: text("sampling problem")}})
	}
	return s, tab
}

// anyStudio draws what the Clone tab has of its own.
func anyStudio(tab *ui.Tab, may func(string) bool, text func(string) string) {
	tab.Voice = ui.VoiceBox{Chosen: may("voice"), Text: text("voice text"), Note: text("voice note")}
	if tab.Voice.Chosen {
		tab.Voice.Rename.Title, tab.Voice.Delete.Title = "Rename", "Delete"
	} else {
		tab.Voice.Save.Title = text("save")
	}
	tab.Reference = ui.Reference{Label: text("reference label"), Path: text("reference"), Studied: may("be studied"),
		Trim: ui.Button{Title: text("trim")}}
	tab.Recorder = ui.RecorderPanel{Recording: may("record"), Latest: text("latest")}
	if may("choose a microphone") {
		tab.Recorder.Device.List = []ui.Choice{{ID: "a"}}
	}
	tab.RefText.Label, tab.RefText.Problem, tab.Tail.Title = text("reference text"), text("reference problem"), text("tail")
}

// TestNothingOverlaps: at every size from the least on, everything has its place, inside and on nothing else's.
func TestNothingOverlaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, tab := anySnapshot(t)
		size := layout.Rect{
			W: rapid.Float64Range(layout.MinWidth, 2000).Draw(t, "width"),
			H: rapid.Float64Range(layout.MinHeight, 2000).Draw(t, "height"),
		}
		window := layout.Window(s)
		if w, h := window.Min(); w > layout.MinWidth || h > layout.MinHeight {
			t.Fatalf("the window needs %v × %v", w, h)
		}
		places := window.Place(size)
		check(t, size, places)

		content := places[layout.Content]
		inside := layout.Tab(tab, &s.Player)
		w, h := inside.Min()
		if w > content.W-scroller {
			t.Fatalf("the tab needs a width of %v and has %v", w, content.W-scroller)
		}
		page := layout.Rect{W: content.W - scroller, H: max(content.H, h)}
		check(t, page, inside.Place(page))
	})
}

// TestSettings: the settings have their places, with all that can be wrong with them, in a window of one size.
func TestSettings(t *testing.T) {
	s := &ui.SettingsPanel{}
	for _, key := range []ui.SettingKey{ui.SettingPort, ui.SettingModels, ui.SettingMirrors, ui.SettingOutput, ui.SettingTimeout, ui.SettingLogLevel} {
		s.List = append(s.List, ui.Setting{Key: key, Folder: key == ui.SettingModels || key == ui.SettingOutput})
	}
	s.List[0].Field.Problem, s.List[2].Field.Problem = "words", "words"
	box := layout.Settings(s)
	size := layout.Rect{W: layout.SettingsWidth, H: layout.SettingsHeight}
	if w, h := box.Min(); w > size.W || h > size.H {
		t.Errorf("they need %v × %v", w, h)
	}
	rapid.Check(t, func(r *rapid.T) { check(r, size, box.Place(size)) })
}

// TestVoiceForm: the form has its places in a window of its height, and room for a transcript where it asks for one.
func TestVoiceForm(t *testing.T) {
	small, large := layout.VoiceForm(&ui.VoiceForm{}), layout.VoiceForm(&ui.VoiceForm{Browse: ui.Button{Title: "Choose"}})
	for _, box := range []layout.Box{small, large} {
		w, h := box.Min()
		if w > layout.VoiceFormWidth {
			t.Errorf("it needs a width of %v", w)
		}
		size := layout.Rect{W: layout.VoiceFormWidth, H: h}
		rapid.Check(t, func(r *rapid.T) { check(r, size, box.Place(size)) })
	}
	_, h := large.Min()
	places := large.Place(layout.Rect{W: layout.VoiceFormWidth, H: h})
	if places["text"].H < 60 || places["text"].W < 300 {
		t.Errorf("the transcript has %+v", places["text"])
	}
}

func check(t *rapid.T, in layout.Rect, places map[string]layout.Rect) {
	const slack = 1e-6
	for a, p := range places {
		if p.W <= 0 || p.H <= 0 || p.X < in.X-slack || p.Y < in.Y-slack || p.X+p.W > in.X+in.W+slack || p.Y+p.H > in.Y+in.H+slack {
			t.Fatalf("%s is at %v in %v", a, p, in)
		}
		for b, q := range places {
			overlap := p.X < q.X+q.W-slack && q.X < p.X+p.W-slack && p.Y < q.Y+q.H-slack && q.Y < p.Y+p.H-slack
			if a != b && overlap && !contains(a, b) && !contains(b, a) {
				t.Fatalf("%s at %v overlaps %s at %v", a, p, b, q)
			}
		}
	}
}

// contains tells that a is the whole of a row, of which b is a part.
func contains(a, b string) bool {
	whole, is := strings.CutSuffix(a, ".all")
	return is && strings.HasPrefix(b, whole+".")
}

// TestTextsGrow: the text to speak takes what room there is, and what isn't shown has no place.
func TestTextsGrow(t *testing.T) {
	tab := &ui.Tab{Mode: tts.Design, Models: []ui.Row{{Action: ui.Button{Title: "Load"}}}}
	box := layout.Tab(tab, &ui.PlayerPanel{})
	_, h := box.Min()
	small, large := box.Place(layout.Rect{W: 700, H: h}), box.Place(layout.Rect{W: 700, H: h + 100})
	if grown := large["text"].H - small["text"].H; grown != 100 {
		t.Errorf("of 100 points more the text gets %v", grown)
	}
	tab.Models[0].Busy = "Downloading 1.2 of 2.5 GB · 3 min left"
	if busy := layout.Tab(tab, &ui.PlayerPanel{}).Place(layout.Rect{W: 728, H: h})["row.0.busy"]; busy.W < 300 {
		t.Errorf("a download has a width of %v for its words", busy.W)
	}
	tab.Sampling.Toggle.Title, tab.History.Toggle.Title = "Sampling", "History (1)"
	tab.Sampling.List = make([]ui.SamplingValue, 2)
	closed := layout.Tab(tab, &ui.PlayerPanel{}).Place(layout.Rect{W: 700, H: h})
	if _, there := closed["history.toggle"]; !there {
		t.Error("the history can't be opened")
	}
	for _, name := range []string{"history.list", "sampling.reset", "sampling."} {
		if _, shown := closed[name]; shown {
			t.Errorf("%s has a place while it is closed", name)
		}
	}
	for _, name := range []string{"progress.bar", "takes.title", "segments.list", "error", "result.name", "player.wave", "reference.drop", "row.0.error", "row.0.busy", "row.1.name"} {
		if _, shown := small[name]; shown {
			t.Errorf("%s has a place", name)
		}
	}
	if name, button := small["row.0.name"], small["row.0.button"]; button.X <= name.X+name.W || button.X > 500 {
		t.Errorf("the button is not beside the name: %v, %v", name, button)
	}
}
