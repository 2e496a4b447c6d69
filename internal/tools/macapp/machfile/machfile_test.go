package machfile

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// TestGoProgram reads a program that Go's own linker made for arm64 macOS. The variations that no linker makes are in
// the tests of package check.
func TestGoProgram(t *testing.T) {
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() { println(1) }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-o", program, source)
	cmd.Env = append(os.Environ(), "GOOS=darwin", "GOARCH=arm64", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	f, err := Open(program)
	if err != nil {
		t.Fatal(err)
	}
	const system = "/usr/lib/libSystem.B.dylib"
	if f.Platform != MacOS || f.MinOS.Major < 11 || !slices.Contains(f.Libraries, system) || len(f.RPaths) != 0 {
		t.Errorf("platform %d, macOS %v, libraries %q, rpaths %q", f.Platform, f.MinOS, f.Libraries, f.RPaths)
	}
	// Go's linker says only to the loader from which library, not in the table of symbols.
	if !slices.Contains(f.Imports, Import{"_pthread_create", ""}) {
		t.Errorf("no _pthread_create in %v", f.Imports)
	}
	if len(f.Signature) == 0 || len(f.Signed)+len(f.Signature) != len(f.Bytes) {
		t.Errorf("%d bytes and a signature of %d, in %d", len(f.Signed), len(f.Signature), len(f.Bytes))
	}
}

func TestOpenRefuses(t *testing.T) {
	name := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(name, []byte("#!/bin/sh\nexit 0\n# and some more, so that it isn't too short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{name, name + ".none"} {
		if _, err := Open(name); err == nil {
			t.Errorf("%s is opened", name)
		}
	}
}
