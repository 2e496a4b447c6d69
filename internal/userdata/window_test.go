package userdata_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ttsui/internal/tts"
	"ttsui/internal/userdata"
)

func TestDocuments(t *testing.T) {
	d := userdata.Documents{Dir: filepath.Join(t.TempDir(), "new", "folder")}
	if _, err := d.Read("drafts.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before the first: %v", err)
	}
	for _, text := range []string{"one", "another"} {
		if err := d.Write("drafts.json", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Read("drafts.json"); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	for path, want := range map[string]fs.FileMode{d.Dir: 0o700, filepath.Join(d.Dir, "drafts.json"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestResultsHaveNamesOfTheirOwn(t *testing.T) {
	home, chosen := t.TempDir(), t.TempDir()
	now := time.Date(2026, 2, 20, 11, 11, 12, 999, time.FixedZone("", 3600))
	results := &userdata.Results{Home: home}
	for i, c := range []struct{ folder, want string }{
		{"", filepath.Join(home, "clone", "generated", "2026-02-20T10-11-12Z.wav")},
		{"", filepath.Join(home, "clone", "generated", "2026-02-20T10-11-12Z-2.wav")},
		{"", filepath.Join(home, "clone", "generated", "2026-02-20T10-11-12Z-3.wav")},
		{chosen, filepath.Join(chosen, "clone", "2026-02-20T10-11-12Z.wav")},
		{"", filepath.Join(home, "clone", "generated", "2026-02-20T10-11-12Z-4.wav")},
	} {
		path, err := results.New(c.folder, tts.Clone, now)
		if err != nil || path != c.want {
			t.Errorf("%s, %v; want %s", path, err, c.want)
		}
		if i == 0 { // the first is not there yet when the second asks
			continue
		}
		if i == 3 { // after a restart
			results = &userdata.Results{Home: home}
			first := filepath.Join(home, "clone", "generated", "2026-02-20T10-11-12Z.wav")
			if err := os.WriteFile(first, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(home, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if path, err := results.New(file, tts.Clone, now); err == nil || tts.HintOf(err) == "" {
		t.Errorf("below a file: %s, %v", path, err)
	}
}

func TestCopy(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from.wav"), filepath.Join(dir, "to.wav")
	if err := userdata.Copy(from, to); tts.CodeOf(err) != tts.CodeNotFound {
		t.Errorf("of nothing: %v", err)
	}
	for path, text := range map[string]string{from: "new", to: "an older and longer one"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := userdata.Copy(from, to); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(to); err != nil || string(got) != "new" {
		t.Errorf("%q, %v", got, err)
	}
	if err := userdata.Copy(from, filepath.Join(dir, "none", "to.wav")); err == nil {
		t.Error("into a folder that isn't there")
	}
}
