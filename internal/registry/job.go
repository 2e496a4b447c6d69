package registry

import (
	"context"
	"fmt"
	"time"

	"ttsui/internal/tts"
)

// patience is how long a loader or a model may go on after it was told to end. Then the row gives it up: what it is
// still doing is waited for, and freed, out of sight.
const patience = 30 * time.Second

// job is a load, an unload or the making of a model under way, for those who wait for it.
type job struct {
	ctx    context.Context // of the work: ends when nobody wants it any more
	cancel context.CancelFunc
	force  bool // load although the forecast says that memory won't do
	making bool // it makes the model, and doesn't load it

	done    chan struct{} // closed when the results stand
	info    tts.ModelInfo
	stopped bool // a load ended because it was told to
	refused bool // the forecast said no, and force would have made it a yes
}

// begin starts a job that takes the row to state and forgets what the last one left. The caller holds mu, and
// runs the job.
func (r *Registry) begin(row *row, state tts.State) *job {
	r.enter(row, state)
	info := tts.ModelInfo{ModelID: row.id, State: state}
	if state == tts.Loading {
		info.Phase = tts.PhaseLoading
	}
	r.record(row, info)
	row.drain = nil
	row.job = &job{done: make(chan struct{})}
	row.job.ctx, row.job.cancel = context.WithCancel(r.life)
	return row.job
}

// end takes the row to the record that its job ended with, and tells those who wait.
func (r *Registry) end(row *row, info tts.ModelInfo, model Model) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.enter(row, info.State)
	j := row.job
	r.record(row, info)
	row.model, row.job = model, nil
	j.info = row.info
	j.cancel()
	close(j.done)
}

// enter checks a change of state against the one table; another change is a bug of this package. The caller holds
// mu.
func (r *Registry) enter(row *row, next tts.State) {
	if from := row.info.State; !from.To(next) {
		panic(fmt.Sprintf("registry: %s went from %s to %s", row.id, from, next))
	}
	if r.observe != nil {
		r.observe(row.id, row.info.State, next)
	}
}

// wait gives the job's outcome, or gives up waiting with ctx; the job goes on.
func (j *job) wait(ctx context.Context) (tts.ModelInfo, error) {
	select {
	case <-j.done:
		return j.info, nil
	case <-ctx.Done():
		return tts.ModelInfo{}, errStoppedWaiting(ctx)
	}
}

// try runs f on a goroutine of its own and gives what it made, nothing when it called runtime.Goexit. An f that goes on
// for longer than patience after ctx's end is given up: ok is false, and late gets what f makes in the end.
func try[T any](ctx context.Context, r *Registry, f func() T, late func(T)) (made T, ok bool) {
	result := make(chan T, 1)
	r.work.Go(func() {
		defer close(result)
		result <- f()
	})
	select {
	case made = <-result:
		return made, true
	case <-ctx.Done():
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case made = <-result:
		return made, true
	case <-timer.C:
		r.work.Go(func() { late(<-result) })
		return made, false
	}
}
