// Package atomicfile writes files that are complete or absent, never half.
//
// The bytes go to a temporary file in the same folder. Commit brings them to the disk and renames the file to its
// name in one step, so that a reader, a crash or a power cut meets the old file or the new one. A process that is
// killed may leave the temporary file behind; TempPattern tells it from all others.
//
// The folder is opened once and held until the end. Whoever moves it or puts a link in its place meanwhile doesn't
// change where the file goes.
package atomicfile

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"ttsui/internal/tts"
)

// TempPattern matches the base names of temporary files, in the syntax of filepath.Match.
const TempPattern = ".ttsui-*.tmp"

var run = rand.Text()

// Run names this process: no other has the name, and all its temporary files have it in theirs.
func Run() string { return run }

// TempOf reports whether name is one that a temporary file of the process run has.
func TempOf(run, name string) bool {
	before, after, _ := strings.Cut(TempPattern, "*")
	return run != "" && strings.HasPrefix(name, before+run+"-") && strings.HasSuffix(name, after)
}

// File is a file in the making. It is an io.Writer, io.WriterAt and io.Seeker. The first failed write is kept and
// makes Commit fail too. A File is not safe for concurrent use.
type File struct {
	// Mode is what Commit gives the file, whatever the umask: 0644 unless the caller changes it.
	Mode fs.FileMode

	dir  *os.Root // the folder
	name string   // in it
	path string   // for messages
	temp *os.File // nil after Commit or Abort
	err  error    // of the first failed write
}

// Create starts a file that Commit will put at path. The folder must exist. The caller must end the File by Commit
// or Abort; deferring Abort is the simplest way, as it does nothing after Commit.
func Create(path string) (*File, error) {
	if path == "" || os.IsPathSeparator(path[len(path)-1]) {
		return nil, tts.Errorf(tts.CodeInvalid, "Give the name of a file.", "write %q: not a file name", path)
	}
	// The slash makes the system itself refuse what isn't a folder, rather than wait for the other end of a pipe.
	dir, err := os.OpenRoot(filepath.Dir(path) + string(filepath.Separator))
	if err != nil {
		return nil, explain(path, err)
	}
	defer dir.Close()
	return CreateIn(dir, filepath.Base(path))
}

// CreateIn is Create for a name below the folder root. Links that lead out of root are refused. The File doesn't
// need root to stay open.
func CreateIn(root *os.Root, name string) (*File, error) {
	f := &File{Mode: 0o644, name: filepath.Base(name), path: filepath.Join(root.Name(), name)}
	var err error
	if f.dir, err = root.OpenRoot(filepath.Dir(name)); err != nil {
		return nil, explain(f.path, err)
	}
	if err = f.checkTarget(); err == nil {
		err = f.openTemp()
	}
	if err != nil {
		f.dir.Close()
		return nil, err
	}
	return f, nil
}

// openTemp makes the temporary file, which nobody else can read or guess.
func (f *File) openTemp() error {
	before, after, _ := strings.Cut(TempPattern, "*")
	temp, err := f.dir.OpenFile(before+run+"-"+rand.Text()+after, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return explain(f.path, err)
	}
	f.temp = temp
	return nil
}

// WriteFile writes data to path: all of it, or path stays as it was.
func WriteFile(path string, data []byte) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}

// WritePrivate puts what fill writes at path, where only this user can read it: all of it, or path stays as it was.
func WritePrivate(path string, fill func(io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Abort()
	f.Mode = 0o600
	if err := fill(f); err != nil {
		return err
	}
	return f.Commit()
}

// Write appends p at the file's position.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.temp.Write(p)
	return n, f.keep(err)
}

// WriteAt writes p at offset off, for instance a header whose sizes are known only at the end.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.temp.WriteAt(p, off)
	return n, f.keep(err)
}

// Seek sets the position of the next Write.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	pos, err := f.temp.Seek(offset, whence)
	return pos, f.keep(err)
}

