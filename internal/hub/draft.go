package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ttsui/internal/atomicfile"
	"ttsui/internal/tts"
)

// Draft is the folder of a model in the making. No model has such a name, and when the process is killed the next one
// removes it. The caller must end it by Commit or Abort; deferring Abort is the simplest way.
type Draft struct {
	Dir string // where its files go

	places Places
	id     string
	unlock func() // nil after the end
}

// draftPrefix begins the names of drafts. Beside each lies the lock of the process that makes it.
const (
	draftPrefix = ".making-"
	lockSuffix  = ".lock"
)

// Draft begins model id in the first of the places' folders, where need bytes have to be free.
func (p Places) Draft(id string, need int64) (*Draft, error) {
	if err := p.checkNew(id); err != nil {
		return nil, err
	}
	org := filepath.Dir(p.inRoot(id))
	if err := os.MkdirAll(org, 0o777); err != nil {
		return nil, systemError(err)
	}
	_, _ = p.SweepDrafts() // to make room; what is wrong with an old one is no reason not to try
	free, err := freeSpace(org)
	if err != nil {
		return nil, err
	}
	if need > free {
		return nil, tts.Errorf(tts.CodeDiskFull, "Free some space, or set TTSUI_MODELS to a folder on another disk.",
			"%s needs %s on the disk of %s, where %s are free", id, SizeText(need), org, SizeText(free))
	}
	d := &Draft{places: p, id: id}
	for d.unlock == nil { // else somebody who sweeps was faster
		d.Dir = filepath.Join(org, draftPrefix+rand.Text())
		if d.unlock, err = tryLock(d.Dir + lockSuffix); err != nil {
			return nil, err
		}
	}
	if err := os.Mkdir(d.Dir, 0o755); err != nil {
		d.Abort()
		return nil, systemError(err)
	}
	return d, nil
}

// Free is how many bytes may be written where drafts are made.
func (p Places) Free() (bytes int64, err error) {
	if len(p.Roots) == 0 {
		return 0, errNoRoot()
	}
	dir := p.Roots[0]
	for !isFolder(dir) && filepath.Dir(dir) != dir {
		dir = filepath.Dir(dir)
	}
	return freeSpace(dir)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Commit makes a model of the draft, in one step.
func (d *Draft) Commit() error {
	err := os.Rename(d.Dir, d.places.inRoot(d.id))
	if err != nil {
		if taken := d.places.checkNew(d.id); taken != nil { // by another process
			return taken
		}
		return systemError(err)
	}
	d.Abort()
	return nil
}

// Abort throws the draft away. After Commit it does nothing.
func (d *Draft) Abort() {
	if d.unlock == nil {
		return
	}
	_ = os.RemoveAll(d.Dir) // what stays, the next process sweeps
	_ = os.Remove(d.Dir + lockSuffix)
	d.unlock()
	d.unlock = nil
}

// SweepDrafts removes the drafts of processes that were killed, and tells how many. What a living process has in the
// making stays, where the file system has locks.
func (p Places) SweepDrafts() (removed int, err error) {
	for _, root := range p.Roots {
		found, _ := filepath.Glob(filepath.Join(escapeGlob(root), "*", draftPrefix+"*")) // the pattern is right
		for _, path := range found {
			dir := strings.TrimSuffix(path, lockSuffix)
			unlock, errLock := tryLock(dir + lockSuffix)
			if unlock == nil {
				err = errors.Join(err, errLock)
				continue
			}
			if isFolder(dir) {
				removed++
			}
			err = errors.Join(err, os.RemoveAll(dir), os.Remove(dir+lockSuffix))
			unlock()
		}
	}
	return removed, err
}

// restOf maps the names of what a model that is made of another takes over from it, to their paths: all but its weights
// and what describes those.
func restOf(l Local) map[string]string {
	rest := neededIn(l.Dir)
	for name := range rest {
		if name == configName || name == indexName || isWeights(name) {
			delete(rest, name)
		}
	}
	return rest
}

// RestBytes is how many bytes Adopt would write for that model.
func (p Places) RestBytes(l Local) (bytes int64) {
	if len(p.Roots) > 0 && l.Cached && sameDisk(l.Dir, p.Roots[0]) {
		return 0
	}
	return sizeOfAll(restOf(l))
}

// sizeOfAll adds the sizes of files. What can't be read can't be counted.
func sizeOfAll(files map[string]string) (bytes int64) {
	for _, path := range files {
		if info, err := os.Stat(path); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}

// Adopt puts what a model that is made of another takes over from it into the draft.
func (d *Draft) Adopt(ctx context.Context, l Local) error { return d.add(ctx, restOf(l), l.Cached) }

// add puts files into the draft: copies, or second names where that is possible and the files never change.
func (d *Draft) add(ctx context.Context, files map[string]string, constant bool) error {
	for name, path := range files {
		to := filepath.Join(d.Dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return systemError(err)
		}
		if real, err := filepath.EvalSymlinks(path); err == nil && constant && os.Link(real, to) == nil {
			continue
		}
		if err := copyFile(ctx, path, to); err != nil {
			return err
		}
	}
	return nil
}

// copyFile copies a file to the disk.
func copyFile(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return systemError(err)
	}
	defer in.Close()
	out, err := atomicfile.Create(to)
	if err != nil {
		return err
	}
	defer out.Abort()
	_, err = io.Copy(out, reader{ctx, in})
	var known *tts.Error
	switch {
	case ctx.Err() != nil:
		return canceled(ctx)
	case errors.As(err, &known):
		return err
	case err != nil:
		return systemError(&fs.PathError{Op: "copy", Path: from, Err: err})
	}
	return out.Commit()
}
