package hub

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"ttsui/internal/atomicfile"
)

// partName is what a repository's folder has while a download is not at its end: what there is to fetch, so that it can
// be told how much of it is here although nobody can be asked. Other tools take no notice of it.
const partName = ".ttsui-download.json"

func (r repository) part() string { return filepath.Join(r.dir, partName) }

// notePart writes down what there is to fetch.
func (r repository) notePart(list Listing) error {
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(r.part(), text)
}

// forgetPart is for the end of the download.
func (r repository) forgetPart() error {
	if err := os.Remove(r.part()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return systemError(err)
	}
	return nil
}

// Part tells how much of a model is here whose download was stopped or failed: bytes of how many. There is no total
// when nothing of it is left, or all of it is here.
func (p Places) Part(id string) (done, total int64) {
	if p.Cache == "" {
		return 0, 0
	}
	repo := repositoryOf(p.Cache, id)
	text, err := os.ReadFile(repo.part())
	var list Listing
	if err != nil || json.Unmarshal(text, &list) != nil {
		return 0, 0
	}
	if l, err := p.Local(id); err == nil && (l.Whole() || !l.Cached) {
		return 0, 0
	}
	for _, f := range list.Files {
		done += repo.begun(list.Commit, f)
	}
	return done, list.Size()
}
