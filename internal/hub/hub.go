// Package hub finds models on this machine and fetches those that aren't there.
//
// They lie in folders of the user's, or in the cache that Hugging Face's own tools keep, so that a model which any of
// them has fetched is not fetched again, by nobody. A Fetcher brings models from Hugging Face or a mirror into that
// cache. It goes on where it stopped after whatever went wrong: a lost connection, a killed program, a full disk. Each
// file is compared with its checksum as it comes, and a model is found only when it is whole.
package hub

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"ttsui/internal/tts"
)

// Places says where models may be.
type Places struct {
	Roots []string // folders that hold a model as <org>/<name>; the first with the model wins
	Cache string   // the Hugging Face cache, which is asked last; "" for none
}

// CacheDir gives the folder of the Hugging Face cache in the same way as Python's huggingface_hub, from the
// environment that getenv knows. It is "" when there is no home either.
func CacheDir(getenv func(string) string) string {
	if dir := getenv("HF_HUB_CACHE"); dir != "" {
		return dir
	}
	if home := homeOf(getenv); home != "" {
		return filepath.Join(home, "hub")
	}
	return ""
}

// homeOf is the folder of Hugging Face's own tools, which has the cache and the token in it.
func homeOf(getenv func(string) string) string {
	if home := getenv("HF_HOME"); home != "" {
		return home
	}
	if caches := getenv("XDG_CACHE_HOME"); caches != "" {
		return filepath.Join(caches, "huggingface")
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".cache", "huggingface")
	}
	return ""
}

// Find gives the folder with the files of model id: one that holds a config.json. Whether the rest is there and
// sound shows when the model is loaded.
func (p Places) Find(id string) (string, error) {
	if !tts.ValidModelID(id) {
		return "", tts.Errorf(tts.CodeInvalid, "Write it as org/name.", "%.100q is not the name of a model", id)
	}
	var looked []string
	for _, root := range p.Roots {
		dir := filepath.Join(root, filepath.FromSlash(id))
		if found, err := ifModel(dir); found != "" || err != nil {
			return found, err
		}
		looked = append(looked, described(dir, "there is no config.json in it"))
	}
	if p.Cache != "" {
		repo := filepath.Join(p.Cache, "models--"+strings.ReplaceAll(id, "/", "--"))
		if dir, err := findSnapshot(repo); dir != "" || err != nil {
			return dir, err
		}
		looked = append(looked, described(repo, "only a part of it has been fetched"))
	}
	return "", p.notFound(id, looked)
}

func (p Places) notFound(id string, looked []string) error {
	hint := "Fetch it with: ttsui models pull " + id
	if tts.IsLocal(id) {
		hint = "Make it with: ttsui models quantize, or ttsui models import"
	}
	if len(p.Roots) > 0 {
		hint += " (or put its files into " + filepath.Join(p.Roots[0], filepath.FromSlash(id)) + ")"
	}
	if len(looked) == 0 {
		return tts.Errorf(tts.CodeNotFound, hint, "model %s is not on this machine: no folder for models is set", id)
	}
	return tts.Errorf(tts.CodeNotFound, hint, "model %s is not on this machine: looked in %s", id, strings.Join(looked, ", "))
}

// findSnapshot gives the folder of a cached repository's commit: the one that main points to, or else the newest.
// Fetching by commit, or only in part, leaves no main. It gives "" when there is none with a config.json.
func findSnapshot(repo string) (string, error) {
	snapshots := filepath.Join(repo, "snapshots")
	entries, err := os.ReadDir(snapshots)
	if isAbsent(err) {
		return "", nil
	}
	if err != nil {
		return "", denied(err)
	}
	slices.SortStableFunc(entries, func(a, b os.DirEntry) int { return modTime(b).Compare(modTime(a)) })
	// A commit is looked for among the entries, not opened by name: a hostile ref can't lead anywhere else.
	text, err := os.ReadFile(filepath.Join(repo, "refs", "main"))
	if err != nil && !isAbsent(err) {
		return "", denied(err)
	}
	main := slices.IndexFunc(entries, func(e os.DirEntry) bool { return e.Name() == strings.TrimSpace(string(text)) })
	if main > 0 {
		entries = slices.Insert(entries, 0, entries[main])
	}
	for _, entry := range entries {
		if dir, err := ifModel(filepath.Join(snapshots, entry.Name())); dir != "" || err != nil {
			return dir, err
		}
	}
	return "", nil
}

// modTime is the beginning of time for a folder that has just gone.
func modTime(e os.DirEntry) time.Time {
	info, err := e.Info()
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// ifModel gives dir when it holds a model, else "".
func ifModel(dir string) (string, error) {
	info, err := os.Stat(filepath.Join(dir, "config.json"))
	switch {
	case isAbsent(err):
		return "", nil
	case err != nil:
		return "", denied(err)
	case !info.Mode().IsRegular():
		return "", nil
	}
	return dir, nil
}

// described names a folder that holds no model, and says why not when it is there.
func described(dir, why string) string {
	if _, err := os.Stat(dir); err != nil {
		return dir
	}
	return dir + " (" + why + ")"
}

// isAbsent is also true when a file stands where a folder should be.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

func denied(err error) error {
	return tts.Errorf(tts.CodeDenied, "Make the folder readable for you.", "look for the model: %w", err)
}
