package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"ttsui/internal/jobs"
	"ttsui/internal/tts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop is a queue whose jobs end when they are told to.
type shop struct {
	*jobs.Queue
	running sync.WaitGroup
	order   []string // model ids in the order of their turns
}

func open(t *testing.T, q *jobs.Queue) *shop {
	s := &shop{Queue: q}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
		s.running.Wait()
	})
	return s
}

// order is a job on its way.
type order struct {
	id     string
	finish chan error // what its work returns
	cancel context.CancelFunc
	result chan error // what Run returns
}

// send brings a job into the queue; it returns when the job is there, or was refused.
func (s *shop) send(name string, priority tts.Priority) *order {
	ctx, cancel := context.WithCancel(context.Background())
	o := &order{finish: make(chan error), cancel: cancel, result: make(chan error, 1)}
	req := tts.Request{Mode: tts.Control, ModelID: name, Priority: priority, Text: "private words"}
	req.Watch = func(j tts.Job) {
		if o.id == "" {
			o.id = j.ID
		}
	}
	s.running.Go(func() {
		defer cancel()
		_, err := s.Run(ctx, req, func(ctx context.Context, tell func(tts.Progress)) (tts.Result, error) {
			s.order = append(s.order, name)
			select {
			case err := <-o.finish:
				return tts.Result{Frames: 25, Samples: 25 * tts.FrameSamples, Seed: 7}, err
			case <-ctx.Done():
				return tts.Result{}, tts.Errorf(tts.CodeCanceled, "", "stopped: %w", ctx.Err())
			}
		})
		o.result <- err
	})
	synctest.Wait()
	return o
}

func (s *shop) state(t *testing.T, o *order) tts.JobState {
	t.Helper()
	job, err := s.Job(o.id)
	if err != nil {
		t.Fatal(err)
	}
	return job.State
}

func TestTurns(t *testing.T) {
	for _, c := range []struct{ name, come, turns string }{
		{"first come, first served", "i1 i2 i3", "i1 i2 i3"},
		{"interactive before batch", "i0 b1 b2 i1 i2", "i0 i1 i2 b1 b2"},
		{"but not for ever", "i0 b1 b2 i1 i2 i3 i4 i5 i6", "i0 i1 i2 i3 i4 b1 i5 i6 b2"},
		{"batch alone", "b0 b1 b2", "b0 b1 b2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, &jobs.Queue{})
				var orders []*order
				for _, name := range strings.Fields(c.come) {
					orders = append(orders, s.send(name, map[byte]tts.Priority{'i': "", 'b': tts.Batch}[name[0]]))
				}
				var told []string
				for i, job := range s.List() {
					told = append(told, job.ModelID)
					if job.Position != i {
						t.Errorf("%s is at %d, want %d", job.ModelID, job.Position, i)
					}
				}
				for range orders {
					i := slices.IndexFunc(orders, func(o *order) bool { return s.state(t, o) == tts.JobRunning })
					orders[i].finish <- nil
					synctest.Wait()
				}
				if d := cmp.Diff(strings.Fields(c.turns), s.order); d != "" {
					t.Error(d)
				}
				if d := cmp.Diff(s.order, told); d != "" {
					t.Errorf("the queue foretold another order: %s", d)
				}
			})
		})
	}
}

func TestEachLineIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, &jobs.Queue{Waiting: 2})
		s.send("running", "")
		for _, p := range []tts.Priority{tts.Interactive, tts.Batch} {
			s.send("one", p)
			last := s.send("two", p)
			err := <-s.send("three", p).result
			if tts.CodeOf(err) != tts.CodeQueueFull || tts.HintOf(err) == "" {
				t.Errorf("%s: %v", p, err)
			}
			last.cancel()
			<-last.result
			s.send("instead", p)
		}
		if n := s.Length(); n != 4 {
			t.Errorf("%d wait", n)
		}
	})
}

func TestRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &jobs.Queue{}
		var told []tts.Job
		created := time.Now()
		_, err := q.Run(t.Context(), tts.Request{
			Mode: tts.Design, ModelID: "a/b", OutputPath: "/tmp/a.wav", Priority: tts.Batch, Text: "private", Instruct: "private", RefText: "private",
			Watch: func(j tts.Job) { told = append(told, j) },
		}, func(_ context.Context, tell func(tts.Progress)) (tts.Result, error) {
			time.Sleep(time.Second)
			tell(tts.Progress{Stage: tts.StagePrefill})
			time.Sleep(time.Second)
			tell(tts.Progress{Stage: tts.StageFrames, Frames: 50})
			tell(tts.Progress{Stage: tts.StageSaving})
			time.Sleep(time.Second)
			return tts.Result{Frames: 50, Samples: 4 * tts.SampleRate, Seed: 7, Truncated: true, FirstAudio: 1.5}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		ended, half, end, seed, first := created.Add(3*time.Second), 0.5, 0.75, uint64(7), 1.5
		job := tts.Job{ID: told[0].ID, Mode: tts.Design, ModelID: "a/b", Priority: tts.Batch, OutputPath: "/tmp/a.wav", CreatedAt: created, Takes: 1}
		job.State, job.StartedAt = tts.JobRunning, &created
		var want []tts.Job
		add := func(change func()) { change(); want = append(want, job) }
		add(func() {}) // nobody was before it: it runs at once
		add(func() {})
		add(func() { job.Stage = tts.StagePrefill })
		add(func() { job.Stage, job.Frames, job.AudioSeconds, job.RealTimeFactor = tts.StageFrames, 50, 4, &half })
		add(func() { job.Stage = tts.StageSaving })
		add(func() {
			job.State, job.FinishedAt, job.Seed, job.Truncated, job.RealTimeFactor, job.FirstAudio = tts.JobDone, &ended, &seed, true, &end, &first
		})
		if d := cmp.Diff(want, told); d != "" {
			t.Error(d)
		}
		if len(job.ID) != 16 || strings.Contains(fmt.Sprintf("%+v", told), "private") {
			t.Errorf("records %+v", told)
		}
		last, err := q.Job(job.ID)
		last.Segments = nil // which who watches is not told
		if err != nil || cmp.Diff(job, last) != "" {
			t.Error(last, err)
		}
	})
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, &jobs.Queue{})
		running, queued, gone, after := s.send("running", ""), s.send("queued", ""), s.send("gone", ""), s.send("after", "")
		for _, o := range []*order{queued, running} {
			job, err := s.Cancel(t.Context(), o.id)
			if err != nil || job.State != tts.JobCanceled || job.Error.Code != tts.CodeCanceled || job.FinishedAt == nil {
				t.Errorf("cancel: %+v, %v", job, err)
			}
			if err := <-o.result; tts.CodeOf(err) != tts.CodeCanceled || err.Error() != "the job was canceled" {
				t.Errorf("run: %v", err)
			}
			if again, err := s.Cancel(t.Context(), o.id); err != nil || again != job {
				t.Errorf("cancel again: %+v, %v", again, err)
			}
		}
		synctest.Wait()
		if got := s.state(t, gone); got != tts.JobRunning {
			t.Errorf("the next is %s", got)
		}
		gone.cancel() // the client's end
		if err := <-gone.result; tts.CodeOf(err) != tts.CodeCanceled || !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
		synctest.Wait()
		after.finish <- nil
		if err := <-after.result; err != nil {
			t.Error(err)
		}
		if d := cmp.Diff([]string{"running", "gone", "after"}, s.order); d != "" {
			t.Error(d)
		}
		if _, err := s.Cancel(t.Context(), "nobody"); tts.CodeOf(err) != tts.CodeNotFound {
			t.Errorf("cancel nobody: %v", err)
		}
	})
}

func TestFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, &jobs.Queue{})
		for _, c := range []struct {
			err  error
			want tts.JobError
		}{
			{tts.Errorf(tts.CodeDiskFull, "Free some.", "no space"), tts.JobError{Code: tts.CodeDiskFull, Message: "no space", Hint: "Free some."}},
			{errors.New("secret"), tts.JobError{Code: tts.CodeInternal, Message: "Internal error.", Hint: "The log says what happened; TTSUI goes on."}},
		} {
			o := s.send("a/b", "")
			o.finish <- c.err
			if err := <-o.result; err != c.err {
				t.Errorf("run: %v", err)
			}
			job, err := s.Job(o.id)
			if err != nil || job.State != tts.JobFailed {
				t.Errorf("%+v, %v", job, err)
			}
			if d := cmp.Diff(&c.want, job.Error); d != "" {
				t.Error(d)
			}
		}
		func() {
			defer func() {
				if recover() != "bad shape" {
					t.Error("the panic was swallowed")
				}
			}()
			_, _ = s.Run(t.Context(), tts.Request{}, func(context.Context, func(tts.Progress)) (tts.Result, error) { panic("bad shape") })
		}()
		if got := s.List()[0].State; got != tts.JobFailed {
			t.Errorf("after a panic the job is %s", got)
		}
		o := s.send("next", "")
		o.finish <- nil
		if err := <-o.result; err != nil {
			t.Errorf("after a panic: %v", err)
		}
	})
}

