// Package testkit holds what tests of several packages share: golden data, the MLX thread of a test binary, and
// checkpoints made on the spot. Only tests and our own tools import it.
package testkit

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	mlx "ttsui/mlxbridge"
)

// Golden gives the path of a file in the golden data; see testdata/README.md.
func Golden(elem ...string) string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(append([]string{filepath.Dir(here), "testdata", "golden"}, elem...)...)
}

// CheckpointFiles reads a golden checkpoint's files, by their names with slashes: what a hub has of it.
func CheckpointFiles(t testing.TB, name string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, pattern := range []string{"*.*", "speech_tokenizer/*.*"} { // the second goes through a link
		paths, err := filepath.Glob(filepath.Join(Golden("checkpoints", name), pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files[filepath.ToSlash(filepath.Join(filepath.Dir(pattern), filepath.Base(path)))] = data
		}
	}
	return files
}

// GPU says that this test binary was asked to compute on the GPU, as the app does: make gpu. Else it computes on the CPU, so
// that figures are the same everywhere.
func GPU() bool { return os.Getenv("TTSUI_TEST_GPU") == "1" }

// thread is the MLX thread of a test binary.
var thread = sync.OnceValues(startThread)

// startThread starts it, and fails when the GPU is asked for and there is none.
func startThread() (*mlx.Thread, error) {
	th, err := mlx.StartThread(GPU())
	if err == nil && GPU() && !th.Device().GPU {
		return nil, errors.Join(errors.New("TTSUI_TEST_GPU: MLX finds no GPU"), th.Stop())
	}
	return th, err
}

// Thread gives the MLX thread of this test binary.
func Thread(t testing.TB) *mlx.Thread {
	t.Helper()
	th, err := thread()
	if err != nil {
		t.Fatal(err)
	}
	return th
}

// MLX runs f on the MLX thread with a scope, fails t with the scope's error, and checks that f leaves no array behind.
// f must not end the test by t.Fatal, which works on the test's own goroutine only: it returns an error instead.
func MLX(t testing.TB, f func(s *mlx.Scope) error) {
	t.Helper()
	err := RunMLX(t, f)
	if err != nil {
		t.Fatal(err)
	}
}

// RunMLX is MLX for tests that expect an error: it gives f's error, else the scope's.
func RunMLX(t testing.TB, f func(s *mlx.Scope) error) (err error) {
	t.Helper()
	before := mlx.Live()
	panicked := Thread(t).Do(context.Background(), func() {
		s := mlx.NewScope()
		err = f(s)
		if e := s.Close(); err == nil {
			err = e
		}
	})
	if panicked != nil {
		t.Fatal(panicked)
	}
	if n := mlx.Live(); n != before {
		t.Errorf("%d arrays left behind", n-before)
	}
	return err
}

// FreePort is a port of this machine that nobody listens on now.
func FreePort(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
