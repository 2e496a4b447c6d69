package qwen3tts

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ttsui/internal/testkit"
	"ttsui/internal/tts"
)

// A copy holds a codec exactly when the bytes that it was read from are known to be the same.
func TestWhichCodecsAreTheSame(t *testing.T) {
	const weights, config = "speech_tokenizer/model.safetensors", "speech_tokenizer/config.json"
	edit := func(path string, change func([]byte) []byte) error {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, change(text), 0o666)
	}
	flipLast := func(b []byte) []byte { b[len(b)-1] ^= 1; return b }
	for name, c := range map[string]struct {
		change func(first, second string) error
		want   bool
	}{
		"other files, same bytes": {func(_, _ string) error { return nil }, true},
		"one file": {func(first, second string) error {
			if err := os.Remove(filepath.Join(second, weights)); err != nil {
				return err
			}
			return os.Link(filepath.Join(first, weights), filepath.Join(second, weights))
		}, true},
		"the last bit differs": {func(_, second string) error { return edit(filepath.Join(second, weights), flipLast) }, false},
		"another configuration": {func(_, second string) error {
			return edit(filepath.Join(second, config), func(b []byte) []byte {
				return bytes.Replace(b, []byte(`"sliding_window": `), []byte(`"sliding_window": 1`), 1)
			})
		}, false},
		"replaced by the same since": {func(first, _ string) error {
			return os.Chtimes(filepath.Join(first, weights), time.Time{}, time.Unix(1, 0))
		}, false},
		"gone since": {func(first, _ string) error { return os.Remove(filepath.Join(first, weights)) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := t.TempDir(), t.TempDir()
			for _, dir := range []string{first, second} {
				if err := testkit.WriteCheckpoint(dir, testkit.CheckpointSpec{}); err != nil {
					t.Fatal(err)
				}
			}
			read, err := openCodec(first)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.change(first, second); err != nil {
				t.Fatal(err)
			}
			other, err := openCodec(second)
			if err != nil {
				t.Fatal(err)
			}
			k := codecCopy{config: read.config, files: read.weights}
			if got, err := k.holds(t.Context(), other); got != c.want || err != nil {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestComparingFilesCanBeCanceled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, make([]byte, 10), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sameBytes(ctx, path, path); tts.CodeOf(err) != tts.CodeCanceled {
		t.Errorf("got %v", err)
	}
}
