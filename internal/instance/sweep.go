package instance

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"time"

	"ttsui/internal/atomicfile"
)

// Sweep removes temporary files and folders that a killed process left below dir, and tells how many. Those that
// changed after before may still be in use. It goes into no folder named models, which holds none and can be large.
func Sweep(dir string, before time.Time) (removed int, err error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // what can't be read is left alone
		}
		if entry.IsDir() && entry.Name() == "models" {
			return fs.SkipDir
		}
		if ours, _ := path.Match(atomicfile.TempPattern, entry.Name()); !ours || !entry.IsDir() && !entry.Type().IsRegular() {
			return nil
		}
		if info, err := entry.Info(); err != nil || !info.ModTime().Before(before) {
			return nil
		}
		if root.RemoveAll(name) == nil {
			removed++
		}
		if entry.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	return removed, err
}
