package uitest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ttsui/internal/testkit"
	"ttsui/internal/tools/gnustep/screen"
	"ttsui/internal/tts"
)

// TestSmallerCopy: a row's menu makes a smaller copy of a model, which has a row of its own, speaks, and is deleted.
func TestSmallerCopy(t *testing.T) {
	if os.Getenv("TTSUI_APP") == "" {
		t.Skip("make uitest runs this on a display of its own")
	}
	models := tinyModels(t, 12, "custom_voice")
	writeSettings(t, os.Getenv("HOME"), testkit.FreePort(t))
	p := start(t, models, pictures(t), 120)
	p.must(screen.Key("alt+2"))
	p.text("caption", "Use predefined voices")
	p.text("action of "+smallControl, "Load")
	chooseOf(p, smallControl, 1, "Make a copy")
	p.wait("Make a copy", func(v view) bool { return v.Enabled })
	p.shoot("copy asks")
	p.click("Make a copy")
	const small = "0.6B-CustomVoice-8bit"
	load(p, small)
	p.shoot("copy loaded")
	states(p, map[string]tts.State{small: tts.Loaded})
	p.write("Target Text", "Hello there")
	p.click("Generate")
	p.text("Output Log", "Generated control audio")
	results(p, "control", 1)
	p.click("action of " + small)
	p.text("action of "+small, "Load")
	chooseOf(p, small, 1, "Delete")
	p.wait("Delete", func(v view) bool { return v.Enabled })
	p.shoot("delete asks")
	p.click("Delete")
	p.text("Output Log", "Deleted "+small)
	p.gone("row of " + small)
	if left, _ := filepath.Glob(filepath.Join(models, "local", "*")); len(left) != 0 {
		t.Errorf("left are %s", strings.Join(left, ", "))
	}
	p.must(p.cmd.Process.Signal(os.Interrupt))
	p.end()
}

// chooseOf takes a line, counted from 1, of the menu of a model's row, again and again until something comes of it.
func chooseOf(p *program, model string, n int, comes string) {
	p.t.Helper()
	var menu view
	again := p.again(func() error { return screen.Drag(menu.X, menu.Y, menu.X, menu.Y+n*menu.H) })
	for began := time.Now(); time.Since(began) < patience; time.Sleep(30 * time.Millisecond) {
		if _, there := p.find(comes); there {
			return
		}
		if now, there := p.find("menu of " + model); there && now.Enabled {
			menu = now
			again()
		}
	}
	p.t.Fatalf("%q does not come; all that is seen: %s", comes, p.list())
}
