package uitest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ttsui/internal/testkit"
	"ttsui/internal/tools/gnustep/screen"
)

// long is the size of a file that nobody has read in a moment. Its bytes are a hole, which takes no room on the disk.
const long = 30e9

// hole makes a file of so many zeros.
func hole(path string, size int64) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		return err
	}
	return os.Truncate(path, size)
}

// repository is where the cache has a model.
func repository(cache, name string) string {
	return filepath.Join(cache, "models--mlx-community--Qwen3-TTS-12Hz-"+name)
}

// TestCheckingAPart: what an earlier download brought is read again before it goes on. The row tells so, and Pause ends
// it; what is here can be deleted.
func TestCheckingAPart(t *testing.T) {
	p, hub, cache := startWithHub(t, 140)
	const id = "mlx-community/Qwen3-TTS-12Hz-0.6B-CustomVoice-bf16"
	hub.Sizes = map[string]int64{"model.safetensors": long + 1e6}
	begun := filepath.Join(repository(cache, "0.6B-CustomVoice-bf16"), "blobs", hub.Blobs(id)["model.safetensors"]+".incomplete")
	p.must(hole(begun, long))
	p.click("action of " + smallControl)
	p.text("state of "+smallControl, "Checking...")
	p.text("action of "+smallControl, "Pause")
	p.shoot("a part is checked")
	p.click("action of " + smallControl)
	p.text("state of "+smallControl, "Paused · 30.0 of 30.0 GB")
	p.shoot("paused")
	chooseOf(p, smallControl, deletePart, "Delete")
	p.wait("Delete", func(v view) bool { return v.Enabled })
	p.shoot("delete what came")
	p.click("Delete")
	p.text("action of "+smallControl, "Load")
	p.gone("state of " + smallControl)
	if _, err := os.Stat(begun); err == nil {
		t.Error("it is still there")
	}
	p.must(p.cmd.Process.Signal(os.Interrupt))
	p.end()
}

// TestLongWork: a check of a large model, and the making of a copy of one, tell how far they are, and Cancel ends them
// with nothing left behind.
func TestLongWork(t *testing.T) {
	if os.Getenv("TTSUI_APP") == "" {
		t.Skip("make uitest runs this on a display of its own")
	}
	models, cache := t.TempDir(), t.TempDir()
	large := testkit.CheckpointSpec{Size: testkit.Size06B, Kind: "custom_voice", Sparse: true}
	if err := testkit.WriteCheckpoint(modelDir(models, "0.6B-CustomVoice-bf16"), large); err != nil {
		t.Fatal(err)
	}
	writeLargeModel(t, repository(cache, "1.7B-CustomVoice-bf16"))
	writeSettings(t, os.Getenv("HOME"), testkit.FreePort(t))
	p := start(t, models, pictures(t), 150, "HF_HUB_CACHE="+cache)
	p.must(screen.Key("alt+2"))
	p.text("action of "+largeControl, "Load")

	chooseOf(p, largeControl, checkFiles, "state of "+largeControl)
	p.wait("state of "+largeControl, func(v view) bool {
		return strings.HasPrefix(v.Text, "Checking ") && strings.HasSuffix(v.Text, " %") && v.Text != "Checking 0 %"
	})
	p.shoot("a model is checked")
	p.click("action of " + largeControl)
	p.text("action of "+largeControl, "Load")
	p.gone("state of " + largeControl)

	chooseOf(p, smallControl, makeCopy, "Make a copy")
	p.wait("Make a copy", func(v view) bool { return v.Enabled })
	p.click("Make a copy")
	const small = "0.6B-CustomVoice-8bit"
	p.wait("state of "+small, func(v view) bool {
		return strings.HasPrefix(v.Text, "Making it: ") && !strings.HasPrefix(v.Text, "Making it: 0.0")
	})
	p.text("action of "+small, "Cancel")
	p.shoot("a copy is made")
	p.click("action of " + small)
	p.gone("row of " + small)
	if left, _ := filepath.Glob(filepath.Join(models, "local", "*")); len(left) != 0 {
		t.Errorf("left are %s", strings.Join(left, ", "))
	}
	p.must(p.cmd.Process.Signal(os.Interrupt))
	p.end()
}

// writeLargeModel puts something into the cache that looks like a large model, as far as its files are concerned.
func writeLargeModel(t *testing.T, repo string) {
	t.Helper()
	snapshot := filepath.Join(repo, "snapshots", strings.Repeat("c", 40))
	for i, name := range []string{"config.json", "vocab.json", "merges.txt", "tokenizer_config.json", "model.safetensors",
		"speech_tokenizer/config.json", "speech_tokenizer/model.safetensors"} {
		blob, size := filepath.Join(repo, "blobs", strings.Repeat(string(rune('0'+i)), 64)), int64(100)
		if name == "model.safetensors" {
			size = long
		}
		if err := hole(blob, size); err != nil {
			t.Fatal(err)
		}
		if name == "config.json" {
			if err := os.WriteFile(blob, []byte(`{"model_type": "qwen3_tts"}`), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		link := filepath.Join(snapshot, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		target, err := filepath.Rel(filepath.Dir(link), blob)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
}
