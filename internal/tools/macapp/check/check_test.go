package main

import (
	"bytes"
	"debug/macho"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ttsui/internal/tools/macapp/codesign"
)

const goodInfo = `<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>CFBundleExecutable</key><string>TTSUI</string>
<key>CFBundleIconFile</key><string>TTSUI</string>
<key>CFBundleIdentifier</key><string>org.ttsui.app</string>
<key>CFBundleInfoDictionaryVersion</key><string>6.0</string>
<key>CFBundleName</key><string>TTSUI</string>
<key>CFBundlePackageType</key><string>APPL</string>
<key>CFBundleShortVersionString</key><string>0.1.0</string>
<key>CFBundleVersion</key><string>1</string>
<key>Lists</key><array><string>are</string><dict><key>CFBundleName</key><string>passed over</string></dict></array>
<key>LSMinimumSystemVersion</key><string>14.0</string>
<key>NSHighResolutionCapable</key><true/>
<key>NSMicrophoneUsageDescription</key><string>To record a voice that it then speaks with.</string>
<key>NSPrincipalClass</key><string>NSApplication</string>
</dict></plist>
`

// app is a bundle that tests make up, and then damage.
type app struct {
	program, library image
	files            map[string]string
	afterwards       func(t *testing.T, contents string) // damage to the finished bundle
}

// goodApp has nothing wrong with it.
func goodApp() *app {
	pictures := ""
	for _, name := range []string{"icp4", "icp5", "ic07", "ic08", "ic09", "ic10"} {
		pictures += name + "\x00\x00\x00\x09x"
	}
	return &app{
		program: image{
			cpu: macho.CpuArm64, kind: macho.TypeExec, flags: macho.FlagPIE | macho.FlagTwoLevel, platform: 1, minOS: 14 << 16,
			libraries: []string{"/usr/lib/libSystem.B.dylib", mlxLibrary, "/System/Library/Frameworks/AppKit.framework/Versions/C/AppKit"},
			rpaths:    []string{rpath},
			imports:   map[string]int{"_open": 1, "_eval": 2},
			exports:   []string{"_main"},
			settings: map[string]string{"-gcflags": "all=-d=variablemakethreshold=0",
				"CGO_CFLAGS": "-O2 -I/x/internal/tools/darwinkit/include"},
		},
		library: image{
			cpu: macho.CpuArm64, kind: macho.TypeDylib, flags: macho.FlagTwoLevel, platform: 1, minOS: 14 << 16,
			libraries: []string{"/usr/lib/libSystem.B.dylib"}, imports: map[string]int{"_open": 1}, exports: []string{"_eval"},
		},
		files: map[string]string{
			"Info.plist": goodInfo, "PkgInfo": "APPL????", "Resources/mlx.metallib": "MTLB…", "Resources/Licences.txt": "MIT",
			"Resources/TTSUI.icns": "icns\x00\x00\x00\x3e" + pictures,
		},
		afterwards: func(*testing.T, string) {},
	}
}

// problems builds the bundle, seals it where it can be, damages it and asks the checker.
func (a *app) problems(t *testing.T) []string {
	t.Helper()
	bundle := filepath.Join(t.TempDir(), "TTSUI.app")
	contents := filepath.Join(bundle, "Contents")
	library := a.library.bytes(t)
	if !a.library.unsigned {
		library = sign(t, library, "libmlx.dylib")
	}
	for name, text := range a.files {
		put(t, filepath.Join(contents, name), text, 0o644)
	}
	put(t, filepath.Join(contents, programFile), string(a.program.bytes(t)), 0o755)
	put(t, filepath.Join(contents, libraryFile), string(library), 0o755)
	if err := codesign.Seal(bundle); err != nil {
		t.Logf("not sealed: %v", err)
	}
	a.afterwards(t, contents)
	r := &report{}
	checkBundle(r, bundle)
	return r.problems
}

func put(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil { // the umask may have taken a right
		t.Fatal(err)
	}
}

