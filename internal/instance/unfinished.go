package instance

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"ttsui/internal/atomicfile"
)

// unfinishedFolder holds a list for each process that writes results. The list has the name that the process's
// temporary files have in theirs, and is locked as long as the process lives: the system frees the lock of one that is
// killed.
const unfinishedFolder = "unfinished"

// Unfinished is the list of the folders in which this process makes results, so that the next one finds what this one
// leaves half done should it be killed. All methods may be called by several goroutines.
type Unfinished struct {
	path string

	mu      sync.Mutex
	list    *os.File        // nil before the first result
	folders map[string]bool // on the list; nil when it is closed
}

// NewUnfinished makes the list of this process in the user's folder home. The file appears with the first result.
func NewUnfinished(home string) *Unfinished {
	return &Unfinished{path: filepath.Join(home, unfinishedFolder, atomicfile.Run()), folders: map[string]bool{}}
}

// Note puts folder on the list, before a result is begun in it.
func (u *Unfinished) Note(folder string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.folders[folder] {
		return nil
	}
	if u.folders == nil {
		return fs.ErrClosed
	}
	if u.list == nil {
		var err error
		if u.list, err = openLocked(u.path); err != nil {
			return err
		}
	}
	line, err := json.Marshal(folder)
	if err != nil {
		return err
	}
	if _, err := u.list.Write(append(line, '\n')); err != nil {
		return err
	}
	u.folders[folder] = true
	return nil
}

// Close takes the list away. It is for the end, when no result is in the making.
func (u *Unfinished) Close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	list := u.list
	u.list, u.folders = nil, nil
	if list == nil {
		return nil
	}
	return errors.Join(os.Remove(u.path), list.Close())
}

// openLocked makes the file that nobody else may lock.
func openLocked(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.Flock(f); err != nil { // somebody who sweeps looks at it, or there are no locks here
		f.Close()
		return nil, err
	}
	if _, err := os.Stat(path); err != nil { // that one found it before it was locked
		f.Close()
		return nil, err
	}
	return f, nil
}

// SweepUnfinished removes the halves of results that killed processes left, wherever that was, and tells how many.
// What a living process has in the making stays.
func SweepUnfinished(home string) (removed int, err error) {
	dir := filepath.Join(home, unfinishedFolder)
	lists, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	for _, list := range lists {
		if list.Type().IsRegular() {
			n, errList := sweepList(filepath.Join(dir, list.Name()))
			removed, err = removed+n, errors.Join(err, errList)
		}
	}
	return removed, err
}

// sweepList does for one list, and takes it away when nothing is left of its process.
func sweepList(path string) (removed int, err error) {
	list, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer list.Close()
	if err := atomicfile.Flock(list); err != nil {
		return 0, nil // its process lives
	}
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		var folder string
		if json.Unmarshal(lines.Bytes(), &folder) != nil || !filepath.IsAbs(folder) {
			continue // not a line of ours
		}
		n, errFolder := sweepFolder(folder, filepath.Base(path))
		removed, err = removed+n, errors.Join(err, errFolder)
	}
	if err = errors.Join(err, lines.Err()); err != nil {
		return removed, err
	}
	return removed, os.Remove(path)
}

// sweepFolder removes the temporary files of the process run from a folder.
func sweepFolder(folder, run string) (removed int, err error) {
	root, err := os.OpenRoot(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	for _, entry := range entries {
		if entry.Type().IsRegular() && atomicfile.TempOf(run, entry.Name()) {
			if errFile := root.Remove(entry.Name()); errFile != nil {
				err = errors.Join(err, errFile)
				continue
			}
			removed++
		}
	}
	return removed, err
}
