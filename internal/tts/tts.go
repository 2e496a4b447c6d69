// Package tts is the domain of TTSUI: what a text-to-speech studio is, without saying how it is done.
//
// It holds the catalogue of models, the three modes, voices and languages, the life of a model in memory, the
// requests with their limits, the Service that a window, a client or a script may ask, and the one error type
// that crosses package borders. It imports the standard library only, and everything else may import it.
package tts

import "context"

// SampleRate is the rate of all audio inside TTSUI, in samples per second.
const SampleRate = 24000

// FrameSamples is the length of one codec frame in samples: 80 ms.
const FrameSamples = 1920

// Service is everything a user of the speech server may ask of it. The in-process service and the HTTP client
// satisfy it alike. Every error is, or wraps, an *Error.
type Service interface {
	// Models lists every known model in catalogue order, then the ones added by Load.
	Models(ctx context.Context) ([]ModelInfo, error)

	// WatchModels calls see with the record of every model, and again with one that has changed, until ctx ends. See may
	// be slow: what happens to a model meanwhile is one change.
	WatchModels(ctx context.Context, see func(ModelInfo)) error

	// PublishedModels asks the hub for the ids of the catalogue's models and all their variants, quantised ones among them.
	// Nothing is sent but the question.
	PublishedModels(ctx context.Context) ([]string, error)

	// PublishedCopies asks the hub for the smaller copies of a model, with their sizes, the largest first.
	PublishedCopies(ctx context.Context, modelID string) ([]PublishedModel, error)

	// Load brings a model into memory and returns its record once it is loaded or has failed; a failed load is
	// told by the record (State, Error), as the wire format wants it. One that isn't on this machine is downloaded
	// first, where that is possible; after a failed or stopped download the next goes on where it ended. An error means the question itself failed, or
	// that an Unload stopped the load (CodeCanceled). The end of ctx ends the waiting, not the load.
	Load(ctx context.Context, modelID string, how LoadOptions) (ModelInfo, error)

	// Unload frees a model's memory and returns its record. Of a model that is loading it stops the load. During a
	// generation it answers CodeBusy, or waits when asked to.
	Unload(ctx context.Context, modelID string, how UnloadOptions) (ModelInfo, error)

	// Remove deletes a model that isn't in memory from this machine, and tells how many bytes that frees.
	Remove(ctx context.Context, modelID string) (freed int64, err error)

	Verifier  // looks after the files of models
	Quantizer // makes smaller copies of models

	// Generate speaks req.Text into the WAV file req.OutputPath, to req.Audio, or both, when its turn comes. The
	// file is complete or absent: after an error or a cancelled ctx nothing is left and a file that stood there
	// before is untouched. But of a text that is spoken in segments, those that were finished are kept in a file
	// beside it, which the error and the job's record name. Several takes are complete or absent together, except that
	// those that have their names already stay when the disk fails at the name of a later one.
	Generate(ctx context.Context, req Request) (Result, error)

	Jobs // what Generate was asked for

	// Stats tells how the process does: its memory, its engine, and what it has done so far.
	Stats(ctx context.Context) (Stats, error)
}

// LoadOptions says how a model is loaded.
type LoadOptions struct {
	Force bool `json:"force,omitempty"` // although the forecast says that memory won't do
}

// UnloadOptions says how a model is unloaded.
type UnloadOptions struct {
	Wait bool `json:"wait,omitempty"` // for the generations that use it; new ones are refused meanwhile
}

// Sink takes a result's audio as it is made: mono samples in [−1, 1] at SampleRate. The slice is only valid
// during the call.
type Sink interface {
	WriteSamples(pcm []float32) error
}

// Result tells what a generation made.
type Result struct {
	OutputPath string  // where the WAV is
	Frames     int     // codec frames of 80 ms
	Samples    int     // audio samples at SampleRate
	Seed       uint64  // the seed used, so that the take can be made again
	Seconds    float64 // wall time from request to last sample
	Truncated  bool    // stopped by the frame limit, not by the model's end-of-speech; of any segment
	FirstAudio float64 // seconds from the job's turn to the first sample; 0 when there is none

	Takes []Result // each of them, this one first, when several were asked for; else nil

	PromptRows      int  // rows of the prompt, one for each token of text or frame of the reference
	ReusedRows      int  // of them, that were read before, for another generation or take
	ReusedReference bool // the reference clip was known from an earlier generation

	Segments []Segment // what it consists of, in order; one unless the text was cut
	Retries  int       // takes that ran away and were made anew, of all segments and takes
	Runaway  Runaway   // what was wrong with a take that stands all the same; the first of all segments and takes
	Partial  string    // where what was finished of a long text is kept, when the rest was stopped or failed
}

// AudioSeconds is the length of the result in seconds.
func (r Result) AudioSeconds() float64 { return float64(r.Samples) / SampleRate }

// Progress is what is known about a generation while it runs.
type Progress struct {
	Stage  Stage // what is being done
	Frames int   // codec frames so far

	SegmentsTotal int       // of the text
	Segments      []Segment // that are finished; not to be changed
	Retries       int       // takes that ran away so far
}

// Stage is a step of a generation.
type Stage string

// The stages in their order.
const (
	StageReference Stage = "reference" // reading, encoding and embedding the reference audio
	StagePrefill   Stage = "prefill"   // the prompt's pass through the talker
	StageFrames    Stage = "frames"    // one codec frame after the other
	StageSaving    Stage = "saving"    // the file is being completed
)
