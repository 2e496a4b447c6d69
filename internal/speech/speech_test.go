package speech_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"ttsui/internal/logs"
	"ttsui/internal/registry"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/speech"
	"ttsui/internal/tts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	base   = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-bf16"
	custom = "mlx-community/Qwen3-TTS-12Hz-0.6B-CustomVoice-bf16"
	secret = "the words nobody may read in a log"
)

var clip = filepath.Join("..", "testkit", "testdata", "golden", "clip.wav")

// studio is a service with all models of the catalogue loaded, and its log.
type studio struct {
	speech.Service
	log bytes.Buffer
	dir string
}

func newStudio(t *testing.T, tones *registrytest.Tones) *studio {
	s := &studio{dir: t.TempDir()}
	s.Registry = registry.New(registry.Config{Loader: tones, Log: zerolog.Nop()})
	s.Log = logs.New(&s.log, zerolog.InfoLevel, time.Now)
	t.Cleanup(func() {
		if err := s.Registry.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for _, m := range tts.Catalogue() {
		if _, err := s.Load(t.Context(), m.ID, tts.LoadOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *studio) request(t *testing.T, mode tts.Mode) tts.Request {
	ref, err := filepath.Abs(clip)
	if err != nil {
		t.Fatal(err)
	}
	req := tts.Request{Mode: mode, ModelID: base, Text: secret, OutputPath: filepath.Join(s.dir, "new", "out.wav")}
	switch mode {
	case tts.Clone:
		req.RefAudioPath, req.RefText = ref, secret
	case tts.Control:
		req.ModelID, req.Speaker, req.Language = custom, "Ryan", "English"
	case tts.Design:
		req.ModelID, req.Instruct = tts.DesignModelID, secret
	}
	return req
}

func TestGenerate(t *testing.T) {
	for _, c := range []struct {
		mode   tts.Mode
		lines  []string
		stages []tts.Stage
	}{
		{tts.Clone, []string{"Processing reference audio...", "Generating audio...", "Saving output...", "Generated clone audio: OUT"},
			[]tts.Stage{tts.StageReference, tts.StageFrames, tts.StageSaving}},
		{tts.Control, []string{"Preparing generation parameters...", "Generating audio...", "Saving output...", "Generated control audio: OUT"},
			[]tts.Stage{tts.StageFrames, tts.StageSaving}},
		{tts.Design, []string{"Preparing voice design parameters...", "Generating audio with custom voice design...", "Saving output...", "Generated design audio: OUT"},
			[]tts.Stage{tts.StageFrames, tts.StageSaving}},
	} {
		t.Run(string(c.mode), func(t *testing.T) {
			s := newStudio(t, &registrytest.Tones{})
			var stages []tts.Stage
			req := s.request(t, c.mode)
			req.Watch = func(j tts.Job) {
				if n := len(stages); j.Stage != "" && (n == 0 || stages[n-1] != j.Stage) {
					stages = append(stages, j.Stage)
				}
			}
			res, err := s.Generate(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			samples := len(secret) * tts.FrameSamples
			if res.OutputPath != req.OutputPath || res.Samples != samples || res.Seconds <= 0 {
				t.Errorf("result %+v", res)
			}
			if n := wavSamples(t, req.OutputPath); n != samples {
				t.Errorf("the file has %d samples, want %d", n, samples)
			}
			if d := cmp.Diff(c.lines, messages(s.log.String(), req.OutputPath)); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.stages, stages); d != "" {
				t.Error(d)
			}
			if strings.Contains(s.log.String(), secret) {
				t.Error("the log holds the user's text")
			}
		})
	}
}

// TestFailureLeavesNothing: after any failure the output is as it was, a file before or none, and no folder is left.
func TestFailureLeavesNothing(t *testing.T) {
	diskFull := tts.Errorf(tts.CodeDiskFull, "Free some space.", "no space left")
	for _, c := range []struct {
		name   string
		tones  registrytest.Tones
		change func(*studio, *tts.Request)
		code   tts.Code
	}{
		{"invalid request", registrytest.Tones{}, func(_ *studio, r *tts.Request) { r.Text = " \n" }, tts.CodeInvalid},
		{"model not loaded", registrytest.Tones{}, func(_ *studio, r *tts.Request) { r.ModelID = "no/such" }, tts.CodeNotLoaded},
		{"no reference", registrytest.Tones{}, func(s *studio, r *tts.Request) { r.RefAudioPath = s.dir + "/none.wav" }, tts.CodeNotFound},
		{"failing model", registrytest.Tones{OnFrame: func(_ context.Context, n int) error {
			if n == 2 {
				return diskFull
			}
			return nil
		}}, func(*studio, *tts.Request) {}, tts.CodeDiskFull},
		{"failing takes", registrytest.Tones{OnFrame: func(_ context.Context, n int) error {
			if n == 2 {
				return diskFull
			}
			return nil
		}}, func(_ *studio, r *tts.Request) { r.Takes = 3 }, tts.CodeDiskFull},
		{"panicking model", registrytest.Tones{OnFrame: func(context.Context, int) error { panic("bad shape") }},
			func(*studio, *tts.Request) {}, tts.CodeInternal},
		{"hanging model", registrytest.Tones{OnFrame: func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return tts.Errorf(tts.CodeCanceled, "", "canceled: %w", ctx.Err())
		}}, func(s *studio, _ *tts.Request) { s.Queue.Timeout = time.Millisecond }, tts.CodeTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStudio(t, &c.tones)
			req := s.request(t, tts.Clone)
			c.change(s, &req)
			if _, err := s.Generate(t.Context(), req); tts.CodeOf(err) != c.code {
				t.Errorf("generate: %v (%s), want %s", err, tts.CodeOf(err), c.code)
			}
			if left, _ := filepath.Glob(filepath.Join(s.dir, "*")); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
			req.OutputPath = filepath.Join(s.dir, "old.wav")
			if err := os.WriteFile(req.OutputPath, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Generate(t.Context(), req); tts.CodeOf(err) != c.code {
				t.Errorf("generate: %v", err)
			}
			if old, _ := os.ReadFile(req.OutputPath); string(old) != "precious" {
				t.Errorf("the old file holds %q", old)
			}
			if strings.Contains(s.log.String(), secret) {
				t.Error("the log holds the user's text")
			}
		})
	}
}

func TestCancelStopsWithinAFrame(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	frames := 0
	s := newStudio(t, &registrytest.Tones{OnFrame: func(context.Context, int) error {
		if frames++; frames == 3 {
			cancel()
		}
		return nil
	}})
	req := s.request(t, tts.Control)
	if _, err := s.Generate(ctx, req); tts.CodeOf(err) != tts.CodeCanceled || frames != 3 {
		t.Errorf("after %d frames: %v", frames, err)
	}
	if d := cmp.Diff("Stopped generating control audio", last(messages(s.log.String(), ""))); d != "" {
		t.Error(d)
	}
}

// listener is a client that listens.
type listener struct {
	samples int
	err     error
}

func (l *listener) WriteSamples(pcm []float32) error {
	l.samples += len(pcm)
	return l.err
}

func TestAudioGoesToWhoListens(t *testing.T) {
	gone := tts.Errorf(tts.CodeCanceled, "", "the client went away")
	for _, c := range []struct {
		name string
		file bool
		err  error
	}{
		{"alone", false, nil},
		{"and to the file", true, nil},
		{"who goes away", true, gone},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStudio(t, &registrytest.Tones{})
			req := s.request(t, tts.Control)
			if !c.file {
				req.OutputPath = ""
			}
			l := &listener{err: c.err}
			req.Audio = l
			res, err := s.Generate(t.Context(), req)
			if err != c.err || res.OutputPath != req.OutputPath && err == nil {
				t.Fatalf("%+v, %v", res, err)
			}
			samples, files := len(secret)*tts.FrameSamples, 0
			if c.err != nil {
				samples = tts.FrameSamples
			} else if c.file {
				files = 1
			}
			if l.samples != samples {
				t.Errorf("heard %d samples, want %d", l.samples, samples)
			}
			if left, _ := filepath.Glob(filepath.Join(s.dir, "*")); len(left) != files {
				t.Errorf("files: %v", left)
			}
		})
	}
}

// TestOneAfterTheOther: generations take turns, and a model whose turn is to come is in use already.
func TestOneAfterTheOther(t *testing.T) {
	first, gate := make(chan struct{}), make(chan struct{})
	s := newStudio(t, &registrytest.Tones{OnFrame: func(_ context.Context, n int) error {
		if n == 0 {
			first <- struct{}{}
			<-gate
		}
		return nil
	}})
	var speaking sync.WaitGroup
	defer speaking.Wait()
	speak := func(mode tts.Mode, name string, states chan tts.JobState) {
		req := s.request(t, mode)
		req.OutputPath = filepath.Join(s.dir, name)
		req.Watch = func(j tts.Job) {
			if j.State == tts.JobQueued || j.State.Ended() {
				states <- j.State
			}
		}
		speaking.Go(func() { _, _ = s.Generate(context.Background(), req) })
	}
	running, waiting := make(chan tts.JobState, 3), make(chan tts.JobState, 3)
	speak(tts.Control, "first.wav", running)
	<-first
	speak(tts.Design, "second.wav", waiting)
	if state := <-waiting; state != tts.JobQueued {
		t.Errorf("the second is %s", state)
	}
	if _, err := s.Unload(t.Context(), tts.DesignModelID, tts.UnloadOptions{}); tts.CodeOf(err) != tts.CodeBusy {
		t.Errorf("unload of a model whose turn is to come: %v", err)
	}
	if stats, err := s.Stats(t.Context()); err != nil || stats.QueueLength != 1 {
		t.Errorf("%+v, %v", stats, err)
	}
	list, err := s.Jobs(t.Context())
	if err != nil || len(list) != 2 || list[1].Position != 1 || list[1].Mode != tts.Design {
		t.Fatalf("jobs %+v, %v", list, err)
	}
	job, err := s.CancelJob(t.Context(), list[1].ID)
	if err != nil || job.State != tts.JobCanceled || <-waiting != tts.JobCanceled {
		t.Errorf("cancel: %+v, %v", job, err)
	}
	close(gate)
	if state := <-running; state != tts.JobDone {
		t.Errorf("the first is %s", state)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "*")); len(left) != 1 {
		t.Errorf("files: %v", left)
	}
}

