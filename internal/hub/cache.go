package hub

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ttsui/internal/atomicfile"
)

// repository is a model's folder in the cache, as Python's huggingface_hub lays it out:
//
//	<cache>/models--org--name/blobs/<content's name>           a file's bytes
//	<cache>/models--org--name/blobs/<content's name>.incomplete
//	<cache>/models--org--name/snapshots/<commit>/<file>        a relative link to the blob
//	<cache>/models--org--name/refs/<branch>                    the commit
//	<cache>/.locks/models--org--name/<content's name>.lock     held while the blob is fetched
type repository struct{ dir, locks string }

func repositoryOf(cache, id string) repository {
	name := "models--" + strings.ReplaceAll(id, "/", "--")
	return repository{dir: filepath.Join(cache, name), locks: filepath.Join(cache, ".locks", name)}
}

func (r repository) blob(f File) string { return filepath.Join(r.dir, "blobs", f.Blob) }

func (r repository) incomplete(f File) string { return r.blob(f) + ".incomplete" }

func (r repository) lock(f File) string { return filepath.Join(r.locks, f.Blob+".lock") }

func (r repository) snapshots() string { return filepath.Join(r.dir, "snapshots") }

func (r repository) snapshot(commit string) string { return filepath.Join(r.snapshots(), commit) }

// pointer is where the commit has the file.
func (r repository) pointer(commit string, f File) string {
	return filepath.Join(r.snapshot(commit), filepath.FromSlash(f.Name))
}

// make makes the folders. The snapshot's comes before anything is in it: other tools take a repository without any for
// a broken one.
func (r repository) make(commit string) error {
	for _, dir := range []string{filepath.Join(r.dir, "blobs"), r.snapshot(commit), r.locks} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return systemError(err)
		}
	}
	return nil
}

// holds reports whether the whole file is there, as a blob or, on systems without links, in the snapshot itself.
func (r repository) holds(commit string, f File) bool {
	return isFile(r.blob(f), f.Size) || isCopy(r.pointer(commit, f), f.Size)
}

func isFile(path string, size int64) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// isCopy reports whether path is a file of that size, and not a link to one.
func isCopy(path string, size int64) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// begun is how much of the file is there.
func (r repository) begun(commit string, f File) int64 {
	if r.holds(commit, f) {
		return f.Size
	}
	info, err := os.Stat(r.incomplete(f))
	if err != nil || info.Size() > f.Size {
		return 0
	}
	return info.Size()
}

// link puts the file into the snapshot. Another process may be doing the same.
func (r repository) link(commit string, f File) error {
	pointer := r.pointer(commit, f)
	target, err := filepath.Rel(filepath.Dir(pointer), r.blob(f))
	if err != nil {
		return systemError(err)
	}
	if err := os.MkdirAll(filepath.Dir(pointer), 0o777); err != nil {
		return systemError(err)
	}
	for range 2 {
		err = os.Symlink(target, pointer)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
		if old, _ := os.Readlink(pointer); old == target || isCopy(pointer, f.Size) {
			return nil
		}
		if err := os.Remove(pointer); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return systemError(err)
		}
	}
	return systemError(err)
}

// sweep deletes what is begun of a file that is there: Python's newer versions fetch anew what others began.
func (r repository) sweep(f File) error {
	if _, err := os.Lstat(r.incomplete(f)); err != nil {
		return nil
	}
	unlock, err := tryLock(r.lock(f))
	if err != nil || unlock == nil {
		return err
	}
	defer unlock()
	if err := os.Remove(r.incomplete(f)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return systemError(err)
	}
	return nil
}

// point lets a branch or tag point to the commit.
func (r repository) point(revision, commit string) error {
	if revision == commit {
		return nil
	}
	path := filepath.Join(r.dir, "refs", filepath.FromSlash(revision))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return systemError(err)
	}
	return atomicfile.WriteFile(path, []byte(commit))
}
