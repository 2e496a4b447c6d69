package jobs

import (
	"cmp"
	"context"
	"slices"
	"time"

	"ttsui/internal/tts"
)

// job is one that waits or runs. The queue's mu guards the record.
type job struct {
	record tts.Job
	turn   chan struct{} // closed when it may run
	done   chan struct{} // closed when it has ended
	cancel context.CancelCauseFunc
	watch  func(tts.Job)
}

func newJob(req tts.Request, cancel context.CancelCauseFunc) *job {
	j := &job{turn: make(chan struct{}), done: make(chan struct{}), cancel: cancel, watch: req.Watch}
	if j.watch == nil {
		j.watch = func(tts.Job) {}
	}
	j.record = tts.Job{
		ID: cmp.Or(req.JobID, tts.NewJobID()), Mode: req.Mode, ModelID: req.ModelID, Priority: cmp.Or(req.Priority, tts.Interactive),
		State: tts.JobQueued, CreatedAt: time.Now(), OutputPath: req.OutputPath, Takes: max(1, req.Takes),
	}
	return j
}

// join puts j at the end of its line.
func (q *Queue) join(j *job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return tts.Errorf(tts.CodeBusy, "Start TTSUI again.", "TTSUI is shutting down")
	}
	if _, err := q.find(j.record.ID); err == nil {
		return tts.Errorf(tts.CodeBusy, "Choose another id; a random one will do.", "there is a job %q already", j.record.ID)
	}
	before := 0
	for _, other := range q.waiting {
		if other.record.Priority == j.record.Priority {
			before++
		}
	}
	if before >= cmp.Or(q.Waiting, mostWaiting) {
		return tts.Errorf(tts.CodeQueueFull, "Try again when some of them are done.", "%d generations wait for their turn already", before)
	}
	if q.parts == nil {
		q.parts = map[string]*[]tts.Segment{}
	}
	q.parts[j.record.ID] = &[]tts.Segment{}
	q.waiting = append(q.waiting, j)
	q.proceed()
	q.changed()
	return nil
}

// leave ends j, wherever it stands, and lets the next one go on.
func (q *Queue) leave(j *job, res tts.Result, err error) {
	q.mu.Lock()
	if q.running == j {
		q.running = nil
	} else {
		q.waiting = slices.DeleteFunc(q.waiting, func(other *job) bool { return other == j })
	}
	q.finish(j, res.Segments)
	conclude(&j.record, res, err)
	q.ended = append(q.ended, j.record)
	for ; len(q.ended) > mostEnded; q.ended = q.ended[1:] {
		delete(q.parts, q.ended[0].ID)
	}
	q.proceed()
	q.changed()
	record := j.record
	q.mu.Unlock()
	close(j.done)
	j.watch(record)
}

// proceed gives the turn to the next job, if nobody has it. The caller holds mu.
func (q *Queue) proceed() {
	if q.running != nil || len(q.waiting) == 0 {
		return
	}
	var next int
	next, q.row = choose(q.waiting, q.row)
	j := q.waiting[next]
	q.waiting = slices.Delete(q.waiting, next, next+1)
	q.running = j
	now := time.Now()
	j.record.State, j.record.StartedAt = tts.JobRunning, &now
	close(j.turn)
}

// choose says which of those that wait is next, when row interactive jobs have gone before waiting batch jobs, and
// what becomes of row.
func choose(waiting []*job, row int) (next, after int) {
	first := func(p tts.Priority) int {
		return slices.IndexFunc(waiting, func(j *job) bool { return j.record.Priority == p })
	}
	interactive, batch := first(tts.Interactive), first(tts.Batch)
	switch {
	case batch < 0:
		return interactive, 0
	case interactive < 0 || row >= patience:
		return batch, 0
	}
	return interactive, row + 1
}

// line gives the records of those that wait, in the order of their turns as far as it is known. The caller holds mu.
func (q *Queue) line() []tts.Job {
	var line []tts.Job
	for rest, row := slices.Clone(q.waiting), q.row; len(rest) > 0; {
		var next int
		next, row = choose(rest, row)
		record := rest[next].record
		rest = slices.Delete(rest, next, next+1)
		record.Position = len(line) + 1
		line = append(line, record)
	}
	return line
}

// changed tells those who wait for a change. The caller holds mu.
func (q *Queue) changed() {
	if q.wake != nil {
		close(q.wake)
		q.wake = nil
	}
}
