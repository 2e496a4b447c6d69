package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ttsui/internal/app"
	"ttsui/internal/tts"
)

const sayHelp = `Speak a text into a WAV file, in this process and without a server. A model
that isn't on this machine is downloaded first (see ttsui models --help).

The text is the arguments, or a file (-f), or stdin (-, or no text at all).
The mode follows from what is given: --ref or --voice clones a voice, --speaker
takes a built-in one, --instruct alone describes one. The path of the file is
printed on stdout; after an error or ^C there is no file, but for the finished
segments of a long text, beside it in one that ends in .partial.wav.`

const sayExamples = `  ttsui say --speaker Ryan --instruct "calm and low" -o hello.wav "Good evening."
  ttsui say --ref me.wav --ref-text "What I say in the clip." -o mine.wav "Now I say this."
  ttsui say --instruct "An old sailor, hoarse and kind" -o sailor.wav < story.txt`

// sayFlags are the flags of say that make its request.
type sayFlags struct {
	mode, file string
	request    tts.Request

	temperature, topP, repetitionPenalty float64
	topK, maxFrames                      int
	seed                                 uint64
	nonStreaming                         bool
}

func newSay() *cobra.Command {
	var engine engineFlags
	var f sayFlags
	cmd := &cobra.Command{
		Use:     "say [flags] -o FILE.wav [TEXT…]",
		Short:   "Speak a text into a WAV file",
		Long:    sayHelp,
		Example: sayExamples,
		RunE: func(cmd *cobra.Command, args []string) error {
			req, err := f.build(cmd, args)
			if err != nil {
				return err
			}
			config := engine.config(cmd.ErrOrStderr())
			config.Home = app.FindHome(os.Getenv)
			return say(cmd, config, req)
		},
	}
	f.add(cmd.Flags())
	engine.add(cmd, "critical")
	return cmd
}

func (f *sayFlags) add(flags *pflag.FlagSet) {
	r := &f.request
	flags.StringVarP(&r.OutputPath, "output", "o", "", "the WAV file to write (required)")
	flags.StringVarP(&f.file, "file", "f", "", "read the text from this file; - is stdin")
	flags.StringVar(&f.mode, "mode", "", "clone, control or design")
	flags.StringVar(&r.ModelID, "model", "", "model id, org/name (default the mode's smallest)")
	flags.StringVar(&r.RefAudioPath, "ref", "", "clone: a clip of the voice, best 3 to 15 seconds")
	flags.StringVar(&r.RefText, "ref-text", "", "clone: what is said in the clip; makes the voice truer")
	flags.StringVar(&r.Voice, "voice", "", "clone: a saved voice instead (see ttsui voices list)")
	flags.BoolVar(&r.RefTail, "ref-tail-silence", false, "clone: half a second of silence behind the clip, so that its last sound isn't spoken on")
	flags.StringVar(&r.Speaker, "speaker", "", "control: "+strings.Join(speakers(), ", "))
	flags.StringVar(&r.Instruct, "instruct", "", "control: how to speak; design: the voice's description")
	flags.StringVar(&r.Language, "language", "", "language of the text (default Auto)")
	flags.Float64Var(&f.temperature, "temperature", 0, "0 always takes the likeliest (default the model's)")
	flags.IntVar(&f.topK, "top-k", 0, "draw from this many likeliest; 0 is off (default the model's)")
	flags.Float64Var(&f.topP, "top-p", 0, "draw from the likeliest of this sum; 1 is off (default the model's)")
	flags.Float64Var(&f.repetitionPenalty, "repetition-penalty", 0, "1 is off (default the model's)")
	flags.Uint64Var(&f.seed, "seed", 0, "same seed, same take (default a new one)")
	flags.IntVar(&f.maxFrames, "max-frames", 0, "stop after this many frames of 80 ms (default the model's)")
	flags.StringVar((*string)(&r.LongText), "long-text", "", "speak in segments: auto is beyond 1,000 characters; on, off (default auto)")
	flags.BoolVar(&r.NoGuard, "no-runaway-guard", false, "let a take that doesn't end run on to its limit")
	flags.BoolVar(&f.nonStreaming, "non-streaming-mode", false, "feed the whole text before the first frame (default the mode's)")
}

func speakers() []string {
	var names []string
	for _, s := range tts.Speakers() {
		names = append(names, s.Name)
	}
	return names
}

// build makes the request of the flags and the text, with everything checked that can be without a model.
func (f *sayFlags) build(cmd *cobra.Command, args []string) (tts.Request, error) {
	req := f.request
	if req.OutputPath == "" {
		return req, tts.Errorf(tts.CodeInvalid, "Say where the speech goes: -o speech.wav.", "no output file is given")
	}
	var err error
	if req.Mode, err = f.inferMode(); err != nil {
		return req, err
	}
	if err := checkModeFlags(cmd.Flags(), req.Mode); err != nil {
		return req, err
	}
	req.ModelID = cmp.Or(req.ModelID, defaultModel(req.Mode))
	if err := checkModel(req.ModelID, req.Mode); err != nil {
		return req, err
	}
	if req.OutputPath, err = filepath.Abs(req.OutputPath); err != nil {
		return req, err
	}
	if req.RefAudioPath != "" {
		if req.RefAudioPath, err = filepath.Abs(req.RefAudioPath); err != nil {
			return req, err
		}
	}
	req.Sampling = f.sampling(cmd.Flags())
	if req.Text, err = readText(cmd.InOrStdin(), f.file, args); err != nil {
		return req, err
	}
	return req, req.Validate()
}

