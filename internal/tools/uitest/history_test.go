package uitest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ttsui/internal/testkit"
	"ttsui/internal/tools/gnustep/screen"
)

// oneModel starts a program that has the small model of the Control tab, which speaks for eight seconds, and loads it.
func oneModel(t *testing.T, count int, env ...string) (p *program, models string) {
	t.Helper()
	if os.Getenv("TTSUI_APP") == "" {
		t.Skip("make uitest runs this on a display of its own")
	}
	models = tinyModels(t, 100, "custom_voice")
	writeSettings(t, os.Getenv("HOME"), testkit.FreePort(t))
	p = start(t, models, pictures(t), count, env...)
	p.must(screen.Key("alt+2"))
	p.text("caption", "Use predefined voices")
	load(p, smallControl)
	return p, models
}

// scroll moves the page to its end, or to its beginning.
func (p *program) scroll(steps int) {
	p.t.Helper()
	top := p.wait("caption", func(view) bool { return true })
	p.must(screen.Scroll(top.X-top.W/2+8, top.Y+200, steps)) // on its bar: texts and lists in the page scroll by themselves
}

const (
	toEnd   = 30
	toBegin = -30
)

// speak generates a text in the tab that is seen, and waits for its place in the history.
func speak(p *program, text, history string) {
	p.t.Helper()
	p.scroll(toBegin)
	p.write("Target Text", text)
	p.click("Generate")
	p.scroll(toEnd)
	p.text("history", history)
}

// TestHistory: results of before can be heard, marked, made again to the byte, and moved to the Trash; they are there
// after a restart, and one whose file is gone is told.
func TestHistory(t *testing.T) {
	data := t.TempDir()
	p, models := oneModel(t, 90, "XDG_DATA_HOME="+data)
	speak(p, "The first", "▸ History (1)")
	speak(p, "The second", "▸ History (2)")
	files := generated(t)
	p.shoot("history closed")
	p.click("history")
	p.text("history", "▾ History (2)")
	p.scroll(toEnd)
	p.wait("row 1 of history list", func(v view) bool { return v.Checked && strings.Contains(v.Text, " | The second | Vivian | 0:0") })
	p.click("row 2 of history list")
	p.text("result", filepath.Base(files[0]))
	p.wait("row 2 of history list", func(v view) bool { return v.Checked })
	named(p)
	p.click("play")
	p.text("play", "Pause")
	p.shoot("history plays")
	p.click("play")
	p.text("play", "Play")
	p.click("star")
	p.text("row 2 of history list", "★ | The first")
	p.click("again")
	p.text("history", "History (3)")
	p.text("row 1 of history list", "The first")
	p.shoot("history again")
	files = generated(t)
	if len(files) != 3 || !bytes.Equal(read(t, files[0]), read(t, files[2])) || bytes.Equal(read(t, files[0]), read(t, files[1])) {
		t.Errorf("the third is not the first once more: %v", files)
	}
	p.scroll(toBegin)
	p.text("Target Text", "The first")
	p.scroll(toEnd)
	p.click("row 2 of history list")
	p.text("result", filepath.Base(files[1]))
	p.click("trash")
	p.text("history", "History (2)")
	if trashed := filepath.Join(data, "Trash", "files", filepath.Base(files[1])); len(generated(t)) != 2 || !strings.HasPrefix(string(read(t, trashed)), "RIFF") {
		t.Errorf("it is not in the Trash: %v", generated(t))
	}
	p.must(screen.Key("alt+q"))
	p.end()

	p.must(os.Remove(files[0]))
	p = start(t, models, pictures(t), p.count, "XDG_DATA_HOME="+data)
	p.text("history", "▾ History (2)")
	p.scroll(toEnd)
	p.text("row 2 of history list", "★ | The first | Vivian | gone")
	p.click("row 2 of history list")
	p.text("about the past result", "Its file is gone: "+files[0])
	p.text("trash", "Remove")
	p.scroll(toEnd)
	p.shoot("history gone")
	p.click("trash")
	p.text("history", "History (1)")
	p.must(screen.Key("alt+q"))
	p.end()
}

// generated lists the results of the Control tab, the oldest first.
func generated(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(os.Getenv("HOME"), ".ttsui", "control", "generated", "*.wav"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return data
}

// TestSampling: a value that can't be is told and keeps Generate from being pressed; one that can reaches the server;
// Reset leaves all to the model, and Keep Seed keeps a seed.
func TestSampling(t *testing.T) {
	p, _ := oneModel(t, 100)
	p.write("Target Text", "Hello")
	p.text("sampling", "▸ Sampling")
	p.click("sampling")
	p.write("Temperature", "9")
	p.text("sampling.temperature problem", "Use a number from 0")
	p.wait("Generate", func(v view) bool { return !v.Enabled })
	p.shoot("sampling wrong")
	p.write("Temperature", "0.5")
	p.gone("sampling.temperature problem")
	p.write("Seed", "42")
	p.text("sampling", "▾ Sampling (2 changed)")
	p.write("Longest, in seconds", "2")
	named(p)
	p.click("Generate")
	p.text("about the result", "0:02  ·  ")
	p.text("about the result", "  ·  seed 42")
	p.wait("keep seed", func(v view) bool { return !v.Enabled })
	p.shoot("sampling right")
	jobs, err := p.server.Jobs(context.Background())
	if err != nil || len(jobs) != 1 || jobs[0].Seed == nil || *jobs[0].Seed != 42 {
		t.Errorf("the server has %+v, %v", jobs, err)
	}
	p.scroll(toBegin)
	p.click("reset sampling")
	p.wait("Seed", func(v view) bool { return v.Text == "" })
	p.click("Generate")
	about := p.wait("about the result", func(v view) bool { return strings.HasPrefix(v.Text, "0:07") && !strings.HasSuffix(v.Text, "seed 42") })
	_, seed, _ := strings.Cut(about.Text, "seed ")
	p.click("keep seed")
	p.scroll(toBegin)
	p.text("Seed", seed)
	p.shoot("sampling kept")
	p.must(screen.Key("alt+q"))
	p.end()
}

// TestDragOut: a result is dragged out of the history as a file, here to be the next reference clip.
func TestDragOut(t *testing.T) {
	p := startStudio(t, 110, "base")
	load(p, smallBase)
	speak(p, "Take this", "▸ History (1)")
	p.scroll(toBegin)
	p.click("clear reference") // what is told of it would lie between list and drop area
	p.click("history")
	p.text("history", "▾ History (1)")
	p.scroll(toEnd)
	for range 10 {
		if at, _ := p.find("drop"); at.H >= 20 {
			break
		}
		p.scroll(-1)
	}
	row := p.wait("row 1 of history list", func(view) bool { return true })
	result := strings.TrimPrefix(p.wait("result", func(view) bool { return true }).Text, "Generated Audio: ")
	at := p.wait("drop", func(v view) bool { return v.H > 0 })
	p.try(func() error { return screen.Drag(row.X, row.Y, at.X, at.Y) }, "reference", "Using: "+result)
	p.shoot("history dragged")
	p.must(screen.Key("alt+q"))
	p.end()
}
