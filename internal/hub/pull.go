package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/sync/errgroup"

	"ttsui/internal/tts"
)

// pull is one model on its way into the cache.
type pull struct {
	fetcher *Fetcher
	list    Listing
	repo    repository
	meter   *meter
}

// Pull brings a model's files into the cache and gives their folder. What is there already, of whichever origin, is not
// fetched again, and what was begun goes on where it stopped; so ending ctx is how to pause. See is told of the
// progress, from another goroutine.
func (f *Fetcher) Pull(ctx context.Context, id, revision string, see func(Progress)) (dir string, err error) {
	defer f.Transport.CloseIdleConnections()
	list, err := f.List(ctx, id, revision)
	if err != nil {
		return "", err
	}
	p := &pull{f, list, repositoryOf(f.Cache, id), newMeter(list.Files)}
	if err := p.prepare(); err != nil {
		return "", err
	}
	stop := p.meter.start(see)
	err = p.fetchAll(ctx)
	stop()
	if err != nil {
		return "", err
	}
	return p.repo.snapshot(list.Commit), p.repo.point(list.Revision, list.Commit)
}

// Ensure fetches model id unless all of it is on this machine, in which case nobody is asked or told. Else see is told
// at once, of zero bytes while their number is unknown. A folder of the user's is left as it is: whoever loads it says
// what it lacks.
func (f *Fetcher) Ensure(ctx context.Context, places Places, id string, see func(Progress)) error {
	l, err := places.Local(id)
	switch {
	case err == nil && (l.Whole() || !l.Cached):
		return nil
	case err != nil && tts.CodeOf(err) != tts.CodeNotFound:
		return err
	}
	if see != nil {
		see(Progress{Phase: Downloading})
	}
	_, err = f.Pull(ctx, id, "", see)
	return err
}

// prepare makes the folders, sees what is there, and whether the rest has room.
func (p *pull) prepare() error {
	if err := p.repo.make(p.list.Commit); err != nil {
		return err
	}
	need := p.list.Size()
	for i, file := range p.list.Files {
		begun := p.repo.begun(p.list.Commit, file)
		p.meter.set(i, begun)
		need -= begun
	}
	free, err := freeSpace(p.repo.dir)
	if err != nil {
		return err
	}
	if need > free {
		return tts.Errorf(tts.CodeDiskFull, "Free some space, or set HF_HOME to a folder on another disk.",
			"%s needs %s more on the disk of %s, where %s are free", p.list.ID, SizeText(need), p.repo.dir, SizeText(free))
	}
	return nil
}

// fetchAll fetches the files, several at a time. The model's config comes first, as it tells whether the rest is wanted,
// and gets into the snapshot last: by it a whole model is known.
func (p *pull) fetchAll(ctx context.Context) error {
	config := 0
	for i, file := range p.list.Files {
		if file.Name == configName {
			config = i
		}
	}
	if err := p.blob(ctx, config); err != nil {
		return err
	}
	if err := p.checkConfig(p.list.Files[config]); err != nil {
		return err
	}
	if err := p.repo.notePart(p.list); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(p.fetcher.Parallel, 1))
	for i, file := range p.list.Files {
		if i == config {
			continue
		}
		group.Go(func() error {
			if err := p.blob(ctx, i); err != nil {
				return err
			}
			return p.repo.link(p.list.Commit, file)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := p.repo.link(p.list.Commit, p.list.Files[config]); err != nil {
		return err
	}
	return p.repo.forgetPart()
}

// checkConfig refuses other models that happen to have files of the same names.
func (p *pull) checkConfig(file File) error {
	path := p.repo.blob(file)
	if !isFile(path, file.Size) {
		path = p.repo.pointer(p.list.Commit, file)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return systemError(err)
	}
	if kind := modelType(text); kind != modelKind {
		return fmt.Errorf("look for %s: %w", p.list.ID, errForeign(fmt.Sprintf("its model_type is %.100q", kind)))
	}
	return nil
}

// modelKind is the model_type of every Qwen3-TTS model.
const modelKind = "qwen3_tts"

// modelType reads a model's config.json.
func modelType(text []byte) string {
	var config struct {
		ModelType string `json:"model_type"`
	}
	_ = json.Unmarshal(text, &config) // what isn't a config has no type
	return config.ModelType
}

// blob sees to it that file i's blob is there. Of several processes one fetches it, the others wait.
func (p *pull) blob(ctx context.Context, i int) error {
	file := p.list.Files[i]
	if p.repo.holds(p.list.Commit, file) {
		return p.repo.sweep(file)
	}
	defer p.meter.enter(i, "")
	unlock, err := lockBlob(ctx, p.repo.lock(file), func() {
		p.meter.enter(i, Waiting)
		p.meter.reach(i, p.repo.begun(p.list.Commit, file))
	})
	if err != nil {
		return err
	}
	defer unlock()
	if p.repo.holds(p.list.Commit, file) {
		p.meter.reach(i, file.Size)
		return nil
	}
	t := transfer{fetcher: p.fetcher, list: p.list, file: file, path: p.repo.incomplete(file), meter: p.meter, index: i}
	return t.run(ctx)
}

// SizeText is a size as people read it, in decimal units as disks and networks have them: "1.83 GB".
func SizeText(bytes int64) string {
	units := []string{"kB", "MB", "GB", "TB"}
	size, unit := float64(bytes), "B"
	for _, next := range units {
		if size < 999.5 {
			break
		}
		size, unit = size/1000, next
	}
	if unit == "B" || unit == "kB" {
		return fmt.Sprintf("%.0f %s", size, unit)
	}
	return fmt.Sprintf("%.3g %s", size, unit)
}
