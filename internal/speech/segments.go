package speech

import (
	"context"
	"path/filepath"
	"unicode/utf8"

	"ttsui/internal/registry"
	"ttsui/internal/runaway"
	"ttsui/internal/textplan"
	"ttsui/internal/tts"
)

// mostRetries is how often a segment or take that runs away is spoken anew.
const mostRetries = 2

// plan cuts the text into segments if it is to be cut.
func plan(req tts.Request) ([]textplan.Segment, error) {
	if !req.Long() {
		return []textplan.Segment{{Text: req.Text, End: textplan.End}}, nil
	}
	segments := textplan.Split(req.Text, req.Language)
	for _, s := range segments {
		if s.Speakable() {
			return segments, nil
		}
	}
	return nil, tts.Errorf(tts.CodeInvalid, "Send the words to speak in text.", "there is nothing to pronounce in the text")
}

// reading is a text on its way through a model, segment by segment.
type reading struct {
	*Service
	ctx      context.Context // of the one call this value lives for
	model    registry.Model
	to       *recording
	tell     func(tts.Progress)
	segments int // of the text

	u    tts.Utterance // the next segment: the same voice, and the same seed as the one before
	done tts.Result    // the segments that are finished
	text int           // characters that they hold
}

// read speaks the segments one after the other. After an error, done holds those that were finished.
func (r *reading) read(segments []textplan.Segment) error {
	r.segments = len(segments)
	for i, segment := range segments {
		if len(segments) > 1 {
			r.Log.Info().Msgf("Speaking segment %d of %d...", i+1, len(segments))
		}
		spoken := tts.Segment{Start: r.to.samples, End: r.to.samples}
		if len(segments) == 1 || segment.Speakable() {
			var err error
			if spoken, err = r.speak(segment); err != nil {
				return err
			}
		}
		spoken.TextStart, spoken.TextEnd = r.text, r.text+utf8.RuneCountInString(segment.Text)
		r.add(spoken)
		if err := r.to.rest(segment.End.Pause()); err != nil {
			return err
		}
		r.progress(tts.Progress{Stage: tts.StageFrames})
	}
	return nil
}

// add puts a segment that is finished to the others.
func (r *reading) add(s tts.Segment) {
	d := &r.done
	if d.Frames == 0 {
		d.Seed = s.Seed
	}
	d.Segments = append(d.Segments, s)
	d.Frames += s.Frames
	d.Truncated = d.Truncated || s.Truncated
	if d.Runaway == "" {
		d.Runaway = s.Runaway
	}
	r.text = s.TextEnd
}

// progress tells how the reading goes, when the present segment is as p says.
func (r *reading) progress(p tts.Progress) {
	p.Frames += r.done.Frames
	p.SegmentsTotal, p.Segments, p.Retries = r.segments, r.done.Segments, r.done.Retries
	r.tell(p)
}

// speak speaks one segment. A take that runs away is made anew with another seed, unless it was heard already or would
// be the same again; the last one stands, cut in the file where it went wrong.
func (r *reading) speak(segment textplan.Segment) (tts.Segment, error) {
	start := r.to.samples
	r.u.Text = segment.Text
	for retries := 0; ; retries++ {
		take, wrong, keep, err := r.take()
		if err != nil {
			return tts.Segment{}, err
		}
		r.count(take)
		r.u.Sampling.Seed = &take.Seed
		spoken := tts.Segment{Start: start, End: r.to.samples, Frames: take.Frames, Seed: take.Seed,
			Truncated: take.Truncated, Retries: retries, Runaway: wrong}
		if wrong == "" {
			return spoken, nil
		}
		heard := r.to.listener != nil
		if retries == mostRetries || heard || r.u.Sampling.Greedy() {
			r.Log.Warn().Msgf("A take ran away (%s) and was stopped after %d frames, seed %d", wrong, take.Frames, take.Seed)
			if r.to.file != nil {
				spoken.Frames = min(keep, take.Frames)
				spoken.End = min(start+keep*tts.FrameSamples, spoken.End)
				err = r.to.rewind(spoken.End)
			}
			return spoken, err
		}
		r.Log.Warn().Msgf("A take ran away (%s) and was stopped after %d frames, seed %d; trying another seed", wrong, take.Frames, take.Seed)
		if err := r.to.rewind(start); err != nil {
			return tts.Segment{}, err
		}
		r.u.Sampling.Seed = new(take.Seed + 1)
		r.done.Retries++
	}
}

// count adds what a take cost.
func (r *reading) count(take tts.Result) {
	d := &r.done
	d.Seconds += take.Seconds
	d.PromptRows += take.PromptRows
	d.ReusedRows += take.ReusedRows
	d.ReusedReference = d.ReusedReference || take.ReusedReference
}

// take lets the model speak once, and tells what is wrong with what it said and how many frames of it are well.
func (r *reading) take() (take tts.Result, wrong tts.Runaway, keep int, err error) {
	line, watch := guarded(r.u, r.to)
	made, err := r.model.Generate(r.ctx, []tts.Line{line}, r.progress)
	if err != nil {
		return take, "", 0, err
	}
	wrong, keep = verdict(watch)
	return made[0], wrong, keep, nil
}

// guarded is an utterance with its sink and, unless the request wants none, the watch over it.
func guarded(u tts.Utterance, to tts.Sink) (tts.Line, *runaway.Watch) {
	if u.NoGuard {
		return tts.Line{Utterance: u, Sink: to}, nil
	}
	watch := runaway.New(u.Text, u.Language)
	u.Observe = watch.Frame
	return tts.Line{Utterance: u, Sink: both{watch, to}}, watch
}

// verdict is what a watch found wrong, and how many frames of it are well. Where none watched, nothing is wrong.
func verdict(watch *runaway.Watch) (wrong tts.Runaway, keep int) {
	if watch == nil {
		return "", 0
	}
	return watch.Verdict()
}

// both gives what it gets to one and then to the other.
type both [2]tts.Sink

// WriteSamples implements tts.Sink.
func (b both) WriteSamples(pcm []float32) error {
	if err := b[0].WriteSamples(pcm); err != nil {
		return err
	}
	return b[1].WriteSamples(pcm)
}

// keep saves what was finished of a long text before the rest was stopped, or failed by err. It gives an error that says
// where, and err itself when there is nothing to keep or no way.
func (s *Service) keep(req tts.Request, to *recording, done tts.Result, err error) (tts.Result, error) {
	if to.file == nil || to.old != nil || done.Frames == 0 {
		return tts.Result{}, err
	}
	path := partialPath(req.OutputPath)
	failed := to.rewind(done.Segments[len(done.Segments)-1].End)
	if failed == nil && s.Outputs != nil {
		failed = s.Outputs.Check(path)
	}
	if failed == nil {
		failed = to.file.Rename(filepath.Base(path))
	}
	if failed == nil {
		failed = to.file.Commit()
	}
	if failed != nil {
		s.Log.Warn().Msgf("What was finished can't be kept: %v", failed)
		return tts.Result{}, err
	}
	done.Samples, done.Partial = to.samples, path
	s.Log.Info().Msgf("Kept the beginning, up to segment %d: %s", len(done.Segments), path)
	return done, err
}
