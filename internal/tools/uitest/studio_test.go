package uitest

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ttsui/internal/testkit"
	"ttsui/internal/tools/gnustep/screen"
	"ttsui/internal/tts"
)

// TestVoices: a clip is saved as a voice, spoken with, renamed and deleted, and a result of Control becomes one.
func TestVoices(t *testing.T) {
	p := startStudio(t, 50, "base", "custom_voice")
	p.text("Voice", "(No Speaker)")
	p.text("reference", "Using: clip.wav · 0:01")
	p.write("Reference Text", "What I say")
	p.text("tail", "0.5 s of silence")
	p.shoot("a clip that is studied")
	p.click("save speaker")
	p.text("voice file", "clip.wav")
	p.must(screen.Type("Seventeen letters"))
	p.text("voice name count", "17/16")
	p.shoot("a name that is too long")
	p.must(screen.Key("alt+a"))
	p.must(screen.Type("Me"))
	p.text("voice name count", "2/16")
	p.wait("save voice name", func(v view) bool { return v.Enabled && v.Window == "Save Speaker" })
	named(p)
	p.shoot("save speaker")
	p.must(screen.Key("Return"))
	p.text("Voice", "Me")
	p.text("voice text", "What I say")
	p.gone("drop")
	load(p, smallBase)
	p.write("Target Text", "Now I say this")
	p.click("Generate")
	p.text("result", "Generated Audio")
	p.shoot("spoken by a saved voice")
	p.click("rename voice")
	p.text("Voice Name", "Me")
	p.must(screen.Key("alt+a"))
	p.must(screen.Type("Nobody"))
	p.text("Voice Name", "Nobody")
	p.must(screen.Key("Escape"))
	p.gone("Voice Name")
	p.text("Voice", "Me")
	p.click("rename voice")
	p.text("Voice Name", "Me")
	p.must(screen.Key("alt+a"))
	p.must(screen.Type("Myself"))
	p.wait("save voice name", func(v view) bool { return v.Enabled })
	p.click("save voice name")
	p.text("Voice", "Myself")
	freezeResult(p)
	p.click("delete voice")
	p.wait("Cancel", func(v view) bool { return v.Enabled })
	p.shoot("delete asks")
	p.click("Delete")
	p.text("Voice", "(No Speaker)")
	p.text("reference", "Using: clip.wav")
	menu := p.wait("Voice", func(view) bool { return true })
	p.must(screen.Drag(menu.X, menu.Y, menu.X, menu.Y+menu.H)) // the voice that is left
	p.text("Voice", "Myself")
	voices, err := p.server.Voices(context.Background())
	if err != nil || len(voices) != 1 || voices[0].Name != "Myself" || voices[0].RefText != "What I say" {
		t.Errorf("the server has %+v, %v", voices, err)
	}
	p.must(screen.Key("alt+q"))
	p.end()
}

// freezeResult makes a voice of what Control has spoken.
func freezeResult(p *program) {
	p.t.Helper()
	p.must(screen.Key("alt+2"))
	p.text("caption", "Use predefined voices")
	load(p, smallControl)
	p.write("Target Text", "Hello there")
	p.click("Generate")
	p.wait("save voice", func(v view) bool { return v.Enabled })
	p.shoot("a result to keep")
	p.click("save voice")
	p.text("Voice Name", "Vivian")
	p.wait("save voice name", func(v view) bool { return v.Enabled })
	p.shoot("keep a voice")
	p.must(screen.Key("Return"))
	p.gone("Voice Name")
	p.must(screen.Key("alt+1"))
	p.text("Voice", "Vivian")
	p.text("voice text", "No reference text") // as the tiny model's speech is cut off, and says less than its text
	p.shoot("a voice that was kept")
}

