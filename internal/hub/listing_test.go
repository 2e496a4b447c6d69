package hub

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ttsui/internal/testkit/fakehub"
	"ttsui/internal/tts"
)

func TestList(t *testing.T) {
	hub, files := newHub(t, size)
	for name, bare := range map[string]bool{"as the hub": false, "as a poor mirror": true} {
		t.Run(name, func(t *testing.T) {
			hub.Bare = bare
			list, err := newTestFetcher(t, hub.URL).List(t.Context(), id, "")
			must(t, err)
			if list.Size() != total(files) || len(list.Files) != len(wanted(files)) || !isCommit(list.Commit) {
				t.Errorf("got %+v, want %d bytes in %d files", list, total(files), len(wanted(files)))
			}
			for _, file := range list.Files {
				if int64(len(files[file.Name])) != file.Size || len(file.Blob) != map[bool]int{true: 64, false: 40}[isWeights(filepath.Base(file.Name))] {
					t.Errorf("%+v has %d bytes", file, len(files[file.Name]))
				}
			}
		})
	}
}

func TestListRefuses(t *testing.T) {
	whole := fakehub.Model(100)
	without := func(name string) map[string][]byte {
		files := maps.Clone(whole)
		delete(files, name)
		return files
	}
	with := func(name, text string) map[string][]byte {
		files := maps.Clone(whole)
		files[name] = []byte(text)
		return files
	}
	cases := map[string]struct {
		files        map[string][]byte
		id, revision string
		code         tts.Code
		text         string
	}{
		"no config":         {without("config.json"), id, "", tts.CodeUnsupported, "not a Qwen3-TTS repository: it has no config.json"},
		"no weights":        {without("model.safetensors"), id, "", tts.CodeUnsupported, "has no model.safetensors"},
		"no codec":          {without("speech_tokenizer/model.safetensors"), id, "", tts.CodeUnsupported, "has no speech_tokenizer/model.safetensors"},
		"another model":     {with("config.json", `{"model_type": "llama"}`), id, "", tts.CodeUnsupported, `model_type is "llama"`},
		"no JSON":           {with("config.json", `<html>`), id, "", tts.CodeUnsupported, `model_type is ""`},
		"up":                {with("../x", ""), id, "", tts.CodeCorrupt, "outside its folder"},
		"up from below":     {with("a/../../x", ""), id, "", tts.CodeCorrupt, "outside its folder"},
		"absolute":          {with("/etc/x", ""), id, "", tts.CodeCorrupt, "outside its folder"},
		"as Windows has it": {with(`..\x`, ""), id, "", tts.CodeCorrupt, "outside its folder"},
		"unknown model":     {whole, "somebody/else", "", tts.CodeNotFound, "knows no such model"},
		"unknown revision":  {whole, id, "v2", tts.CodeNotFound, "404"},
		"bad id":            {whole, "a/b/c", "", tts.CodeInvalid, "not the name of a model"},
		"bad revision":      {whole, id, "../main", tts.CodeInvalid, "not a revision"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			hub := fakehub.Start(t)
			hub.Add(id, c.files)
			f := newTestFetcher(t, hub.URL)
			_, err := f.Pull(t.Context(), c.id, c.revision, nil)
			wantError(t, err, c.code, c.text)
			if names := fakehub.Names(hub.Requests()); names != "" && names != "config.json" {
				t.Errorf("fetched %s", names)
			}
		})
	}
}

func TestListSettings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Fetcher)
		code   tts.Code
		text   string
	}{
		"offline":      {func(f *Fetcher) { f.Offline = true }, tts.CodeUnreachable, "HF_HUB_OFFLINE"},
		"no cache":     {func(f *Fetcher) { f.Cache = "" }, tts.CodeInvalid, "no folder"},
		"no URL":       {func(f *Fetcher) { f.Endpoints = []string{"hub"} }, tts.CodeInvalid, `"hub" is not the URL`},
		"a wrong URL":  {func(f *Fetcher) { f.Endpoints = []string{"file:///x"} }, tts.CodeInvalid, "is not the URL"},
		"nobody there": {func(f *Fetcher) {}, tts.CodeUnreachable, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTestFetcher(t, "http://127.0.0.1:1")
			c.change(f)
			_, err := f.List(t.Context(), id, "")
			wantError(t, err, c.code, c.text)
		})
	}
}

// Servers that are no hub at all, or a hostile one.
func TestListForeignAnswers(t *testing.T) {
	const commit = "0123456789012345678901234567890123456789"
	for name, c := range map[string]struct{ body, text string }{
		"a login page":     {"<html>Please log in", "not one of a hub"},
		"a commit as path": {`{"sha": "../../x", "siblings": []}`, "not one of a hub"},
		"nothing in it":    {`{"sha": "` + commit + `"}`, "not a Qwen3-TTS repository"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(c.body)) }))
			defer server.Close()
			_, err := newTestFetcher(t, server.URL).List(t.Context(), id, "")
			if err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want %q in it", err, c.text)
			}
		})
	}
}

func TestNewFetcher(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "token"), []byte("hf_file\n"), 0o600))
	for name, c := range map[string]struct {
		env              map[string]string
		token, endpoints string
	}{
		"nothing":      {nil, "", DefaultEndpoint},
		"the token":    {map[string]string{"HF_TOKEN": " hf_env", "HF_HOME": dir}, "hf_env", DefaultEndpoint},
		"its file":     {map[string]string{"HF_HOME": dir}, "hf_file", DefaultEndpoint},
		"its own file": {map[string]string{"HF_TOKEN_PATH": filepath.Join(dir, "token")}, "hf_file", DefaultEndpoint},
		"not its file": {map[string]string{"HF_HOME": dir, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}, "", DefaultEndpoint},
		"mirrors":      {map[string]string{"HF_ENDPOINT": "http://a/", "TTSUI_MIRRORS": "http://b, http://c/,"}, "", "http://a http://b http://c"},
	} {
		t.Run(name, func(t *testing.T) {
			f := NewFetcher(func(key string) string { return c.env[key] })
			if f.Token != c.token || strings.Join(f.Endpoints, " ") != c.endpoints {
				t.Errorf("token %q, endpoints %q", f.Token, f.Endpoints)
			}
		})
	}
}
