package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"ttsui/internal/memory"
)

// report is everything that a run found.
type report struct {
	Checkpoint string   `json:"checkpoint"`
	DType      string   `json:"dtype"`
	Frames     int      `json:"frames"`
	Rounds     int      `json:"rounds"`
	Load       float64  `json:"load_average"`
	Sides      []*found `json:"sides"`
}

// write writes the report as a table, or as JSON with every round's values.
func (r *report) write(out io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	fmt.Fprintf(out, "%s, %s, %d frames, %d rounds, MLX %s; load average at the start %.1f\n\n",
		r.Checkpoint, r.DType, r.Frames, r.Rounds, mlxVersion, r.Load)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	r.writeLoading(table)
	r.writeFigures(table)
	return table.Flush()
}

// writeRow writes a row whose first cell stands left and the others right.
func writeRow(table io.Writer, name string, cells ...string) {
	const width = len(codecFour)
	fmt.Fprintf(table, "%-*s\t%s\t\n", width, name, strings.Join(cells, "\t"))
}

func (r *report) writeLoading(table io.Writer) {
	size := func(bytes uint64) string { return memory.Text(memory.MB(bytes)) }
	row := func(name string, value func(f *found) string) {
		var cells []string
		for _, f := range r.Sides {
			cells = append(cells, value(f), "")
		}
		writeRow(table, name, cells...)
	}
	row("", func(f *found) string { return f.Name })
	row("load (s)", func(f *found) string { return number(f.Loading.Seconds) })
	row("RSS before the load", func(f *found) string { return size(f.Loading.RSSBefore) })
	row("RSS after the load", func(f *found) string { return size(f.Loading.RSSAfter) })
	row("RSS, the most", func(f *found) string { return size(f.PeakRSS) })
	row("MLX's memory, the most", func(f *found) string { return size(f.PeakMLX) })
}

func (r *report) writeFigures(table io.Writer) {
	compared := len(r.Sides) == 2
	var head []string
	for range r.Sides {
		head = append(head, "min", "median")
	}
	if compared {
		head = append(head, "ratio of medians")
	}
	writeRow(table, "", head...)
	for _, name := range figures() {
		var cells []string
		for _, f := range r.Sides {
			values := f.Figures[name]
			cells = append(cells, number(slices.Min(values)), number(median(values)))
		}
		if compared {
			cells = append(cells, number(median(r.Sides[1].Figures[name])/median(r.Sides[0].Figures[name]))+"×")
		}
		writeRow(table, string(name), cells...)
	}
}

// number writes three significant digits, and all digits before the point.
func number(x float64) string {
	for digits, limit := 2, 10.0; digits > 0; digits, limit = digits-1, limit*10 {
		if x < limit {
			return strconv.FormatFloat(x, 'f', digits, 64)
		}
	}
	return strconv.FormatFloat(x, 'f', 0, 64)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// systemLoad is the load average of the last minute: how many threads wanted to run.
func systemLoad(ctx context.Context) (float64, error) {
	c := exec.CommandContext(ctx, "uptime")
	c.Env = append(os.Environ(), "LC_ALL=C")
	out, err := c.Output()
	if err != nil {
		return 0, fmt.Errorf("ask for the machine's load: %w", err)
	}
	return parseLoad(string(out))
}

// parseLoad reads what uptime says on Linux or on a Mac.
func parseLoad(text string) (float64, error) {
	found := regexp.MustCompile(`load averages?: ([0-9.]+)`).FindStringSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("no load average in %q", text)
	}
	return strconv.ParseFloat(found[1], 64)
}
