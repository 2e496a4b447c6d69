package hub

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"ttsui/internal/testkit/fakehub"
	"ttsui/internal/tts"
)

const copyID = "local/copy"

// A draft is no model before it is committed, and takes the codec over from the cache by a second name.
func TestDraft(t *testing.T) {
	_, files, f, p, dir := pulled(t)
	p.Roots = []string{filepath.Join(t.TempDir(), "models")}
	l, err := p.Local(id)
	must(t, err)
	if n := p.RestBytes(l); n != 0 {
		t.Errorf("%d bytes are to be written", n)
	}
	d, err := p.Draft(copyID, 1000)
	must(t, err)
	must(t, d.Adopt(t.Context(), l))
	for _, name := range []string{configName, indexName, weightsName} {
		if _, err := os.Stat(filepath.Join(d.Dir, name)); err == nil {
			t.Errorf("%s was taken over", name)
		}
		must(t, os.WriteFile(filepath.Join(d.Dir, name), files[name], 0o644))
	}
	if found := p.IDs(); len(found) != 1 || found[0] != id {
		t.Errorf("there are %q before Commit", found)
	}
	must(t, d.Commit())
	d.Abort()
	made, err := p.Local(copyID)
	must(t, err)
	wantModel(t, made.Dir, files)
	const codec = "speech_tokenizer/model.safetensors"
	one, err1 := os.Stat(filepath.Join(made.Dir, codec))
	two, err2 := os.Stat(filepath.Join(dir, codec))
	if err1 != nil || err2 != nil || !os.SameFile(one, two) {
		t.Errorf("the codec was copied: %v, %v", err1, err2)
	}
	wantNoDrafts(t, p)

	_, err = p.Draft(copyID, 0)
	wantError(t, err, tts.CodeInvalid, "already")
	_, err = f.Pull(t.Context(), copyID, "", nil)
	wantError(t, err, tts.CodeNotFound, "no hub has")
	_, err = p.Remove(id, "")
	must(t, err)
	wantModel(t, made.Dir, files)
}

// A user's files may change: they are copied.
func TestDraftCopiesUsersFiles(t *testing.T) {
	files := fakehub.Model(1000)
	p := Places{Roots: []string{t.TempDir()}}
	source := folder(t, filepath.Join(p.Roots[0], "me", "mine"), files)
	l, err := p.Local("me/mine")
	must(t, err)
	want := total(files) - int64(len(files[configName])+len(files[indexName])+len(files[weightsName]))
	if n := p.RestBytes(l); n != want {
		t.Errorf("%d bytes are to be written, want %d", n, want)
	}
	d, err := p.Draft(copyID, want)
	must(t, err)
	defer d.Abort()
	must(t, d.Adopt(t.Context(), l))
	one, err1 := os.Stat(filepath.Join(d.Dir, "vocab.json"))
	two, err2 := os.Stat(filepath.Join(source, "vocab.json"))
	if err1 != nil || err2 != nil || os.SameFile(one, two) {
		t.Errorf("not copied: %v, %v", err1, err2)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, d.Adopt(canceled, l), tts.CodeCanceled, "stopped")
	d.Abort()
	wantNoDrafts(t, p)
}

func TestDraftRefuses(t *testing.T) {
	p := Places{Roots: []string{t.TempDir()}}
	_, err := p.Draft(copyID, 1<<60)
	wantError(t, err, tts.CodeDiskFull, "needs ")
	_, err = p.Draft("copy", 0)
	wantError(t, err, tts.CodeInvalid, "not the name")
	_, err = Places{}.Draft(copyID, 0)
	wantError(t, err, tts.CodeInvalid, "no folder")
	wantNoDrafts(t, p)
}

// What a killed process had in the making goes; what a living one has stays.
func TestSweepDrafts(t *testing.T) {
	p := Places{Roots: []string{t.TempDir()}}
	living, err := p.Draft(copyID, 0)
	must(t, err)
	killed, err := p.Draft(copyID, 0)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(killed.Dir, weightsName), make([]byte, 10), 0o644))
	killed.unlock() // as the system does
	if n, err := p.SweepDrafts(); n != 1 || err != nil {
		t.Errorf("%d were removed: %v", n, err)
	}
	if !isFolder(living.Dir) || isFolder(killed.Dir) {
		t.Error("the wrong one went")
	}
	living.Abort()
	wantNoDrafts(t, p)
}

func wantNoDrafts(t *testing.T, p Places) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(p.Roots[0], "*", draftPrefix+"*")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
