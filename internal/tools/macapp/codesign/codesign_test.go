package codesign

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ttsui/internal/tools/macapp/machfile"
)

// goProgram is a program for arm64 macOS that Go's own linker made and signed: it needs no tool of Apple's, and its
// signature is none of ours.
func goProgram(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() { println(1) }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "program")
	cmd := exec.Command("go", "build", "-o", program, source)
	cmd.Env = append(os.Environ(), "GOOS=darwin", "GOARCH=arm64", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// directoryOf opens a program and reads its signature.
func directoryOf(t *testing.T, name string) (*machfile.File, *Directory) {
	t.Helper()
	f, err := machfile.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Read(f.Signature)
	if err != nil {
		t.Fatal(err)
	}
	return f, d
}

// TestForeignSignature reads a signature that somebody else wrote, and puts ours in its place.
func TestForeignSignature(t *testing.T) {
	name := goProgram(t)
	f, d := directoryOf(t, name)
	if err := d.VerifyCode(f.Signed); err != nil || !d.AdHoc() {
		t.Fatalf("Go's signature: ad hoc %v, %v", d.AdHoc(), err)
	}

	info, resources := []byte("info"), []byte("resources")
	signed, err := Sign(f.Bytes, "org.example.app", info, resources)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, signed, 0o600); err != nil {
		t.Fatal(err)
	}
	f, d = directoryOf(t, name)
	if err := d.VerifyCode(f.Signed); err != nil {
		t.Error(err)
	}
	if err := d.VerifyBundle(info, resources); err != nil {
		t.Error(err)
	}
	if !d.AdHoc() || d.Identifier != "org.example.app" || len(d.Hash()) != 20 {
		t.Errorf("ad hoc %v, %q, hash %x", d.AdHoc(), d.Identifier, d.Hash())
	}
	if out, err := exec.Command("go", "version", name).CombinedOutput(); err != nil {
		t.Errorf("the signed program can't be read: %s", out)
	}
}

// TestChanges shows that each change is seen.
func TestChanges(t *testing.T) {
	f, _ := directoryOf(t, goProgram(t))
	info, resources := []byte("info"), []byte("resources")
	signed, err := Sign(f.Bytes, "x", info, resources)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Read(signed[len(f.Signed):])
	if err != nil {
		t.Fatal(err)
	}
	code := signed[:len(f.Signed)]
	for _, at := range []int{0, 1 << pageShift, len(code) - 1} {
		changed := bytes.Clone(code)
		changed[at] ^= 1
		if d.VerifyCode(changed) == nil {
			t.Errorf("a change at %d is not seen", at)
		}
	}
	if d.VerifyCode(code[:len(code)-1]) == nil || d.VerifyCode(append(bytes.Clone(code), 0)) == nil {
		t.Error("code of another length is taken")
	}
	if d.VerifyBundle([]byte("inf0"), resources) == nil || d.VerifyBundle(info, []byte("resource")) == nil {
		t.Error("other files of the bundle are taken")
	}
}

// TestReadRefuses hands over what is no signature.
func TestReadRefuses(t *testing.T) {
	good := signature(make([]byte, 5000), 100, "x", nil, nil)
	change := func(at int, word uint32) []byte {
		b := bytes.Clone(good)
		binary.BigEndian.PutUint32(b[at:], word)
		return b
	}
	const directory = 12 + 3*8
	for name, text := range map[string][]byte{
		"nothing":              nil,
		"no mark":              change(0, 1),
		"too many parts":       change(8, 1<<20),
		"a part beyond":        change(16, 1<<20),
		"no directory":         change(12, 5),
		"another mark":         change(directory, magicRequirements),
		"a part that is long":  change(directory+4, 1<<20),
		"hashes beyond":        change(directory+16, 1<<20),
		"too many pages":       change(directory+28, 1<<20),
		"too many other parts": change(directory+24, 1<<20),
		"another hash":         change(directory+36, 20<<24|1<<16|pageShift),
		"cut":                  good[:len(good)-1],
	} {
		if _, err := Read(text); err == nil {
			t.Errorf("%s: is taken", name)
		}
	}
	if _, err := Read(good); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// TestSignRefuses shows that only what was signed before is signed: its linker left room.
func TestSignRefuses(t *testing.T) {
	f, _ := directoryOf(t, goProgram(t))
	for name, program := range map[string][]byte{
		"no program":         []byte("#!/bin/sh\n"),
		"something after it": append(bytes.Clone(f.Bytes), 0),
	} {
		if _, err := Sign(program, "x", nil, nil); err == nil {
			t.Errorf("%s: is signed", name)
		}
	}
}

// TestSealRefuses hands over bundles that can't be sealed.
func TestSealRefuses(t *testing.T) {
	const info = "<key>CFBundleExecutable</key><string>p</string><key>CFBundleIdentifier</key><string>x</string>"
	for name, files := range map[string]map[string]string{
		"no Info.plist":     {},
		"no identifier":     {"Info.plist": "<plist/>"},
		"no folders":        {"Info.plist": info},
		"library unsigned":  {"Info.plist": info, "Frameworks/x.dylib": "x", "Resources/x": "x"},
		"folder in folders": {"Info.plist": info, "Frameworks/x/y": "x", "Resources/x": "x"},
	} {
		bundle := t.TempDir()
		for file, text := range files {
			path := filepath.Join(bundle, "Contents", file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := Seal(bundle); err == nil {
			t.Errorf("%s: is sealed", name)
		}
	}
}

// TestRules holds the rules to the form that a property list has.
func TestRules(t *testing.T) {
	if n := strings.Count(rules, "<dict>"); n != strings.Count(rules, "</dict>") || strings.Count(rules, "<key>") < 20 {
		t.Errorf("%d dictionaries are opened", n)
	}
}
