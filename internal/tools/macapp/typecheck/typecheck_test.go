package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDarwinkit holds the tool to what it is for: it sees darwinkit's calls as a Mac's compiler would.
func TestDarwinkit(t *testing.T) {
	if out, err := exec.Command("go", "list", "-deps", "./testdata/right").CombinedOutput(); err != nil {
		t.Skipf("darwinkit is not here, and can't be fetched: %s", out)
	}
	for _, tt := range []struct {
		program string
		want    []string // what each problem says, in their order
	}{
		{"right", nil},
		{"wrong", []string{"SetTitel undefined", "cannot use 1", "cannot use foundation.Rect{}"}},
	} {
		t.Run(tt.program, func(t *testing.T) {
			problems, err := run([]string{"./testdata/" + tt.program}, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, problems, cmp.Comparer(contains)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// contains compares a problem with a part of what it says, whichever comes first.
func contains(a, b string) bool { return strings.Contains(a, b) || strings.Contains(b, a) }

// TestSources reads made-up packages: what is C's has no type, and everything else is checked.
func TestSources(t *testing.T) {
	for _, tt := range []struct {
		name string
		code string
		want []string
	}{
		{"a function of C may be anything", `package p
import "C"
func f() int { return int(C.anything(1, "two")) }`, nil},
		{"a type of C holds numbers", `package p
import "C"
type T C.t
const Zero T = C.ZERO
func f() T { return 0 }
var names = map[T]string{Zero: "zero"}`, nil},
		{"Go beside C is checked", `package p
import "C"
var s string = 1`, []string{"cannot use 1"}},
		{"a body is checked", `package p
func f() int { return "" }`, []string{`cannot use ""`}},
		{"a name that nobody declared", `package p
var x = y`, []string{"undefined: y"}},
		{"a library that isn't there", `package p
import "example.com/nowhere"
var x = nowhere.X`, []string{"was not listed"}},
		{"no Go", `package p; func {`, []string{"expected"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			problems := check([]pkg{{ImportPath: "p", Dir: t.TempDir(), GoFiles: []string{write(t, tt.code)}}})
			if diff := cmp.Diff(tt.want, problems, cmp.Comparer(contains)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRunFails shows that a pattern which names nothing isn't taken for packages without a problem.
func TestRunFails(t *testing.T) {
	if _, err := run([]string{"./testdata/nowhere"}, io.Discard); err == nil {
		t.Error("no error for a folder that doesn't exist")
	}
}

// write puts code into a file and gives its path.
func write(t *testing.T, code string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "p.go")
	if err := os.WriteFile(name, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