// Truncate cuts the file to size bytes, where the next Write goes on.
func (f *File) Truncate(size int64) error {
	if err := f.temp.Truncate(size); err != nil {
		return f.keep(err)
	}
	_, err := f.Seek(size, io.SeekStart)
	return err
}

// Rename has Commit put the file at another name in the same folder.
func (f *File) Rename(name string) error {
	if name != filepath.Base(name) {
		return tts.Errorf(tts.CodeInvalid, "Give the name of a file.", "write %q: not a file name", name)
	}
	f.name, f.path = name, filepath.Join(filepath.Dir(f.path), name)
	return nil
}

func (f *File) keep(err error) error {
	if err == nil {
		return nil
	}
	err = explain(f.path, err)
	if f.err == nil {
		f.err = err
	}
	return err
}

// Commit brings the file to the disk and to its name. When it fails, what stood at the name before is untouched and
// the temporary file is gone. It refuses to replace anything but a regular file.
func (f *File) Commit() error {
	if f.temp == nil {
		return explain(f.path, fs.ErrClosed)
	}
	defer f.Abort()
	if f.err != nil {
		return f.err
	}
	if err := f.flush(); err != nil {
		return explain(f.path, err)
	}
	if err := f.checkTarget(); err != nil {
		return err
	}
	if err := f.dir.Rename(filepath.Base(f.temp.Name()), f.name); err != nil {
		return explain(f.path, err)
	}
	f.temp = nil
	defer f.dir.Close()
	if err := syncDir(f.dir); err != nil {
		return explain(f.path, err)
	}
	return nil
}

// flush leaves the temporary file closed, with its final mode and all bytes on the disk.
func (f *File) flush() error {
	if err := f.temp.Chmod(f.Mode); err != nil {
		return err
	}
	if err := f.temp.Sync(); err != nil {
		return err
	}
	return f.temp.Close()
}

// Abort throws the temporary file away. It may be called at any time, also more than once and after Commit.
func (f *File) Abort() {
	if f.temp == nil {
		return
	}
	_ = f.temp.Close() // flush may have closed it; the bytes are not wanted any more
	_ = f.dir.Remove(filepath.Base(f.temp.Name()))
	_ = f.dir.Close()
	f.temp = nil
}

// checkTarget refuses what a rename would wrongly replace: folders, devices, pipes, and links, which may lead out
// of the folder that the caller meant.
func (f *File) checkTarget() error {
	if f.name == ".." {
		return explain(f.path, syscall.EISDIR)
	}
	info, err := f.dir.Lstat(f.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return explain(f.path, err)
	case info.IsDir():
		return explain(f.path, syscall.EISDIR)
	case !info.Mode().IsRegular():
		return tts.Errorf(tts.CodeInvalid, "Choose another name.", "write %s: there is something that is not a regular file", f.path)
	}
	return nil
}

// syncDir makes a rename in dir durable. Some file systems can't sync a folder: then the file stands all the same,
// and nothing better can be done.
func syncDir(dir *os.Root) error {
	d, err := dir.Open(".")
	if err != nil {
		return nil
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// explain turns what the system said about path into an error for users.
func explain(path string, err error) error {
	// The path in such an error is the temporary file's, which means nothing to a user.
	var onPath *fs.PathError
	var onLink *os.LinkError
	if errors.As(err, &onPath) {
		err = onPath.Err
	} else if errors.As(err, &onLink) {
		err = onLink.Err
	}
	code, hint := tts.CodeInternal, ""
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		code, hint = tts.CodeDiskFull, "Free some space or choose another folder."
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		code, hint = tts.CodeDenied, "Choose a folder that you may write to."
	case errors.Is(err, fs.ErrNotExist):
		code, hint = tts.CodeNotFound, "Make the folder first, or choose another one."
	case errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ENOTDIR),
		errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.EINVAL):
		code, hint = tts.CodeInvalid, "Choose another file name."
	}
	return tts.Errorf(code, hint, "write %s: %w", path, err)
}
