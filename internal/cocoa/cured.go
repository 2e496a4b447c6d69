package cocoa

import (
	"errors"
	"regexp"
	"runtime/debug"
	"strings"
)

// errUncured says what to do: users never meet it, who builds by hand does.
var errUncured = errors.New("built without the cures of darwinkit's memory bugs, so no window is opened: build with make (internal/tools/darwinkit/README.md tells why)")

// CheckCures looks at how this program was built, and refuses where a window would spoil its memory.
func CheckCures() error {
	info, ok := debug.ReadBuildInfo()
	if !ok || !cured(info.Settings) {
		return errUncured
	}
	return nil
}

// cured tells from a build's settings whether both cures were in it. Both are flags, which Go writes down.
func cured(settings []debug.BuildSetting) bool {
	stack, narrow := false, false
	for _, s := range settings {
		switch s.Key {
		case "-gcflags":
			stack = curesStack(s.Value)
		case "CGO_CFLAGS":
			narrow = curesNarrow(s.Value)
		}
	}
	return stack && narrow
}

// curesStack wants the compiler's flag for all packages: the last part of -gcflags is about some others.
func curesStack(gcflags string) bool {
	flags, all := strings.CutPrefix(gcflags, "all=")
	if !all {
		return false
	}
	for flag := range strings.FieldsSeq(flags) {
		debugs, ok := strings.CutPrefix(flag, "-d=")
		for d := range strings.SplitSeq(debugs, ",") {
			if ok && d == "variablemakethreshold=0" {
				return true
			}
		}
	}
	return false
}

// curesNarrow wants our folder with ffi/ffi.h among the places that C headers are looked for in.
func curesNarrow(cflags string) bool { return includesCure.MatchString(cflags) }

// includesCure finds the flag as it is, or in quotes when the path has a space.
var includesCure = regexp.MustCompile(`(^| )(-I\S*/internal/tools/darwinkit/include|'-I[^']*/internal/tools/darwinkit/include'|"-I[^"]*/internal/tools/darwinkit/include")( |$)`)
