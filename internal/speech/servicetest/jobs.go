package servicetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"ttsui/internal/registry/registrytest"
	"ttsui/internal/tts"
)

// sink keeps audio, and may refuse it.
type sink struct {
	pcm    []float32
	refuse error
}

func (s *sink) WriteSamples(pcm []float32) error {
	s.pcm = append(s.pcm, pcm...)
	return s.refuse
}

func (s Subject) testAudio(t *testing.T) {
	service := s.Open(t, &registrytest.Tones{})
	load(t, service, custom)
	var heard [2]sink
	var written string
	for i := range heard { // once with a file, once without
		req := control(t)
		file := req.OutputPath
		if i == 0 {
			written = file
		} else {
			req.OutputPath = ""
		}
		seed := uint64(7)
		req.Sampling.Seed, req.Audio = &seed, &heard[i]
		var jobs []tts.Job
		req.Watch = func(j tts.Job) { jobs = append(jobs, j) }
		res, err := service.Generate(t.Context(), req)
		frames := len(req.Text)
		segment := tts.Segment{TextEnd: len(req.Text), End: frames * tts.FrameSamples, Frames: frames, Seed: seed}
		want := tts.Result{OutputPath: req.OutputPath, Frames: frames, Samples: frames * tts.FrameSamples, Seed: seed, Seconds: res.Seconds, FirstAudio: res.FirstAudio,
			Segments: []tts.Segment{segment}}
		if err != nil || !reflect.DeepEqual(res, want) || res.FirstAudio <= 0 || res.FirstAudio > res.Seconds {
			t.Errorf("%+v, %v", res, err)
		}
		if len(heard[i].pcm) != res.Samples {
			t.Errorf("heard %d samples of %d", len(heard[i].pcm), res.Samples)
		}
		if len(jobs) == 0 || jobs[len(jobs)-1].State != tts.JobDone || jobs[0].ID == "" || jobs[0].Mode != tts.Control {
			t.Errorf("told of %+v", jobs)
		}
		if _, err := os.Stat(file); (err == nil) != (i == 0) {
			t.Errorf("its file: %v", err)
		}
	}
	req := control(t)
	req.Sampling.Seed = new(uint64(7))
	if _, err := service.Generate(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	unheard, err := os.ReadFile(req.OutputPath)
	if file, errFile := os.ReadFile(written); err != nil || errFile != nil || !bytes.Equal(file, unheard) {
		t.Errorf("what was heard is another file: %v, %v", err, errFile)
	}
	loud := float32(0)
	for i, v := range heard[0].pcm {
		loud = max(loud, v)
		if d := v - heard[1].pcm[i]; d < -1e-4 || d > 1e-4 {
			t.Fatalf("sample %d of one seed is %v and %v", i, v, heard[1].pcm[i])
		}
	}
	if loud < 0.49 || loud > 0.51 { // as the tones are
		t.Errorf("the loudest sample is %v", loud)
	}
}

// testRunawayAloud: what was heard of a take that ran away is not made anew; the file and what is told of it are cut.
func (s Subject) testRunawayAloud(t *testing.T) {
	service := s.Open(t, &registrytest.Tones{
		Length: func(tts.Utterance) int { return 400 },
		End: func(frame int) float64 {
			if frame == 30 {
				return 0.9
			}
			return 0
		},
	})
	load(t, service, custom)
	req, heard := control(t), &sink{}
	req.Audio, req.Sampling.Seed = heard, new(uint64(7))
	res, err := service.Generate(t.Context(), req)
	if err != nil || res.Seed != 7 || res.Retries != 0 || res.Runaway != tts.RunawayTooLong || res.Frames != 30 || res.Samples != 30*tts.FrameSamples {
		t.Errorf("%+v, %v", res, err)
	}
	if len(heard.pcm) <= res.Samples {
		t.Errorf("heard %d samples of %d", len(heard.pcm), res.Samples)
	}
	const header = 44
	if info, err := os.Stat(req.OutputPath); err != nil || info.Size() != int64(header+2*res.Samples) {
		t.Errorf("the file: %v, %v", info, err)
	}
}

func (s Subject) testAudioBreaksOff(t *testing.T) {
	broken := tts.Errorf(tts.CodeInternal, "", "the model broke")
	service := s.Open(t, &registrytest.Tones{OnFrame: func(_ context.Context, frame int) error {
		if frame == 3 {
			return broken
		}
		return nil
	}})
	load(t, service, custom)
	req := control(t)
	req.Audio = &sink{}
	if _, err := service.Generate(t.Context(), req); err == nil {
		t.Error("half of the audio passes for the whole")
	}
	wantNoFile(t, req.OutputPath)
	full := errors.New("the loudspeaker is gone")
	req.Audio = &sink{refuse: full}
	if _, err := service.Generate(t.Context(), req); err == nil {
		t.Error("nobody listens, and all is well")
	}
}

// limited is a context for jobs that wait for each other, so that one which waits in vain ends its test and not the run.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// speaking starts a generation that waits in its first frame, and gives the job. What the generation ends with comes
// by the channel.
func (s Subject) speaking(t *testing.T, release <-chan struct{}) (tts.Service, tts.Job, <-chan error) {
	ctx := limited(t)
	began := make(chan struct{})
	var once sync.Once
	service := s.Open(t, &registrytest.Tones{OnFrame: func(ctx context.Context, frame int) error {
		once.Do(func() { close(began) })
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil
	}})
	load(t, service, custom)
	ended := make(chan error, 1)
	req := control(t)
	go func() {
		_, err := service.Generate(ctx, req)
		ended <- err
	}()
	select {
	case <-began:
	case err := <-ended:
		t.Fatal("the generation ended before it began:", err)
	}
	list, err := service.Jobs(t.Context())
	if err != nil || len(list) != 1 || list[0].State != tts.JobRunning || list[0].OutputPath != req.OutputPath || list[0].StartedAt == nil {
		t.Fatalf("jobs are %+v, %v", list, err)
	}
	return service, list[0], ended
}

func (s Subject) testJobs(t *testing.T) {
	release := make(chan struct{})
	service, job, ended := s.speaking(t, release)
	var seen []tts.Job
	err := service.WatchJob(t.Context(), job.ID, func(j tts.Job) {
		if len(seen) == 0 {
			close(release)
		}
		seen = append(seen, j)
	})
	if last := len(seen) - 1; err != nil || last < 1 || seen[0].State != tts.JobRunning || seen[last].State != tts.JobDone || seen[last].Frames != 5 {
		t.Errorf("watched %+v, %v", seen, err)
	}
	if err := <-ended; err != nil {
		t.Error("generate:", err)
	}
	got, err := service.Job(t.Context(), job.ID)
	if err != nil || got.ID != job.ID || got.State != tts.JobDone || got.Seed == nil || got.FinishedAt == nil || got.FinishedAt.Before(got.CreatedAt) {
		t.Errorf("in the end %+v, %v", got, err)
	}
}

func (s Subject) testCancelJob(t *testing.T) {
	service, job, ended := s.speaking(t, nil)
	got, err := service.CancelJob(t.Context(), job.ID)
	if err != nil || got.State != tts.JobCanceled || got.Error == nil || got.Error.Code != tts.CodeCanceled {
		t.Errorf("%+v, %v", got, err)
	}
	wantError(t, <-ended, tts.CodeCanceled, "")
	wantNoFile(t, job.OutputPath)
	again, err := service.CancelJob(t.Context(), job.ID)
	if err != nil || again.State != tts.JobCanceled {
		t.Errorf("once more: %+v, %v", again, err)
	}
}

func (s Subject) testUnknownJob(t *testing.T) {
	service := s.Open(t, &registrytest.Tones{})
	_, err := service.Job(t.Context(), "none")
	wantError(t, err, tts.CodeNotFound, "none")
	_, err = service.CancelJob(t.Context(), "none/../1")
	wantError(t, err, tts.CodeNotFound, "")
	err = service.WatchJob(t.Context(), "none", func(tts.Job) { t.Error("told of nothing") })
	wantError(t, err, tts.CodeNotFound, "none")
}

// testWatch has a job wait for another, and each of its frames for the word that the one before was seen.
func (s Subject) testWatch(t *testing.T, heard tts.Sink) {
	ctx, giveUp := context.WithCancel(limited(t))
	defer giveUp()
	began, frames := make(chan struct{}), make(chan struct{}, 10) // room for all of both jobs
	var once sync.Once
	service := s.Open(t, &registrytest.Tones{OnFrame: func(ctx context.Context, _ int) error {
		once.Do(func() { close(began) })
		select {
		case <-frames:
		case <-ctx.Done():
		}
		return nil
	}})
	load(t, service, custom)
	before, first := make(chan error, 1), control(t)
	go func() {
		_, err := service.Generate(ctx, first)
		before <- err
	}()
	select {
	case <-began:
	case err := <-before:
		t.Fatal("the job before it:", err)
	}
	req := control(t)
	req.JobID, req.Audio = "my-own-name", heard
	var told []string
	req.Watch = func(j tts.Job) {
		now := fmt.Sprintf("%s %d", j.State, j.Frames)
		if j.ID != req.JobID || slices.Contains(told, now) {
			return
		}
		told = append(told, now)
		if j.State == tts.JobQueued && j.Position == 1 {
			for range req.Text { // those of the other job
				frames <- struct{}{}
			}
		}
		if j.State == tts.JobRunning && j.Frames < len(req.Text) {
			frames <- struct{}{}
		}
	}
	if _, err := service.Generate(ctx, req); err != nil {
		t.Error(err)
		giveUp()
	}
	if err := <-before; err != nil {
		t.Error("the job before it:", err)
	}
	told = slices.DeleteFunc(told, func(s string) bool { return s == "running 5" }) // may be one change with the end
	if want := []string{"queued 0", "running 0", "running 1", "running 2", "running 3", "running 4", "done 5"}; !slices.Equal(told, want) {
		t.Errorf("told of %q, want %q", told, want)
	}
}

// testJobName follows a job by its name before there is one of that name, and stops it when it comes.
func (s Subject) testJobName(t *testing.T) {
	ctx := limited(t)
	release := make(chan struct{})
	service, _, ended := s.speaking(t, release)
	req := control(t)
	req.JobID = "My_own-name-2"
	var states []tts.JobState
	watched := make(chan error, 1)
	go func() {
		watched <- service.WatchJob(ctx, req.JobID, func(j tts.Job) {
			states = append(states, j.State)
			if j.State == tts.JobQueued {
				if _, err := service.CancelJob(ctx, req.JobID); err != nil {
					t.Error("cancel:", err)
				}
			}
		})
	}()
	_, err := service.Generate(ctx, req)
	wantError(t, err, tts.CodeCanceled, "")
	if err := <-watched; err != nil || !slices.Equal(states, []tts.JobState{tts.JobQueued, tts.JobCanceled}) {
		t.Errorf("watched %v, %v", states, err)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func (s Subject) testBadJobName(t *testing.T) {
	release := make(chan struct{})
	service, job, ended := s.speaking(t, release)
	refused := func(id string, code tts.Code) {
		t.Helper()
		req := control(t)
		req.JobID = id
		_, err := service.Generate(t.Context(), req)
		wantError(t, err, code, id)
		wantNoFile(t, req.OutputPath)
	}
	refused(job.ID, tts.CodeBusy)
	close(release)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	refused(job.ID, tts.CodeBusy)
	for _, id := range []string{"1234567", "with blank", "../../../etc", "Grüße-an-alle", strings.Repeat("a", 65)} {
		refused(id, tts.CodeInvalid)
	}
}
