package jobs_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ttsui/internal/jobs"
	"ttsui/internal/tts"
)

// TestSegments: the record tells which segments are finished, and each of them has the time that a job has.
func TestSegments(t *testing.T) {
	const limit = time.Minute
	for name, c := range map[string]struct {
		pause time.Duration // in each segment
		done  int           // segments that are finished
		code  tts.Code
	}{
		"in time":  {limit - time.Second, 5, ""},
		"too long": {limit + time.Second, 0, tts.CodeTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := &jobs.Queue{Timeout: limit}
				req := tts.Request{Mode: tts.Control, JobID: "a-long-text"}
				_, err := q.Run(t.Context(), req, func(ctx context.Context, tell func(tts.Progress)) (res tts.Result, err error) {
					for i := range 5 {
						for range 2 { // frames, which don't give it more time
							tell(tts.Progress{Stage: tts.StageFrames, Frames: 10 * i, SegmentsTotal: 5, Segments: res.Segments})
							select {
							case <-time.After(c.pause / 2):
							case <-ctx.Done():
								return res, tts.Errorf(tts.CodeCanceled, "", "stopped")
							}
						}
						res.Segments = append(res.Segments, tts.Segment{TextEnd: 7 * (i + 1), Frames: 10})
					}
					return res, nil
				})
				job, errJob := q.Job(req.JobID)
				if tts.CodeOf(err) != c.code || errJob != nil || job.SegmentsTotal != 5 || job.SegmentsDone != c.done || job.TextDone != 7*c.done || len(*job.Segments) != c.done {
					t.Errorf("%v, %+v", err, job)
				}
				if list := q.List(); list[0].Segments != nil || list[0].SegmentsDone != c.done {
					t.Errorf("the list: %+v", list)
				}
			})
		})
	}
}

// TestPartialResult: the record of a job that was stopped says what is kept of it, and how long that plays.
func TestPartialResult(t *testing.T) {
	q := &jobs.Queue{}
	req := tts.Request{Mode: tts.Control, JobID: "a-long-text"}
	_, err := q.Run(t.Context(), req, func(_ context.Context, tell func(tts.Progress)) (tts.Result, error) {
		tell(tts.Progress{Stage: tts.StageFrames, Frames: 99, SegmentsTotal: 5})
		return tts.Result{Frames: 50, Samples: 2 * tts.SampleRate, Partial: "/tmp/a.partial.wav", Segments: []tts.Segment{{TextEnd: 3}}},
			tts.Errorf(tts.CodeCanceled, "", "stopped")
	})
	job, errJob := q.Job(req.JobID)
	if err == nil || errJob != nil || job.State != tts.JobCanceled || job.Partial != "/tmp/a.partial.wav" || job.Frames != 50 || job.AudioSeconds != 2 || job.TextDone != 3 {
		t.Errorf("%v, %+v", err, job)
	}
}

// TestSegmentsAreForgotten with their job.
func TestSegmentsAreForgotten(t *testing.T) {
	q := &jobs.Queue{}
	for i := range 101 {
		req := tts.Request{Mode: tts.Control, JobID: fmt.Sprintf("job-number-%d", i)}
		if _, err := q.Run(t.Context(), req, func(context.Context, func(tts.Progress)) (tts.Result, error) {
			return tts.Result{Segments: []tts.Segment{{TextEnd: 1}}}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if job, err := q.Job("job-number-0"); tts.CodeOf(err) != tts.CodeNotFound || job.Segments != nil {
		t.Errorf("%+v, %v", job, err)
	}
	if job, err := q.Job("job-number-1"); err != nil || len(*job.Segments) != 1 {
		t.Errorf("%+v, %v", job, err)
	}
}
