// Package servicetest is the contract of a tts.Service, as a suite: what the service of this process and the client of
// a server must do alike, errors included.
package servicetest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ttsui/internal/registry/registrytest"
	"ttsui/internal/tts"
)

const (
	base    = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-bf16"
	custom  = "mlx-community/Qwen3-TTS-12Hz-0.6B-CustomVoice-bf16"
	added   = "somebody/a-model-of-their-own"
	missing = "somebody/missing"
)

// patience is the longest that a test waits for another job: far above what any machine needs.
const patience = time.Minute

// Subject is what Run tests.
type Subject struct {
	// Open makes a service whose models come from tones. It ends with the test.
	Open func(t *testing.T, tones *registrytest.Tones) tts.Service

	Reference string // path of a clip
}

// Run tests that what the subject opens keeps the contract that tts.Service writes down.
func Run(t *testing.T, s Subject) {
	t.Run("models", s.testModels)
	t.Run("models that could be fetched", s.testPublished)
	t.Run("models are watched", s.testWatchModels)
	t.Run("load", s.testLoad)
	t.Run("a load that fails", s.testFailedLoad)
	t.Run("loads come together", s.testLoadsCoalesce)
	t.Run("who gives up waiting for a load", s.testImpatientLoad)
	t.Run("unload", s.testUnload)
	t.Run("an unload that fails", s.testFailedUnload)
	t.Run("unload in use", s.testUnloadInUse)
	t.Run("generate", s.testGenerate)
	t.Run("takes", s.testTakes)
	t.Run("generate refuses", s.testGenerateRefuses)
	t.Run("a long text", s.testLongText)
	t.Run("cancel", s.testCancel)
	t.Run("audio as it is made", s.testAudio)
	t.Run("audio that breaks off", s.testAudioBreaksOff)
	t.Run("audio that runs away", s.testRunawayAloud)
	t.Run("jobs", s.testJobs)
	t.Run("a job is canceled", s.testCancelJob)
	t.Run("a job that nobody knows", s.testUnknownJob)
	t.Run("a job is watched from the queue on", func(t *testing.T) { s.testWatch(t, nil) })
	t.Run("a job is watched that is heard", func(t *testing.T) { s.testWatch(t, &sink{}) })
	t.Run("a job with a name", s.testJobName)
	t.Run("a name that can't be had", s.testBadJobName)
	t.Run("stats", s.testStats)
	t.Run("remove", s.testRemove)
	t.Run("verify", s.testVerify)
	t.Run("repair", s.testRepair)
	t.Run("quantise", s.testQuantize)
	t.Run("quantising refuses and fails", s.testQuantizeFails)
}

