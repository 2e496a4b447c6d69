package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"ttsui/internal/hub"
	"ttsui/internal/tts"
)

// downloadLine shows a download: on a terminal as a bar that moves, else as a line for each tenth of it.
type downloadLine struct {
	w     io.Writer
	id    string
	width func() int // of the terminal; nil when there is none
	next  int64      // the tenth that gets a line next
}

func newDownloadLine(w io.Writer, id string) *downloadLine {
	d := &downloadLine{w: w, id: id}
	if f, ok := w.(*os.File); ok && isTerminal(w) {
		d.width = func() int {
			width, _, err := term.GetSize(int(f.Fd()))
			if err != nil || width == 0 { // some don't know
				return 80
			}
			return width
		}
	}
	return d
}

// progress is what a fetcher reports to.
func (d *downloadLine) progress(p hub.Progress) {
	if d.width != nil {
		fmt.Fprint(d.w, clearLine, barText(p, d.width()-1))
		return
	}
	if tenth := p.BytesDone * 10 / max(p.BytesTotal, 1); tenth >= d.next {
		fmt.Fprintf(d.w, "ttsui: %s: %s\n", d.id, progressText(p))
		d.next = tenth + 1
	}
}

func (d *downloadLine) clear() {
	d.next = 0
	if d.width != nil {
		fmt.Fprint(d.w, clearLine)
	}
}

// showLoad shows the download of a model that is being loaded, if there is one, until stop is called.
func showLoad(ctx context.Context, service tts.Service, id string, w io.Writer, show *progressLine) (stop func()) {
	line := newDownloadLine(w, id)
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		// It ends with ctx. Whatever else ends it, the load ends by, too, and says why.
		_ = service.WatchModels(ctx, func(info tts.ModelInfo) {
			switch {
			case info.ModelID != id:
			case info.Download != nil:
				line.progress(progressOf(info))
			case info.Phase == tts.PhaseLoading:
				show.text("loading " + id)
			}
		})
	})
	return func() {
		cancel()
		watching.Wait()
	}
}

// progressOf is a model's download as its fetcher told it.
func progressOf(info tts.ModelInfo) hub.Progress {
	d := info.Download
	p := hub.Progress{Phase: hub.Phase(info.Phase), BytesDone: d.BytesDone, BytesTotal: d.BytesTotal}
	if d.Rate != nil {
		p.Rate = *d.Rate
	}
	if d.ETASeconds != nil {
		p.ETA = time.Duration(*d.ETASeconds * float64(time.Second))
	}
	return p
}

// barText is a line of at most width characters: a bar if there is room, and what there is to say.
func barText(p hub.Progress, width int) string {
	text := progressText(p)
	room := min(width-len(text)-3, 40)
	if room < 8 {
		return text[:min(len(text), max(width, 0))]
	}
	full := int(int64(room) * p.BytesDone / max(p.BytesTotal, 1))
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", room-full) + "] " + text
}

// progressText says how far a download is.
func progressText(p hub.Progress) string {
	text := fmt.Sprintf("%3d %%, %s of %s", p.BytesDone*100/max(p.BytesTotal, 1), hub.SizeText(p.BytesDone), hub.SizeText(p.BytesTotal))
	switch p.Phase {
	case hub.Verifying:
		return text + ", checking what is there"
	case hub.Waiting:
		return text + ", another program is fetching it"
	}
	if p.Rate > 0 {
		text += ", " + hub.SizeText(int64(p.Rate)) + "/s"
	}
	if p.ETA > 0 {
		text += ", " + durationText(p.ETA) + " left"
	}
	return text
}

// durationText is a time as people read it: "48 s", "3:20 min", "2:05 h".
func durationText(d time.Duration) string {
	seconds := int(d.Round(time.Second).Seconds())
	switch {
	case seconds < 60:
		return fmt.Sprintf("%d s", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%d:%02d min", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d h", seconds/3600, seconds/60%60)
}