// TestRecorder: a clip is recorded, and used; it is a tone, about which the window warns.
func TestRecorder(t *testing.T) {
	p := startStudio(t, 70)
	p.click("clear reference")
	p.text("reference", "Drop reference audio file or click to browse")
	p.click("record")
	p.text("record", "Stop (0:01)")
	p.wait("level", func(v view) bool { return v.Text > "0.50" })
	p.shoot("recording")
	p.click("record")
	latest := p.wait("latest recording", func(v view) bool { return strings.HasSuffix(v.Text, ".wav") }).Text
	name := strings.TrimPrefix(latest, "Latest: ")
	p.text("reference", "Using: "+name)
	p.text("warning 1", "The clip is only ")
	p.shoot("a clip with warnings")
	p.click("clear reference")
	p.text("reference", "Drop reference audio file or click to browse")
	p.gone("Waveform of the reference")
	p.click("use recorded")
	p.text("reference", "Using: "+name)
	p.wait("use recorded", func(v view) bool { return !v.Enabled })
	info, err := os.Stat(filepath.Join(os.Getenv("HOME"), ".ttsui", "clone", "tmp_audio", name))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the clip: %v, %v", info, err)
	}
	p.must(screen.Key("alt+q"))
	p.end()
}

// TestBestPart: the best part of a long clip is taken by a button, and all of it again.
func TestBestPart(t *testing.T) {
	p := startStudio(t, 80)
	p.click("clear reference")
	p.gone("Waveform of the reference")
	p.must(p.cmd.Process.Signal(os.Interrupt))
	p.end()

	clip := filepath.Join(t.TempDir(), "long.wav")
	p.must(writeLongClip(clip))
	writeDrafts(t, clip)
	p = start(t, t.TempDir(), pictures(t), p.count)
	p.text("reference", "Using: long.wav · 0:40")
	p.text("warning 1", "The clip is 40 seconds long")
	p.text("trim", "Use best part (0:")
	p.shoot("a long clip")
	p.click("trim")
	p.wait("reference", func(v view) bool {
		return strings.Contains(v.Text, "Using: long (part ") && strings.Contains(v.Text, " · 0:")
	})
	p.text("trim", "Use whole clip")
	p.shoot("its best part")
	p.click("trim")
	p.text("reference", "Using: long.wav")
	p.must(screen.Key("alt+q"))
	p.end()
}

// startStudio opens the window on its Clone tab, with a clip and with tiny models of these checkpoints.
func startStudio(t *testing.T, count int, checkpoints ...string) *program {
	t.Helper()
	if os.Getenv("TTSUI_APP") == "" {
		t.Skip("make uitest runs this on a display of its own")
	}
	models := tinyModels(t, 12, checkpoints...)
	writeSettings(t, os.Getenv("HOME"), testkit.FreePort(t))
	return start(t, models, pictures(t), count)
}

// writeDrafts lets the window begin with a clip.
func writeDrafts(t *testing.T, clip string) {
	t.Helper()
	writeDocument(t, os.Getenv("HOME"), "drafts.json", map[string]any{"tab": tts.Clone, "clone": map[string]string{"ref_audio_path": clip}})
}

// writeLongClip writes 40 seconds of tones with pauses between them, and a little noise in all of it.
func writeLongClip(path string) error {
	const rate, long = 24000, 40
	noise := rand.New(rand.NewPCG(1, 2))
	pcm := make([]int16, rate*long)
	for i := range pcm {
		v := 20 * (noise.Float64() - 0.5)
		if i%(2*rate) < rate*3/2 {
			v += 8000 * noise.Float64() * math.Sin(2*math.Pi*180*float64(i)/rate)
		}
		pcm[i] = int16(v)
	}
	var b bytes.Buffer
	header := []any{[]byte("RIFF"), uint32(36 + 2*len(pcm)), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1),
		uint32(rate), uint32(2 * rate), uint16(2), uint16(16), []byte("data"), uint32(2 * len(pcm))}
	for _, part := range append(header, pcm) {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			return err
		}
	}
	return os.WriteFile(path, b.Bytes(), 0o600)
}