// TestTimeout: the limit is for a job's turn, not for its waiting; and where somebody listens, for the next frame.
func TestTimeout(t *testing.T) {
	work := func(d time.Duration, steps int) jobs.Work {
		return func(ctx context.Context, tell func(tts.Progress)) (tts.Result, error) {
			for n := range steps {
				select {
				case <-time.After(d):
				case <-ctx.Done():
					return tts.Result{}, ctx.Err()
				}
				tell(tts.Progress{Stage: tts.StageFrames, Frames: n + 1})
			}
			return tts.Result{}, nil
		}
	}
	for _, c := range []struct {
		name  string
		audio tts.Sink
		work  jobs.Work
		code  tts.Code
		took  time.Duration
	}{
		{"hangs", nil, work(time.Hour, 1), tts.CodeTimeout, 5 * time.Minute},
		{"slow", nil, work(time.Minute, 9), tts.CodeTimeout, 5 * time.Minute},
		{"in time", nil, work(time.Minute, 4), "", 4 * time.Minute},
		{"slow and heard", deaf{}, work(time.Minute, 9), "", 9 * time.Minute},
		{"hangs and heard", deaf{}, work(time.Hour, 1), tts.CodeTimeout, 5 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := &jobs.Queue{Timeout: 5 * time.Minute}
				var before sync.WaitGroup
				before.Go(func() {
					if _, err := q.Run(context.Background(), tts.Request{}, work(4*time.Minute, 1)); err != nil {
						t.Error(err)
					}
				})
				synctest.Wait()
				started := time.Now()
				_, err := q.Run(t.Context(), tts.Request{Audio: c.audio}, c.work)
				if tts.CodeOf(err) != c.code || time.Since(started) != 4*time.Minute+c.took {
					t.Errorf("%v after %v", err, time.Since(started))
				}
				before.Wait()
			})
		})
	}
}

// deaf is somebody who listens.
type deaf struct{}

func (deaf) WriteSamples([]float32) error { return nil }

