// Package speech is the speech service of this process: requests come in, audio goes out, to files and to those who
// listen. It joins the registry's models with the queue before them and the audio around them, and is what the server
// and the command line ask.
package speech

import (
	"cmp"
	"context"
	"os"
	"time"

	"github.com/rs/zerolog"

	"ttsui/internal/audio"
	"ttsui/internal/jobs"
	"ttsui/internal/registry"
	"ttsui/internal/tts"
	"ttsui/internal/userdata"
	"ttsui/internal/voices"
)

// Service serves tts.Service from this process's registry.
type Service struct {
	Registry *registry.Registry
	Queue    jobs.Queue        // all generations go through it
	Log      zerolog.Logger    // gets the stages of each generation, never its text
	Outputs  *userdata.Outputs // where results may be written; anywhere when nil
	Voices   *voices.Store     // the saved ones; nil when there is no place for them

	// Note is told of the folder of each result before the result is begun in it; nil when nobody wants to know.
	Note func(folder string)

	tally tally
}

var _ tts.Service = (*Service)(nil)

// Models lists the models.
func (s *Service) Models(context.Context) ([]tts.ModelInfo, error) { return s.Registry.Models() }

// WatchModels follows the models.
func (s *Service) WatchModels(ctx context.Context, see func(tts.ModelInfo)) error {
	return s.Registry.Watch(ctx, see)
}

// PublishedModels asks the hub which models could be fetched.
func (s *Service) PublishedModels(ctx context.Context) ([]string, error) {
	return s.Registry.PublishedModels(ctx)
}

// PublishedCopies asks the hub which smaller copies of a model could be fetched.
func (s *Service) PublishedCopies(ctx context.Context, modelID string) ([]tts.PublishedModel, error) {
	return s.Registry.PublishedCopies(ctx, modelID)
}

// Load brings a model into memory.
func (s *Service) Load(ctx context.Context, modelID string, how tts.LoadOptions) (tts.ModelInfo, error) {
	return s.Registry.Load(ctx, modelID, how)
}

// Unload frees a model's memory.
func (s *Service) Unload(ctx context.Context, modelID string, how tts.UnloadOptions) (tts.ModelInfo, error) {
	return s.Registry.Unload(ctx, modelID, how)
}

// Remove deletes a model from this machine.
func (s *Service) Remove(_ context.Context, modelID string) (freed int64, err error) {
	return s.Registry.Remove(modelID)
}

// Verify compares a model's files with their checksums.
func (s *Service) Verify(ctx context.Context, modelID string) ([]tts.Damage, error) {
	return s.Registry.Verify(ctx, modelID)
}

// Repair fetches again what is wrong with a model's files.
func (s *Service) Repair(ctx context.Context, modelID string) (tts.ModelInfo, error) {
	return s.Registry.Repair(ctx, modelID)
}

// PlanQuantized tells what Quantize would make.
func (s *Service) PlanQuantized(_ context.Context, modelID string, how tts.Quantization) (tts.QuantizePlan, error) {
	return s.Registry.PlanQuantized(modelID, how)
}

// Quantize makes a smaller copy of a model.
func (s *Service) Quantize(ctx context.Context, modelID string, how tts.Quantization) (tts.ModelInfo, error) {
	return s.Registry.Quantize(ctx, modelID, how)
}

// Jobs lists the generations.
func (s *Service) Jobs(context.Context) ([]tts.Job, error) { return s.Queue.List(), nil }

// Job gives the record of one generation.
func (s *Service) Job(_ context.Context, id string) (tts.Job, error) { return s.Queue.Job(id) }

// CancelJob stops a generation.
func (s *Service) CancelJob(ctx context.Context, id string) (tts.Job, error) {
	return s.Queue.Cancel(ctx, id)
}

// WatchJob follows a generation.
func (s *Service) WatchJob(ctx context.Context, id string, see func(tts.Job)) error {
	return s.Queue.Watch(ctx, id, see)
}

