package uitest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ttsui/internal/testkit"
	"ttsui/internal/tools/gnustep/screen"
	"ttsui/internal/tts"
)

// TestTakes: three takes of a text are beside each other; each is heard, marked and kept the seed of, after a restart, too.
func TestTakes(t *testing.T) {
	p, models := oneModel(t, 130)
	p.write("Target Text", "Hello")
	p.click("sampling")
	p.choose("Takes", 2, "3 takes")
	p.text("Generate", "Generate 3 Takes")
	p.shoot("three takes are asked for")
	p.choose("Long text", 1, "Always in segments")
	p.wait("Generate", func(v view) bool { return !v.Enabled })
	p.click("reset sampling")
	p.text("Long text", "Automatic")
	p.choose("Takes", 2, "3 takes")
	p.click("Generate")
	p.text("history", "History (3)")
	p.click("sampling")
	p.scroll(toEnd)
	p.wait("take 1", func(v view) bool { return v.Checked && v.Name == "Take 1" })
	p.click("take 2")
	p.text("result", "-2.wav")
	p.wait("take 1", func(v view) bool { return !v.Checked })
	p.click("star take")
	p.wait("take 2", func(v view) bool { return v.Text == "★ 2" && v.Checked && v.Name == "Take 2, starred" })
	p.click("play")
	p.text("play", "Pause")
	named(p)
	p.shoot("the second take")
	about := p.wait("about the result", func(view) bool { return true }).Text
	p.click("keep seed")
	p.click("history")
	p.scroll(toEnd)
	p.text("row 2 of history list", "★ | Take 2: Hello")
	p.shoot("takes in the history")
	files := generated(t)
	if len(files) != 3 || bytes.Equal(read(t, files[0]), read(t, files[1])) || bytes.Equal(read(t, files[1]), read(t, files[2])) {
		t.Errorf("these are no three takes: %v", files)
	}
	p.must(screen.Key("alt+q"))
	p.end()

	p = start(t, models, pictures(t), p.count)
	p.text("Generate", "Generate 3 Takes")
	p.scroll(toEnd)
	p.click("row 1 of history list")
	p.wait("take 3", func(v view) bool { return v.Checked })
	p.text("take 2", "★ 2")
	p.scroll(toBegin)
	p.click("sampling")
	_, seed, _ := strings.Cut(about, "seed ")
	p.text("Seed", seed)
	p.must(screen.Key("alt+q"))
	p.end()
}

// choose takes a line of a menu, so many below the one that is chosen.
func (p *program) choose(menu string, below int, want string) {
	p.t.Helper()
	at := p.wait(menu, func(v view) bool { return v.H > 0 })
	p.must(screen.Drag(at.X, at.Y, at.X, at.Y+below*at.H))
	p.text(menu, want)
}

// story has paragraphs of two segments each.
func story(paragraphs int) string {
	return strings.Repeat(strings.Repeat("It was a dark and stormy night, and nobody was about. ", 8)+"\n\n", paragraphs)
}

// tellStory starts a program that is to speak a story in segments of at most so many frames.
func tellStory(t *testing.T, count, paragraphs, frames int) *program {
	t.Helper()
	if os.Getenv("TTSUI_APP") == "" {
		t.Skip("make uitest runs this on a display of its own")
	}
	writeSettings(t, os.Getenv("HOME"), testkit.FreePort(t))
	writeDocument(t, os.Getenv("HOME"), "drafts.json", map[string]any{"tab": tts.Control, "control": map[string]any{
		"text": story(paragraphs), "language": "English", "speaker": "Ryan", "sampling": map[string]string{"long_text": "on", "seed": "7"}}})
	p := start(t, tinyModels(t, frames, "custom_voice"), pictures(t), count)
	load(p, smallControl)
	return p
}

// TestSegments: a text in segments is heard from each of them, and one is spoken anew in its place.
func TestSegments(t *testing.T) {
	p := tellStory(t, 140, 2, 40)
	p.click("Generate")
	p.text("segments", "4 Segments")
	p.scroll(toEnd)
	p.text("row 3 of segment list", "3 | It was a dark and stormy night")
	p.text("row 3 of segment list", " | 0:03 | cut off")
	files := generated(t)
	before := read(t, files[0])
	p.click("row 3 of segment list")
	p.text("play", "Pause")
	p.wait("slider", func(v view) bool { return v.Text > "6.5" })
	p.text("about the segment", "Seed 7")
	named(p)
	p.shoot("the third segment")
	p.click("speak segment")
	p.text("about the segment", "Seed 8")
	p.wait("Generate", func(v view) bool { return v.Text == "Generate" })
	p.shoot("a segment anew")
	after := read(t, files[0])
	if third := len(before) / 2; len(generated(t)) != 1 || bytes.Equal(before, after) || !bytes.Equal(before[44:third], after[44:third]) || !bytes.Equal(before[len(before)-100000:], after[len(after)-100000:]) {
		t.Error("it is not the third segment that is another")
	}
	p.must(screen.Key("Down")) // the list has the keyboard
	p.wait("row 4 of segment list", func(v view) bool { return v.Checked })
	p.text("about the segment", "Seed 7")
	p.must(screen.Key("alt+q"))
	p.end()
}

// TestStoppedStory: what was finished of a long text that is stopped is a result, and so it is when the window is closed.
func TestStoppedStory(t *testing.T) {
	p := tellStory(t, 150, 30, 60)
	tell := func() {
		p.click("Generate")
		p.wait("progress", func(v view) bool {
			return strings.HasPrefix(v.Text, "Segment ") && !strings.HasPrefix(v.Text, "Segment 1 of 60") && strings.Contains(v.Text, "of speech")
		})
	}
	tell()
	p.shoot("a story is told")
	p.click("Stop")
	p.text("result", ".partial.wav")
	p.text("history", "History (1)")
	p.scroll(toEnd)
	p.text("note on the result", "It was stopped. What was finished, ")
	p.text("row 1 of segment list", "1 | It was a dark")
	p.shoot("what was finished")
	p.click("play")
	p.text("play", "Pause")
	if files := generated(t); len(files) != 1 || !strings.HasSuffix(files[0], ".partial.wav") {
		t.Errorf("%v", files)
	}
	tell()
	p.must(screen.Key("alt+q"))
	p.text("Quit", "Quit")
	p.click("Quit")
	p.end()
	if lines := strings.Count(string(read(t, filepath.Join(os.Getenv("HOME"), ".ttsui", "history.jsonl"))), `"partial":true`); lines != 2 || len(generated(t)) != 2 {
		t.Errorf("%d are in the history: %v", lines, generated(t))
	}
}
