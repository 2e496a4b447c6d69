package client

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"ttsui/internal/tts"
)

// Health is how a server feels.
type Health struct {
	Status    string `json:"status"`    // healthy
	Timestamp string `json:"timestamp"` // the server's local time
}

// Health asks the server how it feels. It answers at once, whatever else it does.
func (c *Client) Health(ctx context.Context) (Health, error) {
	return ask[Health](ctx, c, http.MethodGet, "/health", nil)
}

// How often the server's health is asked for.
const (
	healthyEvery = 10 * time.Second
	failures     = 2 // in a row make a server unhealthy
)

// Monitor calls changed with the server's health as it is first found, and then whenever it changes: with nil when the
// server is well, else with what is wrong. A single failure is asked about again before it counts. Monitor returns
// when ctx ends; changed runs on the caller's goroutine.
func (c *Client) Monitor(ctx context.Context, changed func(wrong error)) {
	var retry backoff
	for known, well, failed := false, false, 0; ; {
		_, err := c.Health(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := healthyEvery
		if err == nil {
			failed = 0
			retry.reset()
		} else {
			failed++
			wait = retry.next()
		}
		settled := err == nil || failed >= failures
		if settled && (!known || well != (err == nil)) {
			known, well = true, err == nil
			changed(err)
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

// whileAlive ends ctx when the server stops answering, for calls that have no limit of their own. A server that is
// gone ends its connections; this is for one that hangs, or a network that does.
func (c *Client) whileAlive(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for failed := 0; sleep(ctx, healthyEvery); {
			if _, err := c.Health(ctx); err == nil {
				failed = 0
			} else if failed++; failed >= failures {
				cancel(tts.Errorf(tts.CodeTimeout, "See whether the server still runs; it may go on with what it was asked.",
					"the server at %s stopped answering: %w", c.base, err))
			}
		}
	}()
	return ctx, func() {
		cancel(context.Canceled)
		<-watched
	}
}

// Waits between one try and the next.
const (
	firstWait = 250 * time.Millisecond
	lastWait  = 10 * time.Second
)

// backoff gives waits that double, half of each by chance, so that many clients of a server that comes back don't all
// come at once.
type backoff struct{ tries int }

func (b *backoff) next() time.Duration {
	wait := min(firstWait<<min(b.tries, 16), lastWait)
	b.tries++
	return wait/2 + rand.N(wait/2)
}

func (b *backoff) reset() { b.tries = 0 }

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
