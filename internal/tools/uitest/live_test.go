package uitest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ttsui/internal/testkit"
	"ttsui/internal/tools/gnustep/screen"
	"ttsui/internal/tts"
)

// TestLive: speech is heard and seen while it is made, to its end, and its file is the same as if nobody had listened.
func TestLive(t *testing.T) {
	if os.Getenv("TTSUI_APP") == "" {
		t.Skip("make uitest runs this on a display of its own")
	}
	text := strings.Repeat("Nobody knows how long this will take. ", 14) // so much that it doesn't run away
	home := os.Getenv("HOME")
	writeSettings(t, home, testkit.FreePort(t))
	writeDocument(t, home, "drafts.json", map[string]any{"tab": tts.Control, "control": map[string]string{"text": text, "speaker": "Ryan", "language": "English"}})
	p := start(t, tinyModels(t, 900, "custom_voice"), pictures(t), 160)
	p.text("caption", "Use predefined voices")
	load(p, smallControl)
	p.wait("play live", func(v view) bool { return v.Checked && v.Name == "Play as it is made" })
	p.click("Generate")
	p.text("play", "Pause")
	p.scroll(toEnd)
	p.wait("position", func(v view) bool { return !strings.HasPrefix(v.Text, "0:00") })
	p.wait("Stop", func(v view) bool { return v.Enabled })
	p.shoot("live")
	named(p)
	about := p.wait("about the result", func(v view) bool { return strings.HasPrefix(v.Text, "1:11  ·  ") })
	p.text("play", "Pause") // it plays on
	p.text("slider", "of 71.9")
	p.shoot("live made")
	p.must(screen.Key("space"))
	p.text("play", "Play")
	p.slide("slider", 97, "position", "1:10 / 1:11")
	p.slide("volume", 50, "volume", "0.5 of 1.0")
	p.must(screen.Key("space"))
	p.text("play", "Pause")
	p.text("position", "0:00 / 1:11")
	p.text("play", "Play")

	files := generated(t)
	_, digits, _ := strings.Cut(about.Text, "seed ")
	seed, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || len(files) != 1 {
		t.Fatalf("%q, %v", about.Text, files)
	}
	req := tts.Request{Mode: tts.Control, ModelID: "mlx-community/Qwen3-TTS-12Hz-0.6B-CustomVoice-bf16", Text: text, Speaker: "Ryan", Language: "English",
		OutputPath: filepath.Join(t.TempDir(), "unheard.wav")}
	req.Sampling.Seed = &seed
	if _, err := p.server.Generate(context.Background(), req); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, files[0]), read(t, req.OutputPath)) {
		t.Error("the file is another one than that of who doesn't listen")
	}
	p.click("play live")
	p.wait("play live", func(v view) bool { return !v.Checked })
	p.must(screen.Key("alt+q"))
	p.end()
}
