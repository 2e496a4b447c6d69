// Command bench measures how fast a model loads and speaks, on this machine and in this minute: a checkpoint of real
// dimensions with random weights is enough.
//
//	go run ./internal/tools/bench                              # TTSUI alone, 0.6B
//	go run ./internal/tools/bench -setup-mlx-audio DIR         # make a Python environment with mlx-audio in DIR
//	go run ./internal/tools/bench -mlx-audio DIR/bin/python    # TTSUI and mlx-audio, round about
//
// Timings are worth something only beside each other: both sides speak the same text from the same files with the
// same settings, one after the other in every round, and a machine that has other work to do is refused.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"

	"ttsui/internal/testkit"
)

// options are what the command line says.
type options struct {
	checkpoint string
	size       string
	dtype      string
	frames     int
	rounds     int
	json       bool
	force      bool
	mlxAudio   string
	setup      string
}

func main() {
	var o options
	flag.StringVar(&o.checkpoint, "checkpoint", "", "CustomVoice checkpoint to speak with; made if it is not there (default: a new one, removed at the end)")
	flag.StringVar(&o.size, "size", string(testkit.Size06B), "size of a checkpoint that is made: tiny, 0.6B or 1.7B")
	flag.StringVar(&o.dtype, "dtype", "auto", "what to compute in: auto, float32 or bfloat16")
	flag.IntVar(&o.frames, "frames", 8, "codec frames of 80 ms to speak in a round, at least 8")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds")
	flag.BoolVar(&o.json, "json", false, "write JSON in place of the table")
	flag.BoolVar(&o.force, "force", false, "measure on a busy machine, too")
	flag.StringVar(&o.mlxAudio, "mlx-audio", "", "measure mlx-audio, too, with this `python`")
	flag.StringVar(&o.setup, "setup-mlx-audio", "", "only make a Python environment with mlx-audio in this `folder`")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	if o.setup != "" {
		return setUpMLXAudio(ctx, o.setup)
	}
	if o.frames < 8 || o.rounds < 1 {
		return fmt.Errorf("%d frames in %d rounds are too few to tell anything", o.frames, o.rounds)
	}
	load, err := systemLoad(ctx)
	if err != nil {
		return err
	}
	if most := float64(runtime.NumCPU()) / 2; load > most && !o.force {
		return fmt.Errorf("the machine is busy: its load is %.1f, above %.1f; wait, or use -force", load, most)
	}
	dir, remove, err := makeCheckpoint(o)
	if err != nil {
		return err
	}
	defer remove()

	sides := []side{newTTSUI(dir, o.dtype)}
	if o.mlxAudio != "" {
		sides = append(sides, newMLXAudio(o.mlxAudio, dir, o.dtype))
	}
	r := report{Checkpoint: checkpointName(o), DType: o.dtype, Frames: o.frames, Rounds: o.rounds, Load: load}
	if err := r.measure(ctx, sides); err != nil {
		return err
	}
	return r.write(out, o.json)
}

// makeCheckpoint gives the folder of the checkpoint and what removes it, if it is ours.
func makeCheckpoint(o options) (dir string, remove func(), err error) {
	remove = func() {}
	dir = o.checkpoint
	if dir == "" {
		if dir, err = os.MkdirTemp("", "ttsui-bench-"); err != nil {
			return "", nil, err
		}
		remove = func() { _ = os.RemoveAll(dir) }
	}
	if _, err := os.Stat(filepath.Join(dir, "config.json")); err == nil {
		return dir, remove, nil
	}
	fmt.Fprintf(os.Stderr, "writing a random checkpoint of %s into %s\n", o.size, dir)
	if err := testkit.WriteCheckpoint(dir, testkit.CheckpointSpec{Size: testkit.Size(o.size), Kind: "custom_voice"}); err != nil {
		remove()
		return "", nil, err
	}
	return dir, remove, nil
}

func checkpointName(o options) string {
	if o.checkpoint != "" {
		return o.checkpoint
	}
	return "random " + o.size
}