func TestResultMayNotReplaceItsReference(t *testing.T) {
	s := newStudio(t, &registrytest.Tones{})
	req := s.request(t, tts.Clone)
	data, err := os.ReadFile(req.RefAudioPath)
	if err != nil {
		t.Fatal(err)
	}
	req.RefAudioPath = filepath.Join(s.dir, "voice.wav")
	req.OutputPath = filepath.Join(s.dir, ".", "voice.wav")
	if err := os.WriteFile(req.RefAudioPath, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Generate(t.Context(), req); tts.CodeOf(err) != tts.CodeInvalid {
		t.Errorf("generate: %v", err)
	}
	if now, _ := os.ReadFile(req.RefAudioPath); !bytes.Equal(now, data) {
		t.Error("the reference clip was changed")
	}
}

func messages(log, out string) []string {
	var list []string
	for line := range strings.Lines(log) {
		_, text, _ := strings.Cut(strings.TrimSpace(line), " | INFO | ")
		if out != "" {
			text = strings.ReplaceAll(text, out, "OUT")
		}
		list = append(list, text)
	}
	return list
}

func last(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}

// wavSamples reads the sample count of one of our own WAV files.
func wavSamples(t *testing.T, path string) int {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) < 44 || string(data[:4]) != "RIFF" {
		t.Fatalf("%s is no WAV file", path)
	}
	if n := binary.LittleEndian.Uint32(data[40:]); int(n) != len(data)-44 {
		t.Errorf("the header says %d bytes of %d", n, len(data)-44)
	}
	return (len(data) - 44) / 2
}
