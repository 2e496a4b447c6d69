package app

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"ttsui/internal/instance"
	"ttsui/internal/tts"
)

// State is where the server is in its life.
type State string

// The states of a server.
const (
	Stopped    State = "stopped"    // before Start and after Close
	Serving    State = "serving"    // it answers
	Restarting State = "restarting" // its port was lost and is being opened again
)

// Status is how the server does.
type Status struct {
	State State
	Addr  string // host and port that it listens on, or did last
	Err   error  // while Restarting: what went wrong
}

// Status tells how the server does, and gives a channel that is closed when that changes.
func (a *App) Status() (Status, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.status, a.changed
}

func (a *App) setStatus(s Status) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status = s
	close(a.changed)
	a.changed = make(chan struct{})
}

// Waits before a lost port is opened again: the first, doubled up to the last.
const (
	firstWait = 100 * time.Millisecond
	lastWait  = 10 * time.Second
)

// keepServing answers requests from ln until Close. A listener that fails is replaced, as often as it takes.
func (a *App) keepServing(ln net.Listener) {
	wait := firstWait
	for {
		began := time.Now()
		err := a.server.Serve(ln)
		if err == nil {
			return
		}
		if time.Since(began) > lastWait {
			wait = firstWait
		}
		a.setStatus(Status{Restarting, ln.Addr().String(), err})
		a.log.Warn().Msgf("The server lost its port and opens it again: %v", err)
		for ln = nil; ln == nil; wait = min(2*wait, lastWait) {
			if !sleep(a.life, wait) {
				return
			}
			ln = a.reopen()
		}
	}
}

// reopen takes the port that the server had, or nil when that does not work yet. It takes no other: clients, our own
// window among them, look for the server where it was.
func (a *App) reopen() net.Listener {
	old, _ := a.Status()
	_, port, _ := splitAddr(old.Addr)
	ln, err := a.open(a.host, port)
	if err != nil {
		a.setStatus(Status{Restarting, old.Addr, err})
		a.log.Debug().Msgf("The port is not free yet: %v", err)
		return nil
	}
	a.begin(ln, old.Addr)
	return ln
}

// begin says that the server listens by ln; before is where it did last.
func (a *App) begin(ln net.Listener, before string) {
	a.setStatus(Status{State: Serving, Addr: ln.Addr().String()})
	a.log.Info().Msgf("Starting TTS HTTP Server on %s", ln.Addr())
	if ln.Addr().String() != before {
		a.announce(ln.Addr())
	}
}

// announce lets other programs find the server. One that nobody finds serves all the same.
func (a *App) announce(addr net.Addr) {
	if a.config.Home == "" {
		a.log.Warn().Msg("There is no home folder, so other programs can't find this server by themselves")
		return
	}
	ctx, cancel := context.WithTimeout(a.life, findTimeout)
	defer cancel()
	host, port, err := splitAddr(addr.String())
	if ip := net.ParseIP(host); ip.IsUnspecified() { // all addresses, of which this is the one for this machine
		host = "127.0.0.1"
	}
	if err == nil {
		err = instance.Announce(ctx, a.config.Home, instance.Record{
			Host: host, Port: port, PID: os.Getpid(), Started: a.started, Version: tts.Version()})
	}
	if err != nil {
		a.log.Warn().Msgf("Other programs can't find this server by themselves: %v", err)
	}
}

// tidy removes what a process that was killed left behind.
func (a *App) tidy() {
	if _, err := a.config.Places.SweepDrafts(); err != nil {
		a.log.Debug().Msgf("Looking for leftovers of models: %v", err)
	}
	if a.config.Home == "" {
		return
	}
	halves, errHalves := instance.SweepUnfinished(a.config.Home)
	old, err := instance.Sweep(a.config.Home, time.Now().Add(-leftoverAge))
	if err := errors.Join(errHalves, err); err != nil {
		a.log.Debug().Msgf("Looking for leftover files: %v", err)
	}
	if n := halves + old; n > 0 {
		a.log.Info().Msgf("Removed %d leftover temporary files", n)
	}
}

// noteUnfinished lets the next process find a result that this one leaves half done. Where that can't be noted, the
// result is made all the same.
func (a *App) noteUnfinished(folder string) {
	if err := a.making.Note(folder); err != nil {
		a.log.Debug().Msgf("Should this process be killed, half a file may stay in %s: %v", folder, err)
	}
}

// keepTidy tidies up again and again until Close: a process that is started right after another was killed finds what
// that one left, such as a voice, too young.
func (a *App) keepTidy() {
	for sleep(a.life, tidyInterval) {
		a.tidy()
	}
}

// keepLooking looks for models that came or went by another program, such as ttsui models, until Close.
func (a *App) keepLooking() {
	for sleep(a.life, lookInterval) {
		a.registry.Look()
	}
}

// sleep waits for d, and reports false when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
