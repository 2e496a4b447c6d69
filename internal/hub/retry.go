package hub

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"ttsui/internal/tts"
)

// Retry says how a question that got no good answer is asked again.
type Retry struct {
	Tries   int           // in a row that bring nothing new, before giving up
	First   time.Duration // the pause after the first of them; each further one is twice as long
	Longest time.Duration // but not longer than this
}

// longestWait bounds what a server may ask for by Retry-After.
const longestWait = 10 * time.Minute

// persist calls try until it succeeds, fails for good, or has failed too often without getting any further.
func (r Retry) persist(ctx context.Context, try func() (further bool, err error)) error {
	for failures := 1; ; failures++ {
		further, err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return canceled(ctx)
		}
		var p *passing
		if !errors.As(err, &p) {
			return err
		}
		if further {
			failures = 1
		}
		if failures >= r.Tries {
			return p.err
		}
		if err := wait(ctx, max(r.pause(failures), min(p.after, longestWait))); err != nil {
			return err
		}
	}
}

// pause grows with each failure, and is never the same for all who failed together.
func (r Retry) pause(failures int) time.Duration {
	d := r.First
	for range failures - 1 {
		d = min(2*d, r.Longest)
	}
	return d/2 + rand.N(d/2+1)
}

// wait waits for d, or for the end of ctx, which is an error.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return canceled(ctx)
	}
}

func canceled(ctx context.Context) error {
	return tts.Errorf(tts.CodeCanceled, "Start it again: it goes on where it stopped.", "stopped: %w", context.Cause(ctx))
}

// retryAfter reads how long a server wants to be left alone: in seconds, or until a time.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(seconds, 0), int(longestWait/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
