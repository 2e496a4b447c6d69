package client

import (
	"context"
	"time"

	"ttsui/internal/tts"
)

// farewell is how long Generate looks after a job whose end it has not seen.
const farewell = 2 * time.Second

// watched makes a call for the job id and tells see of that job meanwhile, from its place in the queue to its end. A
// server that can't tell takes nothing from what was made.
func (c *Client) watched(ctx context.Context, id string, see func(tts.Job), call func() error) error {
	if see == nil {
		return call()
	}
	ctx = context.WithoutCancel(ctx) // the end of a job that was stopped is told, too
	watching, stop := context.WithCancel(ctx)
	defer stop()
	var last tts.Job
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.WatchJob(watching, id, func(job tts.Job) {
			last = job
			see(job)
		})
	}()
	err := call()
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	job, errJob := c.Job(ctx, id)
	if errJob == nil && !job.State.Ended() { // the call was broken off, which the server notices soon
		select {
		case <-ended:
		case <-ctx.Done():
		}
	}
	stop()
	<-ended
	if job.State.Ended() && !last.State.Ended() {
		see(job)
	}
	return err
}
