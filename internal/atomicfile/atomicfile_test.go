package atomicfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ttsui/internal/tts"
)

// childEnv makes the test binary a writer that runs until it is killed.
const childEnv = "TTSUI_ATOMICFILE_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		writeForever(path)
	}
	os.Exit(m.Run())
}

func TestCommitWritesAndPatches(t *testing.T) {
	path := filepath.Join(t.TempDir(), "take.wav")
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Abort()
	write(t, f, "????data")
	if _, err := f.WriteAt([]byte("RI"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(2, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	write(t, f, "FF")
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("before Commit: %v, want not exist", err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	f.Abort()
	wantFolder(t, filepath.Dir(path), map[string]string{"take.wav": "RIFFdata"})
	if info, _ := os.Stat(path); info.Mode() != 0o644 {
		t.Errorf("mode %v, want 0644", info.Mode())
	}
	if err := f.Commit(); err == nil {
		t.Error("a second Commit succeeded")
	}
}

func TestModeWinsOverUmask(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "voice")
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Abort()
	f.Mode = 0o600
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
}

func TestAbortLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "take.wav")
	if err := WriteFile(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, f, "new")
	f.Abort()
	f.Abort()
	wantFolder(t, dir, map[string]string{"take.wav": "old"})
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "folder"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "plain"), nil, 0o644))
	must(t, os.Symlink("plain", filepath.Join(dir, "link")))
	must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	cases := []struct {
		name, path string
		code       tts.Code
	}{
		{"empty name", "", tts.CodeInvalid},
		{"folder", filepath.Join(dir, "folder"), tts.CodeInvalid},
		{"ends in a slash", filepath.Join(dir, "x") + "/", tts.CodeInvalid},
		{"link", filepath.Join(dir, "link"), tts.CodeInvalid},
		{"pipe", filepath.Join(dir, "pipe"), tts.CodeInvalid},
		{"NUL", filepath.Join(dir, "a\x00b"), tts.CodeInvalid},
		{"name too long", filepath.Join(dir, strings.Repeat("x", 300)), tts.CodeInvalid},
		{"file as folder", filepath.Join(dir, "plain", "x"), tts.CodeInvalid},
		{"missing folder", filepath.Join(dir, "absent", "x"), tts.CodeNotFound},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := WriteFile(c.path, []byte("x"))
			wantError(t, err, c.code)
		})
	}
}

func TestDenied(t *testing.T) {
	dir := t.TempDir()
	if os.Getuid() == 0 { // who may write everywhere except where nobody may
		dir = mount(t, "ro")
	} else {
		must(t, os.Chmod(dir, 0o555))
	}
	wantError(t, WriteFile(filepath.Join(dir, "x"), nil), tts.CodeDenied)
}

// A folder that took the name while the file was written must not be replaced, and nothing may be left.
func TestCommitChecksTheTargetAgain(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "take.wav")
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	must(t, os.Mkdir(path, 0o755))
	wantError(t, f.Commit(), tts.CodeInvalid)
	must(t, os.Remove(path))
	wantFolder(t, dir, nil)
}

// A link that takes the folder's place while the file is written doesn't draw the file elsewhere.
func TestFolderIsHeld(t *testing.T) {
	base := t.TempDir()
	dir, moved, elsewhere := filepath.Join(base, "dir"), filepath.Join(base, "moved"), filepath.Join(base, "elsewhere")
	must(t, os.Mkdir(dir, 0o755))
	must(t, os.Mkdir(elsewhere, 0o755))
	for _, end := range []func(*File) error{(*File).Commit, func(f *File) error { f.Abort(); return nil }} {
		f, err := Create(filepath.Join(dir, "take.wav"))
		must(t, err)
		write(t, f, "new")
		must(t, os.Rename(dir, moved))
		must(t, os.Symlink(elsewhere, dir))
		must(t, end(f))
		wantFolder(t, moved, map[string]string{"take.wav": "new"})
		wantFolder(t, elsewhere, nil)
		must(t, os.Remove(dir))
		must(t, os.Rename(moved, dir))
	}
}

