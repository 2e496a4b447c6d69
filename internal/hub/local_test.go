package hub

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ttsui/internal/testkit/fakehub"
	"ttsui/internal/tts"
)

// pulled is a hub, and a cache that its model was fetched into.
func pulled(t *testing.T) (*fakehub.Hub, map[string][]byte, *Fetcher, Places, string) {
	t.Helper()
	hub, files := newHub(t, size)
	f := newTestFetcher(t, hub.URL)
	dir, err := f.Pull(t.Context(), id, "", nil)
	must(t, err)
	return hub, files, f, Places{Cache: f.Cache, Roots: []string{t.TempDir()}}, dir
}

// folder writes a model's files.
func folder(t *testing.T, dir string, files map[string][]byte) string {
	t.Helper()
	for name, data := range files {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, data, 0o644))
	}
	return dir
}

func TestLocal(t *testing.T) {
	_, files, _, p, dir := pulled(t)
	const mine = "me/mine"
	folder(t, filepath.Join(p.Roots[0], mine), fakehub.Model(1000))
	folder(t, filepath.Join(p.Roots[0], "me", "llama"), map[string][]byte{"config.json": []byte(`{"model_type": "llama"}`)})
	folder(t, filepath.Join(p.Cache, "models--you--begun", "blobs"), map[string][]byte{"a.incomplete": make([]byte, 77)})
	want := []Local{
		{ID: mine, Dir: filepath.Join(p.Roots[0], mine), Bytes: sum(fakehub.Model(1000))},
		{ID: id, Dir: dir, Cached: true, Bytes: total(files) + 40}, // and refs/main
	}
	got := p.Locals()
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i, l := range got {
		if l.ID != want[i].ID || l.Dir != want[i].Dir || l.Cached != want[i].Cached || l.Bytes != want[i].Bytes || !l.Whole() {
			t.Errorf("got %+v, want %+v", l, want[i])
		}
	}
	begun, err := p.Local("you/begun")
	if err != nil || begun.Whole() || begun.Dir != "" || begun.Bytes != 77 {
		t.Errorf("of a begun download: %+v, %v", begun, err)
	}
	if _, err := p.Local("no/body"); tts.CodeOf(err) != tts.CodeNotFound {
		t.Errorf("of nothing: %v", err)
	}
}

func sum(files map[string][]byte) (bytes int64) {
	for _, data := range files {
		bytes += int64(len(data))
	}
	return bytes
}

func TestMissing(t *testing.T) {
	files := fakehub.Model(100)
	files["model.safetensors.index.json"] = []byte(`{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "../../x"}}`)
	files["model-1.safetensors"] = nil
	delete(files, "vocab.json")
	dir := folder(t, t.TempDir(), files)
	if got := missingIn(dir); !slices.Equal(got, []string{"vocab.json", "model-2.safetensors"}) {
		t.Errorf("got %q", got)
	}
}

func TestVerifyAndRepair(t *testing.T) {
	hub, files, f, p, dir := pulled(t)
	local := func() Local {
		l, err := p.Local(id)
		must(t, err)
		return l
	}
	check := func(want string) []Damage {
		t.Helper()
		damages, err := f.Verify(t.Context(), local(), nil)
		must(t, err)
		var got []string
		for _, d := range damages {
			got = append(got, d.Name+" "+d.Problem)
		}
		slices.Sort(got)
		if strings.Join(got, ", ") != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		return damages
	}
	check("")
	weights := filepath.Join(dir, "model.safetensors")
	data := slices.Clone(files["model.safetensors"])
	data[size/2]++
	must(t, os.WriteFile(weights, data, 0o644)) // through the link, as another program would
	must(t, os.WriteFile(filepath.Join(dir, "merges.txt"), []byte("a"), 0o644))
	must(t, os.Remove(filepath.Join(dir, "vocab.json")))
	damages := check("merges.txt has the wrong checksum, model.safetensors has the wrong checksum, vocab.json is missing")
	offline := *f
	offline.Offline = true
	if err := offline.Repair(t.Context(), local(), damages, nil); tts.CodeOf(err) != tts.CodeUnreachable {
		t.Errorf("offline: %v", err)
	}
	check("merges.txt has the wrong checksum, model.safetensors has the wrong checksum, vocab.json is missing")
	sent := hub.Sent()
	must(t, f.Repair(t.Context(), local(), damages, nil))
	check("")
	wantModel(t, dir, files)
	if again := hub.Sent() - sent; again != size+int64(len(files["merges.txt"])) { // vocab.json's blob was there
		t.Errorf("%d bytes were fetched", again)
	}
}

// For a folder of the user's the hub knows the checksums.
func TestVerifyFolder(t *testing.T) {
	hub, files := newHub(t, size)
	f := newTestFetcher(t, hub.URL)
	p := Places{Roots: []string{t.TempDir()}}
	dir := folder(t, filepath.Join(p.Roots[0], id), files)
	l, err := p.Local(id)
	must(t, err)
	damages, err := f.Verify(t.Context(), l, nil)
	if err != nil || len(damages) > 0 {
		t.Fatalf("%v, %v", damages, err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "vocab.json"), []byte("short"), 0o644))
	damages, err = f.Verify(t.Context(), l, nil)
	if err != nil || len(damages) != 1 || damages[0].Problem != "has 5 B instead of 3 kB" {
		t.Errorf("%+v, %v", damages, err)
	}
	wantError(t, f.Repair(t.Context(), l, damages, nil), tts.CodeUnsupported, "folder of yours")
	l.ID = "no/body"
	_, err = f.Verify(t.Context(), l, nil)
	wantError(t, err, tts.CodeNotFound, "checksums")
}

