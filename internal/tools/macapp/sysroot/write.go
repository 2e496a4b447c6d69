package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// write puts the stubs where a linker looks for them.
func (s stubs) write(out string) error {
	for library, names := range s {
		if err := writeFile(filepath.Join(out, stubPath(library)), stub(library, names)); err != nil {
			return err
		}
	}
	return nil
}

// stubPath gives the place of a library's stub: a framework's in its folder, a library's under its name without its
// version. libc++ gets a name of its own, as zig would take -lc++ for the one that it brings along: exceptions of
// libmlx could not be caught by that.
func stubPath(library string) string {
	if name := filepath.Base(library); strings.HasPrefix(library, "/System/Library/Frameworks/") {
		return filepath.Join("System/Library/Frameworks", name+".framework", name+".tbd")
	}
	if strings.HasPrefix(library, "/usr/lib/libc++.") {
		return "usr/lib/libsystemc++.tbd"
	}
	name, _, _ := strings.Cut(filepath.Base(library), ".")
	return filepath.Join("usr/lib", name+".tbd")
}

// stub is a library's stub, in the text format that Apple's tools and zig read.
func stub(library string, symbols map[string]bool) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "--- !tapi-tbd\ntbd-version: 4\ntargets: [ arm64-macos ]\ninstall-name: '%s'\n", library)
	if len(symbols) > 0 {
		b.WriteString("exports:\n  - targets: [ arm64-macos ]\n    symbols:\n")
		for _, name := range slices.Sorted(maps.Keys(symbols)) {
			fmt.Fprintf(&b, "      - '%s'\n", name)
		}
	}
	b.WriteString("...\n")
	return b.Bytes()
}

// writeHeaders puts our headers into their frameworks, and beside them those that darwinkit's protocols come from.
func writeHeaders(darwinkit, out string) error {
	texts, err := ourHeaders()
	if err != nil {
		return err
	}
	err = eachFile(filepath.Join(darwinkit, "macos"), "protocols.gen.m", func(code []byte) {
		addProtocols(texts, string(code))
	})
	if err != nil {
		return err
	}
	for name, text := range texts {
		if err := writeFile(filepath.Join(out, headerPath(name)), []byte(text)); err != nil {
			return err
		}
	}
	return nil
}

// ourHeaders reads the headers that come with this program, by the names that they are included by.
func ourHeaders() (map[string]string, error) {
	texts := map[string]string{}
	err := fs.WalkDir(headers, "headers", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := headers.ReadFile(path)
		texts[strings.TrimPrefix(path, "headers/")] = string(text)
		return err
	})
	return texts, err
}

// addProtocols reads code such as
//
//	#import "AppKit/AppKit.h"
//	o = @protocol(NSWindowDelegate);
//
// and declares the protocols in that header.
func addProtocols(texts map[string]string, code string) {
	header := regexp.MustCompile(`#import "([\w/]+\.h)"`).FindStringSubmatch(code)
	if header == nil {
		return
	}
	text := texts[header[1]]
	if text == "" {
		text = "#pragma once\n\n#import <objc/NSObject.h>\n"
	}
	for _, m := range regexp.MustCompile(`@protocol\((\w+)\)`).FindAllStringSubmatch(code, -1) {
		if name := m[1]; name != "NSObject" && !strings.Contains(text, "@protocol "+name+"\n") {
			text += "@protocol " + name + "\n@end\n"
		}
	}
	texts[header[1]] = text
}

// headerPath gives a header's place: in its framework, or, for those of libraries, among the system's.
func headerPath(name string) string {
	if folder, file := filepath.Split(name); folder != "ffi/" {
		return filepath.Join("System/Library/Frameworks", filepath.Clean(folder)+".framework", "Headers", file)
	}
	return filepath.Join("usr/include", name)
}

func writeFile(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}
