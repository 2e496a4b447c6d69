package uitest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"ttsui/internal/testkit"
	"ttsui/internal/tools/gnustep/screen"
)

// TestReference: a reference clip can be dropped on the window by another program, browsed for, and taken away.
func TestReference(t *testing.T) {
	if os.Getenv("TTSUI_APP") == "" {
		t.Skip("make uitest runs this on a display of its own")
	}
	home := os.Getenv("HOME")
	writeSettings(t, home, testkit.FreePort(t))
	if err := os.Remove(filepath.Join(home, ".ttsui", "drafts.json")); err != nil {
		t.Fatal(err)
	}
	clip := filepath.Join(t.TempDir(), "a clip – ä.wav")
	if err := os.Symlink(testkit.Golden("clip.wav"), clip); err != nil {
		t.Fatal(err)
	}
	shots, finder := pictures(t), cached(t, "gnustep/finder")
	t.Chdir(filepath.Dir(clip)) // the file panel begins here
	p := start(t, t.TempDir(), shots, 40)
	p.text("reference", "Drop reference audio file or click to browse")
	p.shoot("no reference")
	p.click("copy log")
	p.click("Target Text")
	p.must(screen.Key("alt+v"))
	p.text("Target Text", "TTS HTTP Server starting up...")
	p.must(screen.Key("alt+z"))
	p.shoot("pasted")
	drop(p, finder, clip)
	p.shoot("dropped")
	p.click("clear reference")
	p.text("reference", "Drop reference audio file or click to browse")
	p.click("drop")
	time.Sleep(time.Second)        // as with panel
	p.must(screen.Click(732, 470)) // the only file
	p.shoot("browse")
	p.must(screen.Key("Return"))
	p.text("reference", "Using: a clip – ä.wav")
	p.must(p.cmd.Process.Signal(os.Interrupt))
	p.end()
}

// drop drags a file out of another program's window and drops it on the place for it.
func drop(p *program, finder, path string) {
	p.t.Helper()
	cmd := exec.Command(finder)
	cmd.Env = append(os.Environ(), "FILE="+path)
	out, err := cmd.StdoutPipe()
	p.must(err)
	p.must(cmd.Start())
	defer func() {
		_ = cmd.Process.Kill() // where the tests run in the background, an interrupt is ignored
		_ = cmd.Wait()
	}()
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		p.t.Fatal("no window with a file comes: ", err)
	}
	at := p.wait("drop", func(view) bool { return true })
	p.try(func() error { return screen.Drag(60, 1060, at.X, at.Y) }, "reference", "Using: "+filepath.Base(path))
}