// Generate speaks req.Text. What can fail fast is tried before the job waits for its turn: the request, the place of
// the result, the model, the head of the reference clip. The model can't be unloaded while the job waits.
func (s *Service) Generate(ctx context.Context, req tts.Request) (tts.Result, error) {
	if err := req.Validate(); err != nil {
		return tts.Result{}, err
	}
	for _, take := range req.Each() {
		if s.Outputs == nil || take.OutputPath == "" {
			continue
		}
		if err := s.Outputs.Check(take.OutputPath); err != nil {
			return tts.Result{}, err
		}
	}
	memory, err := s.useVoice(ctx, &req)
	if err != nil {
		return tts.Result{}, err
	}
	var res tts.Result
	err = s.Registry.Use(ctx, req.ModelID, func(ctx context.Context, m registry.Model) (err error) {
		if err := checkFiles(req); err != nil {
			return err
		}
		res, err = s.Queue.Run(ctx, req, func(ctx context.Context, tell func(tts.Progress)) (tts.Result, error) {
			u := tts.Utterance{Request: req, Memory: memory}
			if req.Takes > 1 {
				return s.together(ctx, m, u, tell)
			}
			return s.take(ctx, m, u, tell)
		})
		return err
	})
	if err != nil {
		s.logFailure(req.Mode, err)
		return tts.Result{}, keptError(err, res)
	}
	return res, nil
}

// keptError adds to an error what was kept in spite of it.
func keptError(err error, res tts.Result) error {
	if res.Partial == "" {
		return err
	}
	return tts.Errorf(tts.CodeOf(err), "Listen to what there is, and have the rest spoken.", "%w; the beginning, up to segment %d, is kept in %s",
		err, len(res.Segments), res.Partial)
}

// Check finds what is wrong with req as far as that shows without its model, for those who have yet to load that: the
// request, the place of the result, the head of the reference clip. Nothing is left of its tries.
func (s *Service) Check(req tts.Request) error {
	if err := req.Validate(); err != nil {
		return err
	}
	if req.OutputPath != "" {
		out, err := s.createWAV(req.OutputPath)
		if err != nil {
			return err
		}
		out.Abort()
	}
	if _, err := s.useVoice(context.Background(), &req); err != nil {
		return err
	}
	return checkFiles(req)
}

// checkFiles looks at the files that a request reads.
func checkFiles(req tts.Request) error {
	if req.Splice != nil {
		old, err := openSplice(*req.Splice)
		if err != nil {
			return err
		}
		old.Close()
	}
	return checkClip(req)
}

// take speaks into the file, whole or not at all, and to whoever listens. Of a long text that is stopped, what was
// finished is kept.
func (s *Service) take(ctx context.Context, m registry.Model, u tts.Utterance, tell func(tts.Progress)) (tts.Result, error) {
	started, req := time.Now(), u.Request
	to, err := s.record(req)
	if err != nil {
		return tts.Result{}, err
	}
	defer to.abort()
	res, err := s.speak(ctx, m, u, to, tell)
	if err != nil {
		return s.keep(req, to, res, err)
	}
	res.FirstAudio = to.first.after.Seconds()
	s.tally.add(res, res.Seconds)
	if to.file != nil {
		s.Log.Info().Msg("Saving output...")
		tell(tts.Progress{Stage: tts.StageSaving, Frames: res.Frames, SegmentsTotal: len(res.Segments), Segments: res.Segments, Retries: res.Retries})
		if err := to.commit(); err != nil {
			return tts.Result{}, err
		}
	}
	res.OutputPath, res.Samples, res.Seconds = req.OutputPath, to.samples, time.Since(started).Seconds()
	s.logResult(req, res)
	return res, nil
}

