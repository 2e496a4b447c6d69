package registry

import (
	"context"
	"fmt"
	"math"
	"time"

	"ttsui/internal/tts"
)

// Fetcher is a Loader that can bring a model's files to this machine.
type Fetcher interface {
	// Fetch sees to it that the model's files are on this machine, however long that takes. Called again after an
	// error or the end of ctx, it goes on where it stopped. It says nothing when all of them are there; else it tells
	// of what it does, a few times a second at most, in one call at a time and in none after it has returned. What it
	// tells is nil while it is unknown.
	Fetch(ctx context.Context, modelID string, tell func(tts.Phase, *tts.Download)) error
}

// Publisher is a Loader that can ask which models could be fetched.
type Publisher interface {
	// PublishedModels gives the ids of the family's models and all their variants.
	PublishedModels(ctx context.Context) ([]string, error)

	// PublishedCopies gives the smaller copies of a model, the largest first.
	PublishedCopies(ctx context.Context, modelID string) ([]tts.PublishedModel, error)
}

// PublishedModels asks which models could be fetched.
func (r *Registry) PublishedModels(ctx context.Context) (ids []string, err error) {
	p, ok := r.loader.(Publisher)
	if !ok {
		return nil, errNoPublisher()
	}
	defer r.recoverInto(&err, "asking which models there are")
	return p.PublishedModels(ctx)
}

// PublishedCopies asks which smaller copies of a model could be fetched.
func (r *Registry) PublishedCopies(ctx context.Context, modelID string) (copies []tts.PublishedModel, err error) {
	p, ok := r.loader.(Publisher)
	if !ok {
		return nil, errNoPublisher()
	}
	defer r.recoverInto(&err, "asking which copies there are")
	return p.PublishedCopies(ctx, modelID)
}

func errNoPublisher() error {
	return tts.Errorf(tts.CodeUnsupported, "Use another engine.", "this engine fetches no models")
}

// sayEvery is how often the log hears of a download.
const sayEvery = 10 * time.Second

// fetch brings the model's files to this machine, if the loader can. It takes as long as it takes; only a fetcher that
// goes on after it was told to end is an error of CodeTimeout.
func (r *Registry) fetch(row *row, j *job, id string) (ended bool, err error) {
	f, ok := r.loader.(Fetcher)
	if !ok {
		return true, nil
	}
	err, ended = try(j.ctx, r, func() error { return r.callFetcher(f, row, j, id) }, func(error) {
		r.log.Warn().Msgf("Downloading model %s ended long after it was stopped", id)
	})
	if !ended {
		err = errStuck("Downloading model " + id)
	}
	r.tell(row, j, tts.PhaseLoading, nil)
	return ended, err
}

// callFetcher fetches, and tells the log and the row; a panic is an error.
func (r *Registry) callFetcher(f Fetcher, row *row, j *job, id string) (err error) {
	defer r.recoverInto(&err, "downloading model "+id)
	d := download{registry: r, id: id}
	err = f.Fetch(j.ctx, id, func(phase tts.Phase, now *tts.Download) {
		d.say(phase, now)
		r.tell(row, j, phase, now)
	})
	if err == nil {
		d.sayEnd()
	}
	return err
}

// tell puts what a load is at into its record, unless the load has been given up meanwhile.
func (r *Registry) tell(row *row, j *job, phase tts.Phase, now *tts.Download) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if row.job != j || row.info.Phase == phase && row.info.Download == nil && now == nil {
		return
	}
	info := row.info
	info.Phase, info.Download = phase, now
	r.record(row, info)
}

// download is what the log has heard of one.
type download struct {
	registry *Registry
	id       string
	began    time.Time // the zero time while there is nothing to tell
	said     time.Time
	last     tts.Download
}

// say writes a line when the download begins, and later when the last line is old.
func (d *download) say(phase tts.Phase, now *tts.Download) {
	at := d.registry.now()
	if d.began.IsZero() {
		d.began, d.said = at, at
		d.registry.log.Info().Msgf("Downloading model: %s", d.id)
	}
	if now == nil {
		return
	}
	d.last = *now
	if at.Sub(d.said) < sayEvery {
		return
	}
	d.said = at
	text := fmt.Sprintf("Downloaded %s (%d %%)", now.Amount(), now.Percent())
	switch {
	case phase == tts.PhaseVerifying:
		text += ", checking what came earlier"
	case now.ETASeconds != nil:
		text += ", about " + spanText(*now.ETASeconds) + " left"
	}
	d.registry.log.Info().Msg(text)
}

func (d *download) sayEnd() {
	if !d.began.IsZero() {
		took := d.registry.now().Sub(d.began).Seconds()
		d.registry.log.Info().Msgf("Download finished: %s (%s in %s)", d.id, d.last.Amount(), spanText(took))
	}
}

// spanText is a time as people say it: "1 second", "3 minutes", "1.5 hours".
func spanText(seconds float64) string {
	switch minutes := math.Round(seconds / 60); {
	case seconds < 1.5:
		return "1 second"
	case seconds < 59.5:
		return fmt.Sprintf("%.0f seconds", seconds)
	case minutes <= 1:
		return "1 minute"
	case minutes < 100:
		return fmt.Sprintf("%.0f minutes", minutes)
	}
	return fmt.Sprintf("%.1f hours", seconds/3600)
}