func (s Subject) testModels(t *testing.T) {
	list, err := s.Open(t, &registrytest.Tones{}).Models(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range tts.Catalogue() {
		if i >= len(list) || list[i].ModelID != m.ID || list[i].State != tts.Unloaded || list[i].Error != nil {
			t.Fatalf("models are %+v", list)
		}
	}
}

func (s Subject) testPublished(t *testing.T) {
	service := s.Open(t, &registrytest.Tones{})
	ids, err := service.PublishedModels(t.Context())
	if err != nil || len(ids) != 2 || ids[1] != base {
		t.Errorf("published are %q, %v", ids, err)
	}
	copies, err := service.PublishedCopies(t.Context(), base)
	if err != nil || len(copies) != 1 || copies[0] != (tts.PublishedModel{ModelID: base + "-4bit", Bytes: 1000}) {
		t.Errorf("published copies are %+v, %v", copies, err)
	}
}

// testWatchModels: all models are told of at once, and one again by each of its states that lasts.
func (s Subject) testWatchModels(t *testing.T) {
	release := make(chan struct{})
	service := s.Open(t, &registrytest.Tones{OnLoad: func(context.Context, string) error { <-release; return nil }})
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	told, watched := make(chan tts.ModelInfo), make(chan error, 1)
	go func() {
		watched <- service.WatchModels(ctx, func(info tts.ModelInfo) {
			select {
			case told <- info:
			case <-ctx.Done():
			}
		})
	}()
	next := func() (info tts.ModelInfo) {
		select {
		case info = <-told:
		case <-ctx.Done():
			t.Fatal("nothing is told")
		}
		return info
	}
	for _, m := range tts.Catalogue() {
		if info := next(); info.ModelID != m.ID || info.State != tts.Unloaded {
			t.Errorf("told of %+v, want %s", info, m.ID)
		}
	}
	var loads sync.WaitGroup
	loads.Go(func() { load(t, service, added) })
	if info := next(); info.ModelID != added || info.State != tts.Unloaded && info.Phase != tts.PhaseLoading {
		t.Errorf("told of %+v", info)
	}
	close(release)
	for info := next(); info.State != tts.Loaded; info = next() {
		if info.ModelID != added {
			t.Errorf("told of %+v", info)
		}
	}
	loads.Wait()
	stop()
	wantError(t, <-watched, tts.CodeCanceled, "")
}

func (s Subject) testLoad(t *testing.T) {
	service := s.Open(t, &registrytest.Tones{})
	for _, id := range []string{base, added} {
		info := load(t, service, id)
		if info.LoadTimeSeconds == nil || info.Memory.BeforeMB == nil || info.Memory.AfterMB == nil || info.Memory.DeltaMB == nil {
			t.Errorf("%+v lacks figures", info)
		}
		if again := load(t, service, id); *again.LoadTimeSeconds != *info.LoadTimeSeconds {
			t.Errorf("a second load gives %+v, the first gave %+v", again, info)
		}
		if got := find(t, service, id); got.State != tts.Loaded || *got.LoadTimeSeconds != *info.LoadTimeSeconds {
			t.Errorf("the list has %+v", got)
		}
	}
	_, err := service.Load(t.Context(), "../../etc/passwd", tts.LoadOptions{})
	wantError(t, err, tts.CodeInvalid, "not a model id")
}

func (s Subject) testFailedLoad(t *testing.T) {
	service := s.Open(t, &registrytest.Tones{})
	info, err := service.Load(t.Context(), missing, tts.LoadOptions{})
	if err != nil || info.State != tts.Failed || info.Error == nil || !strings.Contains(*info.Error, "not found") ||
		info.Hint == nil || *info.Hint != "Load another one." || info.Code != tts.CodeNotFound {
		t.Errorf("load: %+v, %v", info, err)
	}
	info, err = service.Unload(t.Context(), missing, tts.UnloadOptions{})
	if err != nil || info.State != tts.Unloaded || info.Error != nil {
		t.Errorf("unload: %+v, %v", info, err)
	}
}

func (s Subject) testLoadsCoalesce(t *testing.T) {
	var loads atomic.Int64
	began, release := make(chan struct{}), make(chan struct{})
	service := s.Open(t, &registrytest.Tones{OnLoad: func(context.Context, string) error {
		if loads.Add(1) == 1 {
			close(began)
		}
		<-release
		return nil
	}})
	var callers sync.WaitGroup
	for range 10 {
		callers.Go(func() { load(t, service, base) })
	}
	<-began
	if got := find(t, service, base); got.State != tts.Loading {
		t.Errorf("during the load the list has %+v", got)
	}
	close(release)
	callers.Wait()
	if loads.Load() != 1 {
		t.Errorf("%d loads for ten callers", loads.Load())
	}
}

func (s Subject) testImpatientLoad(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	service := s.Open(t, &registrytest.Tones{OnLoad: func(context.Context, string) error {
		close(began)
		<-release
		return nil
	}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-began
		cancel()
	}()
	_, err := service.Load(ctx, base, tts.LoadOptions{})
	wantError(t, err, tts.CodeCanceled, "")
	close(release)
	load(t, service, base) // the load went on
}

func (s Subject) testUnload(t *testing.T) {
	service := s.Open(t, &registrytest.Tones{})
	load(t, service, base)
	for range 2 { // the second finds nothing to do
		info, err := service.Unload(t.Context(), base, tts.UnloadOptions{})
		if err != nil || info.ModelID != base || info.State != tts.Unloaded {
			t.Errorf("%+v, %v", info, err)
		}
	}
	info, err := service.Unload(t.Context(), "somebody/unknown", tts.UnloadOptions{})
	if err != nil || info.State != tts.Failed || info.Error == nil || *info.Error != "Unknown model: somebody/unknown" {
		t.Errorf("an unknown model: %+v, %v", info, err)
	}
}

func (s Subject) testFailedUnload(t *testing.T) {
	service := s.Open(t, &registrytest.Tones{OnClose: func(string) error {
		return tts.Errorf(tts.CodeTimeout, "Start TTSUI again.", "it does not let go")
	}})
	load(t, service, base)
	info, err := service.Unload(t.Context(), base, tts.UnloadOptions{})
	if err != nil || info.Error == nil || *info.Error != "it does not let go" || info.Code != tts.CodeTimeout ||
		info.Hint == nil || *info.Hint != "Start TTSUI again." {
		t.Errorf("%+v, %v", info, err)
	}
}

func (s Subject) testUnloadInUse(t *testing.T) {
	speaking, release := make(chan struct{}), make(chan struct{})
	service := s.Open(t, &registrytest.Tones{OnFrame: func(_ context.Context, frame int) error {
		if frame == 0 {
			close(speaking)
			<-release
		}
		return nil
	}})
	load(t, service, custom)
	var callers sync.WaitGroup
	callers.Go(func() {
		if _, err := service.Generate(t.Context(), control(t)); err != nil {
			t.Error("generate:", err)
		}
	})
	<-speaking
	_, err := service.Unload(t.Context(), custom, tts.UnloadOptions{})
	wantError(t, err, tts.CodeBusy, "in use")
	callers.Go(func() {
		info, err := service.Unload(t.Context(), custom, tts.UnloadOptions{Wait: true})
		if err != nil || info.State != tts.Unloaded {
			t.Errorf("unload that waits: %+v, %v", info, err)
		}
	})
	close(release)
	callers.Wait()
}

func (s Subject) testGenerate(t *testing.T) {
	service := s.Open(t, &registrytest.Tones{})
	for _, req := range []tts.Request{s.clone(t), control(t), design(t)} {
		load(t, service, req.ModelID)
		seed, frames := uint64(1<<63+12345), 3
		req.Sampling.Seed, req.Sampling.MaxFrames = &seed, &frames
		res, err := service.Generate(t.Context(), req)
		segment := tts.Segment{TextEnd: len(req.Text), End: 3 * tts.FrameSamples, Frames: 3, Seed: seed, Truncated: true}
		want := tts.Result{OutputPath: req.OutputPath, Frames: 3, Samples: 3 * tts.FrameSamples, Seed: seed, Truncated: true, Seconds: res.Seconds,
			FirstAudio: res.FirstAudio, Segments: []tts.Segment{segment}}
		if err != nil || !reflect.DeepEqual(res, want) || res.FirstAudio <= 0 || res.FirstAudio > res.Seconds {
			t.Errorf("%s: %+v, %v", req.Mode, res, err)
		}
		if info, err := os.Stat(req.OutputPath); err != nil || info.Size() < int64(2*res.Samples) {
			t.Errorf("%s: its file: %v, %v", req.Mode, info, err)
		}
	}
}

func (s Subject) testGenerateRefuses(t *testing.T) {
	service := s.Open(t, &registrytest.Tones{})
	load(t, service, base)
	change := func(req tts.Request, by func(*tts.Request)) tts.Request {
		by(&req)
		return req
	}
	for _, c := range []struct {
		name string
		req  tts.Request
		code tts.Code
		text string
	}{
		{"a model that is not loaded", control(t), tts.CodeNotLoaded, "Model " + custom + " not loaded"},
		{"the design model", design(t), tts.CodeNotLoaded, "VoiceDesign model not loaded"},
		{"no text", change(control(t), func(r *tts.Request) { r.Text = " " }), tts.CodeInvalid, "Target text is required"},
		{"no mode", change(control(t), func(r *tts.Request) { r.Mode = "sing" }), tts.CodeInvalid, "unknown mode"},
		{"too many takes", change(control(t), func(r *tts.Request) { r.Takes = 9 }), tts.CodeInvalid, "takes 9 is out of range"},
		{"takes to listen to", change(control(t), func(r *tts.Request) { r.Takes, r.Audio = 2, &sink{} }), tts.CodeInvalid, "several takes"},
		{"a strange voice", change(control(t), func(r *tts.Request) { r.Speaker = "Nobody" }), tts.CodeInvalid, "unknown speaker"},
		{"no clip", change(s.clone(t), func(r *tts.Request) { r.RefAudioPath += ".none" }), tts.CodeNotFound, ".none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := service.Generate(t.Context(), c.req)
			wantError(t, err, c.code, c.text)
			wantNoFile(t, c.req.OutputPath)
		})
	}
}

// testLongText: a long text is spoken in segments, which are told whether it is written or heard; and a segment anew is
// put into it.
func (s Subject) testLongText(t *testing.T) {
	service := s.Open(t, &registrytest.Tones{Length: func(tts.Utterance) int { return 2 }})
	load(t, service, custom)
	req := control(t)
	req.Text = strings.Repeat("Nothing is lost, and nothing is read twice. ", 12)
	req.LongText, req.NoGuard, req.Sampling.Seed = tts.LongOn, true, new(uint64(9))
	written, err := service.Generate(t.Context(), req)
	n := len(written.Segments)
	if err != nil || n < 2 || written.Frames != 2*n || written.Segments[n-1].TextEnd != len(req.Text) || written.Segments[n-1].End != written.Samples {
		t.Fatalf("%+v, %v", written, err)
	}
	aloud, out := req, &sink{}
	aloud.Audio, aloud.OutputPath = out, ""
	heard, err := service.Generate(t.Context(), aloud)
	if err != nil || !reflect.DeepEqual(heard.Segments, written.Segments) || len(out.pcm) != written.Samples {
		t.Errorf("heard %+v, %v", heard, err)
	}
	last := written.Segments[n-1]
	req.Text, req.Splice = req.Text[last.TextStart:], &tts.Splice{Path: req.OutputPath, Start: last.Start, End: last.Start}
	again, err := service.Generate(t.Context(), req)
	if err != nil || len(again.Segments) != 1 || again.Segments[0].End != last.End || again.Samples != written.Samples+2*tts.FrameSamples {
		t.Errorf("again %+v, %v", again, err)
	}
}

func (s Subject) testCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	service := s.Open(t, &registrytest.Tones{OnFrame: func(ctx context.Context, frame int) error {
		cancel()
		<-ctx.Done() // the caller's end arrives here
		return nil
	}})
	load(t, service, custom)
	req := control(t)
	var last tts.Job
	req.Watch = func(j tts.Job) { last = j }
	_, err := service.Generate(ctx, req)
	wantError(t, err, tts.CodeCanceled, "")
	if last.State != tts.JobCanceled {
		t.Errorf("told of %+v", last)
	}
	if _, err := service.Unload(t.Context(), custom, tts.UnloadOptions{Wait: true}); err != nil { // it has ended then
		t.Error(err)
	}
	wantNoFile(t, req.OutputPath)
	_, err = service.Models(ctx)
	if err != nil && tts.CodeOf(err) != tts.CodeCanceled {
		t.Errorf("models, with a ctx that has ended: %v", err)
	}
}

