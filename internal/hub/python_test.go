package hub

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ttsui/internal/testkit/fakehub"
	"ttsui/internal/tts"
)

// pythonEnv names the Python that has huggingface_hub, if it isn't the first in the path.
const pythonEnv = "TTSUI_PYTHON"

// python runs a script with the real huggingface_hub and gives what it prints. Without that there is nothing to compare
// with, and the test is skipped.
func python(t *testing.T, f *Fetcher, script string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath(cmp.Or(os.Getenv(pythonEnv), "python3"))
	if err != nil {
		t.Skip("there is no Python here")
	}
	if exec.Command(program, "-c", "import huggingface_hub").Run() != nil {
		if os.Getenv(pythonEnv) != "" {
			t.Fatalf("%s has no huggingface_hub", program)
		}
		t.Skip("Python has no huggingface_hub here")
	}
	cmd := exec.Command(program, append([]string{"-c", script}, args...)...)
	cmd.Env = append(os.Environ(), "HF_ENDPOINT="+f.Endpoints[0], "HF_HUB_CACHE="+f.Cache, "HF_HOME="+t.TempDir(),
		"HF_HUB_DISABLE_XET=1", "HF_HUB_DISABLE_TELEMETRY=1", "HF_HUB_DISABLE_PROGRESS_BARS=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	must(t, err)
	return strings.TrimSpace(string(out))
}

func TestPythonReadsOurs(t *testing.T) {
	hub, _ := newHub(t, size)
	f := newTestFetcher(t, hub.URL)
	dir, err := f.Pull(t.Context(), id, "", nil)
	must(t, err)
	asked := len(hub.Requests())
	const offline = `
import sys, huggingface_hub as h
print(h.snapshot_download(sys.argv[1], local_files_only=True))
print(h.hf_hub_download(sys.argv[1], "speech_tokenizer/model.safetensors", local_files_only=True))
cache = h.scan_cache_dir()
print(cache.warnings, [(r.repo_id, r.nb_files, list(r.refs)) for r in cache.repos])`
	want := strings.Join([]string{dir, filepath.Join(dir, "speech_tokenizer", "model.safetensors"), "[] [('" + id + "', 9, ['main'])]"}, "\n")
	if got := python(t, f, offline, id); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	const online = `
import sys, huggingface_hub as h
print(h.snapshot_download(sys.argv[1], ignore_patterns=["README.md", ".git*"]))`
	if got := python(t, f, online, id); got != dir || len(hub.Requests()) != asked {
		t.Errorf("got %s, want %s; fetched %d files again", got, dir, len(hub.Requests())-asked)
	}
	const remove = `
import sys, huggingface_hub as h
h.scan_cache_dir().delete_revisions(sys.argv[1]).execute()`
	python(t, f, remove, filepath.Base(dir))
	if found, err := (Places{Cache: f.Cache}).Find(id); err == nil {
		t.Errorf("found in %s after Python removed it", found)
	}
	if _, err := f.Pull(t.Context(), id, "", nil); err != nil {
		t.Errorf("fetched again: %v", err)
	}
}

func TestWeReadPythons(t *testing.T) {
	hub, files := newHub(t, size)
	f := newTestFetcher(t, hub.URL)
	const fetch = `
import sys, huggingface_hub as h
print(h.snapshot_download(sys.argv[1]))`
	theirs := python(t, f, fetch, id)
	asked := len(hub.Requests())
	dir, err := f.Pull(t.Context(), id, "", nil)
	must(t, err)
	if dir != theirs || len(hub.Requests()) != asked {
		t.Errorf("got %s, want %s; fetched %d files again", dir, theirs, len(hub.Requests())-asked)
	}
	p := Places{Cache: f.Cache}
	l, err := p.Local(id)
	must(t, err)
	if damages, err := f.Verify(t.Context(), l, nil); err != nil || len(damages) > 0 {
		t.Errorf("verify: %v, %v", damages, err)
	}
	freed, err := p.Remove(id, "")
	if err != nil || freed < sum(files) {
		t.Errorf("freed %d (%v), want at least %d", freed, err, sum(files))
	}
}

// What we began, Python ends, and leaves nothing behind that we wouldn't clear away.
func TestPythonEndsOurs(t *testing.T) {
	hub, files := newHub(t, size)
	f := newTestFetcher(t, hub.URL)
	hub.Break(func(r fakehub.Request) fakehub.Fault {
		if r.Name == weightsName {
			return fakehub.Fault{Cut: 50_000, Lie: int64(1-r.N) * 7} // it comes only once
		}
		return fakehub.Fault{}
	})
	_, err := f.Pull(t.Context(), id, "", nil)
	wantError(t, err, tts.CodeUnreachable, weightsName)
	hub.Break(nil)
	const fetch = `
import sys, huggingface_hub as h
print(h.snapshot_download(sys.argv[1], ignore_patterns=["README.md", ".git*"]))`
	wantModel(t, python(t, f, fetch, id), files)
	dir, err := f.Pull(t.Context(), id, "", nil)
	must(t, err)
	wantModel(t, dir, files)
	wantNoRest(t, f)
}

func TestPythonWaitsForOurLock(t *testing.T) {
	hub, _ := newHub(t, size)
	f := newTestFetcher(t, hub.URL)
	unlock, err := tryLock(filepath.Join(f.Cache, "a.lock"))
	must(t, err)
	const try = `
import sys, filelock
from huggingface_hub.utils import WeakFileLock
try:
    with WeakFileLock(sys.argv[1], timeout=0.2): print("locked")
except filelock.Timeout: print("waits")`
	if got := python(t, f, try, filepath.Join(f.Cache, "a.lock")); got != "waits" {
		t.Errorf("while we hold it: %s", got)
	}
	unlock()
	if got := python(t, f, try, filepath.Join(f.Cache, "a.lock")); got != "locked" {
		t.Errorf("afterwards: %s", got)
	}
}
