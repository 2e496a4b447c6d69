package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ttsui/internal/tts"
)

// Remove deletes model id from this machine and tells how many bytes that frees. With a commit it deletes from the
// cache that one only, and of its blobs those that no other commit uses. Of a folder of the user's it deletes the
// model's files and nothing else; of one that was imported as a link, the link.
func (p Places) Remove(id, commit string) (freed int64, err error) {
	l, err := p.Local(id)
	if err != nil {
		return 0, err
	}
	repo := repositoryOf(p.Cache, id)
	switch {
	case !l.Cached && commit != "":
		return 0, tts.Errorf(tts.CodeInvalid, "Leave the commit out.", "%s lies in %s, where there are no commits", id, l.Dir)
	case !l.Cached:
		return removeFolder(l)
	}
	unlock, err := repo.lockAll()
	if err != nil {
		return 0, err
	}
	defer unlock()
	if commit == "" {
		return repo.removeAll()
	}
	return repo.removeCommit(id, commit)
}

// lockAll takes the locks of all blobs that are being fetched, so that none is deleted meanwhile.
func (r repository) lockAll() (unlock func(), err error) {
	begun, _ := filepath.Glob(filepath.Join(escapeGlob(r.dir), "blobs", "*.incomplete")) // the pattern is right
	var held []func()
	unlock = func() {
		for _, f := range held {
			f()
		}
	}
	for _, path := range begun {
		blob, _, _ := strings.Cut(filepath.Base(path), ".") // Python's have a number between
		free, err := tryLock(r.lock(File{Blob: blob}))
		if err == nil && free == nil {
			err = tts.Errorf(tts.CodeBusy, "Stop the download first, or wait for its end.", "%s is being fetched", filepath.Base(r.dir))
		}
		if err != nil {
			unlock()
			return nil, err
		}
		held = append(held, free)
	}
	return unlock, nil
}

// removeAll deletes the repository. Its snapshots go first: nobody takes what is left of it for a model.
func (r repository) removeAll() (freed int64, err error) {
	freed = unsharedUse(r.dir)
	for _, dir := range []string{r.snapshots(), r.dir, r.locks} {
		if err := os.RemoveAll(dir); err != nil {
			return 0, systemError(err)
		}
	}
	return freed, nil
}

// removeCommit deletes a commit, the references to it, and the blobs that were only for it.
func (r repository) removeCommit(id, commit string) (freed int64, err error) {
	entries, err := os.ReadDir(r.snapshots())
	if err != nil {
		return 0, systemError(err)
	}
	mine, others := map[string]bool{}, map[string]bool{}
	found := false
	for _, e := range entries {
		blobs := others
		if e.Name() == commit {
			blobs, found = mine, true
		}
		if err := r.blobsOf(e.Name(), blobs); err != nil {
			return 0, systemError(err)
		}
	}
	switch {
	case !found:
		return 0, tts.Errorf(tts.CodeNotFound, "Leave the commit out to remove all of them.", "%s has no commit %.60q here", id, commit)
	case len(entries) == 1:
		return r.removeAll()
	}
	if err := r.removeRefs(commit); err != nil {
		return 0, systemError(err)
	}
	freed = unsharedUse(r.snapshot(commit)) // only files on systems without links
	if err := os.RemoveAll(r.snapshot(commit)); err != nil {
		return 0, systemError(err)
	}
	for blob := range mine {
		if others[blob] {
			continue
		}
		freed += unsharedUse(blob)
		if err := os.Remove(blob); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return freed, systemError(err)
		}
	}
	return freed, nil
}

// blobsOf adds the blobs that a commit's files link to.
func (r repository) blobsOf(commit string, blobs map[string]bool) error {
	folder := filepath.Join(r.dir, "blobs")
	return filepath.WalkDir(r.snapshot(commit), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Type()&fs.ModeSymlink == 0 {
			return err
		}
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		if filepath.Dir(target) == folder { // anything else isn't ours to delete
			blobs[target] = true
		}
		return nil
	})
}

// removeRefs deletes the branches and tags that point to the commit: other tools take one that leads nowhere for damage.
func (r repository) removeRefs(commit string) error {
	err := filepath.WalkDir(filepath.Join(r.dir, "refs"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || strings.TrimSpace(string(text)) != commit {
			return err
		}
		return os.Remove(path)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// unsharedUse is what deleting a file or folder frees: what has another name elsewhere stays.
func unsharedUse(path string) (bytes int64) {
	_ = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // what can't be read can't be counted
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && names(info) == 1 {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}

// removeFolder deletes a model from a folder of the user's.
func removeFolder(l Local) (freed int64, err error) {
	if info, err := os.Lstat(l.Dir); err != nil || info.Mode()&fs.ModeSymlink != 0 {
		return 0, systemError(errors.Join(err, os.Remove(l.Dir)))
	}
	root, err := os.OpenRoot(l.Dir)
	if err != nil {
		return 0, systemError(err)
	}
	defer root.Close()
	var files []string
	if err := fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && isNeeded(name) {
			files = append(files, name)
		}
		return err
	}); err != nil {
		return 0, systemError(err)
	}
	for _, name := range files {
		size := unsharedUse(filepath.Join(l.Dir, filepath.FromSlash(name)))
		if err := root.Remove(filepath.FromSlash(name)); err != nil {
			return freed, systemError(fmt.Errorf("remove %s: %w", filepath.Join(l.Dir, name), err))
		}
		freed += size
	}
	// The folders go too, unless something of the user's is in them.
	for _, dir := range []string{filepath.Join(l.Dir, "speech_tokenizer"), l.Dir, filepath.Dir(l.Dir)} {
		_ = os.Remove(dir)
	}
	return freed, nil
}
