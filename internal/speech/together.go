package speech

import (
	"cmp"
	"context"
	"path/filepath"
	"time"
	"unicode/utf8"

	"ttsui/internal/audio"
	"ttsui/internal/registry"
	"ttsui/internal/runaway"
	"ttsui/internal/tts"
)

// chorus is several takes of a text, which a model speaks together.
type chorus struct {
	*Service
	ctx     context.Context // of the one call this value lives for
	model   registry.Model
	tell    func(tts.Progress)
	takes   []*part
	seed    uint64 // the next one that no take had
	first   firstSound
	retries int     // takes that ran away and were made anew
	seconds float64 // that the model worked
}

// part is a take of a chorus.
type part struct {
	number  int // from 1
	u       tts.Utterance
	file    *audio.WAVFile
	retries int
	made    tts.Result
}

// together speaks several takes of a text into their files, whole or not at all.
func (s *Service) together(ctx context.Context, m registry.Model, u tts.Utterance, tell func(tts.Progress)) (tts.Result, error) {
	req := u.Request
	if s.Note != nil {
		s.Note(filepath.Dir(req.OutputPath))
	}
	clip, err := s.prepare(ctx, req, tell)
	if err != nil {
		return tts.Result{}, err
	}
	c := &chorus{Service: s, ctx: ctx, model: m, tell: tell, first: firstSound{since: time.Now()}}
	for i, take := range req.Each() {
		file, err := s.createWAV(take.OutputPath)
		if err != nil {
			return tts.Result{}, err
		}
		defer file.Abort()
		c.takes = append(c.takes, &part{number: i + 1, u: tts.Utterance{Request: take, Reference: clip, Memory: u.Memory}, file: file})
		c.seed = *take.Sampling.Seed + 1
	}
	s.Log.Info().Msg(stageLines(req.Mode).generate)
	if err := c.speak(); err != nil {
		return tts.Result{}, err
	}
	res := c.result()
	s.tally.add(res, c.seconds)
	if err := c.save(res); err != nil {
		return tts.Result{}, err
	}
	s.logResult(req, res)
	return res, nil
}

// speak speaks all takes. Those that run away are made anew with other seeds, unless they would be the same again; the
// last ones stand, cut where they went wrong.
func (c *chorus) speak() error {
	left := c.takes
	for tries := 0; ; tries++ {
		final := tries == mostRetries || left[0].u.Sampling.Greedy()
		ran, err := c.once(left, final)
		if err != nil || len(ran) == 0 {
			return err
		}
		for _, take := range ran {
			if err := take.file.Truncate(0); err != nil {
				return err
			}
			take.u.Sampling.Seed = new(c.seed)
			take.retries++
			c.seed++
			c.retries++
		}
		left = ran
	}
}

// once lets the model speak takes, and gives those that ran away. When it is final they stand.
func (c *chorus) once(takes []*part, final bool) (ran []*part, err error) {
	lines, watches := make([]tts.Line, len(takes)), make([]*runaway.Watch, len(takes))
	for i, take := range takes {
		lines[i], watches[i] = guarded(take.u, both{&c.first, take.file})
	}
	made, err := c.model.Generate(c.ctx, lines, c.progress)
	if err != nil {
		return nil, err
	}
	c.seconds += made[0].Seconds
	for i, take := range takes {
		take.made = made[i]
		wrong, keep := verdict(watches[i])
		if wrong != "" && !final {
			c.warn(take, wrong, "; trying another seed")
			ran = append(ran, take)
		} else if wrong != "" {
			c.warn(take, wrong, "")
			if err := take.cut(wrong, keep); err != nil {
				return nil, err
			}
		}
	}
	return ran, nil
}

// progress tells how far the takes are, and how many were made anew.
func (c *chorus) progress(p tts.Progress) {
	p.Retries = c.retries
	c.tell(p)
}

func (c *chorus) warn(take *part, wrong tts.Runaway, then string) {
	c.Log.Warn().Msgf("Take %d ran away (%s) and was stopped after %d frames, seed %d%s", take.number, wrong, take.made.Frames, take.made.Seed, then)
}

// cut leaves of a take what was well.
func (t *part) cut(wrong tts.Runaway, keep int) error {
	t.made.Runaway, t.made.Frames = wrong, min(keep, t.made.Frames)
	t.made.Samples = min(keep*tts.FrameSamples, t.made.Samples)
	return t.file.Truncate(t.made.Samples)
}

// save gives the files their names.
func (c *chorus) save(res tts.Result) error {
	c.Log.Info().Msg("Saving output...")
	frames, _, _ := res.Whole()
	c.tell(tts.Progress{Stage: tts.StageSaving, Frames: frames, Retries: res.Retries})
	for _, take := range c.takes {
		if err := take.file.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// result makes one result of those of all takes, which take the whole time each. It is the first one, but tells of any that
// ran away.
func (c *chorus) result() tts.Result {
	took := time.Since(c.first.since)
	made := make([]tts.Result, len(c.takes))
	for i, take := range c.takes {
		made[i] = take.made
		made[i].OutputPath, made[i].Seconds, made[i].FirstAudio = take.u.OutputPath, took.Seconds(), c.first.after.Seconds()
		made[i].Retries = take.retries
	}
	res := made[0]
	res.Takes, res.Retries = made, c.retries
	res.Segments = []tts.Segment{{TextEnd: utf8.RuneCountInString(c.takes[0].u.Text), End: res.Samples, Frames: res.Frames, Seed: res.Seed,
		Truncated: res.Truncated, Retries: made[0].Retries, Runaway: res.Runaway}}
	for _, take := range made {
		res.Runaway = cmp.Or(res.Runaway, take.Runaway)
	}
	return res
}
