package instance_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ttsui/internal/atomicfile"
	"ttsui/internal/instance"
)

// childEnv makes the test binary begin a file in each folder that it names, after the home, and wait for its death.
const childEnv = "TTSUI_INSTANCE_CHILD"

func runChild() {
	paths := filepath.SplitList(os.Getenv(childEnv))
	u := instance.NewUnfinished(paths[0])
	for _, folder := range paths[1:] {
		if err := u.Note(folder); err != nil {
			fmt.Println(err)
			return
		}
		if _, err := atomicfile.Create(filepath.Join(folder, "speech.wav")); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println("begun")
	_, _ = os.Stdin.Read(make([]byte, 1)) // until the parent ends
}

// begin starts a child that has a file in the making in each folder, and gives what kills it.
func begin(t *testing.T, home string, folders ...string) (kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(append([]string{home}, folders...), string(filepath.ListSeparator)))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		stdin.Close()
	}
	if line, _ := bufio.NewReader(stdout).ReadString('\n'); line != "begun\n" {
		kill()
		t.Fatalf("the child says %q", line)
	}
	return kill
}

// TestSweepUnfinished: of two processes that work in the same folder one is killed. What it had in the making goes, and
// nothing else.
func TestSweepUnfinished(t *testing.T) {
	home, music, films := t.TempDir(), t.TempDir(), t.TempDir()
	keep := []string{".ttsui-OTHER.tmp", ".ttsui-OTHER-HALF.tmp", "speech.wav", "notes.tmp"}
	for _, name := range keep {
		if err := os.WriteFile(filepath.Join(music, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sweep := func(want int) {
		t.Helper()
		if n, err := instance.SweepUnfinished(home); n != want || err != nil {
			t.Errorf("removed %d, want %d, %v", n, want, err)
		}
	}
	sweep(0) // nobody was here before
	first, second := begin(t, home, music, films), begin(t, home, music)
	defer second()
	sweep(0) // both are at work
	first()
	sweep(2)
	sweep(0)
	if left := names(t, music); len(left) != len(keep)+1 {
		t.Errorf("left are %q", left)
	}
	if left := names(t, films); len(left) != 0 {
		t.Errorf("left are %q", left)
	}
	second()
	if err := os.RemoveAll(films); err != nil { // that one's list doesn't name it
		t.Fatal(err)
	}
	sweep(1)
	if left := names(t, music); !slices.Equal(left, slices.Sorted(slices.Values(keep))) {
		t.Errorf("left are %q", left)
	}
	if left := names(t, filepath.Join(home, "unfinished")); len(left) != 0 {
		t.Errorf("left are the lists %q", left)
	}
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// TestUnfinishedIsOneList, private and as short as can be, which Close takes away.
func TestUnfinishedIsOneList(t *testing.T) {
	home := t.TempDir()
	u := instance.NewUnfinished(home)
	for _, folder := range []string{"/a", "/b\nc", "/a"} {
		if err := u.Note(folder); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(home, "unfinished", atomicfile.Run())
	if text, err := os.ReadFile(path); string(text) != `"/a"`+"\n"+`"/b\nc"`+"\n" || err != nil {
		t.Errorf("the list has %q, %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Error(info, err)
	}
	if err := u.Close(); err != nil {
		t.Error(err)
	}
	if left := names(t, filepath.Dir(path)); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
	if err := u.Note("/a"); err == nil {
		t.Error("a closed list takes more")
	}
}

// TestSweepUnfinishedReadsAnything: a list is a file like any other, and says what it likes.
func TestSweepUnfinishedReadsAnything(t *testing.T) {
	home, music := t.TempDir(), t.TempDir()
	half := filepath.Join(music, ".ttsui-DEAD-HALF.tmp")
	lists := filepath.Join(home, "unfinished")
	err := errors.Join(os.WriteFile(half, nil, 0o600), os.MkdirAll(filepath.Join(lists, "folder"), 0o700))
	for name, text := range map[string]string{
		"DEAD":  "nonsense\n\".\"\n7\n\n\"" + filepath.Join(music, "none") + "\"\n\"" + music + "\"\n\"" + music + "/cut o",
		"EMPTY": "",
	} {
		err = errors.Join(err, os.WriteFile(filepath.Join(lists, name), []byte(text), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	if n, err := instance.SweepUnfinished(home); n != 1 || err != nil {
		t.Errorf("removed %d, %v", n, err)
	}
	if left := names(t, lists); !slices.Equal(left, []string{"folder"}) {
		t.Errorf("left are %q", left)
	}
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half: %v", err)
	}
}
