// Command bench measures how fast TTSUI loads and speaks, on this machine and in this minute: checkpoints of real
// dimensions with random weights are enough.
//
//	bench                                # TTSUI alone, 0.6B in bf16
//	bench -weights bf16,8bit,4bit,mixed  # several checkpoints of TTSUI's, in turns
//	bench -setup-mlx-audio DIR           # make a Python environment with mlx-audio in DIR
//	bench -mlx-audio DIR/bin/python      # TTSUI and mlx-audio, in turns
//	bench -setup-official DIR            # make one with the official package, in PyTorch
//	bench -official DIR/bin/python       # TTSUI and the official package, in turns; with -mlx-audio all three
//	bench -mode clone                    # a Base checkpoint and its encoders, or -mode design
//	bench -size thin -only greedy,frame  # as deep, but so narrow that only the fixed cost of a frame is left
//
// With all parts mlx-audio takes three minutes a round on two cores; -only and -dir make short runs of one long one.
//
// All sides speak the same text with the same settings, one after the other in every round, and a machine that has
// other work to do is refused. What is measured is in package speed, which `ttsui bench` shares.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"ttsui/internal/speed"
	"ttsui/internal/testkit"
)

// options are what the command line says.
type options struct {
	dir     string
	size    string
	mode    string
	weights string
	dtype   string
	codec   string
	frames  int
	rounds  int
	only    string
	json    string
	force   bool
	pythons map[string]string // of the programs to measure, by their flags
	setUps  map[string]string // folders to make Python environments in, likewise
}

func main() {
	o := options{pythons: map[string]string{}, setUps: map[string]string{}}
	flag.StringVar(&o.dir, "dir", "", "`folder` for the checkpoints, which are made there unless they are there (default: a new one, removed at the end)")
	flag.StringVar(&o.size, "size", string(testkit.Size06B), "size of the checkpoints: tiny, thin, 0.6B or 1.7B")
	flag.StringVar(&o.mode, "mode", "control", "what the checkpoints are for: clone, control or design")
	flag.StringVar(&o.weights, "weights", "bf16", "what their weights are, a side each: "+strings.Join(weightNames(), ", "))
	flag.StringVar(&o.dtype, "dtype", "auto", "what to compute in: auto, float32, bfloat16 or float16")
	flag.StringVar(&o.codec, "codec-dtype", "float32", "what the codec's vocoder is to convolve in, a side each: float32, bfloat16")
	flag.IntVar(&o.frames, "frames", 8, "codec frames of 80 ms in a job, at least 8")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds")
	flag.StringVar(&o.only, "only", "", "measure only these parts, of "+strings.Join(speed.PartNames(), ", "))
	flag.StringVar(&o.json, "json", "", "write every round's figures into this `file`, too")
	flag.BoolVar(&o.force, "force", false, "measure on a busy machine, too")
	for _, p := range programs() {
		flag.Func(p.flag, "measure "+p.name+" with the first checkpoint, too, with this `python`", noteIn(o.pythons, p.flag))
		flag.Func("setup-"+p.flag, "only make a Python environment with "+p.name+" in this `folder`", noteIn(o.setUps, p.flag))
	}
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

// noteIn notes a flag's value.
func noteIn(values map[string]string, flag string) func(string) error {
	return func(value string) error {
		values[flag] = value
		return nil
	}
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	if len(o.setUps) > 0 {
		return setUp(ctx, o.setUps)
	}
	load, err := speed.SystemLoad(ctx)
	if err != nil {
		return err
	}
	if speed.Busy(load) && !o.force {
		return fmt.Errorf("the machine is busy: its load is %.1f; wait, or use -force", load)
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "ttsui-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(o.dir)
	}
	engine, err := speed.StartEngine()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Stop()) }()
	sides, err := o.sides(engine)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, speed.CloseAll(sides)) }()
	r, err := speed.Run(ctx, sides, speed.Options{Frames: o.frames, Rounds: o.rounds, Parts: split(o.only), Log: os.Stderr})
	if err != nil {
		return err
	}
	r.Model, r.MLX = fmt.Sprintf("random %s %s (%s)", o.size, kinds()[o.mode].title, o.mode), engine.MLX()
	if o.json != "" {
		if err := writeJSON(r, o.json); err != nil {
			return err
		}
	}
	return r.Table(out)
}

