// Package voices keeps the user's saved voices: reference clips with names and transcripts, in the folder and the
// format of the app whose users TTSUI takes over.
//
// In the folder lies speakers.json, an array of
//
//	{"id": "<UUID>", "name": "Anna", "audioFileName": "speaker_1a2b3c4d_anna.flac", "textReference": "What she says."}
//
// and beside it speakers/audio with the clips, and speakers/prompts with what models heard in them. What the file holds
// beyond that is kept as it is.
//
// No voice is ever lost. A change writes new files first, then puts a whole new speakers.json in the place of the old
// one, and only then removes what nothing names any more; a process that is killed on the way leaves the old voice or the
// new one. Processes take turns by a lock. A speakers.json that can't be read is set aside, and whoever asked is told.
package voices

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"ttsui/internal/atomicfile"
	"ttsui/internal/audio"
	"ttsui/internal/tts"
)

// Store is the voices in the folder Dir, which is made when the first is saved. Its methods may be called from any
// goroutine.
type Store struct {
	Dir string

	step func() // told between one change of the disk and the next, for tests that end there; nil elsewhere
}

func (s *Store) stepped() {
	if s.step != nil {
		s.step()
	}
}

// Files in the folder.
const (
	listName   = "speakers.json"
	lockName   = ".speakers.lock"
	audioDir   = "speakers/audio"
	promptsDir = "speakers/prompts"
)

var _ tts.Voices = (*Store)(nil)

// Voices implements tts.Voices.
func (s *Store) Voices(ctx context.Context) ([]tts.Voice, error) {
	all, err := s.read()
	if errors.As(err, new(*brokenError)) {
		all, err = s.readLocked(ctx)
	}
	if err != nil {
		return nil, err
	}
	voices := []tts.Voice{}
	for _, e := range all {
		if e.known() {
			voices = append(voices, s.voice(e))
		}
	}
	return voices, nil
}

// readLocked reads a broken list once more, when nobody changes it.
func (s *Store) readLocked(ctx context.Context) (all []entry, err error) {
	err = s.change(ctx, func(now []entry) ([]entry, error) {
		all = now
		return nil, nil
	})
	return all, err
}

func (s *Store) voice(e entry) tts.Voice {
	path := s.audioPath(e.Audio)
	_, err := os.Stat(path)
	return tts.Voice{ID: e.ID, Name: e.Name, RefText: e.Text, AudioPath: path, Missing: err != nil || !plain(e.Audio)}
}

func (s *Store) audioPath(name string) string {
	return filepath.Join(s.Dir, audioDir, filepath.Base(name))
}

// plain reports whether name is that of a file in a folder, and no way out of it.
func plain(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00")
}

// Voice implements tts.Voices.
func (s *Store) Voice(ctx context.Context, voice string) (tts.Voice, error) {
	all, err := s.Voices(ctx)
	if err != nil {
		return tts.Voice{}, err
	}
	i, err := find(voice, len(all), func(i int) (id, name string) { return all[i].ID, all[i].Name })
	if err != nil {
		return tts.Voice{}, err
	}
	return all[i], nil
}

