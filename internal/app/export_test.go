package app

import (
	"net"
	"time"
)

// OpenBy lets a test stand between the app and the system: open gets what the system gave.
func (a *App) OpenBy(open func(net.Listener, error) (net.Listener, error)) {
	a.open = func(host string, port int) (net.Listener, error) { return open(listen(host, port)) }
}

// KeepTidy is keepTidy.
func (a *App) KeepTidy() { a.keepTidy() }

// CloseWithin is Close with other limits.
func (a *App) CloseWithin(clients, all time.Duration) error { return a.close(clients, all) }

// Logged logs n lines.
func (a *App) Logged(n int, text string) {
	for range n {
		a.log.Info().Msg(text)
	}
}
