package logs_test

import (
	"bytes"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"ttsui/internal/logs"
)

// place is a log whose file is in dir.
type place struct {
	*logs.Log
	dir string
	out *bytes.Buffer
}

func openIn(t *testing.T, dir string) place {
	out := &bytes.Buffer{}
	l := logs.Open(logs.Config{Level: zerolog.DebugLevel, Out: out, Dir: dir, Now: fixed})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return place{l, dir, out}
}

func (p place) say(text string) { p.Logger.Info().Msg(text) }

// texts cuts the time off the lines of a log.
func texts(log string) []string {
	var list []string
	for line := range strings.Lines(log) {
		list = append(list, strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "2024-01-15 10:30:45,123 | "))
	}
	return list
}

func (p place) read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestFileIsPrivate(t *testing.T) {
	for _, umask := range []int{0, 0o077} {
		old := syscall.Umask(umask)
		p := openIn(t, filepath.Join(t.TempDir(), "ttsui", "logs"))
		p.say("hello")
		syscall.Umask(old)
		for path, want := range map[string]os.FileMode{filepath.Dir(p.dir): 0o700, p.dir: 0o700, filepath.Join(p.dir, "ttsui.log"): 0o600} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("umask %o: %s has %v, %v; want %v", umask, path, info.Mode(), err, want)
			}
		}
	}
}

func TestFileGoesOnAndStartsAnew(t *testing.T) {
	dir := t.TempDir()
	openIn(t, dir).say("an earlier run")
	p := openIn(t, dir)
	line := strings.Repeat("x", 64<<10)
	const lines = 450 // of 64 KiB: more than the five files hold together
	for range lines {
		p.say(line)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ttsui.log", "ttsui.log.1", "ttsui.log.2", "ttsui.log.3", "ttsui.log.4"}
	for i, name := range names {
		names[i] = filepath.Base(name)
		text := p.read(t, names[i])
		if len(text) > 5<<20 || i > 0 && len(text) < 5<<20-70<<10 || !strings.HasSuffix(text, "x\n") {
			t.Errorf("%s has %d bytes", names[i], len(text))
		}
	}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
	p.say("the end")
	if !strings.HasSuffix(p.read(t, "ttsui.log"), "the end\n") {
		t.Error("the newest line is not in ttsui.log")
	}
}

func TestFileKeepsEarlierRuns(t *testing.T) {
	dir := t.TempDir()
	openIn(t, dir).say("one")
	p := openIn(t, dir)
	p.say("two")
	if d := cmp.Diff([]string{"INFO | one", "INFO | two"}, texts(p.read(t, "ttsui.log"))); d != "" {
		t.Error(d)
	}
}

func TestFileComesAgain(t *testing.T) {
	p := openIn(t, filepath.Join(t.TempDir(), "logs"))
	p.say("one")
	if err := os.Rename(filepath.Join(p.dir, "ttsui.log"), filepath.Join(p.dir, "mine.log")); err != nil {
		t.Fatal(err)
	}
	p.say("two")
	if d := cmp.Diff([]string{"INFO | two"}, texts(p.read(t, "ttsui.log"))); d != "" {
		t.Error("moved away:", d)
	}
	if err := os.RemoveAll(p.dir); err != nil {
		t.Fatal(err)
	}
	p.say("three")
	if d := cmp.Diff([]string{"INFO | three"}, texts(p.read(t, "ttsui.log"))); d != "" {
		t.Error("deleted with its folder:", d)
	}
}

// TestFileFails: a file that can't be written costs no line elsewhere, is complained of once, and names the gap.
func TestFileFails(t *testing.T) {
	for _, c := range []struct {
		name     string
		obstacle func(path string) error
		says     string
	}{
		{"no folder", func(dir string) error { return os.WriteFile(dir, nil, 0o600) }, "not a directory"},
		{"a pipe", func(dir string) error {
			if err := os.Mkdir(dir, 0o700); err != nil {
				return err
			}
			return syscall.Mkfifo(filepath.Join(dir, "ttsui.log"), 0o600)
		}, "is not a regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := openIn(t, filepath.Join(t.TempDir(), "logs"))
			if err := c.obstacle(p.dir); err != nil {
				t.Fatal(err)
			}
			p.say("one")
			p.say("two")
			if err := os.RemoveAll(p.dir); err != nil {
				t.Fatal(err)
			}
			p.say("three")
			got := texts(p.out.String())
			if len(got) != 4 || !strings.HasPrefix(got[1], "WARNING | The log file misses lines: ") || !strings.HasSuffix(got[1], c.says) {
				t.Fatalf("the log says %q", got)
			}
			if d := cmp.Diff([]string{"INFO | one", got[1], "INFO | two", "INFO | three"}, got); d != "" {
				t.Error(d)
			}
			if n := len(p.Ring.Newest(zerolog.DebugLevel, all).Entries); n != 4 {
				t.Errorf("the ring has %d entries", n)
			}
			want := []string{"WARNING | Missing here: 2 lines, which the file did not take", "INFO | three"}
			if d := cmp.Diff(want, texts(p.read(t, "ttsui.log"))); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestDiskFull: a line that fits in half leaves nothing of itself.
func TestDiskFull(t *testing.T) {
	var unlimited syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	p := openIn(t, t.TempDir())
	p.say("one")
	full := unlimited
	full.Cur = 100
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	p.say(strings.Repeat("x", 200))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
		t.Fatal(err)
	}
	p.say("three")
	want := []string{"INFO | one", "WARNING | Missing here: 1 lines, which the file did not take", "INFO | three"}
	if d := cmp.Diff(want, texts(p.read(t, "ttsui.log"))); d != "" {
		t.Error(d)
	}
	if got := texts(p.out.String()); len(got) != 4 || !strings.Contains(got[2], "file too large") {
		t.Errorf("the log says %q", got)
	}
}