// find gives the place of the one voice among n that goes by the word: by its id, or by its name, in the same case
// rather than in another.
func find(word string, n int, get func(i int) (id, name string)) (int, error) {
	word = strings.TrimSpace(word)
	if word == "" {
		return 0, tts.Errorf(tts.CodeInvalid, "Name the voice, or give its id.", "no voice is named")
	}
	for _, is := range []func(id, name string) bool{
		func(id, _ string) bool { return strings.EqualFold(id, word) },
		func(_, name string) bool { return name == word },
		func(_, name string) bool { return strings.EqualFold(name, word) },
	} {
		var found []int
		for i := range n {
			if id, name := get(i); is(id, name) {
				found = append(found, i)
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return 0, tts.Errorf(tts.CodeInvalid, "Use its id, or rename the others.", "%d voices are called %.100q", len(found), word)
		}
	}
	return 0, tts.Errorf(tts.CodeNotFound, "See GET /voices or ttsui voices list for those that there are.", "there is no voice %.100q", word)
}

// SaveVoice implements tts.Voices.
func (s *Store) SaveVoice(ctx context.Context, v tts.NewVoice) (tts.Voice, error) {
	if err := v.Validate(); err != nil {
		return tts.Voice{}, err
	}
	e := entry{ID: newID(), Name: v.Name, Text: v.RefText}
	err := s.withClip(ctx, &v.RefAudioPath, func(clip string) error {
		e.Audio = clip
		return s.change(ctx, func(all []entry) ([]entry, error) {
			return append(all, e), taken(all, e)
		})
	})
	if err != nil {
		return tts.Voice{}, err
	}
	return s.voice(e), nil
}

// ChangeVoice implements tts.Voices.
func (s *Store) ChangeVoice(ctx context.Context, voice string, c tts.VoiceChange) (tts.Voice, error) {
	if err := c.Validate(); err != nil {
		return tts.Voice{}, err
	}
	if _, err := s.Voice(ctx, voice); err != nil { // before a clip is copied for nothing
		return tts.Voice{}, err
	}
	var e entry
	err := s.withClip(ctx, c.RefAudioPath, func(clip string) error {
		var before entry
		err := s.change(ctx, func(all []entry) ([]entry, error) {
			i, err := findEntry(voice, all)
			if err != nil {
				return nil, err
			}
			e, before = all[i], all[i]
			if c.Name != nil {
				e.Name = *c.Name
			}
			if c.RefText != nil {
				e.Text = *c.RefText
			}
			e.Audio = cmp.Or(clip, e.Audio)
			all[i] = e
			return all, taken(all, e)
		})
		if err == nil && clip != "" {
			s.forget(before)
		}
		return err
	})
	if err != nil {
		return tts.Voice{}, err
	}
	return s.voice(e), nil
}

// DeleteVoice implements tts.Voices.
func (s *Store) DeleteVoice(ctx context.Context, voice string) (tts.Voice, error) {
	if _, err := s.Voice(ctx, voice); err != nil { // before anything is made for it
		return tts.Voice{}, err
	}
	var gone entry
	err := s.change(ctx, func(all []entry) ([]entry, error) {
		i, err := findEntry(voice, all)
		if err != nil {
			return nil, err
		}
		gone = all[i]
		return slices.Delete(all, i, i+1), nil
	})
	if err != nil {
		return tts.Voice{}, err
	}
	v := s.voice(gone)
	s.forget(gone)
	return v, nil
}

// findEntry is find among entries that are voices.
func findEntry(voice string, all []entry) (int, error) {
	return find(voice, len(all), func(i int) (id, name string) { return all[i].ID, all[i].Name })
}

// taken refuses the name of e when another voice has it.
func taken(all []entry, e entry) error {
	for _, other := range all {
		if other.ID != e.ID && other.known() && strings.EqualFold(other.Name, e.Name) {
			return tts.Errorf(tts.CodeInvalid, "Choose another name, or change that voice.", "there is a voice called %q already", other.Name)
		}
	}
	return nil
}

// forget removes the clip and the prompts of a voice as it was, unless another voice has the same clip. What can't be
// removed is in nobody's way.
func (s *Store) forget(e entry) {
	s.removePrompts(e.ID)
	all, err := s.read()
	shared := func(other entry) bool { return other.Audio == e.Audio }
	if err == nil && plain(e.Audio) && !slices.ContainsFunc(all, shared) {
		_ = os.Remove(s.audioPath(e.Audio))
	}
	s.stepped()
}

// withClip copies the clip at path, unless path is nil, and has use name the copy; when that fails the copy goes.
func (s *Store) withClip(ctx context.Context, path *string, use func(name string) error) error {
	if path == nil {
		return use("")
	}
	name, err := s.copyClip(ctx, *path)
	if err != nil {
		return err
	}
	s.stepped()
	if err := use(name); err != nil {
		_ = os.Remove(s.audioPath(name))
		return err
	}
	return nil
}

// copyClip copies a clip that can be a reference, and gives the name of the copy: its own, behind something that no other
// has, with the ending that it should have.
func (s *Store) copyClip(ctx context.Context, from string) (string, error) {
	if err := audio.CheckReference(from); err != nil {
		return "", err
	}
	ext, err := audio.Extension(from)
	if err != nil {
		return "", err
	}
	if err := s.makeFolders(); err != nil {
		return "", err
	}
	name := "speaker_" + strings.ToLower(newID()[:8]) + "_" + stem(from) + ext
	to := s.audioPath(name)
	if err := copyFile(from, to); err != nil {
		return "", err
	}
	s.stepped()
	if _, err := audio.ReadReference(ctx, to); err != nil { // the copy, which nobody changes any more
		_ = os.Remove(to)
		return "", err
	}
	return name, nil
}

// stem is the name of a file without its ending, as far as it can be part of another name.
func stem(path string) string {
	const most = 80 // bytes
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	for len(name) > most {
		runes := []rune(name)
		name = string(runes[:len(runes)-1])
	}
	return cmp.Or(name, "clip")
}

// copyFile copies a regular file to a new one that only this user can read.
func copyFile(from, to string) error {
	in, err := os.OpenFile(from, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe that took the name would make it wait
	if err != nil {
		return unreadable(from, err)
	}
	defer in.Close()
	if info, err := in.Stat(); err != nil || !info.Mode().IsRegular() {
		return tts.Errorf(tts.CodeInvalid, "Choose an audio file.", "%q is not a regular file", from)
	}
	return atomicfile.WritePrivate(to, func(f io.Writer) error {
		_, err := io.Copy(f, in)
		return err
	})
}

// makeFolders makes what is missing, and closes to others what was open to them: it holds people's voices.
func (s *Store) makeFolders() error {
	for _, dir := range []string{"speakers", audioDir, promptsDir} {
		path := filepath.Join(s.Dir, dir)
		if err := os.MkdirAll(path, 0o700); err != nil {
			return tts.Errorf(tts.CodeDenied, "Check the permissions of the folder.", "make the folder of voices: %w", err)
		}
		_ = os.Chmod(path, 0o700) // on some file systems there is nothing to close
	}
	return nil
}

// unreadable tells why a file can't be read.
func unreadable(path string, err error) error {
	code, hint := tts.CodeInternal, "Check the disk."
	switch {
	case errors.Is(err, fs.ErrNotExist):
		code, hint = tts.CodeNotFound, "Check the path."
	case errors.Is(err, fs.ErrPermission):
		code, hint = tts.CodeDenied, "Check the permissions of the file and its folder."
	}
	var onPath *fs.PathError
	if errors.As(err, &onPath) {
		err = onPath.Err
	}
	return tts.Errorf(code, hint, "read %s: %w", path, err)
}
