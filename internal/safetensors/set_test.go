package safetensors

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttsui/internal/tts"
)

// shard is a file with one byte for each name.
func shard(t *testing.T, names ...string) string {
	t.Helper()
	var tensors []Data
	for _, name := range names {
		tensors = append(tensors, RawData(name, U8, []int{1}, []byte{0}))
	}
	var b bytes.Buffer
	must(t, Write(&b, nil, tensors))
	return b.String()
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return dir
}

func TestOpenSet(t *testing.T) {
	const one, two = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
	cases := map[string]struct {
		files map[string]string
		want  map[string]string // tensor to file
	}{
		"single file": {
			map[string]string{singleName: shard(t, "a", "b")},
			map[string]string{"a": singleName, "b": singleName}},
		"single file with index": {
			map[string]string{singleName: shard(t, "a"), indexName: `{"metadata":{"total_size":1,"x":[{}]},"weight_map":{"a":"model.safetensors"}}`},
			map[string]string{"a": singleName}},
		"two files, an unlisted tensor, a file that is not part of it": {
			map[string]string{one: shard(t, "a"), two: shard(t, "b", "c"), singleName: "junk",
				indexName: `{"weight_map":{"b":"` + two + `","a":"` + one + `"}}`},
			map[string]string{"a": one, "b": two, "c": two}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := OpenSet(folder(t, c.files))
			must(t, err)
			got := make(map[string]string)
			for _, name := range s.Names() {
				f, tensor, ok := s.Lookup(name)
				if !ok || tensor.Name != name {
					t.Errorf("Lookup(%q) = %v, %v", name, tensor, ok)
				}
				got[name] = filepath.Base(f.Path)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if _, _, ok := s.Lookup("absent"); ok {
				t.Error("found a tensor that is not there")
			}
		})
	}
}

func TestOpenSetRefuses(t *testing.T) {
	index := func(file string) string { return `{"weight_map":{"a":"` + file + `"}}` }
	cases := map[string]struct {
		files map[string]string
		code  tts.Code
		want  string
	}{
		"empty folder":        {nil, tts.CodeNotFound, "neither"},
		"file that is absent": {map[string]string{indexName: index("x.safetensors")}, tts.CodeNotFound, "x.safetensors"},
		"tensor not in its file": {map[string]string{"x.safetensors": shard(t, "b"), indexName: index("x.safetensors")},
			tts.CodeCorrupt, `"a"`},
		"tensor in two files": {map[string]string{"x.safetensors": shard(t, "a"), "y.safetensors": shard(t, "b", "a"),
			indexName: `{"weight_map":{"a":"x.safetensors","b":"y.safetensors"}}`}, tts.CodeCorrupt, `"a": is also in x`},
		"corrupt file":       {map[string]string{singleName: "x"}, tts.CodeCorrupt, "too short"},
		"path up":            {map[string]string{indexName: index("../x.safetensors")}, tts.CodeCorrupt, "same folder"},
		"absolute path":      {map[string]string{indexName: index("/x.safetensors")}, tts.CodeCorrupt, "same folder"},
		"backslash":          {map[string]string{indexName: index(`..\\x.safetensors`)}, tts.CodeCorrupt, "same folder"},
		"other file":         {map[string]string{indexName: index("config.json")}, tts.CodeCorrupt, "same folder"},
		"empty name":         {map[string]string{indexName: index("")}, tts.CodeCorrupt, "same folder"},
		"no weight map":      {map[string]string{indexName: `{}`, singleName: shard(t, "a")}, tts.CodeCorrupt, "weight_map"},
		"map not an object":  {map[string]string{indexName: `{"weight_map":[]}`}, tts.CodeCorrupt, "want {"},
		"file not a string":  {map[string]string{indexName: `{"weight_map":{"a":1}}`}, tts.CodeCorrupt, "not a string"},
		"key twice":          {map[string]string{indexName: `{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}`}, tts.CodeCorrupt, "twice"},
		"two documents":      {map[string]string{indexName: index("x.safetensors") + `{}`}, tts.CodeCorrupt, "follows"},
		"index is not JSON":  {map[string]string{indexName: "<html>"}, tts.CodeCorrupt, indexName},
		"index is cut":       {map[string]string{indexName: `{"metadata":{`}, tts.CodeCorrupt, indexName},
		"index as a Git LFS": {map[string]string{indexName: "version https://git-lfs"}, tts.CodeCorrupt, indexName},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := OpenSet(folder(t, c.files))
			if s != nil || tts.CodeOf(err) != c.code || tts.HintOf(err) == "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v (%s), want %s with %q and a hint", s, err, tts.CodeOf(err), c.code, c.want)
			}
		})
	}
}

func TestOpenSetGolden(t *testing.T) {
	for _, dir := range []string{"base", "custom_voice", "voice_design", "custom_voice-4bit"} {
		s, err := OpenSet(filepath.Join(golden, "checkpoints", dir))
		must(t, err)
		if _, x, ok := s.Lookup("talker.model.text_embedding.weight"); !ok || x.DType != BF16 || len(x.Shape) != 2 {
			t.Errorf("%s: text embedding %v", dir, x)
		}
	}
}