func TestRemove(t *testing.T) {
	hub, files, f, p, first := pulled(t)
	changed := maps.Clone(files)
	changed["merges.txt"] = []byte("a b\n")
	hub.Add(id, changed)
	second, err := f.Pull(t.Context(), id, "", nil)
	must(t, err)

	tag := filepath.Join(repositoryOf(p.Cache, id).dir, "refs", "v1")
	must(t, os.WriteFile(tag, []byte(filepath.Base(first)), 0o644))
	_, err = p.Remove(id, "none")
	wantError(t, err, tts.CodeNotFound, `no commit "none"`)
	freed, err := p.Remove(id, filepath.Base(first))
	if want := int64(len(files["merges.txt"])); err != nil || freed != want {
		t.Errorf("one commit: freed %d (%v), want %d", freed, err, want)
	}
	wantModel(t, second, changed)
	if _, err := os.Stat(tag); err == nil {
		t.Error("a tag is left that leads nowhere")
	}

	unlock, err := tryLock(filepath.Join(p.Cache, ".locks", "models--"+strings.ReplaceAll(id, "/", "--"), "abc.lock"))
	must(t, err)
	begun := filepath.Join(repositoryOf(p.Cache, id).dir, "blobs", "abc.123.incomplete")
	must(t, os.WriteFile(begun, make([]byte, 10), 0o644))
	_, err = p.Remove(id, "")
	wantError(t, err, tts.CodeBusy, "being fetched")
	wantModel(t, second, changed)
	unlock()

	freed, err = p.Remove(id, "")
	if want := total(changed) + 10 + 40; err != nil || freed != want {
		t.Errorf("all: freed %d (%v), want %d", freed, err, want)
	}
	for _, dir := range []string{p.Cache, filepath.Join(p.Cache, ".locks")} {
		if rest, _ := filepath.Glob(filepath.Join(dir, "models--*")); len(rest) > 0 {
			t.Errorf("left: %q", rest)
		}
	}
	_, err = p.Remove(id, "")
	wantError(t, err, tts.CodeNotFound, "not on this machine")
}

// The last commit's removal removes all.
func TestRemoveLastCommit(t *testing.T) {
	_, _, _, p, dir := pulled(t)
	_, err := p.Remove(id, filepath.Base(dir))
	must(t, err)
	if _, err := os.Stat(repositoryOf(p.Cache, id).dir); err == nil {
		t.Error("the repository is left")
	}
}

func TestImport(t *testing.T) {
	files := fakehub.Model(1000)
	files["notes.txt"] = []byte("mine")
	source := folder(t, filepath.Join(t.TempDir(), "My-Model"), files)
	p := Places{Roots: []string{filepath.Join(t.TempDir(), "models")}}

	linked, err := p.Import(t.Context(), source, "", false)
	must(t, err)
	if linked.ID != "local/My-Model" || !linked.Whole() {
		t.Errorf("got %+v", linked)
	}
	_, err = p.Import(t.Context(), source, "", false)
	wantError(t, err, tts.CodeInvalid, "already")
	freed, err := p.Remove(linked.ID, "")
	if err != nil || freed != 0 {
		t.Errorf("removing the link freed %d: %v", freed, err)
	}

	copied, err := p.Import(t.Context(), source, "me/copy", true)
	must(t, err)
	delete(files, "notes.txt")
	wantModel(t, copied.Dir, files)
	must(t, os.WriteFile(filepath.Join(copied.Dir, "notes.txt"), []byte("mine"), 0o600))
	freed, err = p.Remove(copied.ID, "")
	if err != nil || freed != total(files) {
		t.Errorf("freed %d (%v), want %d", freed, err, total(files))
	}
	if left, _ := os.ReadDir(copied.Dir); len(left) != 1 || left[0].Name() != "notes.txt" {
		t.Errorf("left: %v", left)
	}
	if !isFile(filepath.Join(source, "config.json"), int64(len(files["config.json"]))) {
		t.Error("the source has gone")
	}
}

func TestImportRefuses(t *testing.T) {
	p := Places{Roots: []string{t.TempDir()}}
	whole := folder(t, filepath.Join(t.TempDir(), "whole"), fakehub.Model(10))
	other := folder(t, filepath.Join(t.TempDir(), "other"), fakehub.Model(10))
	must(t, os.WriteFile(filepath.Join(other, "config.json"), []byte("{}"), 0o644))
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		places  Places
		ctx     context.Context
		dir, id string
		code    tts.Code
		text    string
	}{
		"nothing there": {p, t.Context(), "/nowhere", "", tts.CodeNotFound, "not a folder"},
		"a part":        {p, t.Context(), t.TempDir(), "a/b", tts.CodeUnsupported, "has no config.json"},
		"another model": {p, t.Context(), other, "", tts.CodeUnsupported, "another model"},
		"a bad name":    {p, t.Context(), whole, "a", tts.CodeInvalid, "not the name"},
		"no place":      {Places{}, t.Context(), whole, "", tts.CodeInvalid, "no folder"},
		"stopped":       {p, canceled, whole, "", tts.CodeCanceled, "stopped"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.places.Import(c.ctx, c.dir, c.id, true)
			wantError(t, err, c.code, c.text)
		})
	}
	if left, _ := filepath.Glob(filepath.Join(p.Roots[0], "*", "*")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
