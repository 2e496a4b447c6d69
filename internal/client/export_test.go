package client

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
)

// DialBy lets a test have its own network.
func (c *Client) DialBy(dial func(ctx context.Context, network, addr string) (net.Conn, error)) {
	c.http.Transport.(*http.Transport).DialContext = dial
}

// Event is an event as the reader has it.
type Event struct{ Name, ID, Data string }

// ReadEvents reads a stream to its end.
func ReadEvents(r io.Reader) (list []Event, lines int, err error) {
	l := newEventLines(r, func() { lines++ })
	for {
		e, err := l.next()
		if errors.Is(err, io.EOF) {
			return list, lines, nil
		}
		if err != nil {
			return list, lines, err
		}
		list = append(list, Event{e.name, e.id, e.data})
	}
}