// speak listens to the reference, if there is one, and lets the model speak. After an error it gives what was finished.
func (s *Service) speak(ctx context.Context, m registry.Model, u tts.Utterance, to *recording, tell func(tts.Progress)) (tts.Result, error) {
	var err error
	if u.Reference, err = s.prepare(ctx, u.Request, tell); err != nil {
		return tts.Result{}, err
	}
	segments, err := plan(u.Request)
	if err != nil {
		return tts.Result{}, err
	}
	s.Log.Info().Msg(stageLines(u.Mode).generate)
	r := reading{Service: s, ctx: ctx, model: m, to: to, tell: tell, u: u}
	if err := r.read(segments); err != nil {
		return r.done, err
	}
	r.done.Samples = r.done.Frames * tts.FrameSamples
	return r.done, nil
}

// prepare reads the reference clip, if there is one.
func (s *Service) prepare(ctx context.Context, req tts.Request, tell func(tts.Progress)) ([]float32, error) {
	s.Log.Info().Msg(stageLines(req.Mode).prepare)
	if req.Mode != tts.Clone {
		return nil, nil
	}
	tell(tts.Progress{Stage: tts.StageReference})
	clip, err := audio.ReadReference(ctx, req.RefAudioPath)
	if err == nil && req.RefTail && tts.Says(req.RefText) {
		clip = append(clip, make([]float32, tailSilence)...)
	}
	return clip, err
}

// createWAV starts the result's file where that is allowed. It doesn't rely on the check that came before it: time has
// passed since.
func (s *Service) createWAV(path string) (*audio.WAVFile, error) {
	if s.Outputs == nil {
		return audio.CreateWAV(path)
	}
	return s.Outputs.CreateWAV(path)
}

// logResult tells where the audio is and, for those who look closer, how it was made.
func (s *Service) logResult(req tts.Request, res tts.Result) {
	for _, take := range res.Each() {
		s.Log.Debug().Msgf("%d frames, %.2f seconds of audio, in %.2f seconds, the first after %.2f, seed %d",
			take.Frames, take.AudioSeconds(), take.Seconds, take.FirstAudio, take.Seed)
	}
	if res.ReusedReference || res.ReusedRows > 0 {
		s.Log.Debug().Msgf("Remembered: reference %t, %d of %d rows of the prompt", res.ReusedReference, res.ReusedRows, res.PromptRows)
	}
	for _, take := range res.Each() {
		s.Log.Info().Msgf("Generated %s audio: %s", req.Mode, cmp.Or(take.OutputPath, "sent to the client"))
	}
}

func (s *Service) logFailure(mode tts.Mode, err error) {
	if tts.CodeOf(err) == tts.CodeCanceled {
		s.Log.Info().Msgf("Stopped generating %s audio", mode)
		return
	}
	s.Log.Error().Msgf("Failed to generate %s audio: %v", mode, err)
}

// checkClip refuses a clip that can't be used, and to put the result over the clip that it is made from.
func checkClip(req tts.Request) error {
	if req.Mode != tts.Clone {
		return nil
	}
	if err := audio.CheckReference(req.RefAudioPath); err != nil {
		return err
	}
	ref, errRef := os.Stat(req.RefAudioPath)
	for _, take := range req.Each() {
		out, errOut := os.Stat(take.OutputPath)
		if errRef == nil && errOut == nil && os.SameFile(ref, out) {
			return tts.Errorf(tts.CodeInvalid, "Choose another output_path.", "the result would replace the reference clip %q", req.RefAudioPath)
		}
	}
	return nil
}

// stages are the log lines that a mode is known by.
type stages struct{ prepare, generate string }

func stageLines(mode tts.Mode) stages {
	switch mode {
	case tts.Clone:
		return stages{"Processing reference audio...", "Generating audio..."}
	case tts.Control:
		return stages{"Preparing generation parameters...", "Generating audio..."}
	}
	return stages{"Preparing voice design parameters...", "Generating audio with custom voice design..."}
}