func TestCreateIn(t *testing.T) {
	base := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(base, "root", "sub"), 0o755))
	must(t, os.Symlink("sub", filepath.Join(base, "root", "inner")))
	must(t, os.Symlink("..", filepath.Join(base, "root", "up")))
	root, err := os.OpenRoot(filepath.Join(base, "root"))
	must(t, err)
	defer root.Close()
	for name, ok := range map[string]bool{"a": true, "sub/b": true, "inner/c": true, "up/d": false, "../e": false, "..": false, "sub": false} {
		f, err := CreateIn(root, name)
		if (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			must(t, f.Commit())
		}
	}
	wantFolder(t, filepath.Join(base, "root", "sub"), map[string]string{"b": "", "c": ""})
	if got := names(t, base); len(got) != 1 {
		t.Errorf("outside: %q", got)
	}
}

// The disk gets full at each possible write in turn: the old file stays, nothing is left, and Commit fails even
// when the writer ignored the error.
func TestDiskFull(t *testing.T) {
	dir := mount(t, "size=64k")
	path := filepath.Join(dir, "take.wav")
	must(t, WriteFile(path, []byte("old")))
	page := bytes.Repeat([]byte("x"), 4096)
	failed := 0
	for pages := 1; pages <= 32; pages++ {
		f, err := Create(path)
		if err != nil {
			t.Fatal(err)
		}
		var first error
		for range pages {
			if _, err := f.Write(page); err != nil && first == nil {
				first = err
			}
		}
		if first == nil {
			f.Abort()
			continue
		}
		failed++
		wantError(t, first, tts.CodeDiskFull)
		wantError(t, f.Commit(), tts.CodeDiskFull)
		wantFolder(t, dir, map[string]string{"take.wav": "old"})
	}
	if failed == 0 || failed == 32 {
		t.Fatalf("%d of 32 sizes failed, want some", failed)
	}
}

// A writer that is killed at any moment leaves a whole file, old or new.
func TestKilledWriter(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "take.wav")
	for round := range 20 {
		killAfter(t, path, 1+rand.IntN(200))
		if data, err := os.ReadFile(path); err == nil {
			if len(data) != childSize || len(bytes.Trim(data, string(data[:1]))) != 0 {
				t.Fatalf("round %d: a file that is not whole: %d bytes", round, len(data))
			}
		} else if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		for _, name := range names(t, dir) {
			if ok, _ := filepath.Match(TempPattern, name); !ok && name != "take.wav" {
				t.Errorf("round %d: left %q", round, name)
			}
		}
	}
}

const childSize = 256 << 10

// writeForever replaces path again and again, by a file of one repeated letter, and prints a byte for each step.
func writeForever(path string) {
	for i := 0; ; i++ {
		f, err := Create(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		chunk := bytes.Repeat([]byte{'a' + byte(i%26)}, childSize/16)
		for range 16 {
			if _, err := f.Write(chunk); err != nil {
				os.Exit(1)
			}
			fmt.Print(".")
		}
		if err := f.Commit(); err != nil {
			os.Exit(1)
		}
		fmt.Print(".")
	}
}

func killAfter(t *testing.T, path string, steps int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	_, err = io.CopyN(io.Discard, bufio.NewReader(out), int64(steps))
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed: the error is the wanted one
	must(t, err)
}

// mount gives a file system of its own in memory.
func mount(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("may not mount a file system: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

// The folder goes away while the file is written: the rename itself fails.
func TestCommitWithoutFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	must(t, os.Mkdir(dir, 0o755))
	f, err := Create(filepath.Join(dir, "take.wav"))
	must(t, err)
	must(t, os.RemoveAll(dir))
	err = f.Commit()
	wantError(t, err, tts.CodeNotFound)
	if strings.Contains(err.Error(), ".ttsui-") {
		t.Errorf("the message names the temporary file: %v", err)
	}
}

func wantError(t *testing.T, err error, code tts.Code) {
	t.Helper()
	if tts.CodeOf(err) != code {
		t.Fatalf("got %v (%s), want code %s", err, tts.CodeOf(err), code)
	}
	if tts.HintOf(err) == "" {
		t.Errorf("%v: no hint", err)
	}
}

func wantFolder(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	got := names(t, dir)
	if len(got) != len(want) {
		t.Fatalf("folder holds %q, want %d files", got, len(want))
	}
	for name, text := range want {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(data) != text {
			t.Errorf("%s holds %q (%v), want %q", name, data, err, text)
		}
	}
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func write(t *testing.T, w io.Writer, s string) {
	t.Helper()
	_, err := io.WriteString(w, s)
	must(t, err)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
