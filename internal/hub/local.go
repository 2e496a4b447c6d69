package hub

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ttsui/internal/tts"
)

// Local is what this machine has of a model.
type Local struct {
	ID      string
	Dir     string   // the folder with its files; "" while none holds a config.json
	Cached  bool     // it lies in the cache, not in a folder of the user's
	Bytes   int64    // on the disk, those of an unfinished download among them
	Missing []string // files without which it can't be loaded
}

// Whole reports whether all files are there. Whether they are sound, Verify tells.
func (l Local) Whole() bool { return l.Dir != "" && len(l.Missing) == 0 }

// Size is how many bytes the model's files have, wherever they lie.
func (l Local) Size() int64 { return sizeOfAll(neededIn(l.Dir)) }

// Local tells what there is of model id. The error is of CodeNotFound when there is nothing.
func (p Places) Local(id string) (Local, error) {
	dir, err := p.Find(id)
	repo := repositoryOf(p.Cache, id)
	switch {
	case err == nil:
		l := Local{ID: id, Dir: dir, Missing: missingIn(dir), Cached: p.Cache != "" && within(repo.dir, dir)}
		l.Bytes = diskUse(dir)
		if l.Cached {
			l.Bytes = diskUse(repo.dir)
		}
		return l, nil
	case tts.CodeOf(err) == tts.CodeNotFound && p.Cache != "":
		if info, statErr := os.Stat(repo.dir); statErr == nil && info.IsDir() {
			return Local{ID: id, Cached: true, Bytes: diskUse(repo.dir), Missing: append(required(), weightsName)}, nil
		}
	}
	return Local{}, err
}

// Locals lists the Qwen3-TTS models on this machine in alphabetical order, whether TTSUI knows them by name or not.
// What can't be read is left out.
func (p Places) Locals() (list []Local) {
	for _, id := range p.IDs() {
		if l, err := p.Local(id); err == nil {
			list = append(list, l)
		}
	}
	return list
}

// IDs lists the names of what Locals lists, those of which a download has left a part among them. It reads folders and
// configurations, whatever the models' size.
func (p Places) IDs() (list []string) {
	var ids []string
	for _, root := range p.Roots {
		found, _ := filepath.Glob(filepath.Join(escapeGlob(root), "*", "*", configName)) // the pattern is right
		for _, path := range found {
			name := filepath.Dir(path)
			ids = append(ids, filepath.Base(filepath.Dir(name))+"/"+filepath.Base(name))
		}
	}
	if p.Cache != "" {
		found, _ := filepath.Glob(filepath.Join(escapeGlob(p.Cache), "models--*--*"))
		for _, path := range found {
			org, name, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), "models--"), "--")
			ids = append(ids, org+"/"+name)
		}
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if _, total := p.Part(id); total > 0 {
			list = append(list, id)
			continue
		}
		dir, err := p.Find(id)
		if err != nil {
			continue
		}
		if text, err := os.ReadFile(filepath.Join(dir, configName)); err == nil && modelType(text) == modelKind {
			list = append(list, id)
		}
	}
	return list
}

// escapeGlob makes a path stand for itself in a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// within reports whether path is dir or in it.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// missingIn lists the files that a model in dir lacks: those that every model has, and the weights.
func missingIn(dir string) []string {
	names := required()
	if shards := shardsIn(dir); len(shards) > 0 {
		names = append(names, shards...)
	} else {
		names = append(names, weightsName)
	}
	return missingOf(names, func(name string) bool {
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		return err == nil && info.Mode().IsRegular()
	})
}

// shardsIn lists the files that the index of the weights names, where there is one.
func shardsIn(dir string) []string {
	text, err := os.ReadFile(filepath.Join(dir, indexName))
	if err != nil {
		return nil
	}
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	_ = json.Unmarshal(text, &index) // whoever loads the model says what is wrong with it
	var shards []string
	for _, name := range index.WeightMap {
		if isWeights(name) && !slices.Contains(shards, name) {
			shards = append(shards, name)
		}
	}
	slices.Sort(shards)
	return shards
}

// diskUse adds the sizes of the files in dir. A link counts nothing: what it points to counts where it lies.
func diskUse(dir string) (bytes int64) {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // what can't be read can't be counted
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}
