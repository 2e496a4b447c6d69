package mlxbridge_test

import (
	"runtime"
	"sync"
	"syscall"
	"testing"
)

func TestDoStaysOnOneOSThread(t *testing.T) {
	th := newThread(t)
	onThread := func() (id int) {
		if err := th.Do(t.Context(), func() { id = syscall.Gettid() }); err != nil {
			t.Error(err)
		}
		return id
	}
	want := onThread()
	for name, f := range map[string]func(){"panic": func() { panic("boom") }, "Goexit": runtime.Goexit} {
		if err := th.Do(t.Context(), f); err == nil {
			t.Errorf("%s is no error", name)
		}
		if got := onThread(); got != want {
			t.Errorf("after a %s on OS thread %d, before on %d", name, got, want)
		}
	}
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			runtime.LockOSThread() // a caller on an OS thread of its own, which Do must not use
			defer runtime.UnlockOSThread()
			own := syscall.Gettid()
			for range 50 {
				if got := onThread(); got != want || got == own {
					t.Errorf("ran on OS thread %d, want %d; the caller is on %d", got, want, own)
				}
			}
		})
	}
	callers.Wait()
}
