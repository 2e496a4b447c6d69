//go:build darwin || gnustep

package cocoa

import (
	"sync"

	"github.com/progrium/darwinkit/dispatch"
	"github.com/progrium/darwinkit/objc"
)

// onMain has the main thread run f soon, after what it was given before, and returns at once. Any goroutine may call it,
// and everything that touches a view goes this way.
func onMain(f func()) {
	dispatch.MainQueue().DispatchAsync(func() { objc.WithAutoreleasePool(f) }) // else what f makes lives until the next event
}

// onMainWait is onMain, and waits until f has run. On the main thread itself it would wait for ever.
func onMainWait(f func()) {
	done := make(chan struct{})
	onMain(func() {
		defer close(done)
		f()
	})
	<-done
}

// latest shows the newest of many values on the main thread. However fast they come, one task at most waits in the main
// queue, so that a burst of news never keeps the user's clicks waiting.
type latest[T any] struct {
	show func(T) // runs on the main thread

	mu      sync.Mutex
	value   T
	waiting bool
}

// set gives the newest value. Any goroutine may call it.
func (l *latest[T]) set(value T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.value = value
	if !l.waiting {
		l.waiting = true
		onMain(l.flush)
	}
}

func (l *latest[T]) flush() {
	l.mu.Lock()
	value := l.value
	l.waiting = false
	l.mu.Unlock()
	l.show(value)
}
