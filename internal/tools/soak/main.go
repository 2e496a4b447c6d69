// Command soak holds the real program to what it promises over time: it starts bin/ttsui again and again over tiny
// random models, loads it, kills it, attacks it and stops it in the middle of its work, and looks at what is left.
//
//	go run ./internal/tools/soak                        # all parts: five to ten minutes on two cores
//	go run ./internal/tools/soak -only quit -quits 50   # one part, longer
//
// It prints what it measured beside the bound that each figure has to keep, and ends with status 1 when one is broken.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"ttsui/internal/testkit"
)

// options are what the command line says: how much of everything.
type options struct {
	bin       string
	only      string
	seconds   time.Duration
	cycles    int
	kills     int
	fetches   int
	quantizes int
	attacks   int
	lines     int
	quits     int
	size      string
}

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "bin/ttsui", "program to hold to its promises")
	flag.StringVar(&o.only, "only", "", "parts to run, with commas between (default: "+strings.Join(partNames(), ",")+")")
	flag.DurationVar(&o.seconds, "load-time", 30*time.Second, "how long the load is held")
	flag.IntVar(&o.cycles, "cycles", 200, "cycles of generating")
	flag.IntVar(&o.kills, "kills", 200, "servers that are killed while they speak")
	flag.IntVar(&o.fetches, "fetches", 100, "servers that are killed while they fetch a model")
	flag.IntVar(&o.quantizes, "quantizes", 10, "servers that are killed while they quantise a model")
	flag.IntVar(&o.attacks, "attacks", 1000, "hostile requests")
	flag.IntVar(&o.lines, "lines", 30_000, "lines of log that stalled readers don't read")
	flag.IntVar(&o.quits, "quits", 10, "servers that are stopped while they work")
	flag.StringVar(&o.size, "size", string(testkit.Size512MiB), "size of the model that is loaded again and again while the load is held: tiny, 512MiB or 0.6B, which is written first (2.5 GB)")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "soak: error:", err)
		stop()
		os.Exit(1)
	}
}

// part is one question to the program.
type part struct {
	name string
	ask  func(context.Context, *world, options, *report) error
}

// parts are all questions, in their order.
func parts() []part {
	return []part{
		{"load", holdLoad},
		{"cycles", runCycles},
		{"kill", killOften},
		{"fetch", fetchKilled},
		{"quantize", quantizeKilled},
		{"attack", attackIt},
		{"readers", stallReaders},
		{"quit", quitAtWork},
	}
}

func partNames() []string {
	var names []string
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

// errBroken is the end of a soak whose table says more.
var errBroken = errors.New("a promise is broken")

func run(ctx context.Context, o options, out io.Writer) (err error) {
	only := partNames()
	if o.only != "" {
		only = strings.Split(o.only, ",")
	}
	for _, name := range only {
		if !slices.Contains(partNames(), name) {
			return fmt.Errorf("there is no part %q: use %s", name, strings.Join(partNames(), ", "))
		}
	}
	w, err := newWorld(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(w.dir)) }()
	r := newReport(out)
	for _, p := range parts() {
		if !slices.Contains(only, p.name) {
			continue
		}
		r.begin(p.name)
		if err := p.ask(ctx, w, o, r); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return r.end()
}
