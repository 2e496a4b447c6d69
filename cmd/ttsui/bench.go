package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"ttsui/internal/app"
	"ttsui/internal/hub"
	"ttsui/internal/speed"
	"ttsui/internal/tts"
)

const benchHelp = `Measure how fast a model speaks on this machine: loading, reading a text, a frame
of 80 ms and its parts, the codec, a clip to clone where the model clones, the
first audio and a whole utterance, with memory and with what the machine's memory
would allow.

The model has to be here (see ttsui models list); without --model it is the first
that is. It is loaded once more, in this process: unload it elsewhere if memory is
short. Quit what else needs the machine, or the figures tell of that.`

// benchFlags are the flags of bench.
type benchFlags struct {
	model, models, dtype, codec, only string
	frames, rounds                    int
	json                              bool
}

func newBench() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast a model speaks here",
		Long:  benchHelp,
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.model, "model", "", "model id, org/name (default the first that is here)")
	flags.StringVar(&f.models, "models", "", "folder of models, <org>/<name>/ in it (default $TTSUI_MODELS, else ~/.ttsui/models)")
	flags.StringVar(&f.dtype, "dtype", "auto", "compute in auto, float32, bfloat16 or float16")
	flags.StringVar(&f.codec, "codec-dtype", "float32", "turn codes into sound in float32 or bfloat16")
	flags.IntVar(&f.frames, "frames", 16, "frames of 80 ms in one measurement, at least 8")
	flags.IntVar(&f.rounds, "rounds", 5, "how often each is measured")
	flags.StringVar(&f.only, "only", "", "measure only these, with commas: "+strings.Join(speed.PartNames(), ", "))
	flags.BoolVar(&f.json, "json", false, "print JSON with every round's figures instead of the table")
	return cmd
}

// find gives the model that is measured, and its folder.
func (f *benchFlags) find() (hub.Local, error) {
	places := app.FindPlaces(f.models, os.Getenv)
	if f.model != "" {
		l, err := places.Local(f.model)
		if err == nil && !l.Whole() {
			err = tts.Errorf(tts.CodeNotFound, "Fetch the rest with: ttsui models pull "+f.model, "%s is not here as a whole", f.model)
		}
		return l, err
	}
	for _, l := range places.Locals() {
		if l.Whole() {
			return l, nil
		}
	}
	return hub.Local{}, tts.Errorf(tts.CodeNotFound, "Fetch one with: ttsui models pull "+tts.Catalogue()[0].ID, "there is no model here to measure")
}

func (f *benchFlags) run(cmd *cobra.Command) (err error) {
	o := speed.Options{Frames: f.frames, Rounds: f.rounds, Log: benchLog{newProgressLine(cmd.ErrOrStderr())}}
	if f.only != "" {
		o.Parts = strings.Split(f.only, ",")
	}
	dtypes, err := speed.DTypes(f.dtype, f.codec)
	if err != nil {
		return err
	}
	if err := o.Check(); err != nil {
		return tts.Errorf(tts.CodeInvalid, "See ttsui bench --help.", "%w", err)
	}
	local, err := f.find()
	if err != nil {
		return err
	}
	ctx, stop := interrupted(cmd.Context())
	defer stop()
	if load, err := speed.SystemLoad(ctx); err == nil && speed.Busy(load) {
		fmt.Fprintf(cmd.ErrOrStderr(), "ttsui: warning: this machine is busy, its load is %.1f\n", load)
	}
	engine, err := speed.StartEngine()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Stop()) }()
	side := engine.Side("TTSUI "+tts.Version(), local.Dir, dtypes)
	defer func() { err = errors.Join(err, side.Close()) }()
	r, err := speed.Run(ctx, []speed.Side{side}, o)
	o.Log.(benchLog).clear()
	if err != nil {
		return err
	}
	r.Model, r.MLX = local.ID, engine.MLX()
	write := r.Table
	if f.json {
		write = r.JSON
	}
	return write(cmd.OutOrStdout())
}

// benchLog shows what runs on one line of a terminal.
type benchLog struct{ *progressLine }

// Write implements io.Writer.
func (l benchLog) Write(line []byte) (int, error) {
	l.text(strings.TrimSpace(string(line)))
	return len(line), nil
}
