package uitest

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"ttsui/internal/testkit"
	"ttsui/internal/testkit/fakehub"
	"ttsui/internal/tools/gnustep/screen"
	"ttsui/internal/tts"
)

// Lines of the menu of a row, counted from 1.
const (
	makeCopy   = 1 // of a model that is here, or isn't
	listCopies = 4
	checkFiles = 5
	deletePart = 2 // of one that is here in part
)

// startWithHub opens the window on its Control tab, with an empty cache and a hub that has the tiny model.
func startWithHub(t *testing.T, count int, more ...string) (p *program, hub *fakehub.Hub, cache string) {
	t.Helper()
	if os.Getenv("TTSUI_APP") == "" {
		t.Skip("make uitest runs this on a display of its own")
	}
	hub, cache = fakehub.Start(t), t.TempDir()
	files := testkit.CheckpointFiles(t, "custom_voice")
	for _, name := range append(more, "0.6B-CustomVoice-bf16") {
		hub.Add("mlx-community/Qwen3-TTS-12Hz-"+name, files)
	}
	writeSettings(t, os.Getenv("HOME"), testkit.FreePort(t))
	p = start(t, t.TempDir(), pictures(t), count, "HF_HUB_CACHE="+cache, "HF_HUB_OFFLINE=", "HF_ENDPOINT="+hub.URL, "TTSUI_MIRRORS=", "HF_TOKEN=")
	p.must(screen.Key("alt+2"))
	p.text("caption", "Use predefined voices")
	return p, hub, cache
}

// TestFilesAreChecked: a file that has changed on the disk is found, and fetched again when the model isn't in memory.
func TestFilesAreChecked(t *testing.T) {
	p, _, cache := startWithHub(t, 110)
	load(p, smallControl)
	chooseOf(p, smallControl, checkFiles, "OK")
	p.wait("OK", func(v view) bool { return v.Enabled })
	p.shoot("all is right")
	p.click("OK")
	found, err := filepath.Glob(filepath.Join(cache, "models--*", "snapshots", "*", "vocab.json"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	p.must(os.WriteFile(found[0], []byte("{}"), 0o600))
	p.gone("OK")
	chooseOf(p, smallControl, checkFiles, "OK")
	p.wait("OK", func(v view) bool { return v.Enabled })
	p.shoot("damaged and loaded")
	p.click("OK")
	p.click("action of " + smallControl)
	p.text("action of "+smallControl, "Load")
	chooseOf(p, smallControl, checkFiles, "Repair")
	p.wait("Repair", func(v view) bool { return v.Enabled })
	p.shoot("damaged")
	p.click("Repair")
	p.wait("OK", func(v view) bool { return v.Enabled })
	p.shoot("repaired")
	p.click("OK")
	p.gone("OK")
	load(p, smallControl)
	p.must(p.cmd.Process.Signal(os.Interrupt))
	p.end()
}

// TestPublishedCopies: the copies that a hub has are offered, and one of them is fetched. Without the hub that is said.
func TestPublishedCopies(t *testing.T) {
	const copied = "0.6B-CustomVoice-8bit"
	p, hub, _ := startWithHub(t, 130, copied, "0.6B-CustomVoice-4bit", "1.7B-CustomVoice-4bit")
	hub.Break(func(r fakehub.Request) fakehub.Fault {
		if r.Name == "model.safetensors" && r.N == 1 {
			return fakehub.Fault{Pause: 100 * time.Millisecond}
		}
		return fakehub.Fault{}
	})
	chooseOf(p, smallControl, listCopies, copied+" · 4.9 MB")
	p.wait(copied+" · 4.9 MB", func(v view) bool { return v.Enabled })
	p.shoot("copies are offered")
	p.click(copied + " · 4.9 MB")
	p.text("action of "+copied, "Pause")
	p.text("state of "+copied, "Downloading 2 of 5 MB")
	p.shoot("a copy comes")
	p.click("action of " + copied)
	p.text("state of "+copied, "Paused · 2 of 5 MB")
	p.click("action of " + copied)
	p.text("action of "+copied, "Unload")
	states(p, map[string]tts.State{copied: tts.Loaded})
	p.must(p.cmd.Process.Signal(os.Interrupt))
	p.end()

	p = start(t, t.TempDir(), pictures(t), p.count) // without a hub
	p.must(screen.Key("alt+2"))
	p.text("action of "+smallControl, "Load")
	chooseOf(p, smallControl, listCopies, "OK")
	p.wait("OK", func(v view) bool { return v.Enabled })
	p.shoot("no hub to ask")
	p.click("OK")
	p.must(p.cmd.Process.Signal(os.Interrupt))
	p.end()
}
