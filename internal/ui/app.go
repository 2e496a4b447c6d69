package ui

import (
	"context"
	"reflect"
	"time"

	"ttsui/internal/tts"
)

// drawEvery is the least time between the end of one Show and the next: as often as a screen changes.
const drawEvery = time.Second / 60

// App is the window without the window. Its methods may be called by any goroutine, and return at once; only Close
// waits.
type App struct {
	core  *core // belongs to the goroutine of run
	inbox *inbox
	stop  context.CancelFunc // of what the core's goroutines do
	shows chan Snapshot      // from run to draw; never full, as each was asked for
	wants chan struct{}      // draw asks for one
	ended chan struct{}      // closed when nothing goes on any more
}

// New begins: it restores what the user had typed, and launches the server.
func New(config Config) *App {
	life, stop := context.WithCancel(context.Background())
	a := &App{
		inbox: newInbox(), stop: stop,
		shows: make(chan Snapshot, 1), wants: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	a.core = newCore(config, life, a.inbox.put)
	a.wants <- struct{}{}
	go a.run()
	go a.draw(config.Show)
	return a
}

// Close stops all that goes on, the server too, saves what was typed and waits until all has ended; then Show is not
// called again. When ctx ends before that, Close gives up and says so. It may be called again.
func (a *App) Close(ctx context.Context) error {
	a.do((*core).close)
	a.stop()
	select {
	case <-a.ended:
		return nil
	case <-ctx.Done():
		return tts.Errorf(tts.CodeTimeout, "End the program; what was typed is saved unless the disk hangs.",
			"the window still waits for the server, the sound or the disk: %w", context.Cause(ctx))
	}
}

// do hands the core a command of the user's, which is ignored once Close has begun.
func (a *App) do(act func(*core)) {
	a.inbox.put(func() {
		if !a.core.closing {
			act(a.core)
		}
	})
}

// doIn is do for a tab.
func (a *App) doIn(mode tts.Mode, act func(*core, *tab)) {
	a.do(func(c *core) {
		if t, known := c.tabs[mode]; known {
			act(c, t)
		}
	})
}

// run is the core's goroutine: it does what comes in, and has what changed drawn when draw is ready for it.
func (a *App) run() {
	defer close(a.shows)
	defer a.inbox.close()
	a.core.begin()
	var last *Snapshot
	for wanted, changed := false, true; !a.core.ended(); {
		if wanted && changed {
			changed = false
			if s := a.core.snapshot(); last == nil || !reflect.DeepEqual(s, *last) {
				last, wanted = &s, false
				a.shows <- s
			}
		}
		select {
		case <-a.wants:
			wanted = true
		case <-a.inbox.wake:
			for _, act := range a.inbox.take() {
				act()
			}
			a.core.settle()
			changed = true
		}
	}
}

// draw has a goroutine of its own, so that a view that is slow keeps nothing from being done.
func (a *App) draw(show func(Snapshot)) {
	defer close(a.ended)
	for s := range a.shows {
		show(s)
		time.Sleep(drawEvery)
		a.wants <- struct{}{}
	}
}
