package ui

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ttsui/internal/tts"
)

func TestWhyNotGenerate(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.open()
		step := func(mode tts.Mode, want string, act func()) {
			t.Helper()
			act()
			s := w.see()
			if b := s.Of(mode).Generate; b.Tooltip != want || b.Enabled != (want == "") || b.Title != "Generate" {
				t.Errorf("%s: %+v, want %q", mode, b, want)
			}
		}
		load := func(id string) func() { return func() { w.ClickRowButton(id) } }
		step(tts.Clone, "Please select a model", func() {})
		step(tts.Clone, "Please select a model", load(fast))
		step(tts.Clone, "Reference audio is required", func() { w.ClickRow(fast) })
		step(tts.Clone, "Target text is required", func() { w.ChooseReference("/me.wav") })
		step(tts.Clone, "Target text is required", func() { w.EditText(tts.Clone, " \n\t") })
		step(tts.Clone, "", func() { w.EditText(tts.Clone, "Hello") })
		step(tts.Clone, "The reference text is too long: at most 2,000 characters", func() { w.EditRefText(strings.Repeat("ä", 2001)) })
		step(tts.Clone, "", func() { w.EditRefText("") })
		step(tts.Clone, "Text has the control character U+0007 at byte 1", func() { w.EditText(tts.Clone, "a\ab") })
		step(tts.Clone, "The target text is too long: at most 100,000 characters", func() { w.EditText(tts.Clone, strings.Repeat("a", 100_001)) })
		step(tts.Clone, "Target text is required", func() { w.EditText(tts.Clone, "") })
		step(tts.Clone, "Target text is required", func() { w.EditText(tts.Clone, "\u200b") })
		step(tts.Control, "Please select a model", func() {})
		step(tts.Control, "Please select a model", load(custom))
		step(tts.Control, "Target text is required", func() { w.ClickRow(custom) })
		step(tts.Control, "", func() { w.EditText(tts.Control, "Hello") })
		step(tts.Control, "The emotion & style is too long: at most 2,000 characters", func() { w.EditInstruct(tts.Control, strings.Repeat("a", 2001)) })
		step(tts.Design, "VoiceDesign model is not loaded", func() { w.EditText(tts.Design, "Hello") })
		step(tts.Design, "Voice description is required", load(design))
		step(tts.Design, "", func() { w.InsertExample(tts.Design, 0) })
		step(tts.Design, "The server does not answer", func() { w.server.health <- errGone })
		if got := w.see().Clone.Text.Count; got != "1 character" {
			t.Errorf("count %q", got)
		}
	})
}

func TestRequests(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.open()
		w.EditSetting(SettingOutput, "/results")
		w.RestartServer()
		w.see()
		w.prepare()
		w.EditRefText("  ")
		w.EditInstruct(tts.Control, " very happy ")
		w.ChooseSpeaker("Dylan")
		w.ChooseSpeaker("Nobody")
		w.ChooseLanguage(tts.Control, "Auto")
		w.ChooseLanguage(tts.Control, "Klingon")
		for _, mode := range tts.Modes() {
			w.Generate(mode)
			w.see()
		}
		want := []tts.Request{
			{Mode: tts.Clone, ModelID: fast, Text: "Hello, clone", RefAudioPath: "/voices/me.wav", OutputPath: "/results/clone/generated/1.wav"},
			{Mode: tts.Control, ModelID: custom, Text: "Hello, control", Language: "Auto", Speaker: "Dylan", Instruct: "very happy", OutputPath: "/results/control/generated/2.wav"},
			{Mode: tts.Design, ModelID: design, Text: "Hello, design", Language: "English", Instruct: "An old sailor", OutputPath: "/results/design/generated/3.wav"},
		}
		if diff := cmp.Diff(want, w.server.requests, cmpopts.IgnoreFields(tts.Request{}, "JobID", "Watch")); diff != "" {
			t.Error(diff)
		}
		for _, req := range w.server.requests {
			if err := req.Validate(); err != nil || req.JobID == "" || req.Watch == nil {
				t.Errorf("%+v: %v", req, err)
			}
		}
	})
}

