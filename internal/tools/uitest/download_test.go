package uitest

import (
	"os"
	"strings"
	"testing"
	"time"

	"ttsui/internal/testkit"
	"ttsui/internal/testkit/fakehub"
	"ttsui/internal/tools/gnustep/screen"
	"ttsui/internal/tts"
)

// TestDownload: on a machine without models, Load downloads one, from a mirror that the settings name; the row tells how
// far it is, Pause stops it, and Resume goes on to the end, although the program has ended in between.
func TestDownload(t *testing.T) {
	if os.Getenv("TTSUI_APP") == "" {
		t.Skip("make uitest runs this on a display of its own")
	}
	hub := fakehub.Start(t)
	hub.Add("mlx-community/Qwen3-TTS-12Hz-0.6B-CustomVoice-bf16", testkit.CheckpointFiles(t, "custom_voice"))
	hub.Break(func(r fakehub.Request) fakehub.Fault {
		if r.Name == "model.safetensors" && r.N == 1 {
			return fakehub.Fault{Pause: 100 * time.Millisecond} // half a minute
		}
		return fakehub.Fault{}
	})
	writeSettings(t, os.Getenv("HOME"), testkit.FreePort(t))
	writeDocument(t, os.Getenv("HOME"), "settings.json", map[string]string{"port": testkit.FreePort(t), "mirrors": hub.URL})
	const nobody = "http://127.0.0.1:1" // stands for a hub that is away: the mirror of the settings has the model
	env := []string{"HF_HUB_CACHE=" + t.TempDir(), "HF_HUB_OFFLINE=", "HF_ENDPOINT=" + nobody, "TTSUI_MIRRORS=", "HF_TOKEN="}
	p := start(t, t.TempDir(), pictures(t), 30, env...)
	p.must(screen.Key("alt+2"))
	p.text("caption", "Use predefined voices")
	p.text("action of "+smallControl, "Load")
	p.click("action of " + smallControl)
	p.wait("state of "+smallControl, func(v view) bool {
		return strings.HasPrefix(v.Text, "Downloading 2 of 5 MB · ") && strings.HasSuffix(v.Text, " s left")
	})
	p.text("action of "+smallControl, "Pause")
	p.shoot("downloading")
	p.click("action of " + smallControl)
	p.text("action of "+smallControl, "Resume")
	p.text("state of "+smallControl, "Paused · 2 of 5 MB")
	p.shoot("download paused")
	p.must(p.cmd.Process.Signal(os.Interrupt))
	p.end()

	p = start(t, t.TempDir(), pictures(t), p.count, env...)
	p.must(screen.Key("alt+2"))
	p.text("state of "+smallControl, "Paused · 2 of 5 MB")
	p.text("action of "+smallControl, "Resume")
	p.shoot("paused after a restart")
	p.click("action of " + smallControl)
	p.text("action of "+smallControl, "Unload")
	states(p, map[string]tts.State{"0.6B-CustomVoice-bf16": tts.Loaded})
	p.must(p.cmd.Process.Signal(os.Interrupt))
	p.end()
}