// inferMode takes the mode from --mode, or from what only one mode needs.
func (f *sayFlags) inferMode() (tts.Mode, error) {
	switch {
	case f.mode != "":
		if !slices.Contains(tts.Modes(), tts.Mode(f.mode)) {
			return "", tts.Errorf(tts.CodeInvalid, "Use clone, control or design.", "unknown mode %q", f.mode)
		}
		return tts.Mode(f.mode), nil
	case f.request.RefAudioPath != "", f.request.Voice != "":
		return tts.Clone, nil
	case f.request.Speaker != "":
		return tts.Control, nil
	case f.request.Instruct != "":
		return tts.Design, nil
	}
	return "", tts.Errorf(tts.CodeInvalid, "Give --ref CLIP or --voice NAME to clone a voice, --speaker NAME for a built-in one, or --instruct DESCRIPTION to design one.",
		"no voice is given")
}

// checkModeFlags refuses flags that the mode would not heed.
func checkModeFlags(flags *pflag.FlagSet, mode tts.Mode) error {
	of := map[string][]tts.Mode{
		"ref":              {tts.Clone},
		"ref-text":         {tts.Clone},
		"ref-tail-silence": {tts.Clone},
		"voice":            {tts.Clone},
		"speaker":          {tts.Control},
		"instruct":         {tts.Control, tts.Design},
	}
	var err error
	flags.Visit(func(flag *pflag.Flag) {
		if modes, bound := of[flag.Name]; bound && !slices.Contains(modes, mode) {
			err = tts.Errorf(tts.CodeInvalid, "Leave it out, or choose another --mode.", "--%s does not go with the mode %s", flag.Name, mode)
		}
	})
	return err
}

// checkModel refuses a model that is known to be for another mode, before it is loaded.
func checkModel(id string, mode tts.Mode) error {
	for _, m := range tts.Catalogue() {
		if m.ID == id && m.Mode != mode {
			return tts.Errorf(tts.CodeInvalid, "Leave --model out, or choose another --mode.", "%s is for the mode %s, not %s", id, m.Mode, mode)
		}
	}
	return nil
}

func defaultModel(mode tts.Mode) string {
	for _, m := range tts.Catalogue() {
		if m.Mode == mode {
			return m.ID
		}
	}
	return ""
}

// sampling holds the settings that were given; the rest stays the model's.
func (f *sayFlags) sampling(flags *pflag.FlagSet) tts.Sampling {
	return tts.Sampling{
		Temperature:       given(flags, "temperature", &f.temperature),
		TopK:              given(flags, "top-k", &f.topK),
		TopP:              given(flags, "top-p", &f.topP),
		RepetitionPenalty: given(flags, "repetition-penalty", &f.repetitionPenalty),
		Seed:              given(flags, "seed", &f.seed),
		MaxFrames:         given(flags, "max-frames", &f.maxFrames),
		NonStreamingMode:  given(flags, "non-streaming-mode", &f.nonStreaming),
	}
}

func given[T any](flags *pflag.FlagSet, name string, value *T) *T {
	if !flags.Changed(name) {
		return nil
	}
	return value
}

// say loads the model, speaks, and prints where the file is.
func say(cmd *cobra.Command, config app.Config, req tts.Request) (err error) {
	ctx, stop := interrupted(cmd.Context())
	defer stop()
	show := newProgressLine(cmd.ErrOrStderr())
	req.Watch = show.job
	a, err := app.New(config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.Check(req); err != nil {
		return err
	}
	res, err := speak(ctx, a.Service(), req, show, cmd.ErrOrStderr())
	show.clear()
	if err != nil {
		return err
	}
	show.done(res)
	if res.Runaway != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), "ttsui: warning: "+runawayText(res.Runaway, req.Sampling))
	}
	if res.Truncated {
		fmt.Fprintf(cmd.ErrOrStderr(), "ttsui: warning: the speech was cut off at its limit of %d frames\n", res.Frames)
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), res.OutputPath)
	return err
}

// runawayText tells of a take that stands although it ran away, and what may do better.
func runawayText(why tts.Runaway, asked tts.Sampling) string {
	try := "another seed"
	if asked.Greedy() {
		try = "a temperature above 0"
	}
	return fmt.Sprintf("the model missed the end of the text (%s) and was stopped; listen to the speech, or try %s", why, try)
}

// speak loads the request's model, which may have to be downloaded, and generates. How far a download is goes to stderr.
func speak(ctx context.Context, service tts.Service, req tts.Request, show *progressLine, stderr io.Writer) (tts.Result, error) {
	stop := showLoad(ctx, service, req.ModelID, stderr, show)
	info, err := service.Load(ctx, req.ModelID, tts.LoadOptions{})
	stop()
	if err != nil {
		return tts.Result{}, err
	}
	if info.State != tts.Loaded {
		return tts.Result{}, loadError(info)
	}
	return service.Generate(ctx, req)
}

// loadError is the failure that a record tells of.
func loadError(info tts.ModelInfo) error {
	e := &tts.Error{Code: tts.CodeInternal, Message: "the model is " + string(info.State)}
	if info.Error != nil {
		e.Message = *info.Error
	}
	if info.Hint != nil {
		e.Hint = *info.Hint
	}
	return e
}
