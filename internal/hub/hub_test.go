package hub

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ttsui/internal/tts"
)

const (
	id   = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-bf16"
	repo = "cache/models--mlx-community--Qwen3-TTS-12Hz-0.6B-Base-bf16"
)

func TestFind(t *testing.T) {
	cases := map[string]struct {
		files map[string]string
		want  string
	}{
		"first root":                {map[string]string{"one/" + id + "/config.json": "{}", "two/" + id + "/config.json": "{}"}, "one/" + id},
		"second root":               {map[string]string{"one/" + id + "/README.md": "", "two/" + id + "/config.json": "{}"}, "two/" + id},
		"a root before the cache":   {map[string]string{"two/" + id + "/config.json": "{}", repo + "/snapshots/a/config.json": "{}"}, "two/" + id},
		"the commit of main":        {map[string]string{repo + "/refs/main": "a\n", repo + "/snapshots/a/config.json": "{}", repo + "/snapshots/b/config.json": "{}"}, repo + "/snapshots/a"},
		"the newest without main":   {map[string]string{repo + "/snapshots/a/config.json": "{}", repo + "/snapshots/b/config.json": "{}"}, repo + "/snapshots/b"},
		"a part only of main":       {map[string]string{repo + "/refs/main": "b", repo + "/snapshots/b/x": "", repo + "/snapshots/c/config.json": "{}"}, repo + "/snapshots/c"},
		"main has gone":             {map[string]string{repo + "/refs/main": "z", repo + "/snapshots/a/config.json": "{}"}, repo + "/snapshots/a"},
		"main leads out":            {map[string]string{repo + "/refs/main": "../../../two", "two/config.json": "{}", repo + "/snapshots/a/config.json": "{}"}, repo + "/snapshots/a"},
		"a file among snapshots":    {map[string]string{repo + "/snapshots/a": "", repo + "/snapshots/b/config.json": "{}"}, repo + "/snapshots/b"},
		"a file instead of a model": {map[string]string{"one/mlx-community": "", "two/" + id + "/config.json": "{}"}, "two/" + id},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, c.files)
			got, err := places(dir).Find(id)
			if want := filepath.Join(dir, c.want); err != nil || got != want {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		})
	}
}

// The cache keeps its files as links to blobs; a link whose blob has gone counts as no file.
func TestFindLinks(t *testing.T) {
	dir := tree(t, map[string]string{repo + "/blobs/1": "{}", repo + "/snapshots/a/x": ""})
	link := filepath.Join(dir, repo, "snapshots", "a", "config.json")
	must(t, os.Symlink("../../blobs/1", link))
	if got, err := places(dir).Find(id); err != nil || got != filepath.Dir(link) {
		t.Errorf("got %q, %v; want %q", got, err, filepath.Dir(link))
	}
	must(t, os.Remove(filepath.Join(dir, repo, "blobs", "1")))
	if got, err := places(dir).Find(id); got != "" || tts.CodeOf(err) != tts.CodeNotFound {
		t.Errorf("with a dead link: %q, %v", got, err)
	}
}

func TestFindNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "my models")
	_, err := places(dir).Find(id)
	if tts.CodeOf(err) != tts.CodeNotFound {
		t.Fatalf("got %v (%s)", err, tts.CodeOf(err))
	}
	for _, place := range []string{"one/" + id, "two/" + id, repo} {
		if !strings.Contains(err.Error(), filepath.Join(dir, place)) {
			t.Errorf("%q does not name %s", err, place)
		}
	}
	for _, want := range []string{"ttsui models pull " + id, filepath.Join(dir, "one", id)} {
		if hint := tts.HintOf(err); !strings.Contains(hint, want) {
			t.Errorf("the hint is %q, want %q in it", hint, want)
		}
	}
	_, err = Places{}.Find(id)
	if hint := tts.HintOf(err); tts.CodeOf(err) != tts.CodeNotFound || !strings.HasSuffix(hint, "ttsui models pull "+id) {
		t.Errorf("without places: %v, %q", err, hint)
	}
}

func TestFindInvalid(t *testing.T) {
	for _, bad := range []string{"", "a", "a/", "../b", "a/../b", "a/b/c", "/a/b", "a/b\x00", `a\b`} {
		dir, err := places(t.TempDir()).Find(bad)
		if dir != "" || tts.CodeOf(err) != tts.CodeInvalid || tts.HintOf(err) == "" {
			t.Errorf("%q: got %q, %v (%s)", bad, dir, err, tts.CodeOf(err))
		}
	}
}

func TestCacheDir(t *testing.T) {
	cases := map[string]struct {
		env  map[string]string
		want string
	}{
		"the cache itself": {map[string]string{"HF_HUB_CACHE": "/c", "HF_HOME": "/h", "HOME": "/u"}, "/c"},
		"its home":         {map[string]string{"HF_HOME": "/h", "XDG_CACHE_HOME": "/x", "HOME": "/u"}, "/h/hub"},
		"all caches":       {map[string]string{"XDG_CACHE_HOME": "/x", "HOME": "/u"}, "/x/huggingface/hub"},
		"the user's home":  {map[string]string{"HOME": "/u"}, "/u/.cache/huggingface/hub"},
		"nothing":          {nil, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := CacheDir(func(key string) string { return c.env[key] }); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func places(dir string) Places {
	return Places{Roots: []string{filepath.Join(dir, "one"), filepath.Join(dir, "two")}, Cache: filepath.Join(dir, "cache")}
}

// tree makes files; of two folders, the one whose name comes last is the newer.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o644))
	}
	for name := range files {
		folder := filepath.Dir(filepath.Join(dir, name))
		age := time.Duration('z'-filepath.Base(folder)[0]) * time.Hour
		must(t, os.Chtimes(folder, time.Time{}, time.Now().Add(-age)))
	}
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
