package main

import (
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"ttsui/internal/hub"
	"ttsui/internal/testkit"
	"ttsui/internal/testkit/fakehub"
	"ttsui/internal/tts"
)

// TestModels runs sessions against a hub on this machine.
func TestModels(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/models",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			server := fakehub.Start(t)
			files := fakehub.Model(200_000)
			commit := server.Add(tts.Catalogue()[0].ID, files)
			server.Add("mlx-community/Qwen3-TTS-12Hz-0.6B-Base-8bit", files)
			server.Add("mlx-community/Something-Else", files)
			delete(files, "speech_tokenizer/config.json")
			server.Add("someone/else", files)
			env.Setenv("HF_ENDPOINT", server.URL)
			env.Setenv("HF_HOME", env.WorkDir+"/hf")
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("MODEL", tts.Catalogue()[0].ID)
			env.Setenv("COMMIT", commit)
			env.Setenv("GOLDEN", testkit.Golden("checkpoints"))
			return nil
		},
	})
}

func TestBarText(t *testing.T) {
	half := hub.Progress{Phase: hub.Downloading, BytesDone: 1_500_000_000, BytesTotal: 3_000_000_000, Rate: 30e6, ETA: 50 * time.Second}
	const text = " 50 %, 1.5 GB of 3 GB, 30 MB/s, 50 s left"
	for width, want := range map[int]string{
		0:   "",
		10:  text[:10],
		45:  text,
		52:  "[####....] " + text,
		200: "[####################....................] " + text,
	} {
		if got := barText(half, width); got != want {
			t.Errorf("width %d: got %q, want %q", width, got, want)
		}
	}
}

func TestProgressText(t *testing.T) {
	for want, p := range map[string]hub.Progress{
		"  0 %, 0 B of 0 B":                                     {Phase: hub.Downloading},
		"  1 %, 1 kB of 100 kB, 999 B/s, 1:39 min left":         {Phase: hub.Downloading, BytesDone: 1000, BytesTotal: 100_000, Rate: 999, ETA: 99 * time.Second},
		" 99 %, 99 B of 100 B, 1 B/s, 2:05 h left":              {Phase: hub.Downloading, BytesDone: 99, BytesTotal: 100, Rate: 1, ETA: 125 * time.Minute},
		" 50 %, 50 B of 100 B, checking what is there":          {Phase: hub.Verifying, BytesDone: 50, BytesTotal: 100, Rate: 7, ETA: time.Second},
		"100 %, 100 B of 100 B, another program is fetching it": {Phase: hub.Waiting, BytesDone: 100, BytesTotal: 100},
	} {
		if got := progressText(p); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
