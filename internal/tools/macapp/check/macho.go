package main

import (
	"debug/buildinfo"
	"debug/macho"
	"slices"
	"strings"

	"ttsui/internal/tools/macapp/codesign"
	"ttsui/internal/tools/macapp/machfile"
)

// mlxLibrary is how the program asks for MLX, and rpath where it is then looked for.
const (
	mlxLibrary = "@rpath/libmlx.dylib"
	rpath      = "@executable_path/../Frameworks"
)

// checkProgram looks at the program's load commands and symbols.
func checkProgram(r *report, f *machfile.File) {
	r.want(f.Type == macho.TypeExec, "the program is of type %v", f.Type)
	r.want(f.Flags&macho.FlagPIE != 0, "the program can't lie anywhere in memory (PIE)")
	r.want(slices.Equal(f.RPaths, []string{rpath}), "the program's rpaths are %q, want %q alone", f.RPaths, rpath)
	r.want(f.MinOS.String() == oldestSystem, "the program starts from macOS %v on, want %s", f.MinOS, oldestSystem)
	r.want(slices.Contains(f.Libraries, mlxLibrary), "the program doesn't load %s", mlxLibrary)
	checkImage(r, "program", f, mlxLibrary)
}

// checkLibrary looks at MLX's.
func checkLibrary(r *report, f *machfile.File) {
	r.want(f.Type == macho.TypeDylib, "libmlx.dylib is of type %v", f.Type)
	r.want(f.MinOS.Major <= 14, "libmlx.dylib wants macOS %v", f.MinOS)
	checkImage(r, "libmlx.dylib", f)
}

// checkImage looks at what the loader wants of both: libraries of the system, each once, and symbols of which it is said
// where they come from.
func checkImage(r *report, name string, f *machfile.File, ours ...string) {
	r.want(f.Cpu == macho.CpuArm64, "%s is for %v", name, f.Cpu)
	r.want(f.Platform == machfile.MacOS, "%s is for platform %d", name, f.Platform)
	r.want(f.Flags&macho.FlagTwoLevel != 0, "%s doesn't say where its symbols come from", name)
	seen := map[string]bool{}
	for _, library := range f.Libraries {
		r.want(!seen[library], "%s loads %s twice", name, library)
		seen[library] = true
		system := strings.HasPrefix(library, "/usr/lib/") || strings.HasPrefix(library, "/System/Library/Frameworks/")
		r.want(system || slices.Contains(ours, library), "%s loads %s", name, library)
	}
	for _, i := range f.Imports {
		r.want(i.Library != "", "%s looks for %s in every library", name, i.Symbol)
	}
	r.saw("%s: arm64, macOS %v, %d libraries, %d symbols from them", name, f.MinOS, len(f.Libraries), len(f.Imports))
}

// checkBetween wants each symbol that the program takes from MLX to be there.
func checkBetween(r *report, program, library *machfile.File) {
	has := map[string]bool{}
	for _, name := range library.Exports {
		has[name] = true
	}
	n := 0
	for _, i := range program.Imports {
		if i.Library == mlxLibrary {
			n++
			r.want(has[i.Symbol], "libmlx.dylib has no %s", i.Symbol)
		}
	}
	r.want(n > 0, "the program takes nothing from libmlx.dylib")
}

// checkCures wants the cures of darwinkit's memory bugs in the program; without them it opens no window.
func checkCures(r *report, name string) {
	info, err := buildinfo.ReadFile(name)
	r.wantNo(err, "build")
	if err != nil {
		return
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	r.want(strings.Contains(settings["-gcflags"], "all=-d=variablemakethreshold=0"), "the program is built with -gcflags %q", settings["-gcflags"])
	r.want(strings.Contains(settings["CGO_CFLAGS"], "/internal/tools/darwinkit/include"), "the program is built with CGO_CFLAGS %q", settings["CGO_CFLAGS"])
}

// checkSignature compares the hashes in a file's signature with the file.
func checkSignature(r *report, name string, f *machfile.File) *codesign.Directory {
	if f.Signature == nil {
		r.want(false, "%s is not signed", name)
		return nil
	}
	d, err := codesign.Read(f.Signature)
	r.wantNo(err, name)
	if err != nil {
		return nil
	}
	r.want(d.AdHoc(), "%s is signed by somebody", name)
	r.wantNo(d.VerifyCode(f.Signed), name)
	r.saw("%s: signed as %s, %d pages", name, d.Identifier, len(d.Pages))
	return d
}
