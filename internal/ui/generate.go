package ui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"ttsui/internal/history"
	"ttsui/internal/tts"
)

// generation is one that runs or waits.
type generation struct {
	request tts.Request // but for the place of its result
	cancel  context.CancelFunc
	job     tts.Job // as it was last seen; of no state before
	into    *past   // the result of which a segment is spoken anew, else nil
	segment int     // which, from 1
	ended   chan struct{}
	aloud   bool // it is played as it is made
	live
}

// request is what the tab asks for, but for the place of the result.
func (t *tab) request(modelID string) tts.Request {
	r := tts.Request{Mode: t.mode, ModelID: modelID, Text: t.text.text, Language: t.language}
	r.Sampling, _ = t.sampling.sampling() // incomplete tells what is wrong with it
	t.sampling.addChoices(&r)
	switch t.mode {
	case tts.Clone:
		if r.Voice = t.voice; r.Voice != "" {
			break
		}
		r.RefAudioPath = t.reference.text
		if strings.TrimSpace(t.refText.text) != "" {
			r.RefText = t.refText.text
		}
	case tts.Control:
		r.Speaker, r.Instruct = t.speaker, strings.TrimSpace(t.instruct.text)
	case tts.Design:
		r.Instruct = strings.TrimSpace(t.instruct.text)
	}
	return r
}

// missing says why a tab can't generate, in the order in which the tab is filled in; "" when it can.
func (c *core) missing(t *tab) string {
	if away := awayText(c.server.state); away != "" {
		return away
	}
	modelID := c.chosen(t)
	switch {
	case modelID == "" && t.mode == tts.Design:
		return "VoiceDesign model is not loaded"
	case modelID == "" && t.model != "":
		return "Selected model is not loaded"
	case modelID == "":
		return "Please select a model"
	}
	if wrong := c.voiceMissing(t); wrong != "" {
		return wrong
	}
	return t.incomplete(modelID)
}

// incomplete says what is wrong with what the user typed and chose, "" when nothing is.
func (t *tab) incomplete(modelID string) string {
	blank := func(f field) bool { return strings.TrimSpace(f.text) == "" }
	switch {
	case t.mode == tts.Clone && t.voice == "" && t.reference.text == "":
		return "Reference audio is required"
	case t.mode == tts.Design && blank(t.instruct):
		return "Voice description is required"
	case blank(t.text):
		return "Target text is required"
	}
	for _, f := range []struct {
		name  string
		field field
		most  int
	}{
		{"The target text", t.text, tts.MaxTextRunes},
		{"The reference text", t.usedRefText(), tts.MaxRefTextRunes},
		{"The " + strings.ToLower(t.words().instruct), t.instruct, tts.MaxInstructRunes},
	} {
		if f.field.show("", "", f.most).Problem != "" {
			return fmt.Sprintf("%s is too long: at most %s characters", f.name, thousands(f.most))
		}
	}
	if _, problem := t.sampling.sampling(); problem != "" {
		return problem
	}
	r := t.request(modelID)
	r.OutputPath = "/result.wav" // the real one is made when it is needed
	if problem := takesProblem(&r); problem != "" {
		return problem
	}
	if err := r.Validate(); err != nil {
		return strings.TrimSuffix(sentence(err.Error()), ".")
	}
	return ""
}

// usedRefText is the transcript, which a saved voice has itself.
func (t *tab) usedRefText() field {
	if t.voice != "" {
		return field{}
	}
	return t.refText
}

func (c *core) generateButton(t *tab) Button {
	if t.run != nil {
		return Button{Title: "Generating...", Tooltip: "Stop it to begin anew"}
	}
	missing := c.missing(t)
	return Button{Title: t.generateTitle(), Enabled: missing == "", Tooltip: missing}
}

// generate speaks the text of a tab. Each tab has one generation at a time; the server gives them their turns.
func (c *core) generate(t *tab) {
	if t.run == nil && c.missing(t) == "" {
		c.speak(t, t.request(c.chosen(t)))
	}
}

// speak asks the server for what a tab wants. What comes of it is in the history before it is seen, and so is what is
// kept of a long text that was stopped.
func (c *core) speak(t *tab, req tts.Request) {
	type made struct {
		tts.Result
		entries    []history.Entry
		unrecorded error
	}
	s := c.server.session
	ctx, cancel := context.WithCancel(s.ctx)
	req.RefTail = t.refTail && c.transcribed(t)
	run := &generation{request: req, cancel: cancel, ended: make(chan struct{}), aloud: !c.liveOff}
	t.run, t.problem = run, nil
	req.JobID = tts.NewJobID()
	var last tts.Job
	req.Watch = func(job tts.Job) {
		last = job
		c.post(func() { run.job = job })
	}
	folder, now := s.settings.OutputFolder, time.Now()
	start(c, func() (m made, err error) {
		defer close(run.ended)
		defer cancel()
		if req.OutputPath, err = c.config.NewResultPath(folder, req.Mode, now); err != nil {
			return m, err
		}
		if m.Result, err = c.speakTo(ctx, s.Server, t, run, req); err != nil {
			m.Result = kept(s, last)
		}
		if err == nil || m.Partial != "" {
			m.entries, m.unrecorded = c.remember(req, m.Result)
		}
		return m, err
	}, func(m made, err error) {
		c.remembered(t, m.entries, m.unrecorded)
		if t.run == run || t.run == nil && m.Partial != "" { // else it was stopped, and nothing is shown of it
			c.settleGeneration(t, run, m.Result, err)
		}
	})
}

