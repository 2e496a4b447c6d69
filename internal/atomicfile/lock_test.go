package atomicfile

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"ttsui/internal/tts"
)

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	unlock, err := Lock(t.Context(), path)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error, 1)
	go func() {
		_, err := Lock(ctx, path)
		waits <- err
	}()
	cancel()
	if err := <-waits; tts.CodeOf(err) != tts.CodeCanceled {
		t.Errorf("a second holder: %v", err)
	}
	unlock()
	unlock, err = Lock(t.Context(), path)
	must(t, err)
	unlock()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	must(t, os.Symlink(path, path+"2"))
	if _, err := Lock(t.Context(), path+"2"); err == nil {
		t.Error("a link is locked")
	}
}
