package testkit

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Every breakage has a name of its own, changes something, and leaves the whole checkpoint as it was. That a loader
// notices is shown where there is one.
func TestBreakages(t *testing.T) {
	whole, twin := write(t, CheckpointSpec{}), write(t, CheckpointSpec{})
	seen := map[string]bool{}
	for _, b := range Breakages() {
		if seen[b.Name] {
			t.Errorf("%q comes twice", b.Name)
		}
		seen[b.Name] = true
		dir := filepath.Join(t.TempDir(), "checkpoint")
		if err := b.Make(whole, dir); err != nil {
			t.Errorf("%s: %v", b.Name, err)
		} else if sameFiles(t, whole, dir) {
			t.Errorf("%s: nothing has changed", b.Name)
		}
	}
	if !sameFiles(t, whole, twin) {
		t.Error("the whole checkpoint has changed")
	}
}

// sameFiles reports whether every file under a is also under b, with the same content.
func sameFiles(t *testing.T, a, b string) bool {
	t.Helper()
	same := true
	err := filepath.WalkDir(a, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		infoA, _ := os.Stat(path)
		twin := filepath.Join(b, path[len(a):])
		infoB, err := os.Stat(twin)
		if err == nil && os.SameFile(infoA, infoB) {
			return nil
		}
		textA, _ := os.ReadFile(path)
		textB, err := os.ReadFile(twin)
		same = same && err == nil && bytes.Equal(textA, textB)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return same
}
