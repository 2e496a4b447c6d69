// Package jobs lets generations take turns. Run waits in line and then does its work on the caller's own goroutine; all
// that the Queue does itself is to say whose turn it is, and to keep a record of each job for whoever asks.
//
// There are two lines. Interactive jobs go before batch jobs, each in the order they came; but after four interactive
// ones in a row the oldest batch job has its turn, so that none waits for ever. Each line is bounded, so that the jobs
// of one don't keep those of the other out.
package jobs

import (
	"context"
	"sync"
	"time"

	"ttsui/internal/tts"
)

// Queue lets jobs run one at a time. The zero Queue is ready to use. All its methods may be called by several
// goroutines.
type Queue struct {
	Timeout time.Duration // of a job from its turn on, not of its waiting; 0 is none
	Waiting int           // most jobs of one priority that wait; 16 when 0

	mu      sync.Mutex
	running *job
	waiting []*job        // in the order they came
	row     int           // interactive jobs that went before waiting batch jobs, one after the other
	ended   []tts.Job     // the latest, oldest first
	wake    chan struct{} // closed by the next change; nil while nobody waits for it
	closed  bool

	parts map[string]*[]tts.Segment // what is finished of each job that has a record
}

const (
	mostWaiting = 16
	mostEnded   = 100
	patience    = 4               // interactive jobs in a row that batch jobs let go before them
	arrival     = 5 * time.Second // for a job to come that somebody asks to watch
)

// Work is what a job does in its turn. It tells how it goes, and ends soon after its ctx does.
type Work func(ctx context.Context, tell func(tts.Progress)) (tts.Result, error)

// Run waits for a turn and then does work for req. When the line is full it returns an error of tts.CodeQueueFull at
// once. It leaves the line when ctx ends or the job is canceled.
func (q *Queue) Run(ctx context.Context, req tts.Request, work Work) (res tts.Result, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	j := newJob(req, cancel)
	if err := q.join(j); err != nil {
		return tts.Result{}, err
	}
	err = errBroken() // stands when work panics, or is not begun
	defer func() { q.leave(j, res, err) }()
	q.tell(j, nil)
	select {
	case <-j.turn:
	case <-ctx.Done():
	}
	if ctx.Err() == nil {
		res, err = q.work(ctx, j, req.Audio != nil, work)
	}
	if err != nil && ctx.Err() != nil {
		err = stopped(ctx)
	}
	return res, err
}

// work does the work under the timeout. Where somebody listens it may take longer than that, as long as it goes on; and
// of a long text each segment has that time.
func (q *Queue) work(ctx context.Context, j *job, heard bool, work Work) (tts.Result, error) {
	goesOn := func() {}
	if q.Timeout > 0 {
		timer := time.AfterFunc(q.Timeout, func() { j.cancel(errTimeout(q.Timeout)) })
		defer timer.Stop()
		goesOn = func() { timer.Reset(q.Timeout) }
	}
	q.tell(j, nil)
	segments := 0
	return work(ctx, func(p tts.Progress) {
		if heard || len(p.Segments) > segments {
			goesOn()
		}
		segments = len(p.Segments)
		q.tell(j, &p)
	})
}

// Cancel stops a job and returns its record when it has ended. Like Watch it waits for one that isn't here yet.
func (q *Queue) Cancel(ctx context.Context, id string) (tts.Job, error) {
	if err := q.await(ctx, id); err != nil {
		return tts.Job{}, err
	}
	if j := q.live(id); j != nil {
		j.cancel(tts.Errorf(tts.CodeCanceled, "Start it again if that was a mistake.", "the job was canceled"))
		select {
		case <-j.done:
		case <-ctx.Done():
			return tts.Job{}, stopped(ctx)
		}
	}
	return q.Job(id)
}

// Watch calls see with the job's record and again whenever it has changed, until the job or ctx ends. See may be slow:
// what happens meanwhile is one change. A job whose id was chosen by its caller may be watched before it is here: Watch
// waits for it, but not for long.
func (q *Queue) Watch(ctx context.Context, id string, see func(tts.Job)) error {
	if err := q.await(ctx, id); err != nil {
		return err
	}
	for seen := (tts.Job{}); ; {
		changed := q.nextChange()
		now, err := q.brief(id)
		if err != nil {
			return err
		}
		if now != seen {
			see(now)
			seen = now
		}
		if now.State.Ended() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return stopped(ctx)
		}
	}
}

// await returns when there is a job of that id.
func (q *Queue) await(ctx context.Context, id string) error {
	late := time.NewTimer(arrival)
	defer late.Stop()
	for {
		changed := q.nextChange()
		_, err := q.brief(id)
		if err == nil || !tts.ValidJobID(id) {
			return err
		}
		select {
		case <-changed:
		case <-late.C:
			return err
		case <-ctx.Done():
			return stopped(ctx)
		}
	}
}

// Close cancels all jobs, takes no more, and waits for their end, at most until ctx's.
func (q *Queue) Close(ctx context.Context) error {
	left := q.shut()
	for _, j := range left {
		j.cancel(tts.Errorf(tts.CodeCanceled, "Start TTSUI again.", "TTSUI is shutting down"))
	}
	for _, j := range left {
		select {
		case <-j.done:
		case <-ctx.Done():
			return tts.Errorf(tts.CodeTimeout, "", "a job does not end: %w", context.Cause(ctx))
		}
	}
	return nil
}
