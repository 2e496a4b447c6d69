package jobs

import (
	"context"
	"errors"
	"slices"
	"time"

	"ttsui/internal/tts"
)

// List gives the record of the job that runs, those that wait in the order of their turns, and the latest that ended,
// the newest first.
func (q *Queue) List() []tts.Job {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.list()
}

// list is List. The caller holds mu.
func (q *Queue) list() []tts.Job {
	list := []tts.Job{}
	if q.running != nil {
		list = append(list, q.running.record)
	}
	list = append(list, q.line()...)
	for _, record := range slices.Backward(q.ended) {
		list = append(list, record)
	}
	return list
}

// Job gives one record, with the segments that are finished.
func (q *Queue) Job(id string) (tts.Job, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	record, err := q.find(id)
	record.Segments = q.parts[id]
	return record, err
}

// brief gives one record without its segments.
func (q *Queue) brief(id string) (tts.Job, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.find(id)
}

// find is Job. The caller holds mu.
func (q *Queue) find(id string) (tts.Job, error) {
	for _, record := range q.list() {
		if record.ID == id {
			return record, nil
		}
	}
	return tts.Job{}, tts.Errorf(tts.CodeNotFound, "GET /jobs lists those that run or wait, and the last hundred that ended.", "there is no job %.40q", id)
}

// Length is how many jobs wait for their turn.
func (q *Queue) Length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// live finds a job that waits or runs.
func (q *Queue) live(id string) *job {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, j := range q.all() {
		if j.record.ID == id {
			return j
		}
	}
	return nil
}

// all lists the jobs that wait or run. The caller holds mu.
func (q *Queue) all() []*job {
	if q.running == nil {
		return slices.Clone(q.waiting)
	}
	return append([]*job{q.running}, q.waiting...)
}

// shut takes no more jobs, and gives those that are left.
func (q *Queue) shut() []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	return q.all()
}

// tell puts progress, if there is some, into j's record, and shows it to j's own watcher.
func (q *Queue) tell(j *job, p *tts.Progress) {
	q.mu.Lock()
	if p != nil {
		j.record.Stage = p.Stage
		j.record.Frames = max(j.record.Frames, p.Frames)
		j.record.SegmentsTotal = max(j.record.SegmentsTotal, p.SegmentsTotal)
		j.record.Retries = max(j.record.Retries, p.Retries)
		q.finish(j, p.Segments)
		measure(&j.record, j.record.Frames*tts.FrameSamples, time.Now())
		q.changed()
	}
	record := j.record
	if i := slices.IndexFunc(q.line(), func(r tts.Job) bool { return r.ID == record.ID }); i >= 0 {
		record.Position = i + 1
	}
	q.mu.Unlock()
	j.watch(record)
}

// finish notes the segments of j that are finished. The caller holds mu.
func (q *Queue) finish(j *job, segments []tts.Segment) {
	if n := len(segments); n > j.record.SegmentsDone {
		j.record.SegmentsDone, j.record.TextDone = n, segments[n-1].TextEnd
		q.parts[j.record.ID] = &segments
	}
}

// nextChange is closed when any record has changed.
func (q *Queue) nextChange() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.wake == nil {
		q.wake = make(chan struct{})
	}
	return q.wake
}

// measure says how far a job came by the time now.
func measure(r *tts.Job, samples int, now time.Time) {
	r.AudioSeconds = float64(samples) / tts.SampleRate
	if r.AudioSeconds > 0 {
		factor := now.Sub(*r.StartedAt).Seconds() / r.AudioSeconds
		r.RealTimeFactor = &factor
	}
}

// conclude writes a job's end into its record.
func conclude(r *tts.Job, res tts.Result, err error) {
	now := time.Now()
	r.FinishedAt = &now
	if r.Partial = res.Partial; r.Partial != "" {
		r.Frames = res.Frames
		measure(r, res.Samples, now)
	}
	if err == nil {
		var samples int
		r.State, r.Seed = tts.JobDone, &res.Seed
		r.Frames, samples, r.Truncated = res.Whole()
		if res.FirstAudio > 0 {
			r.FirstAudio = &res.FirstAudio
		}
		r.SegmentsTotal, r.Retries, r.Runaway = len(res.Segments), res.Retries, res.Runaway
		measure(r, samples, now)
		return
	}
	r.State = tts.JobFailed
	if tts.CodeOf(err) == tts.CodeCanceled {
		r.State = tts.JobCanceled
	}
	r.Error = &tts.JobError{Code: tts.CodeOf(err), Message: err.Error(), Hint: tts.HintOf(err)}
	if r.Error.Code == tts.CodeInternal { // what only the log may hold
		r.Error.Message, r.Error.Hint = "Internal error.", "The log says what happened; TTSUI goes on."
	}
}

// stopped is the error of a job whose ctx has ended.
func stopped(ctx context.Context) error {
	cause := context.Cause(ctx)
	var told *tts.Error
	if errors.As(cause, &told) {
		return cause
	}
	return tts.Errorf(tts.CodeCanceled, "", "canceled: %w", cause)
}

func errTimeout(limit time.Duration) error {
	return tts.Errorf(tts.CodeTimeout, "Speak a shorter text, use a smaller model, or raise the limit: ttsui serve --timeout.",
		"the generation took longer than %s", limit)
}

// errBroken is a job's error when its work panicked, which somebody above will tell more about.
func errBroken() error {
	return tts.Errorf(tts.CodeInternal, "This is a bug in TTSUI; the log has the details.", "internal error")
}
