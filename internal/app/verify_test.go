package app_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ttsui/internal/tts"
)

// TestVerifyAndRepair: a file that has changed on the disk is found, while the model is loaded, too; it alone is fetched
// again, and all is well then.
func TestVerifyAndRepair(t *testing.T) {
	cache := t.TempDir()
	d := startDownloading(t, map[string]string{"HF_HUB_CACHE": cache})
	files, total := checkpoint(t, "custom_voice")
	d.hub.Add(custom, files)
	model := map[string]string{"model_id": custom}
	if info := d.load(t, custom); info.State != tts.Loaded {
		t.Fatalf("%+v", info)
	}
	const damaged = "vocab.json"
	verify := func(want ...tts.Damage) {
		t.Helper()
		var answer struct{ Damages []tts.Damage }
		if status := d.call(t, "POST", "/models/verify", model, &answer); status != 200 || !slices.Equal(answer.Damages, want) {
			t.Errorf("%d, found %+v, want %+v", status, answer.Damages, want)
		}
	}
	verify()
	found, err := filepath.Glob(filepath.Join(cache, "models--*", "snapshots", "*", damaged))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	data := slices.Clone(files[damaged])
	data[0]++
	if err := os.WriteFile(found[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	verify(tts.Damage{Name: damaged, Problem: "has the wrong checksum"})
	var refusal struct{ Code tts.Code }
	if status := d.call(t, "POST", "/models/repair", model, &refusal); status != 409 || refusal.Code != tts.CodeBusy {
		t.Errorf("repair of a loaded model: %d, %+v", status, refusal)
	}
	var info tts.ModelInfo
	d.call(t, "POST", "/models/unload", model, &info)
	if status := d.call(t, "POST", "/models/repair", model, &info); status != 200 || info.State != tts.Unloaded || info.Error != nil || info.Part != nil {
		t.Errorf("repair: %d, %+v", status, info)
	}
	asked := len(d.hub.Requests())
	verify()
	if len(d.hub.Requests()) != asked {
		t.Error("the hub was asked for what lies in the cache")
	}
	if again := d.hub.Sent() - total; again != int64(len(data)) {
		t.Errorf("%d bytes were fetched again, want %d", again, len(data))
	}
}

// TestVerifyFolder: damage in a folder of the user's is told as what Repair leaves as it is.
func TestVerifyFolder(t *testing.T) {
	root := t.TempDir()
	d := startDownloading(t, map[string]string{"TTSUI_MODELS": root})
	files, _ := checkpoint(t, "custom_voice")
	d.hub.Add(custom, files)
	for name, data := range files {
		if name == "vocab.json" {
			data = data[1:]
		}
		path := filepath.Join(root, filepath.FromSlash(custom), filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		if err == nil {
			err = os.WriteFile(path, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	model := map[string]string{"model_id": custom}
	var answer struct{ Damages []tts.Damage }
	if status := d.call(t, "POST", "/models/verify", model, &answer); status != 200 || len(answer.Damages) != 1 || !answer.Damages[0].Kept {
		t.Errorf("%d, found %+v", status, answer.Damages)
	}
	var info tts.ModelInfo
	if d.call(t, "POST", "/models/repair", model, &info); info.State != tts.Failed || info.Code != tts.CodeUnsupported {
		t.Errorf("repair: %+v", info)
	}
}
