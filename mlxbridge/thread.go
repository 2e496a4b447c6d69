package mlxbridge

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Thread is the one OS thread that MLX lives on. MLX's streams are thread-local: an array made on one thread can't be
// evaluated on another, so every other call of this package belongs into a function given to Do.
type Thread struct {
	work   chan task
	quit   chan struct{} // closed by Stop: no more work is taken
	done   chan struct{} // closed when the thread is gone
	stop   sync.Once
	err    error  // of giving the thread up; read after done
	device Device // written before StartThread returns
}

type task struct {
	run      func()
	finished chan error
}

// started guards against a second thread: MLX arrays could not move between the two.
var started atomic.Bool

// ErrStopped is what Do answers after Stop.
var ErrStopped = errors.New("mlx: the MLX thread has stopped")

// StartThread starts the MLX thread, on the GPU when gpu is true and there is one. A process has one at a time.
func StartThread(gpu bool) (*Thread, error) {
	if !started.CompareAndSwap(false, true) {
		return nil, errors.New("mlx: the MLX thread is running already")
	}
	t := &Thread{work: make(chan task), quit: make(chan struct{}), done: make(chan struct{})}
	ready := make(chan error)
	go t.loop(gpu, ready)
	if err := <-ready; err != nil {
		<-t.done
		return nil, err
	}
	return t, nil
}

func (t *Thread) loop(gpu bool, ready chan<- error) {
	defer close(t.done)
	defer started.Store(false)
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine, and its MLX streams with it
	if err := start(gpu); err != nil {
		ready <- err
		return
	}
	defer func() { t.err = stop() }()
	device, err := currentDevice()
	t.device = device
	ready <- err
	if err != nil {
		return
	}
	t.serve()
}

// Device says where the thread computes.
func (t *Thread) Device() Device { return t.device }

// serve runs the work that comes in until the thread is to stop.
func (t *Thread) serve() {
	for {
		select {
		case <-t.quit:
			return
		case w := <-t.work:
			t.run(w)
		}
	}
}

// run runs one task and reports how it ended: well, by a panic, whose stack the error carries, or by runtime.Goexit,
// as t.FailNow of package testing does. Goexit can't be called off, but it waits for deferred calls: the thread goes
// on to serve in one.
func (t *Thread) run(w task) {
	returned := false
	defer func() {
		switch p := recover(); {
		case p != nil:
			w.finished <- fmt.Errorf("mlx: panic on the MLX thread: %v\n%s", p, debug.Stack())
		case returned:
			w.finished <- nil
		default:
			w.finished <- errors.New("mlx: runtime.Goexit was called on the MLX thread")
			t.serve()
		}
	}()
	w.run()
	returned = true
}

// Do runs f on the MLX thread and waits for it. Calls run one after the other. While f waits for its turn the end of
// ctx takes it back; once it runs, f itself must look at ctx. A panic of f comes back as an error. f must not call Do.
func (t *Thread) Do(ctx context.Context, f func()) error {
	w := task{run: f, finished: make(chan error, 1)}
	select { // what has ended already comes before free work
	case <-t.quit:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	default:
	}
	select {
	case <-t.quit:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	case t.work <- w:
		return <-w.finished
	}
}

// Stop waits for the running function, ends the thread and reports what MLX still had to say. Functions that wait for
// their turn are not run: their Do answers ErrStopped.
func (t *Thread) Stop() error {
	t.stop.Do(func() { close(t.quit) })
	<-t.done
	return t.err
}
