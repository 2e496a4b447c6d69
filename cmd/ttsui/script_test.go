package main

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ttsui": main})
}

// TestScripts runs the command line as its users do: each file of testdata is a session. None asks a hub.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", RequireExplicitExec: true, Setup: func(env *testscript.Env) error {
		env.Setenv("HF_HUB_OFFLINE", "1")
		clip, err := filepath.Abs(filepath.Join("testdata", "spoken.flac"))
		env.Setenv("CLIP", clip)
		return err
	}})
}
