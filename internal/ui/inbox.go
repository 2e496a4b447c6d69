package ui

import "sync"

// inbox is a queue without an end, so that nobody waits who puts something in.
type inbox struct {
	wake chan struct{} // holds one when acts has some

	mu     sync.Mutex
	acts   []func()
	closed bool
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// put adds an act; after close it is forgotten.
func (i *inbox) put(act func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return
	}
	i.acts = append(i.acts, act)
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// take gives what has come, in its order.
func (i *inbox) take() []func() {
	i.mu.Lock()
	defer i.mu.Unlock()
	acts := i.acts
	i.acts = nil
	return acts
}

func (i *inbox) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.acts, i.closed = nil, true
}