func (s Subject) testStats(t *testing.T) {
	service := s.Open(t, &registrytest.Tones{})
	load(t, service, custom)
	req := control(t)
	if _, err := service.Generate(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	st, err := service.Stats(t.Context())
	if err != nil || st.ModelsLoaded != 1 || st.Generations != 1 || st.LastGeneration == nil || st.LastGeneration.Frames != len(req.Text) ||
		st.Memory.RSSMB == nil || st.Versions.Go == "" {
		t.Errorf("%+v, %v", st, err)
	}
}

func load(t *testing.T, service tts.Service, id string) tts.ModelInfo {
	t.Helper()
	info, err := service.Load(t.Context(), id, tts.LoadOptions{})
	if err != nil || info.ModelID != id || info.State != tts.Loaded || info.Error != nil {
		t.Errorf("load %s: %+v, %v", id, info, err)
	}
	return info
}

func find(t *testing.T, service tts.Service, id string) tts.ModelInfo {
	t.Helper()
	list, err := service.Models(t.Context())
	i := slices.IndexFunc(list, func(m tts.ModelInfo) bool { return m.ModelID == id })
	if err != nil || i < 0 {
		t.Fatalf("no %s among %+v, %v", id, list, err)
	}
	return list[i]
}

func (s Subject) clone(t *testing.T) tts.Request {
	return tts.Request{Mode: tts.Clone, ModelID: base, Text: "hello", RefAudioPath: s.Reference, OutputPath: output(t)}
}

func control(t *testing.T) tts.Request {
	return tts.Request{Mode: tts.Control, ModelID: custom, Text: "hello", Speaker: "Ryan", Language: "English", OutputPath: output(t)}
}

func design(t *testing.T) tts.Request {
	return tts.Request{Mode: tts.Design, ModelID: tts.DesignModelID, Text: "hello", Instruct: "a calm voice", OutputPath: output(t)}
}

func output(t *testing.T) string { return filepath.Join(t.TempDir(), "speech.wav") }

// wantError wants an error as users get it: its code, text in its message, and a hint unless they stopped it themselves.
func wantError(t *testing.T, err error, code tts.Code, text string) {
	t.Helper()
	if tts.CodeOf(err) != code || !strings.Contains(err.Error(), text) || tts.HintOf(err) == "" && code != tts.CodeCanceled {
		t.Errorf("%v (%s, hint %q), want %q (%s, with a hint)", err, tts.CodeOf(err), tts.HintOf(err), text, code)
	}
}

func wantNoFile(t *testing.T, path string) {
	t.Helper()
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil && !errors.Is(err, fs.ErrNotExist) || len(files) > 0 {
		t.Errorf("there are files: %v, %v", files, err)
	}
}
