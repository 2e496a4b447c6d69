package mlxbridge_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"ttsui/internal/testkit"
	mlx "ttsui/mlxbridge"
)

// shared is the MLX thread of this test binary. Tests of the thread itself stop it and start their own; the next test
// that needs one starts another.
var shared struct {
	sync.Mutex
	thread *mlx.Thread
}

func TestMain(m *testing.M) {
	code := m.Run()
	err := stopShared()
	if err == nil {
		err = goleak.Find()
	}
	if err == nil && mlx.Live() != 0 {
		err = fmt.Errorf("%d arrays left behind", mlx.Live())
	}
	if err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func stopShared() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.thread == nil {
		return nil
	}
	err := shared.thread.Stop()
	shared.thread = nil
	return err
}

// onMLX runs f on the MLX thread with a scope, fails t with the error of f or of the scope, and checks that no array
// is left behind.
func onMLX(t testing.TB, f func(s *mlx.Scope) error) {
	t.Helper()
	if err := tryMLX(t, f); err != nil {
		t.Fatal(err)
	}
}

// tryMLX is onMLX for tests that expect an error.
func tryMLX(t testing.TB, f func(s *mlx.Scope) error) (err error) {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.thread == nil {
		if shared.thread, err = mlx.StartThread(testkit.GPU()); err != nil {
			t.Fatal(err)
		}
	}
	before := mlx.Live()
	ended := shared.thread.Do(context.Background(), func() {
		s := mlx.NewScope()
		err = f(s)
		if e := s.Close(); err == nil {
			err = e
		}
	})
	if ended != nil {
		t.Fatal(ended)
	}
	if n := mlx.Live() - before; n > 0 {
		t.Errorf("%d arrays left behind", n)
	}
	return err
}