// TestWatch: a watcher sees the latest, also when it is slow, and always the end.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, &jobs.Queue{})
		first, second := s.send("first", ""), s.send("second", "")
		var told []string
		var watching sync.WaitGroup
		watching.Go(func() {
			err := s.Watch(context.Background(), second.id, func(j tts.Job) {
				told = append(told, fmt.Sprint(j.State, j.Position))
				time.Sleep(time.Minute)
			})
			if err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		front := s.send("front", "")
		first.finish <- nil
		second.finish <- nil // while the watcher sleeps
		watching.Wait()
		if d := cmp.Diff([]string{"queued1", "done0"}, told); d != "" {
			t.Error(d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Watch(ctx, front.id, func(tts.Job) {}); tts.CodeOf(err) != tts.CodeCanceled {
			t.Errorf("watch: %v", err)
		}
		if err := s.Watch(ctx, "nobody", func(tts.Job) { t.Error("told of nobody") }); tts.CodeOf(err) != tts.CodeNotFound {
			t.Errorf("watch nobody: %v", err)
		}
		front.finish <- nil
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &jobs.Queue{}
		s := open(t, q)
		running, queued := s.send("running", ""), s.send("queued", "")
		if err := q.Close(t.Context()); err != nil {
			t.Error(err)
		}
		for _, o := range []*order{running, queued} {
			if err := <-o.result; tts.CodeOf(err) != tts.CodeCanceled || err.Error() != "TTSUI is shutting down" {
				t.Errorf("run: %v", err)
			}
		}
		if err := <-s.send("late", "").result; tts.CodeOf(err) != tts.CodeBusy {
			t.Errorf("run after close: %v", err)
		}
		if d := cmp.Diff([]string{"running"}, s.order); d != "" {
			t.Error(d)
		}
	})
}

func TestTheLatestEndedAreKept(t *testing.T) {
	q := &jobs.Queue{}
	for i := range 130 {
		req := tts.Request{ModelID: fmt.Sprint(i)}
		if _, err := q.Run(t.Context(), req, func(context.Context, func(tts.Progress)) (tts.Result, error) { return tts.Result{}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	list := q.List()
	if len(list) != 100 || list[0].ModelID != "129" || list[99].ModelID != "30" {
		t.Errorf("%d kept, from %s to %s", len(list), list[len(list)-1].ModelID, list[0].ModelID)
	}
}

// TestOneAtATime: whatever clients do, one job runs at a time, each ends once, and none is left behind.
func TestOneAtATime(t *testing.T) {
	q := &jobs.Queue{Waiting: 3}
	var inside, ran, refused atomic.Int64
	var clients sync.WaitGroup
	for seed := range uint64(8) {
		clients.Go(func() {
			chance := rand.New(rand.NewPCG(seed, 0))
			for range 200 {
				ctx, cancel := context.WithCancel(context.Background())
				req := tts.Request{Priority: []tts.Priority{tts.Interactive, tts.Batch}[chance.IntN(2)]}
				goAway := chance.IntN(4) == 0
				req.Watch = func(j tts.Job) {
					if goAway && j.State == tts.JobQueued {
						cancel()
					}
				}
				_, err := q.Run(ctx, req, func(ctx context.Context, tell func(tts.Progress)) (tts.Result, error) {
					if inside.Add(1) != 1 {
						t.Error("two jobs run")
					}
					defer inside.Add(-1)
					ran.Add(1)
					tell(tts.Progress{Frames: 1})
					if victims := q.List(); chance.IntN(8) == 0 && len(victims) > 1 && !victims[1].State.Ended() {
						_, _ = q.Cancel(ctx, victims[1].ID)
					}
					return tts.Result{}, ctx.Err()
				})
				if tts.CodeOf(err) == tts.CodeQueueFull {
					refused.Add(1)
				} else if err != nil && tts.CodeOf(err) != tts.CodeCanceled {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	clients.Wait()
	if i := slices.IndexFunc(q.List(), func(j tts.Job) bool { return !j.State.Ended() }); i >= 0 || q.Length() != 0 {
		t.Errorf("left behind: %+v", q.List()[i])
	}
	t.Logf("%d jobs ran, %d found the queue full", ran.Load(), refused.Load())
}

// TestAJobOnItsWay is waited for, five seconds at most, by who watches or cancels it; but not an id that no job can have.
func TestAJobOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, &jobs.Queue{})
		watch := func(id string) (took time.Duration, err error) {
			began := time.Now()
			err = s.Watch(t.Context(), id, func(j tts.Job) { took = time.Since(began) })
			if err != nil {
				took = time.Since(began)
			}
			return took, err
		}
		for id, want := range map[string]time.Duration{"nobody-comes": 5 * time.Second, "none": 0, "../../none": 0} {
			if took, err := watch(id); tts.CodeOf(err) != tts.CodeNotFound || took != want {
				t.Errorf("%s: after %s %v", id, took, err)
			}
		}
		time.AfterFunc(4*time.Second, func() {
			_, _ = s.Run(t.Context(), tts.Request{JobID: "comes-late"}, func(context.Context, func(tts.Progress)) (tts.Result, error) {
				time.Sleep(time.Minute)
				return tts.Result{}, nil
			})
		})
		if took, err := watch("comes-late"); err != nil || took != 64*time.Second {
			t.Errorf("comes late: after %s %v", took, err)
		}
		stopped := make(chan error)
		time.AfterFunc(time.Second, func() {
			_, err := s.Run(t.Context(), tts.Request{JobID: "stopped-before"}, func(ctx context.Context, _ func(tts.Progress)) (tts.Result, error) {
				<-ctx.Done()
				return tts.Result{}, ctx.Err()
			})
			stopped <- err
		})
		go func() {
			if job, err := s.Cancel(t.Context(), "stopped-before"); err != nil || job.State != tts.JobCanceled {
				t.Errorf("cancel: %+v, %v", job, err)
			}
		}()
		if err := <-stopped; tts.CodeOf(err) != tts.CodeCanceled {
			t.Errorf("the job that was stopped before it came: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Watch(ctx, "nobody-comes", nil); tts.CodeOf(err) != tts.CodeCanceled {
			t.Errorf("who goes away is told %v", err)
		}
	})
}

// TestAJobOfItsOwnName: no other job has the name while the queue knows it.
func TestAJobOfItsOwnName(t *testing.T) {
	q := &jobs.Queue{}
	run := func(id string) error {
		_, err := q.Run(t.Context(), tts.Request{JobID: id}, func(context.Context, func(tts.Progress)) (tts.Result, error) {
			return tts.Result{}, nil
		})
		return err
	}
	if err := run("my-own-name"); err != nil {
		t.Error(err)
	}
	if job, err := q.Job("my-own-name"); err != nil || job.State != tts.JobDone {
		t.Errorf("%+v, %v", job, err)
	}
	if err := run("my-own-name"); tts.CodeOf(err) != tts.CodeBusy || tts.HintOf(err) == "" {
		t.Errorf("again: %v", err)
	}
	for range 100 {
		if err := run(""); err != nil {
			t.Fatal(err)
		}
	}
	if err := run("my-own-name"); err != nil {
		t.Errorf("when it is forgotten: %v", err)
	}
}
