package cocoa

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestCured(t *testing.T) {
	const (
		gcflags = "all=-d=variablemakethreshold=0"
		cflags  = "-g -O2 -I/src/ttsui/internal/tools/darwinkit/include"
	)
	for _, test := range []struct {
		name, gcflags, cflags string
		want                  bool
	}{
		{"both", gcflags, cflags, true},
		{"both, among others", "all=-N -d=nil=1,variablemakethreshold=0 -l", "-I/opt " + cflags + " -DX=1", true},
		{"a folder with a space", gcflags, `-g "-I/my src/internal/tools/darwinkit/include"`, true},
		{"neither", "", "", false},
		{"stack alone", gcflags, "-g -O2", false},
		{"narrow alone", "", cflags, false},
		{"not for all packages", "-d=variablemakethreshold=0", cflags, false},
		{"another threshold", "all=-d=variablemakethreshold=032", cflags, false},
		{"a flag that only ends like it", "all=-e=variablemakethreshold=0", cflags, false},
		{"another folder", gcflags, "-I/src/internal/tools/darwinkit/include/ffi", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			settings := []debug.BuildSetting{
				{Key: "-buildmode", Value: "exe"}, {Key: "-gcflags", Value: test.gcflags},
				{Key: "CGO_CFLAGS", Value: test.cflags}, {Key: "GOOS", Value: "darwin"},
			}
			if got := cured(settings); got != test.want {
				t.Errorf("cured with -gcflags %q and CGO_CFLAGS %q: %t, want %t", test.gcflags, test.cflags, got, test.want)
			}
		})
	}
	if cured(nil) {
		t.Error("a build without settings passes for cured")
	}
}

func TestRefusalNamesMake(t *testing.T) {
	if !strings.Contains(errUncured.Error(), "make") {
		t.Errorf("%q doesn't say what to do", errUncured)
	}
}