func TestGenerate(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		release, failing := make(chan struct{}), error(nil)
		generate := w.server.generate
		w.server.generate = func(ctx context.Context, req tts.Request) (tts.Result, error) {
			if <-release; failing != nil {
				return tts.Result{}, failing
			}
			res, err := generate(ctx, req)
			res.Truncated = true
			return res, err
		}
		w.Generate(tts.Clone)
		w.Generate(tts.Clone) // one at a time
		s := w.seeAfter(drawEvery)
		if s.Clone.Generate.Title != "Generating..." || s.Clone.Generate.Enabled || !s.Clone.Stop.Enabled || s.Clone.Progress != "Starting..." || !s.Busy || !s.Working || s.Menu.Stop != s.Clone.Stop {
			t.Errorf("at once: %+v", s.Clone)
		}
		if !s.Control.Generate.Enabled {
			t.Error("the tabs are not independent")
		}
		w.testProgress(w.server.requests[0].Watch)
		release <- struct{}{}
		s = w.see()
		want := &Result{Title: "Generated Audio", Path: "/clone/generated/1.wav", Name: "1.wav", Size: "576 KB", Length: "0:12", Seed: "0",
			Note: "It was cut off: the speech became longer than one generation may be. Split the text, or allow more under Sampling."}
		if diff := cmp.Diff(want, s.Clone.Result); diff != "" || s.Clone.Progress != "" || !s.Clone.SaveAs.Enabled || len(w.server.requests) != 1 {
			t.Errorf("%s: %+v", diff, s.Clone)
		}
		failing = tts.Errorf(tts.CodeNotLoaded, "POST /models/load", "Model x not loaded")
		w.Generate(tts.Clone)
		release <- struct{}{}
		s = w.see()
		if diff := cmp.Diff(&Problem{"TTS generation failed: Model x not loaded", "Load the model with the button in its row, then try again."}, s.Clone.Error); diff != "" {
			t.Error(diff)
		}
		if s.Clone.Result == nil {
			t.Error("the result before is lost")
		}
		w.DismissError(tts.Clone)
		if s = w.see(); s.Clone.Error != nil {
			t.Error("the error stays")
		}
	})
}

// testProgress tells of a job's life and looks at what the window makes of it.
func (w *window) testProgress(tell func(tts.Job)) {
	for _, c := range []struct {
		job  tts.Job
		want string
	}{
		{tts.Job{State: tts.JobQueued, Position: 2}, "Waiting for its turn: number 2 in the queue"},
		{tts.Job{State: tts.JobRunning}, "Starting..."},
		{tts.Job{State: tts.JobRunning, Stage: tts.StageReference}, "Listening to the reference audio..."},
		{tts.Job{State: tts.JobRunning, Stage: tts.StagePrefill}, "Reading the text..."},
		{tts.Job{State: tts.JobRunning, Stage: tts.StageFrames}, "Beginning to speak..."},
		{tts.Job{State: tts.JobRunning, Stage: tts.StageFrames, AudioSeconds: 0.08}, "0.1 s of speech"},
		{tts.Job{State: tts.JobRunning, Stage: tts.StageFrames, AudioSeconds: 3.2, RealTimeFactor: ptr(0.7)}, "3.2 s of speech · 1.4× real time"},
		{tts.Job{State: tts.JobRunning, Stage: tts.StageSaving, AudioSeconds: 3.2}, "Saving..."},
	} {
		tell(c.job)
		if got := w.see().Clone.Progress; got != c.want {
			w.t.Errorf("%+v: %q, want %q", c.job, got, c.want)
		}
	}
}

