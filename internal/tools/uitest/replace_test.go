package uitest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ttsui/internal/testkit"
	"ttsui/internal/tools/gnustep/screen"
	"ttsui/internal/tts"
)

// TestReplaceAudio: a saved voice gets another clip, from a file and from the recorder, and the old one is gone.
func TestReplaceAudio(t *testing.T) {
	p := startStudio(t, 160, "base")
	saved, err := p.server.SaveVoice(context.Background(), tts.NewVoice{Name: "Ann", RefAudioPath: testkit.Golden("clip.wav"), RefText: "Old words."})
	p.must(err)
	p.click("record")
	p.text("record", "Stop (0:01)")
	p.click("record")
	latest := strings.TrimPrefix(p.wait("latest recording", func(v view) bool { return strings.HasSuffix(v.Text, ".wav") }).Text, "Latest: ")
	chooseVoice(p, "Ann")
	p.text("voice text", "Old words.")

	p.click("replace audio")
	p.text("voice file", "No audio selected")
	p.wait("save voice name", func(v view) bool { return !v.Enabled && v.Window == "Replace Audio" })
	named(p)
	p.shoot("replace audio")
	clip := filepath.Join(t.TempDir(), "new.wav")
	p.must(writeLongClip(clip))
	p.click("browse voice")
	openFile(p, clip)
	p.text("voice file", "new.wav")
	p.click("Voice Text")
	p.must(screen.Type("New words"))
	p.text("Voice Text", "New words")
	p.wait("save voice name", func(v view) bool { return v.Enabled })
	p.shoot("with another clip")
	p.click("save voice name")
	p.gone("Voice Name")
	p.text("voice text", "New words")
	after, err := p.server.Voice(context.Background(), saved.ID)
	if err != nil || after.Name != "Ann" || after.RefText != "New words" || after.AudioPath == saved.AudioPath {
		t.Errorf("%+v, %v", after, err)
	}
	if _, err := os.Stat(saved.AudioPath); err == nil {
		t.Error("the old clip is still there")
	}

	p.click("replace audio")
	p.wait("use recorded voice", func(v view) bool { return v.Enabled })
	p.click("use recorded voice")
	p.text("voice file", latest)
	p.text("Voice Text", "")
	p.shoot("with what was recorded")
	p.click("save voice name")
	p.text("voice text", "No reference text")
	load(p, smallBase)
	p.write("Target Text", "Now I say this")
	p.click("Generate")
	p.text("result", "Generated Audio")
	p.shoot("spoken by another voice")
	p.must(screen.Key("alt+q"))
	p.end()
}

// openFile answers the panel for opening a file that is open. What is typed there only leads to the folder, where the
// file has to be clicked on.
func openFile(p *program, path string) {
	p.t.Helper()
	ok := p.wait("OK", func(v view) bool { return v.Window == "Open" })
	p.must(screen.Type(path))
	for !ok.Enabled {
		p.must(screen.Click(ok.X-80, ok.Y-301)) // the first line of the last column
		ok = p.wait("OK", func(view) bool { return true })
	}
	p.click("OK")
}

// chooseVoice takes the only saved voice.
func chooseVoice(p *program, name string) {
	p.t.Helper()
	p.wait("Voice", func(v view) bool { return v.Enabled })
	for {
		menu := p.wait("Voice", func(view) bool { return true })
		if menu.Text == name {
			return
		}
		p.must(screen.Drag(menu.X, menu.Y, menu.X, menu.Y+menu.H))
	}
}
