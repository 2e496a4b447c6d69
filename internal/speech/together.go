package speech

import (
	"context"
	"path/filepath"
	"slices"
	"time"
	"unicode/utf8"

	"ttsui/internal/audio"
	"ttsui/internal/registry"
	"ttsui/internal/runaway"
	"ttsui/internal/tts"
)

// together speaks several takes of a text into their files, whole or not at all. One that runs away is stopped, and stands
// as it is: to make it anew would keep the others waiting.
func (s *Service) together(ctx context.Context, m registry.Model, u tts.Utterance, tell func(tts.Progress)) (tts.Result, error) {
	req := u.Request
	if s.Note != nil {
		s.Note(filepath.Dir(req.OutputPath))
	}
	clip, err := s.prepare(ctx, req, tell)
	if err != nil {
		return tts.Result{}, err
	}
	first := &firstSound{since: time.Now()}
	var lines []tts.Line
	var files []*audio.WAVFile
	var watches []*runaway.Watch
	for _, take := range req.Each() {
		file, err := s.createWAV(take.OutputPath)
		if err != nil {
			return tts.Result{}, err
		}
		defer file.Abort()
		files = append(files, file)
		line, watch := guarded(tts.Utterance{Request: take, Reference: clip, Memory: u.Memory}, both{first, file})
		lines, watches = append(lines, line), append(watches, watch)
	}
	s.Log.Info().Msg(stageLines(req.Mode).generate)
	made, err := m.Generate(ctx, lines, tell)
	if err != nil {
		return tts.Result{}, err
	}
	for i, watch := range watches {
		if watch == nil {
			continue
		}
		if made[i].Runaway, _ = watch.Verdict(); made[i].Runaway != "" {
			s.Log.Warn().Msgf("Take %d ran away (%s) and was stopped after %d frames, seed %d", i+1, made[i].Runaway, made[i].Frames, made[i].Seed)
		}
	}
	res := first.result(lines, made)
	s.tally.add(res, made[0].Seconds)
	if err := s.save(files, res, tell); err != nil {
		return tts.Result{}, err
	}
	s.logResult(req, res)
	return res, nil
}

// save gives the files their names.
func (s *Service) save(files []*audio.WAVFile, res tts.Result, tell func(tts.Progress)) error {
	s.Log.Info().Msg("Saving output...")
	frames, _, _ := res.Whole()
	tell(tts.Progress{Stage: tts.StageSaving, Frames: frames})
	for _, file := range files {
		if err := file.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// result makes one result of those of all lines, which take the whole time each.
func (f *firstSound) result(lines []tts.Line, made []tts.Result) tts.Result {
	made, took := slices.Clone(made), time.Since(f.since)
	for i := range made {
		made[i].OutputPath, made[i].Seconds, made[i].FirstAudio = lines[i].OutputPath, took.Seconds(), f.after.Seconds()
	}
	res := made[0]
	res.Takes = made
	res.Segments = []tts.Segment{{TextEnd: utf8.RuneCountInString(lines[0].Text), End: res.Samples, Frames: res.Frames, Seed: res.Seed,
		Truncated: res.Truncated, Runaway: res.Runaway}}
	return res
}