// Stop ends the generation for the server and for the user, even when the server does not let go; what it makes of it
// later is never shown.
func TestStop(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		var stopped []error
		release := make(chan struct{})
		w.server.generate = func(ctx context.Context, req tts.Request) (tts.Result, error) {
			<-release
			stopped = append(stopped, ctx.Err())
			req.Watch(tts.Job{State: tts.JobRunning, AudioSeconds: 9})
			return tts.Result{OutputPath: req.OutputPath, Samples: 1}, nil
		}
		w.Generate(tts.Control)
		w.see()
		w.Stop(tts.Control)
		if s := w.see(); s.Control.Stop.Enabled || !s.Control.Generate.Enabled || s.Control.Progress != "" || s.Busy {
			t.Errorf("stopped: %+v", s.Control)
		}
		w.Generate(tts.Control)
		w.see()
		release <- struct{}{} // the one that was stopped, as it came first
		if s := w.see(); s.Control.Result != nil || s.Control.Error != nil || s.Control.Progress != "Starting..." {
			t.Errorf("the stopped one is shown: %+v", s.Control)
		}
		release <- struct{}{}
		if s := w.see(); s.Control.Result == nil || s.Control.Result.Path != "/control/generated/2.wav" {
			t.Errorf("the other is not: %+v", s.Control.Result)
		}
		if len(stopped) != 2 || stopped[0] == nil || stopped[1] != nil {
			t.Errorf("contexts ended with %v", stopped)
		}
	})
}

func TestProblems(t *testing.T) {
	for code, want := range map[tts.Code]Problem{
		tts.CodeInvalid:     {"Invalid input: it went wrong", "Do."},
		tts.CodeUnreachable: {"Connection error: it went wrong", "Do."},
		tts.CodeTimeout:     {"Request timed out: it went wrong", "Speak a shorter text, use a smaller model, or allow more time in the settings."},
		tts.CodeCanceled:    {"The generation was stopped.", "Another program stopped it, or the server is ending."},
		tts.CodeDiskFull:    {"TTS generation failed: it went wrong", "Do."},
	} {
		if diff := cmp.Diff(&want, generationProblem(tts.Errorf(code, "Do.", "it went wrong"))); diff != "" {
			t.Error(diff)
		}
	}
}

func TestSaveAs(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		var copied []string
		var failing error
		w.copies = func(from, to string) error {
			copied = append(copied, from+" "+to)
			return failing
		}
		if s := w.ready(); s.Menu.SaveAs.Enabled || s.Design.SaveName != "design_output.wav" {
			t.Errorf("%+v", s.Menu.SaveAs)
		}
		w.SaveAs(tts.Design, "/nothing/yet.wav")
		w.Generate(tts.Design)
		w.see()
		w.SaveAs(tts.Design, "/a.wav")
		if s := w.see(); s.Alert != nil || len(s.Log.Lines) != 1 || s.Log.Lines[0].Text != "Saved a copy: /a.wav" {
			t.Errorf("%+v, %+v", s.Alert, s.Log.Lines)
		}
		w.FilterLog("warning")
		if s := w.see(); len(s.Log.Lines) != 0 {
			t.Errorf("a filter lets through %+v", s.Log.Lines)
		}
		failing = tts.Errorf(tts.CodeDiskFull, "Make room.", "no space is left")
		w.SaveAs(tts.Design, "/b.wav")
		s := w.see()
		if s.Alert == nil || s.Alert.Text != "No space is left. Make room." || len(s.Alert.Buttons) != 1 {
			t.Errorf("%+v", s.Alert)
		}
		w.AnswerAlert(s.Alert.ID, 0)
		if s = w.see(); s.Alert != nil {
			t.Error("it stays")
		}
		if diff := cmp.Diff([]string{"/design/generated/1.wav /a.wav", "/design/generated/1.wav /b.wav"}, copied); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNoPlaceForAResult(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		w.core.config.NewResultPath = func(string, tts.Mode, time.Time) (string, error) { return "", errDisk }
		w.Generate(tts.Clone)
		if s := w.see(); s.Clone.Error == nil || s.Clone.Error.Text != "TTS generation failed: the disk is full" || s.Busy {
			t.Errorf("%+v", s.Clone.Error)
		}
	})
}
