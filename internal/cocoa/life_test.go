//go:build gnustep

package cocoa

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/objc"
)

// asChild is set for a process of this test that is an application and runs no tests.
const asChild = "TTSUI_TEST_CHILD"

// child is an application that is never idle: views are used from the main queue and programs end all the time, each of
// which is a signal. It tells of its turning points.
func child() {
	run(life{
		launched: func(appkit.Application) {
			window := newWindow("child", func() {}, func() {})
			window.MakeKeyAndOrderFront(nil)
			go func() {
				for {
					onMain(func() { _, _, _ = window.IsVisible(), window.Frame(), window.Title() })
					time.Sleep(time.Millisecond)
				}
			}()
			go func() {
				for {
					exec.Command("true").Run()
				}
			}()
			fmt.Println("launched")
		},
		mayQuit: func() bool {
			fmt.Println("may quit")
			return true
		},
		quit: func() { fmt.Println("quit") },
	})
}

// TestSignalsQuit ends applications by signal, as a shell or the system does: they quit as by their menu.
func TestSignalsQuit(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGTERM} {
		t.Run(fmt.Sprint(signal), func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), asChild+"=1")
			var errors strings.Builder
			cmd.Stderr = &errors
			out, err := cmd.StdoutPipe()
			must(t, err)
			must(t, cmd.Start())
			defer cmd.Process.Kill()
			lines := bufio.NewScanner(out)
			if !lines.Scan() || lines.Text() != "launched" {
				t.Fatalf("%q instead of launched; stderr: %s", lines.Text(), errors.String())
			}
			time.Sleep(300 * time.Millisecond)
			must(t, cmd.Process.Signal(signal))
			rest, err := readWithin(out, lines, 10*time.Second)
			must(t, err)
			if err := cmd.Wait(); err != nil || rest != "quit" {
				t.Errorf("%v after %q; stderr: %s", err, rest, errors.String())
			}
		})
	}
}

// readWithin collects the lines until the pipe ends, which must be soon.
func readWithin(pipe io.Closer, lines *bufio.Scanner, patience time.Duration) (string, error) {
	alarm := time.AfterFunc(patience, func() { pipe.Close() })
	var all []string
	for lines.Scan() {
		all = append(all, lines.Text())
	}
	if !alarm.Stop() {
		return "", fmt.Errorf("still alive after %s, having said %q", patience, all)
	}
	return strings.Join(all, " "), nil
}

// TestMissingMethodIsTold asks GNUstep for what it lacks: nothing happens, which would stay unseen.
func TestMissingMethodIsTold(t *testing.T) {
	told := stderrOf(t, func() {
		onMainWait(func() {
			for range 2 {
				objc.Call[objc.Void](newLabel(""), objc.Sel("turnPurple:"), 7)
			}
		})
	})
	if want := "dkshim: missing -[NSTextField turnPurple:]\n"; told != want {
		t.Errorf("stderr has %q, want %q, once", told, want)
	}
}

// stderrOf is what the process writes to file descriptor 2, where C writes, while f runs.
func stderrOf(t *testing.T, f func()) string {
	t.Helper()
	read, write, err := os.Pipe()
	must(t, err)
	saved, err := syscall.Dup(2)
	must(t, err)
	must(t, syscall.Dup2(int(write.Fd()), 2))
	f()
	must(t, syscall.Dup2(saved, 2))
	must(t, syscall.Close(saved))
	must(t, write.Close())
	text, err := io.ReadAll(read)
	must(t, err)
	return string(text)
}
