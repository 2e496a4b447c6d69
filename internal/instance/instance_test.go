package instance_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"ttsui/internal/instance"
	"ttsui/internal/tts"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		runChild()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// serveHealth listens as a TTSUI does, or as another program when answer says so.
func serveHealth(t *testing.T, status int, answer string) (host string, port int) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	return split(t, s.Listener.Addr().String())
}

func split(t *testing.T, addr string) (string, int) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

const (
	healthy = `{"status":"healthy","timestamp":"2026-02-20T10:11:12.345678"}`
	locked  = `{"detail":"the header Authorization is missing","code":"denied","hint":"Send it."}`
)

// deadPID is a process that was.
func deadPID(t *testing.T) int {
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

func TestFind(t *testing.T) {
	host, port := serveHealth(t, 200, healthy)
	_, lockedPort := serveHealth(t, 401, locked)
	_, otherPort := serveHealth(t, 404, "not here")
	for _, c := range []struct {
		name   string
		record instance.Record
		found  bool
	}{
		{"alive", instance.Record{Host: host, Port: port, PID: os.Getpid()}, true},
		{"alive on all addresses", instance.Record{Host: "0.0.0.0", Port: port, PID: os.Getpid()}, true},
		{"alive with a token", instance.Record{Host: host, Port: lockedPort, PID: os.Getpid()}, true},
		{"dead", instance.Record{Host: host, Port: port, PID: deadPID(t)}, false},
		{"its number is another's now", instance.Record{Host: host, Port: otherPort, PID: os.Getpid()}, false},
		{"silent", instance.Record{Host: host, Port: 1, PID: os.Getpid()}, false},
		{"nonsense", instance.Record{Host: host, Port: -1, PID: -1}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "made", "when needed")
			c.record.Started = time.Date(2026, 2, 20, 10, 11, 12, 0, time.UTC)
			c.record.Version = "v1"
			if err := instance.Announce(t.Context(), dir, c.record); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(filepath.Join(dir, "server.json")); err != nil || info.Mode() != 0o600 {
				t.Error(info.Mode(), err)
			}
			got, found := instance.Find(t.Context(), dir)
			if found != c.found {
				t.Fatalf("found %v: %+v", found, got)
			}
			if d := cmp.Diff(c.record, got); found && d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFindReadsOnlyRecords(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "half": `{"host":"127.0.0.1","po`, "other": `[1,2]`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "server.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, ok := instance.Find(t.Context(), dir); ok {
			t.Errorf("%s: %+v", name, r)
		}
		if err := instance.Withdraw(dir, os.Getpid()); err != nil {
			t.Error(name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "server.json")); err != nil {
			t.Errorf("%s: a file that isn't ours was removed", name)
		}
	}
}

func TestTheFirstStaysAnnounced(t *testing.T) {
	dir := t.TempDir()
	host, port := serveHealth(t, 200, healthy)
	first := instance.Record{Host: host, Port: port, PID: os.Getppid()} // any process that lives
	if err := instance.Announce(t.Context(), dir, first); err != nil {
		t.Fatal(err)
	}
	second := instance.Record{Host: host, Port: port + 1, PID: os.Getpid()}
	err := instance.Announce(t.Context(), dir, second)
	if !errors.Is(err, instance.ErrRunning) || !strings.Contains(err.Error(), first.Addr()) {
		t.Errorf("the second announced itself: %v", err)
	}
	if err := instance.Withdraw(dir, second.PID); err != nil {
		t.Error(err)
	}
	if got, ok := instance.Find(t.Context(), dir); !ok || got != first {
		t.Errorf("then there is %+v", got)
	}
	if err := instance.Withdraw(dir, first.PID); err != nil {
		t.Error(err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("then there are %v", files)
	}
}

func TestTaken(t *testing.T) {
	dir := t.TempDir()
	host, port := serveHealth(t, 200, healthy)
	err := instance.Taken(t.Context(), dir, host, port)
	if !errors.Is(err, instance.ErrRunning) || tts.CodeOf(err) != tts.CodeBusy || !strings.Contains(tts.HintOf(err), fmt.Sprintf("http://%s:%d", host, port)) {
		t.Errorf("a TTSUI: %v (%s)", err, tts.HintOf(err))
	}
	if err := instance.Announce(t.Context(), dir, instance.Record{Host: host, Port: port, PID: os.Getpid(), Started: time.Now()}); err != nil {
		t.Fatal(err)
	}
	kill := fmt.Sprintf("kill %d", os.Getpid())
	if err := instance.Taken(t.Context(), dir, host, port); !strings.Contains(tts.HintOf(err), kill) {
		t.Errorf("an announced TTSUI: %v (%s), want %s", err, tts.HintOf(err), kill)
	}
	_, port = serveHealth(t, 404, "not here")
	err = instance.Taken(t.Context(), dir, host, port)
	want := fmt.Sprintf("(process %d)", os.Getpid())
	if errors.Is(err, instance.ErrRunning) || !strings.HasSuffix(err.Error(), want) || tts.HintOf(err) == "" {
		t.Errorf("another program: %v, want %s at the end", err, want)
	}
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	limit := time.Now()
	old, young := limit.Add(-time.Second), limit.Add(time.Second)
	files := map[string]time.Time{
		".ttsui-OLD.tmp":                 old,
		"clone/generated/.ttsui-OLD.tmp": old,
		"clone/.ttsui-YOUNG.tmp":         young,
		"models/org/.ttsui-OLD.tmp":      old,
		"clone/speech.wav":               old,
		"clone/notes.tmp":                old,
	}
	for name, changed := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	outside := filepath.Join(t.TempDir(), ".ttsui-OUTSIDE.tmp")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(outside, old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Dir(outside), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for name, changed := range map[string]time.Time{"uploads/.ttsui-OLD.tmp": old, "uploads/.ttsui-YOUNG.tmp": young} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		files[name+"/ref_audio"] = changed
		if err := os.WriteFile(filepath.Join(path, "ref_audio"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	n, err := instance.Sweep(dir, limit)
	if n != 3 || err != nil {
		t.Errorf("removed %d, %v", n, err)
	}
	for name := range files {
		_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		gone := slices.Contains([]string{".ttsui-OLD.tmp", "clone/generated/.ttsui-OLD.tmp", "uploads/.ttsui-OLD.tmp/ref_audio"}, name)
		if gone != errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error("swept outside:", err)
	}
	if n, err := instance.Sweep(filepath.Join(dir, "none"), limit); n != 0 || err != nil {
		t.Errorf("of a folder that isn't there: %d, %v", n, err)
	}
}
