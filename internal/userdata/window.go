package userdata

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
	f, err := atomicfile.Create(filepath.Join(d.Dir, name))
	if err != nil {
		return err
	}
	defer f.Abort()
	f.Mode = 0o600
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}

// NewResult is a path for a result of a mode, at which nothing stands: in <mode>/generated below home, TTSUI's own
// folder, or in <mode> below folder when the user has chosen one. Results are named by the time in UTC, as their users
// know them; those of the same second are numbered.
func NewResult(home, folder string, mode tts.Mode, now time.Time) (string, error) {
	dir := filepath.Join(folder, string(mode))
	if folder == "" {
		dir = filepath.Join(home, string(mode), "generated")
	}
	name := strings.ReplaceAll(now.UTC().Format(time.RFC3339), ":", "-")
	path := filepath.Join(dir, name+".wav")
	for n := 2; ; n++ {
		_, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
		if err != nil {
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
