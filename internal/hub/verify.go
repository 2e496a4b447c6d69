package hub

import (
	"context"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"ttsui/internal/tts"
)

// Damage is a file that isn't as it should be.
type Damage struct {
	Name    string
	Problem string
	blob    string // that it links to; "" for none
}

// Verify reads all files of a model again and compares them with their checksums. In the cache a blob's name is its
// checksum; for a folder of the user's the hub is asked.
func (f *Fetcher) Verify(ctx context.Context, l Local, see func(Progress)) ([]Damage, error) {
	if l.Dir == "" {
		return nil, tts.Errorf(tts.CodeNotFound, "Fetch it with: ttsui models pull "+l.ID, "only a part of %s has been fetched", l.ID)
	}
	files, err := f.expected(ctx, l)
	if err != nil {
		return nil, err
	}
	var damages []Damage
	for _, name := range l.Missing {
		damages = append(damages, Damage{Name: name, Problem: "is missing"})
	}
	m := newMeter(files)
	stop := m.start(see)
	defer stop()
	for i, file := range files {
		m.enter(i, Verifying)
		problem, err := compare(ctx, filepath.Join(l.Dir, filepath.FromSlash(file.Name)), file, func(done int64) { m.reach(i, done) })
		if err != nil {
			return nil, err
		}
		if problem != "" {
			damages = append(damages, Damage{file.Name, problem, file.Blob})
		}
	}
	return damages, nil
}

// expected lists the files of a model that are there, with the checksums that they should have.
func (f *Fetcher) expected(ctx context.Context, l Local) ([]File, error) {
	var files []File
	for name, path := range neededIn(l.Dir) {
		info, err := os.Stat(path)
		if err != nil {
			continue // a link whose blob has gone is a missing file, and told as one
		}
		target, err := os.Readlink(path)
		if err != nil || !isBlob(filepath.Base(target)) {
			return f.expectedByHub(ctx, l)
		}
		files = append(files, File{Name: name, Size: info.Size(), Blob: filepath.Base(target)})
	}
	return files, nil
}

// expectedByHub is expected where nothing on this machine knows the checksums.
func (f *Fetcher) expectedByHub(ctx context.Context, l Local) ([]File, error) {
	defer f.Transport.CloseIdleConnections()
	list, err := f.List(ctx, l.ID, "")
	if err != nil {
		return nil, tts.Errorf(tts.CodeOf(err), tts.HintOf(err), "the checksums of %s are not known: %w", l.Dir, err)
	}
	there := neededIn(l.Dir)
	var files []File
	for _, file := range list.Files {
		if _, ok := there[file.Name]; ok {
			files = append(files, file)
		}
	}
	return files, nil
}

// neededIn maps the names of a model's files to their paths.
func neededIn(dir string) map[string]string {
	paths := map[string]string{}
	for _, folder := range []string{".", "speech_tokenizer"} {
		entries, _ := os.ReadDir(filepath.Join(dir, folder)) // what isn't there is told as missing
		for _, e := range entries {
			name := filepath.ToSlash(filepath.Join(folder, e.Name()))
			if isNeeded(name) {
				paths[name] = filepath.Join(dir, folder, e.Name())
			}
		}
	}
	return paths
}

// compare says what is wrong with a file's content, "" for nothing.
func compare(ctx context.Context, path string, file File, reach func(done int64)) (problem string, err error) {
	in, err := os.Open(path)
	if err != nil {
		return "", systemError(err)
	}
	defer in.Close()
	sum, done := newSum(file), int64(0)
	_, err = io.Copy(sum, reader{ctx, watched{in, func(n int) { done += int64(n); reach(done) }}})
	switch {
	case ctx.Err() != nil:
		return "", canceled(ctx)
	case err != nil:
		return "can't be read: " + err.Error(), nil
	case done != file.Size:
		return "has " + SizeText(done) + " instead of " + SizeText(file.Size), nil
	case hex.EncodeToString(sum.Sum(nil)) != file.Blob:
		return "has the wrong checksum", nil
	}
	return "", nil
}

// HintAnew says what to do about a damaged model that Repair doesn't touch.
func (l Local) HintAnew() string {
	return "Remove it with: ttsui models rm " + l.ID + " and fetch it again."
}

// Repair fetches the damaged files of a model again, those of the same commit.
func (f *Fetcher) Repair(ctx context.Context, l Local, damages []Damage, see func(Progress)) error {
	if !l.Cached {
		return tts.Errorf(tts.CodeUnsupported, l.HintAnew(),
			"%s is a folder of yours: its files are not replaced", l.Dir)
	}
	commit := filepath.Base(l.Dir)
	if _, err := f.List(ctx, l.ID, commit); err != nil {
		return err // before anything is deleted
	}
	repo := repositoryOf(f.Cache, l.ID)
	for _, d := range damages {
		if d.blob == "" {
			continue
		}
		if err := repo.discard(ctx, commit, File{Name: d.Name, Blob: d.blob}); err != nil {
			return err
		}
	}
	_, err := f.Pull(ctx, l.ID, commit, see)
	return err
}

// discard deletes a file's bytes, so that they are fetched again.
func (r repository) discard(ctx context.Context, commit string, f File) error {
	unlock, err := lockBlob(ctx, r.lock(f), func() {})
	if err != nil {
		return err
	}
	defer unlock()
	if info, err := os.Lstat(r.pointer(commit, f)); err == nil && info.Mode().IsRegular() { // no link: the bytes themselves
		return systemError(os.Remove(r.pointer(commit, f)))
	}
	return systemError(os.Remove(r.blob(f)))
}
