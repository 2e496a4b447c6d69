package mlxbridge_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"

	mlx "ttsui/mlxbridge"
)

// newThread starts a thread of the test's own and stops it at the end.
func newThread(t *testing.T) *mlx.Thread {
	t.Helper()
	if err := stopShared(); err != nil {
		t.Fatal(err)
	}
	th, err := mlx.StartThread(false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := th.Stop(); err != nil {
			t.Error(err)
		}
	})
	return th
}

// occupy keeps th busy until free is called.
func occupy(t *testing.T, th *mlx.Thread) (free func()) {
	t.Helper()
	running, hold, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- th.Do(context.Background(), func() { close(running); <-hold })
	}()
	<-running
	return sync.OnceFunc(func() {
		close(hold)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestOneThreadPerProcess(t *testing.T) {
	newThread(t)
	if _, err := mlx.StartThread(false); err == nil {
		t.Fatal("a second MLX thread was started")
	}
}

func TestDoEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    func()
		want string // in the error's text
	}{
		{"panic", func() { panic("boom") }, "boom"},
		{"panic carries the stack", func() { panicDeep(3) }, "panicDeep"},
		{"runtime error", func() { var s []int; s[len(s)]++ }, "out of range"},
		{"Goexit", runtime.Goexit, "Goexit"},
		{"Goexit below a recover", func() { defer func() { _ = recover() }(); runtime.Goexit() }, "Goexit"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			th := newThread(t)
			for range 3 {
				if err := th.Do(t.Context(), tt.f); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("Do answered %v, want an error with %q", err, tt.want)
				}
			}
			ran := false
			if err := th.Do(t.Context(), func() { ran = true }); err != nil || !ran {
				t.Errorf("afterwards Do answered %v, ran: %v", err, ran)
			}
		})
	}
}

func panicDeep(n int) {
	if n == 0 {
		panic("deep")
	}
	panicDeep(n - 1)
}

func TestContextTakesQueuedWorkBack(t *testing.T) {
	th := newThread(t)
	free := occupy(t, th)
	defer free()

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- th.Do(ctx, func() { t.Error("ran although it was taken back") }) }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Do answered %v, want context.Canceled", err)
	}

	free()
	for range 100 { // an ended context comes before a free thread
		if err := th.Do(ctx, func() {}); !errors.Is(err, context.Canceled) {
			t.Fatalf("Do answered %v, want context.Canceled", err)
		}
	}
}

func TestStop(t *testing.T) {
	th := newThread(t)
	free := occupy(t, th)
	queued := make(chan error)
	for range 4 {
		go func() { queued <- th.Do(context.Background(), func() {}) }()
	}
	stopped := make(chan error)
	for range 2 { // twice, at the same time
		go func() { stopped <- th.Stop() }()
	}
	for range 4 { // what waited is turned away while the running function goes on
		if err := <-queued; !errors.Is(err, mlx.ErrStopped) {
			t.Errorf("a queued Do answered %v, want ErrStopped", err)
		}
	}
	free()
	for range 2 {
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}
	for range 100 {
		if err := th.Do(context.Background(), func() { t.Error("ran on a stopped thread") }); !errors.Is(err, mlx.ErrStopped) {
			t.Fatalf("Do after Stop answered %v, want ErrStopped", err)
		}
	}
	newThread(t) // another can be started
}

// Arrays belong to the thread that made them: what was not computed there can't be computed later, and says so.
func TestArraysDoNotOutliveTheirThread(t *testing.T) {
	var a mlx.Held
	first := newThread(t)
	if err := first.Do(t.Context(), func() {
		s := mlx.NewScope()
		s.Hold(&a, s.Add(s.Full(1, mlx.Float32, 2), s.Full(2, mlx.Float32, 2)))
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	err := tryMLX(t, func(s *mlx.Scope) error {
		s.Eval(a.Array())
		return a.Free()
	})
	if err == nil || !strings.Contains(err.Error(), "tream") {
		t.Errorf("Eval on another thread answers %v, want an error about the stream", err)
	}
}
