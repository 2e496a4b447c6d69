//go:build darwin || gnustep

package darwinkit

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCures builds the probe with both cures and without either one, and runs it. A bug that shows itself no more
// without its cure has been mended by who made it, in Go or in darwinkit: then the cure can go.
func TestCures(t *testing.T) {
	for _, test := range []struct {
		name          string
		stack, narrow bool // the cures that the probe is built with
		spoiled       []string
	}{
		{"both cures", true, true, nil},
		{"no cure of the stack", false, true, []string{"stack"}},
		{"no cure of narrow results", true, false, []string{"narrow"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			program := build(t, test.stack, test.narrow)
			for _, bug := range []string{"stack", "narrow"} {
				want := slices.Contains(test.spoiled, bug)
				out, err := exec.Command(program, bug).CombinedOutput()
				switch {
				case want && err == nil:
					t.Errorf("%s: no bug without its cure: is it needed still?", bug)
				case !want && err != nil:
					t.Errorf("%s: %v\n%s", bug, err, out)
				}
				t.Logf("%s: %s", bug, firstLine(string(out)))
			}
		})
	}
}

// build makes the probe with the flags of this test's own build, but for the cures.
func build(t *testing.T, stack, narrow bool) string {
	t.Helper()
	include, err := filepath.Abs("include")
	if err != nil {
		t.Fatal(err)
	}
	cFlags, cure := goEnv(t, "CGO_CFLAGS"), "-I"+include
	if cured := strings.Contains(cFlags, cure); cured && !narrow {
		cFlags = strings.ReplaceAll(cFlags, cure, "")
	} else if !cured && narrow {
		cFlags += " " + cure
	}
	compilerFlags := "all="
	if stack {
		compilerFlags += "-d=variablemakethreshold=0"
	}
	program := filepath.Join(t.TempDir(), "probe")
	cmd := exec.Command("go", "build", "-gcflags="+compilerFlags, "-o", program, "./probe")
	cmd.Env = append(os.Environ(), "CGO_CFLAGS="+cFlags)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

// goEnv is a variable of Go's own environment: what is not set has a default.
func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// firstLine leaves out the stacks of a crash, and what the system notes before the answer.
func firstLine(out string) string {
	for line := range strings.SplitSeq(out, "\n") {
		if line != "" && !strings.Contains(line, "autorelease called without pool") {
			return line
		}
	}
	return "no output"
}