func (c *core) settleGeneration(t *tab, run *generation, res tts.Result, err error) {
	if t.run == run && err != nil {
		t.problem = generationProblem(err)
	}
	t.run = nil
	if c.closing {
		return
	}
	if err != nil && res.Partial == "" {
		c.dropLive(t, run)
		return
	}
	t.result, t.segment, t.past.chosen = newResult(res.Each()[0], run.request.Sampling), 0, t.past.at(cmp.Or(res.Partial, res.OutputPath))
	t.spoken = newSpoken(run.request, res.Truncated || res.Partial != "")
	c.keepLive(t, run, res)
}

// stop ends the generation of a tab.
func (c *core) stop(t *tab) {
	if run := t.run; run != nil {
		run.cancel()
		t.run = nil
		c.dropLive(t, run)
	}
}

// progress says how far a generation is.
func (g *generation) progress() string {
	switch what := g.what(); {
	case g.anew:
		return "It ran away; speaking it anew: " + g.stage()
	case what != "" && g.job.State == tts.JobRunning:
		return what + " · " + g.stage()
	}
	return g.stage()
}

func (g *generation) stage() string {
	job := g.job
	switch {
	case job.State == tts.JobQueued:
		return fmt.Sprintf("Waiting for its turn: number %d in the queue", job.Position)
	case job.AudioSeconds > 0 && (job.Stage == tts.StageFrames || job.Stage == "" || job.Stage == tts.StagePrefill && job.SegmentsDone > 0):
		text := fmt.Sprintf("%.1f s of speech", job.AudioSeconds)
		if job.RealTimeFactor != nil && *job.RealTimeFactor > 0 {
			text += " · " + speedText(*job.RealTimeFactor)
		}
		return text
	case job.Stage == tts.StageReference:
		return "Listening to the reference audio..."
	case job.Stage == tts.StagePrefill:
		return "Reading the text..."
	case job.Stage == tts.StageFrames:
		return "Beginning to speak..."
	case job.Stage == tts.StageSaving:
		return "Saving..."
	}
	return "Starting..."
}

// generationProblem says what went wrong, in the words of the window. Hints that are for programs become ours.
func generationProblem(err error) *Problem {
	prefix, hint := "TTS generation failed: ", tts.HintOf(err)
	switch tts.CodeOf(err) {
	case tts.CodeInvalid:
		prefix = "Invalid input: "
	case tts.CodeUnreachable:
		prefix = "Connection error: "
	case tts.CodeTimeout:
		prefix, hint = "Request timed out: ", "Speak a shorter text, use a smaller model, or allow more time in the settings."
	case tts.CodeNotLoaded:
		hint = "Load the model with the button in its row, then try again."
	case tts.CodeCanceled:
		return &Problem{Text: "The generation was stopped.", Hint: "Another program stopped it, or the server is ending."}
	}
	return &Problem{Text: prefix + err.Error(), Hint: hint}
}

// newResult describes a WAV file of 16 bits, and how it was asked for.
func newResult(res tts.Result, asked tts.Sampling) *Result {
	const header, sample = 44, 2
	path := cmp.Or(res.Partial, res.OutputPath)
	return &Result{Title: "Generated Audio", Path: path, Name: filepath.Base(path),
		Size:   fileSize(header + sample*res.Samples),
		Length: clock(seconds(res.AudioSeconds())), Seed: writeSeed(res.Seed), Note: resultNote(res, asked.Greedy())}
}

// resultNote is what the user should know about a result, "" for nothing.
func resultNote(res tts.Result, greedy bool) string {
	switch long := len(res.Segments) > 1; {
	case res.Partial != "":
		return fmt.Sprintf("It was stopped. What was finished, %s, is kept in %s.", plural(len(res.Segments), "segment", "segments"), res.Partial)
	case long && (res.Truncated || res.Runaway != "") && greedy:
		return "A segment became too long and was cut: listen to those that are marked. At temperature 0 they would be the same again."
	case long && (res.Truncated || res.Runaway != ""):
		return "A segment became too long and was cut: listen to those that are marked, and speak them again."
	case res.Truncated:
		return "It was cut off: the speech became longer than one generation may be. Split the text, or allow more under Sampling."
	case res.Runaway != "" && greedy:
		return "It ran on after its text was done, and was cut there. A temperature above 0 may do better."
	case res.Runaway != "":
		return "It ran on after its text was done, and was cut there. Another seed may do better."
	case !long: // the marks of segments tell of theirs
		return retriesNote(res)
	}
	return ""
}

// saveAs copies the result of a tab.
func (c *core) saveAs(t *tab, to string) {
	if t.result == nil || to == "" {
		return
	}
	from := t.result.Path
	c.run(func() error { return c.config.Copy(from, to) }, func(err error) {
		switch {
		case c.closing:
		case err != nil:
			c.tell("The audio could not be saved", problemText(err))
		default:
			c.log.did("Saved a copy: " + to)
		}
	})
}

// problemText is an error with its hint, for a sheet.
func problemText(err error) string {
	if e := (*tts.Error)(nil); errors.As(err, &e) && e.Hint != "" {
		return sentence(err.Error()) + " " + e.Hint
	}
	return sentence(err.Error())
}
