package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestList(t *testing.T) {
	libs := stubs{}
	if err := libs.addList("# why\n/usr/lib/liba.dylib # one\n\t_f _g # two of them\n\tclass NSA\n\n/usr/lib/libb.dylib\n"); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"/usr/lib/liba.dylib": {"_OBJC_CLASS_$_NSA", "_OBJC_METACLASS_$_NSA", "_f", "_g"},
		"/usr/lib/libb.dylib": nil,
	}
	got := map[string][]string{}
	for library, symbols := range libs {
		got[library] = slices.Sorted(maps.Keys(symbols))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := libs.addList("\t_f\n"); err == nil {
		t.Error("a symbol of no library is taken")
	}
}

// TestOurList reads the list that we keep, and looks for what an editor may get wrong.
func TestOurList(t *testing.T) {
	libs := stubs{}
	if err := libs.addList(symbols); err != nil {
		t.Fatal(err)
	}
	for library, names := range libs {
		for name := range names {
			if !strings.HasPrefix(name, "_") {
				t.Errorf("%s: %s begins without _, as no symbol of C does", library, name)
			}
		}
	}
}

// TestGo finds what Go names today; its form may change.
func TestGo(t *testing.T) {
	goroot, err := ask("env", "GOROOT")
	if err != nil {
		t.Fatal(err)
	}
	libs := stubs{}
	if err := libs.addGo(goroot); err != nil {
		t.Fatal(err)
	}
	for library, symbol := range map[string]string{
		"/usr/lib/libresolv.9.dylib":                                        "_res_9_nsearch",
		"/System/Library/Frameworks/Security.framework/Versions/A/Security": "_SecTrustEvaluateWithError",
	} {
		if !libs[library][symbol] {
			t.Errorf("%s has no %s", library, symbol)
		}
	}
	for library := range libs {
		if strings.Contains(library, "libSystem") {
			t.Errorf("%s would hide zig's", library)
		}
	}
}

func TestStub(t *testing.T) {
	want := `--- !tapi-tbd
tbd-version: 4
targets: [ arm64-macos ]
install-name: '/usr/lib/liba.dylib'
exports:
  - targets: [ arm64-macos ]
    symbols:
      - '_f'
      - '_g'
...
`
	if diff := cmp.Diff(want, string(stub("/usr/lib/liba.dylib", map[string]bool{"_g": true, "_f": true}))); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(string(stub("/usr/lib/liba.dylib", nil)), "exports") {
		t.Error("a stub without symbols has a list of them")
	}
}

func TestPlaces(t *testing.T) {
	for library, want := range map[string]string{
		"/System/Library/Frameworks/AppKit.framework/Versions/C/AppKit": "System/Library/Frameworks/AppKit.framework/AppKit.tbd",
		"/usr/lib/libobjc.A.dylib":                                      "usr/lib/libobjc.tbd",
		"/usr/lib/libc++.1.dylib":                                       "usr/lib/libsystemc++.tbd",
	} {
		if got := stubPath(library); got != want {
			t.Errorf("%s: %s, want %s", library, got, want)
		}
	}
	for name, want := range map[string]string{
		"AppKit/AppKit.h": "System/Library/Frameworks/AppKit.framework/Headers/AppKit.h",
		"ffi/ffi.h":       "usr/include/ffi/ffi.h",
	} {
		if got := headerPath(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestProtocols(t *testing.T) {
	texts := map[string]string{"Foundation/Foundation.h": "@protocol NSCopying\n- (id)copy;\n@end\n"}
	addProtocols(texts, `#import "Foundation/Foundation.h"
	o = @protocol(NSCopying); o = @protocol(NSObject); o = @protocol(NSCoding);`)
	addProtocols(texts, `#import "AppKit/AppKit.h"
	o = @protocol(NSMenuDelegate);`)
	want := map[string]string{
		"Foundation/Foundation.h": "@protocol NSCopying\n- (id)copy;\n@end\n@protocol NSCoding\n@end\n",
		"AppKit/AppKit.h":         "#pragma once\n\n#import <objc/NSObject.h>\n@protocol NSMenuDelegate\n@end\n",
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Error(diff)
	}
}

// TestWrites writes a whole sysroot, but for what MLX has to say.
func TestWrites(t *testing.T) {
	darwinkit := t.TempDir()
	module := filepath.Join(darwinkit, "macos", "appkit")
	if err := os.MkdirAll(module, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"appkit.go":       "// #cgo LDFLAGS: -framework AppKit -framework Sparkle\n",
		"protocols.gen.m": "#import \"AppKit/AppKit.h\"\no = @protocol(NSMenuDelegate);\n",
		"other.go":        "// -framework Nothing\n",
	} {
		if err := os.WriteFile(filepath.Join(module, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	libs, out := stubs{}, t.TempDir()
	if err := libs.addList(symbols); err != nil {
		t.Fatal(err)
	}
	if err := libs.addFrameworks(darwinkit); err != nil {
		t.Fatal(err)
	}
	if err := libs.write(out); err != nil {
		t.Fatal(err)
	}
	if err := writeHeaders(darwinkit, out); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"System/Library/Frameworks/AppKit.framework/AppKit.tbd":                  "/Versions/C/AppKit'",
		"System/Library/Frameworks/Sparkle.framework/Sparkle.tbd":                "/Versions/A/Sparkle'",
		"System/Library/Frameworks/AppKit.framework/Headers/AppKit.h":            "@protocol NSMenuDelegate",
		"System/Library/Frameworks/CoreAudio.framework/Headers/CoreAudioTypes.h": "AudioBufferList",
		"System/Library/Frameworks/CoreFoundation.framework/CoreFoundation.tbd":  "'_CFRelease'",
		"usr/include/ffi/ffi.h": "ffi_prep_cif",
	} {
		text, err := os.ReadFile(filepath.Join(out, name))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s has no %q: %v", name, want, err)
		}
	}
	if _, err := os.Stat(filepath.Join(out, "System/Library/Frameworks/Nothing.framework")); err == nil {
		t.Error("a framework that nobody links has a stub")
	}
}