func writeJSON(r *speed.Report, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return cmp.Or(r.JSON(f), f.Close())
}

// split takes a list apart.
func split(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return c == ',' || c == ' ' })
}

// sides makes the checkpoints that aren't there, and a side of each; other programs come last.
func (o *options) sides(engine *speed.Engine) (sides []speed.Side, err error) {
	names := split(o.weights)
	if len(names) == 0 {
		return nil, errors.New("no weights are chosen")
	}
	kind, known := kinds()[o.mode]
	if !known {
		return nil, fmt.Errorf("there is no mode %q; use clone, control or design", o.mode)
	}
	peers, err := o.peers(names[0])
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		spec, known := specs()[name]
		if !known {
			return nil, fmt.Errorf("there are no weights %q; use %s", name, strings.Join(weightNames(), ", "))
		}
		spec.Size, spec.Kind, spec.Official = testkit.Size(o.size), kind.name, true // whose layout every side reads
		dir := o.checkpoint(name)
		if _, err := os.Stat(filepath.Join(dir, "config.json")); err != nil {
			fmt.Fprintln(os.Stderr, "writing a random checkpoint:", o.size, kind.title, name)
			if err := testkit.WriteCheckpoint(dir, spec); err != nil {
				return nil, err
			}
		}
		ours, err := o.ours(engine, name)
		if err != nil {
			return nil, err
		}
		sides = append(sides, ours...)
	}
	return append(sides, peers...), nil
}

// ours makes a side of each type that the codec is to compute in, with these weights.
func (o *options) ours(engine *speed.Engine, weights string) (sides []speed.Side, err error) {
	for _, codec := range split(o.codec) {
		dtypes, err := speed.DTypes(o.dtype, codec)
		if err != nil {
			return nil, err
		}
		name := "TTSUI " + weights
		if codec != "float32" {
			name += ", codec " + codec
		}
		sides = append(sides, engine.Side(name, o.checkpoint(weights), dtypes))
	}
	return sides, nil
}

// peers makes a side of each other program that is wanted, with these weights.
func (o *options) peers(weights string) (sides []speed.Side, err error) {
	for _, p := range programs() {
		python, wanted := o.pythons[p.flag]
		if !wanted {
			continue
		}
		if specs()[weights].Bits > 0 && !p.quantized {
			return nil, fmt.Errorf("%s can't load quantised weights: let -weights begin with others than %s", p.name, weights)
		}
		sides = append(sides, &peer{program: p, python: python, dir: o.checkpoint(weights), dtype: o.dtype})
	}
	return sides, nil
}

// checkpoint is the folder of the checkpoint with these weights.
func (o *options) checkpoint(weights string) string {
	return filepath.Join(o.dir, o.size+kinds()[o.mode].folder+"-"+weights)
}

// kind is a kind of checkpoint.
type kind struct{ name, title, folder string }

// kinds are the checkpoints by what they are for.
func kinds() map[string]kind {
	return map[string]kind{
		"clone":   {"base", "Base", "-clone"},
		"control": {"custom_voice", "CustomVoice", ""},
		"design":  {"voice_design", "VoiceDesign", "-design"},
	}
}

// specs are the checkpoints by the names of their weights.
func specs() map[string]testkit.CheckpointSpec {
	return map[string]testkit.CheckpointSpec{
		"bf16": {DType: "BF16"}, "f16": {DType: "F16"}, "f32": {DType: "F32"},
		"8bit": {Bits: 8}, "6bit": {Bits: 6}, "4bit": {Bits: 4}, "mixed": {Bits: 8, Mixed: true},
	}
}

func weightNames() []string { return []string{"bf16", "f16", "f32", "8bit", "6bit", "4bit", "mixed"} }
