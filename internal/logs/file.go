package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	fileName = "ttsui.log"
	fileSize = 5 << 20 // after which a file starts anew
	oldFiles = 4       // ttsui.log.1, the youngest, to ttsui.log.4
)

// file is a log file for a single process. It looks at the file system before every line, so that a file which was
// deleted or moved away comes again, and one that couldn't be written is tried again.
type file struct {
	path string
	open *os.File    // nil while there is none
	info fs.FileInfo // tells whether path still names what is open
}

// write appends text, whole or not at all.
func (f *file) write(text string) error {
	size, err := f.prepare(len(text))
	if err != nil {
		return err
	}
	n, err := f.open.WriteString(text)
	if err != nil && n > 0 {
		err = errors.Join(err, f.open.Truncate(size)) // the next line must not continue half of this one
	}
	return err
}

// prepare makes f.open the file at f.path, with room for n bytes more, and returns its size.
func (f *file) prepare(n int) (size int64, err error) {
	now, err := os.Stat(f.path)
	if f.open != nil && (err != nil || !os.SameFile(now, f.info)) {
		_ = f.close() // it is somebody else's file now
	}
	if err == nil && now.Size() > 0 && now.Size()+int64(n) > fileSize {
		if err := f.rotate(); err != nil {
			return 0, err
		}
	}
	if f.open == nil {
		if err := f.create(); err != nil {
			return 0, err
		}
		now = f.info
	}
	return now.Size(), nil
}

// create opens the file, which is nobody's business but the user's, and makes it if there is none.
func (f *file) create() error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return err
	}
	// Asked first, because opening a pipe would wait for its reader.
	if info, err := os.Stat(f.path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", f.path)
	}
	opened, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := opened.Stat()
	if err != nil {
		return errors.Join(err, opened.Close())
	}
	f.open, f.info = opened, info
	return nil
}

// rotate moves the file out of the way, and each older one to the next number; the oldest is replaced.
func (f *file) rotate() error {
	_ = f.close()
	for i := oldFiles; i > 1; i-- {
		if err := os.Rename(f.old(i-1), f.old(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Rename(f.path, f.old(1))
}

func (f *file) old(i int) string { return fmt.Sprintf("%s.%d", f.path, i) }

func (f *file) close() error {
	if f.open == nil {
		return nil
	}
	err := f.open.Close()
	f.open, f.info = nil, nil
	return err
}
