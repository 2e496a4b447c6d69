package userdata

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"ttsui/internal/atomicfile"
	"ttsui/internal/tts"
)

// Documents are the small files that the window keeps in one folder, for nobody but the user to read.
type Documents struct{ Dir string }

// Read gives a document, or an error that is fs.ErrNotExist when there is none.
func (d Documents) Read(name string) ([]byte, error) { return os.ReadFile(filepath.Join(d.Dir, name)) }

// Write replaces a document whole, or leaves the old one.
func (d Documents) Write(name string, data []byte) error {
	if err := os.MkdirAll(d.Dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of %s: %w", name, err)
	}
	return atomicfile.WritePrivate(filepath.Join(d.Dir, name), func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Results gives names to results, each name once. Home is TTSUI's own folder. New may be called from any goroutine.
type Results struct {
	Home string

	mu     sync.Mutex
	second string          // that the names below were given in
	given  map[string]bool // to results that may not be there yet
}

// New is a path for a result of a mode, at which nothing stands and which nobody got before: in <mode>/generated below
// Home, or in <mode> below folder when the user has chosen one. Results are named by the time in UTC, as their users
// know them; those of the same second are numbered.
func (r *Results) New(folder string, mode tts.Mode, now time.Time) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	dir := filepath.Join(folder, string(mode))
	if folder == "" {
		dir = filepath.Join(r.Home, string(mode), "generated")
	}
	name := strings.ReplaceAll(now.UTC().Format(time.RFC3339), ":", "-")
	if name != r.second {
		r.second, r.given = name, map[string]bool{}
	}
	path := filepath.Join(dir, name+".wav")
	for n := 2; ; n++ {
		_, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) && !r.given[path] {
			r.given[path] = true
			return path, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", tts.Errorf(tts.CodeDenied, "Choose another output folder in the settings.", "find a place for the result: %w", err)
		}
		path = filepath.Join(dir, fmt.Sprintf("%s-%d.wav", name, n))
	}
}

// Copy copies a file. The copy is complete or absent, and replaces what stood there.
func Copy(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return tts.Errorf(tts.CodeNotFound, "Generate it again.", "%w", err)
	}
	defer in.Close()
	out, err := atomicfile.Create(to)
	if err != nil {
		return err
	}
	defer out.Abort()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Commit()
}
