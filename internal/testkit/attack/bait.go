package attack

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// outName is the one folder of a bait that results may go to.
const outName = "out"

// bait gives the files that an attack must not touch, and what they hold.
func bait(base string) map[string]string {
	out := filepath.Join(base, outName)
	return map[string]string{
		filepath.Join(base, "secret.wav"): "RIFF\x04\x00\x00\x00WAVE of somebody else",
		filepath.Join(out, "letter.wav"):  "a letter",
		filepath.Join(out, "notes.txt"):   "notes",
	}
}

// LayBait puts files into the empty folder base that an attacker would like to write to, and gives the folder that
// results may go to: it has a link out of it.
func LayBait(base string) (out string, err error) {
	out = filepath.Join(base, outName)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return "", err
	}
	for name, text := range bait(base) {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	return out, os.Symlink(base, filepath.Join(out, "up"))
}

// CheckBait says what has happened to the files that LayBait left, and what was written beside them.
func CheckBait(base string) error {
	var wrong []error
	files := bait(base)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if got, err := os.ReadFile(name); err != nil || string(got) != files[name] {
			wrong = append(wrong, fmt.Errorf("%s holds %q, %v", name, got, err))
		}
	}
	if list, err := os.ReadDir(base); err != nil || len(list) != 2 {
		wrong = append(wrong, fmt.Errorf("beside the output root: %v, %v", list, err))
	}
	return errors.Join(wrong...)
}
