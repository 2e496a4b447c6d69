// Package userdata knows which folders are the user's to be written to, and keeps what clients ask for inside them.
package userdata

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode"

	"ttsui/internal/audio"
	"ttsui/internal/tts"
)

// ownFolder is TTSUI's in the home folder, and the one dot-folder there that results may go to.
const ownFolder = ".ttsui"

// Outputs are the folders that results may go to. An output path is a promise by a client that can be held to
// nothing but this: it ends in .wav, lies below one of the folders once all links are followed, and replaces no file
// but audio.
type Outputs struct {
	roots []root
	hint  string // names the roots
}

type root struct {
	path string // absolute, without links
	home bool   // its dot-folders are other programs' settings and secrets
}

// NewOutputs allows the home folder save its dot-folders, the system's folders for temporary files, and what else
// the user names. Of home and temps those that don't exist don't count; a folder of more has to be there.
func NewOutputs(home string, temps, more []string) (*Outputs, error) {
	o := &Outputs{}
	if home, err := filepath.EvalSymlinks(home); err == nil && filepath.IsAbs(home) && home != "/" { // some users live nowhere
		o.roots = append(o.roots, root{home, true})
	}
	for _, dir := range temps {
		if dir, err := filepath.EvalSymlinks(dir); err == nil && filepath.IsAbs(dir) {
			o.roots = append(o.roots, root{path: dir})
		}
	}
	for _, dir := range more {
		real, err := realFolder(dir)
		if err != nil {
			return nil, err
		}
		o.roots = append(o.roots, root{path: real})
	}
	o.hint = "Nothing may be written here; name a folder with ttsui serve --output-root."
	if list := o.names(); len(list) > 0 {
		o.hint = "Write below " + strings.Join(list, " or ") + ", or allow another folder with ttsui serve --output-root."
	}
	return o, nil
}

// realFolder is the absolute path of a folder, without links.
func realFolder(dir string) (string, error) {
	real, err := filepath.Abs(dir)
	if err == nil {
		real, err = filepath.EvalSymlinks(real)
	}
	if err == nil {
		var info fs.FileInfo
		if info, err = os.Stat(real); err == nil && !info.IsDir() {
			err = syscall.ENOTDIR
		}
	}
	if err != nil {
		return "", tts.Errorf(tts.CodeInvalid, "Name a folder that is there.", "output root %q: %w", dir, cause(err))
	}
	return real, nil
}

