package main

import (
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"ttsui/internal/tools/macapp/codesign"
	"ttsui/internal/tools/macapp/machfile"
)

// oldestSystem is the first macOS that TTSUI runs on: MLX's wheel is made for it.
const oldestSystem = "14.0"

// Where the two parts lie that the loader reads.
const (
	programFile = "MacOS/TTSUI"
	libraryFile = "Frameworks/libmlx.dylib"
)

// layout is every file below Contents, and whether it can be started or loaded.
func layout() map[string]bool {
	return map[string]bool{
		"Info.plist":                   false,
		"PkgInfo":                      false,
		programFile:                    true,
		libraryFile:                    true,
		"Resources/mlx.metallib":       false,
		"Resources/TTSUI.icns":         false,
		"Resources/Licences.txt":       false,
		"_CodeSignature/CodeResources": false,
	}
}

// checkBundle looks at everything in the bundle.
func checkBundle(r *report, bundle string) {
	contents := filepath.Join(bundle, "Contents")
	checkLayout(r, contents)
	info := read(r, contents, "Info.plist")
	checkInfo(r, info)
	r.want(string(read(r, contents, "PkgInfo")) == "APPL????", "PkgInfo doesn't say that this is an application")
	checkIcon(r, read(r, contents, "Resources/TTSUI.icns"))
	r.want(string(read(r, contents, "Resources/mlx.metallib")[:4]) == "MTLB", "mlx.metallib holds no kernels")

	program, err := machfile.Open(filepath.Join(contents, programFile))
	r.wantNo(err, "program")
	library, err := machfile.Open(filepath.Join(contents, libraryFile))
	r.wantNo(err, "library")
	if program == nil || library == nil {
		return
	}
	checkProgram(r, program)
	checkLibrary(r, library)
	checkBetween(r, program, library)
	checkCures(r, filepath.Join(contents, programFile))
	checkSignature(r, libraryFile, library)
	if d := checkSignature(r, programFile, program); d != nil {
		r.want(d.Identifier == infoValues(info)["CFBundleIdentifier"], "the program is signed as %s", d.Identifier)
		r.wantNo(d.VerifyBundle(info, read(r, contents, "_CodeSignature/CodeResources")), programFile)
	}
	checkResources(r, contents)
}

// read gives a file of the bundle, never less than four bytes, so that who looks at its beginning needn't ask.
func read(r *report, contents, name string) []byte {
	text, err := os.ReadFile(filepath.Join(contents, filepath.FromSlash(name)))
	r.wantNo(err, "bundle")
	if err != nil || len(text) < 4 {
		return make([]byte, 4)
	}
	return text
}

// checkLayout wants each file of the layout and no other, and rights that an installed application has.
func checkLayout(r *report, contents string) {
	missing := layout()
	err := filepath.WalkDir(contents, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(contents, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		starts, known := missing[name]
		r.want(known, "%s doesn't belong into the bundle", name)
		delete(missing, name)
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if starts {
			mode = 0o755
		}
		r.want(!known || info.Mode() == mode, "%s has the mode %v, want %v", name, info.Mode(), mode)
		return nil
	})
	r.wantNo(err, "bundle")
	for name := range missing {
		r.want(false, "%s is missing", name)
	}
	r.saw("bundle: %d files", len(layout())-len(missing))
}

// checkIcon reads the icon file's chunks.
func checkIcon(r *report, icon []byte) {
	sizes := map[string]bool{}
	r.want(string(icon[:4]) == "icns", "the icon is no icon file")
	for at := 8; at+8 <= len(icon); {
		size := int(binary.BigEndian.Uint32(icon[at+4:]))
		if size < 8 || at+size > len(icon) {
			r.want(false, "the icon is cut off")
			return
		}
		sizes[string(icon[at:at+4])] = true
		at += size
	}
	for _, name := range []string{"icp4", "icp5", "ic07", "ic08", "ic09", "ic10"} {
		r.want(sizes[name], "the icon has no picture %s", name)
	}
}

// checkInfo looks at what the system reads first.
func checkInfo(r *report, text []byte) {
	values := infoValues(text)
	for key, want := range map[string]string{
		"CFBundleExecutable":            `TTSUI`,
		"CFBundleIconFile":              `TTSUI`,
		"CFBundleIdentifier":            `[a-z][a-z0-9-]*(\.[a-zA-Z0-9-]+)+`,
		"CFBundleInfoDictionaryVersion": `6\.0`,
		"CFBundleName":                  `TTSUI`,
		"CFBundlePackageType":           `APPL`,
		"CFBundleShortVersionString":    `\d+\.\d+(\.\d+)?`,
		"CFBundleVersion":               `\d+(\.\d+)*`,
		"LSMinimumSystemVersion":        regexp.QuoteMeta(oldestSystem),
		"NSHighResolutionCapable":       `true`,
		"NSMicrophoneUsageDescription":  `.{20,}`,
		"NSPrincipalClass":              `NSApplication`,
	} {
		r.want(regexp.MustCompile(`^`+want+`$`).MatchString(values[key]), "Info.plist: %s is %q", key, values[key])
	}
	r.saw("Info.plist: %s %s, macOS %s", values["CFBundleIdentifier"], values["CFBundleShortVersionString"], values["LSMinimumSystemVersion"])
}

// checkResources makes the list of the bundle's files anew and compares. A list that Apple's tool made has another
// form; that tool looks at its own.
func checkResources(r *report, contents string) {
	want, err := codesign.Resources(contents)
	r.wantNo(err, "CodeResources")
	got := read(r, contents, "_CodeSignature/CodeResources")
	if madeHere := string(got[:min(len(got), 400)]); regexp.MustCompile(`\n<dict>\n<key>files</key>`).MatchString(madeHere) {
		r.want(string(got) == string(want), "CodeResources doesn't list what is in the bundle")
	}
}
