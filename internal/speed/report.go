package speed

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"ttsui/internal/memory"
)

// Report is everything that a run found.
type Report struct {
	Model   string    `json:"model"` // what was measured; the caller says it
	MLX     string    `json:"mlx"`   // its version; the caller says it
	Load    float64   `json:"load_average"`
	Machine string    `json:"machine"`
	Date    time.Time `json:"date"`
	Frames  int       `json:"frames"`
	Rounds  int       `json:"rounds"`
	Sides   []*Found  `json:"sides"`
}

// Found is what was found out about one side.
type Found struct {
	Name    string               `json:"name"`
	Loading Loading              `json:"loading"`
	Counts  *Counts              `json:"counts,omitempty"`
	RSS     uint64               `json:"rss"` // after the last job
	PeakMLX uint64               `json:"peak_mlx"`
	Figures map[Figure][]float64 `json:"figures"` // one value a round
}

// JSON writes the report with every round's values.
func (r *Report) JSON(out io.Writer) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Table writes the report for people: the least and the median of each figure and, between several sides, how many times
// the first side's median each other's is, with the least and the most that this was in one round.
func (r *Report) Table(out io.Writer) error {
	fmt.Fprintf(out, "%s, %d frames, %d rounds, %s\n%s, MLX %s; load average at the start %.1f\n\n",
		r.Model, r.Frames, r.Rounds, r.Date.Format(time.DateOnly), r.Machine, r.MLX, r.Load)
	if Busy(r.Load) {
		fmt.Fprint(out, "This machine was busy: the figures say less than they should.\n\n")
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	r.writeLoading(table)
	r.writeCounts(table)
	r.writeFigures(table)
	return table.Flush()
}

// writeRow writes a row whose first cell stands left and the others right.
func writeRow(table io.Writer, name string, cells ...string) {
	const width = len(drawFrame) // the longest
	fmt.Fprintf(table, "%-*s\t%s\t\n", width, name, strings.Join(cells, "\t"))
}

// writeOnce writes a row of what each side has one of.
func (r *Report) writeOnce(table io.Writer, name string, value func(f *Found) string) {
	var cells []string
	for i, f := range r.Sides {
		cells = append(cells, value(f), "")
		if i > 0 {
			cells = append(cells, "")
		}
	}
	writeRow(table, name, cells...)
}

func (r *Report) writeLoading(table io.Writer) {
	size := func(bytes uint64) string {
		if bytes == 0 {
			return "–"
		}
		return memory.Text(memory.MB(bytes))
	}
	r.writeOnce(table, "", func(f *Found) string { return f.Name })
	r.writeOnce(table, "first load (s)", func(f *Found) string { return number(f.Loading.Seconds) })
	here := 0
	for _, f := range r.Sides {
		if f.Counts != nil {
			here++
		}
	}
	if here > 1 {
		return // sides of one process share its memory
	}
	r.writeOnce(table, "RSS before the load", func(f *Found) string { return size(f.Loading.RSSBefore) })
	r.writeOnce(table, "RSS, the most while loading", func(f *Found) string { return size(f.Loading.RSSPeak) })
	r.writeOnce(table, "RSS after the load", func(f *Found) string { return size(f.Loading.RSSAfter) })
	r.writeOnce(table, "RSS at the end", func(f *Found) string { return size(f.RSS) })
	r.writeOnce(table, "MLX's memory, the most", func(f *Found) string { return size(f.PeakMLX) })
}

func (r *Report) writeCounts(table io.Writer) {
	row := func(name string, value func(c *Counts) int64) {
		r.writeOnce(table, name, func(f *Found) string {
			if f.Counts == nil {
				return "–"
			}
			return strconv.FormatInt(value(f.Counts), 10)
		})
	}
	row("evaluations a frame", func(c *Counts) int64 { return c.Evaluations })
	row("nodes a frame", func(c *Counts) int64 { return c.Nodes })
	row("nodes a frame, as for Metal", func(c *Counts) int64 { return c.Metal })
	row("kernels a frame, as for Metal", func(c *Counts) int64 { return c.Kernels })
}

func (r *Report) writeFigures(table io.Writer) {
	var head []string
	for i := range r.Sides {
		head = append(head, "min", "median")
		if i > 0 {
			head = append(head, "ratio")
		}
	}
	writeRow(table, "", head...)
	for _, p := range parts() {
		for _, name := range p.figures {
			cells := r.figure(name)
			if slices.ContainsFunc(cells, func(c string) bool { return c != "–" && c != "" }) {
				writeRow(table, string(name), cells...)
			}
		}
	}
}

// figure makes the cells of a row.
func (r *Report) figure(name Figure) (cells []string) {
	first := r.Sides[0].Figures[name]
	for i, f := range r.Sides {
		values := f.Figures[name]
		least, middle, ratio := "–", "–", ""
		if len(values) > 0 {
			least, middle = number(slices.Min(values)), number(median(values))
		}
		if i > 0 && name.compares() && len(values) > 0 && len(values) == len(first) {
			ratio = ratioText(first, values)
		}
		cells = append(cells, least, middle)
		if i > 0 {
			cells = append(cells, ratio)
		}
	}
	return cells
}

// ratioText is the ratio of the medians, and the least and the most of the ratios of each round.
func ratioText(first, other []float64) string {
	each := make([]float64, len(first))
	for i := range each {
		each[i] = other[i] / first[i]
	}
	return fmt.Sprintf("%s× (%s–%s)", number(median(other)/median(first)), number(slices.Min(each)), number(slices.Max(each)))
}

// number writes three significant digits, and all digits before the point.
func number(x float64) string {
	for digits, limit := 2, 10.0; digits > 0; digits, limit = digits-1, limit*10 {
		if max(x, -x) < limit {
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

// machine names the processor and the system.
func machine() string {
	name := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if found := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindSubmatch(text); found != nil {
			name = string(found[1])
		}
	} else if out, err := exec.Command("sysctl", "-n", "machdep.cpu.brand_string").Output(); err == nil {
		name = strings.TrimSpace(string(out))
	}
	return fmt.Sprintf("%s, %d cores, %s, %s", name, runtime.NumCPU(), runtime.GOOS, runtime.Version())
}

// SystemLoad is the load average of the last minute: how many threads wanted to run.
func SystemLoad(ctx context.Context) (float64, error) {
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