// names lists the roots for people, each once.
func (o *Outputs) names() []string {
	var list []string
	for _, r := range o.roots {
		name := r.path
		if r.home {
			name += " (of its hidden folders only " + ownFolder + ")"
		}
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// Check tells whether CreateWAV would take path now.
func (o *Outputs) Check(path string) error {
	dir, _, err := o.open(path)
	if err != nil {
		return err
	}
	return dir.Close()
}

// CreateWAV starts the WAV file that Commit will put at path, if that is allowed. Whatever happens to folders and
// links on the way after that, the file goes nowhere outside the root.
func (o *Outputs) CreateWAV(path string) (*audio.WAVFile, error) {
	dir, name, err := o.open(path)
	if err != nil {
		return nil, err
	}
	return audio.CreateWAVIn(dir, name)
}

// open opens the root that path lies below, and gives the rest of path.
func (o *Outputs) open(path string) (*os.Root, string, error) {
	if err := checkName(path); err != nil {
		return nil, "", err
	}
	real, err := followLinks(path)
	if err != nil {
		return nil, "", err
	}
	for _, r := range o.roots {
		name, ok := r.holds(real)
		if !ok {
			continue
		}
		dir, err := os.OpenRoot(r.path)
		if err != nil {
			return nil, "", refused(path, err)
		}
		if err := checkReplace(dir, name, path); err != nil {
			dir.Close()
			return nil, "", err
		}
		return dir, name, nil
	}
	return nil, "", tts.Errorf(tts.CodeDenied, o.hint, "output_path %.200q is outside the folders that may be written to", path)
}

// holds tells whether path, which has no links, is one that r allows, and gives its name below r.
func (r root) holds(path string) (string, bool) {
	name, err := filepath.Rel(r.path, path)
	if err != nil || !filepath.IsLocal(name) || name == "." {
		return "", false
	}
	if !r.home {
		return name, true
	}
	folders := strings.Split(filepath.Dir(name), "/")
	if strings.EqualFold(filepath.Join(folders[:min(3, len(folders))]...), ownFolder+"/clone/speakers") { // saved voices
		return name, false
	}
	if folders[0] == ownFolder || folders[0] == "." {
		folders = folders[1:]
	}
	hidden := func(folder string) bool { return strings.HasPrefix(folder, ".") }
	return name, !slices.ContainsFunc(folders, hidden)
}

// checkName refuses what no honest path looks like.
func checkName(path string) error {
	const mostPath, mostName = 1024, 255 // bytes: what macOS takes, and what file systems do
	parts := strings.Split(path, "/")
	switch {
	case len(path) > mostPath:
		return invalid("Choose a shorter path.", "output_path has %d bytes, the limit is %d", len(path), mostPath)
	case strings.ContainsFunc(path, unicode.IsControl):
		return invalid("Remove the control characters.", "output_path %.200q has control characters", path)
	case !filepath.IsAbs(path):
		return invalid("Send an absolute path.", "output_path %.200q is not an absolute path", path)
	case slices.Contains(parts, ".."):
		return invalid("Send the path without them.", "output_path %.200q has .. in it", path)
	case !strings.EqualFold(filepath.Ext(path), ".wav"):
		return invalid("Let output_path end in .wav.", "output_path %.200q is not a .wav file", path)
	}
	for _, part := range parts {
		if len(part) > mostName {
			return invalid("Choose shorter names.", "a name in output_path has %d bytes, the limit is %d", len(part), mostName)
		}
	}
	return nil
}

// followLinks gives path without links in its folders. The file itself and folders above it may be missing.
func followLinks(path string) (string, error) {
	dir, rest := filepath.Dir(path), filepath.Base(path)
	for {
		real, err := filepath.EvalSymlinks(dir)
		if err == nil {
			return filepath.Join(real, rest), nil
		}
		if _, errLink := os.Lstat(dir); errLink == nil || !errors.Is(err, fs.ErrNotExist) { // a link to nowhere, or worse
			return "", refused(path, err)
		}
		dir, rest = filepath.Dir(dir), filepath.Join(filepath.Base(dir), rest)
	}
}

// checkReplace refuses a name that something stands at which is neither audio nor empty.
func checkReplace(dir *os.Root, name, path string) error {
	const hint = "Choose another name."
	info, err := dir.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return refused(path, err)
	case info.IsDir():
		return invalid(hint, "output_path %.200q is a folder", path)
	case info.Mode().Type() == fs.ModeSymlink:
		return tts.Errorf(tts.CodeDenied, hint, "output_path %.200q is a link", path)
	case !info.Mode().IsRegular():
		return tts.Errorf(tts.CodeDenied, hint, "output_path %.200q is not a regular file", path)
	}
	// Without O_NONBLOCK the open would wait if a pipe took the name just now.
	f, err := dir.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return refused(path, err)
	}
	defer f.Close()
	if info.Size() > 0 && !audio.IsAudio(f, info.Size()) {
		return tts.Errorf(tts.CodeDenied, hint, "output_path %.200q is a file that is not audio, and would be lost", path)
	}
	return nil
}

// refused tells why the system would not let path be looked at.
func refused(path string, err error) error {
	code, hint := tts.CodeInvalid, "Check the folders of the path."
	if errors.Is(err, fs.ErrPermission) {
		code, hint = tts.CodeDenied, "Choose a folder that you may write to."
	}
	return tts.Errorf(code, hint, "output_path %.200q: %w", path, cause(err))
}

// cause is err without the path, which the caller names.
func cause(err error) error {
	var onPath *fs.PathError
	if errors.As(err, &onPath) {
		return onPath.Err
	}
	return err
}

func invalid(hint, format string, args ...any) error {
	return tts.Errorf(tts.CodeInvalid, hint, format, args...)
}