// edit changes a file of a finished bundle.
func edit(name string, change func([]byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, contents string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(contents, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(contents, name), change(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// flip changes one bit in the middle of a file.
func flip(name string, at int) func(*testing.T, string) {
	return edit(name, func(text []byte) []byte {
		text[at] ^= 1
		return text
	})
}

func TestGoodBundle(t *testing.T) {
	if problems := goodApp().problems(t); len(problems) > 0 {
		t.Errorf("a good bundle has problems:\n%s", strings.Join(problems, "\n"))
	}
}

// TestBrokenBundles shows that each check can fail: every bundle differs from the good one in one thing.
func TestBrokenBundles(t *testing.T) {
	info := func(old, new string) func(*app) {
		return func(a *app) { a.files["Info.plist"] = strings.Replace(goodInfo, old, new, 1) }
	}
	after := func(f func(*testing.T, string)) func(*app) { return func(a *app) { a.afterwards = f } }
	for _, tt := range []struct {
		name   string
		damage func(*app)
		want   string
	}{
		{"older system", func(a *app) { a.program.minOS = 13 << 16 }, "the program starts from macOS 13.0"},
		{"newer system", func(a *app) { a.program.minOS = 26 << 16 }, "the program starts from macOS 26.0"},
		{"iPhone", func(a *app) { a.program.platform = 2 }, "program is for platform 2"},
		{"Intel", func(a *app) { a.program.cpu = macho.CpuAmd64 }, "program is for CpuAmd64"},
		{"library for a newer system", func(a *app) { a.library.minOS = 15 << 16 }, "libmlx.dylib wants macOS 15.0"},
		{"library as program", func(a *app) { a.program.kind = macho.TypeDylib }, "of type Dylib"},
		{"program as library", func(a *app) { a.library.kind = macho.TypeExec }, "of type Exec"},
		{"fixed address", func(a *app) { a.program.flags = macho.FlagTwoLevel }, "PIE"},
		{"no rpath", func(a *app) { a.program.rpaths = nil }, "rpaths"},
		{"two rpaths", func(a *app) { a.program.rpaths = []string{rpath, rpath} }, "rpaths"},
		{"rpath of a machine", func(a *app) { a.program.rpaths = []string{"/opt/mlx/lib"} }, "rpaths"},
		{"library twice", func(a *app) { a.program.libraries = append(a.program.libraries, "/usr/lib/libSystem.B.dylib") }, "twice"},
		{"library of a machine", func(a *app) { a.program.libraries = append(a.program.libraries, "/opt/lib/libx.dylib") }, "loads /opt/lib/libx.dylib"},
		{"library that isn't here", func(a *app) { a.library.libraries = append(a.library.libraries, "@rpath/libjaccl.dylib") }, "loads @rpath/libjaccl.dylib"},
		{"no MLX", func(a *app) { a.program.libraries[1] = "/usr/lib/libobjc.A.dylib" }, "doesn't load @rpath/libmlx.dylib"},
		{"nothing of MLX", func(a *app) { a.program.imports = nil }, "takes nothing"},
		{"flat namespace", func(a *app) { a.program.flags = macho.FlagPIE }, "doesn't say where"},
		{"symbol from anywhere", func(a *app) { a.program.imports["_anywhere"] = 0xfe }, "looks for _anywhere in every library"},
		{"symbol that MLX lacks", func(a *app) { a.program.imports["_lacks"] = 2 }, "libmlx.dylib has no _lacks"},
		{"stack not cured", func(a *app) { a.program.settings["-gcflags"] = "" }, "-gcflags"},
		{"results not cured", func(a *app) { a.program.settings["CGO_CFLAGS"] = "-O2" }, "CGO_CFLAGS"},
		{"unsigned program", func(a *app) { a.program.unsigned = true }, "MacOS/TTSUI is not signed"},
		{"unsigned library", func(a *app) { a.library.unsigned = true }, "libmlx.dylib is not signed"},
		{"changed code", after(flip(programFile, page/2)), "page 2 is not what was signed"},
		{"changed library", after(flip(libraryFile, page/2)), "page 2 is not what was signed"},
		{"cut program", after(edit(programFile, func(b []byte) []byte { return b[:len(b)-1] })), "beyond the end"},
		{"changed Info.plist", after(edit("Info.plist", func(b []byte) []byte { return bytes.Replace(b, []byte("0.1.0"), []byte("0.1.1"), 1) })),
			"Info.plist is not what was signed"},
		{"changed list", after(flip("_CodeSignature/CodeResources", 300)), "CodeResources is not what was signed"},
		{"changed resource", after(flip("Resources/Licences.txt", 1)), "CodeResources doesn't list"},
		{"no program", after(func(_ *testing.T, contents string) { os.Remove(filepath.Join(contents, programFile)) }), "MacOS/TTSUI is missing"},
		{"program without rights", after(func(_ *testing.T, contents string) { os.Chmod(filepath.Join(contents, programFile), 0o644) }), "has the mode -rw-r--r--"},
		{"no list", after(func(_ *testing.T, contents string) { os.RemoveAll(filepath.Join(contents, "_CodeSignature")) }), "CodeResources is missing"},
		{"kernels in the wrong place", func(a *app) { delete(a.files, "Resources/mlx.metallib") }, "Resources/mlx.metallib is missing"},
		{"no kernels", func(a *app) { a.files["Resources/mlx.metallib"] = "version https://…" }, "holds no kernels"},
		{"foreign file", func(a *app) { a.files["Resources/notes.txt"] = "x" }, "notes.txt doesn't belong"},
		{"no icon", func(a *app) { a.files["Resources/TTSUI.icns"] = "\x89PNG" }, "no icon file"},
		{"icon cut off", func(a *app) { a.files["Resources/TTSUI.icns"] += "ic11\x00\x00\x01\x00" }, "cut off"},
		{"small icon", func(a *app) { a.files["Resources/TTSUI.icns"] = "icns\x00\x00\x00\x11icp4\x00\x00\x00\x09x" }, "no picture ic10"},
		{"PkgInfo", func(a *app) { a.files["PkgInfo"] = "BNDL????" }, "PkgInfo"},
		{"promises an older system", info("14.0", "13.0"), `LSMinimumSystemVersion is "13.0"`},
		{"no word about the microphone", info("To record a voice that it then speaks with.", ""), "NSMicrophoneUsageDescription"},
		{"no identifier", info("org.ttsui.app", "TTSUI"), `CFBundleIdentifier is "TTSUI"`},
		{"other program", info(">TTSUI<", ">ttsui<"), `CFBundleExecutable is "ttsui"`},
		{"coarse", info("<true/>", "<false/>"), `NSHighResolutionCapable is "false"`},
		{"no property list", func(a *app) { a.files["Info.plist"] = "bplist00" }, `CFBundlePackageType is ""`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := goodApp()
			tt.damage(a)
			problems := a.problems(t)
			if !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, tt.want) }) {
				t.Errorf("no problem with %q in %q", tt.want, problems)
			}
		})
	}
}
