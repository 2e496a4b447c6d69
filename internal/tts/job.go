package tts

import (
	"context"
	"crypto/rand"
	"strings"
	"time"
)

// Job is the record of one generation, as GET /jobs shows it. Nothing of the text is in it. Pointers are nil while a
// value is unknown. Two records of a job are equal when nothing happened between them.
type Job struct {
	ID       string   `json:"id"`
	Mode     Mode     `json:"mode"`
	ModelID  string   `json:"model_id"`
	Priority Priority `json:"priority"`

	State    JobState `json:"state"`
	Position int      `json:"position"` // of a queued job: 1 has the next turn; else 0
	Stage    Stage    `json:"stage"`    // what was done last; "" before the first turn

	Takes          int      `json:"takes"`               // of the text; what follows counts all of them
	Frames         int      `json:"frames"`              // codec frames so far
	AudioSeconds   float64  `json:"audio_seconds"`       // how long they play
	RealTimeFactor *float64 `json:"real_time_factor"`    // seconds of work for a second of audio: below 1 is faster than it plays
	Truncated      bool     `json:"truncated"`           // stopped by the frame limit
	Seed           *uint64  `json:"seed"`                // the first take's; known at the end
	FirstAudio     *float64 `json:"first_audio_seconds"` // from its turn to the first sound; known at the end

	SegmentsTotal int        `json:"segments_total"` // that the text is spoken in; 0 before the first turn
	SegmentsDone  int        `json:"segments_done"`  // that are finished
	TextDone      int        `json:"text_done"`      // characters of the text that they hold
	Segments      *[]Segment `json:"segments"`       // those; nil in lists, and where a job is watched
	Retries       int        `json:"retries"`        // takes that ran away and were made anew
	Runaway       Runaway    `json:"runaway"`        // what was wrong with one that stands all the same; known at the end

	CreatedAt  time.Time  `json:"created_at"`
	StartedAt  *time.Time `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at"`

	OutputPath string    `json:"output_path"`  // "" when the audio goes to the client alone
	Partial    string    `json:"partial_path"` // what is kept of a failed or canceled job: its finished segments; "" when nothing is
	Error      *JobError `json:"error"`        // of a failed or canceled job
}

// JobError is an Error in a job's record.
type JobError struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// NewJobID makes an id that no other job has.
func NewJobID() string { return strings.ToLower(rand.Text()[:16]) }

// ValidJobID reports whether a job may be called id: 8 to 64 letters of ASCII, digits, - and _.
func ValidJobID(id string) bool {
	other := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	}
	return len(id) >= 8 && len(id) <= 64 && !strings.ContainsFunc(id, other)
}

// JobState is where a job is in its life.
type JobState string

// The states of a job, of which the last three are final.
const (
	JobQueued   JobState = "queued"   // waits for its turn
	JobRunning  JobState = "running"  // has the turn
	JobDone     JobState = "done"     // made its audio
	JobFailed   JobState = "failed"   // ended with an error; nothing is left of it but Partial
	JobCanceled JobState = "canceled" // was stopped, or its client went away; nothing is left of it but Partial
)

// Ended reports whether nothing will happen to the job any more.
func (s JobState) Ended() bool { return s == JobDone || s == JobFailed || s == JobCanceled }

// Priority says who is served first.
type Priority string

// The priorities.
const (
	Interactive Priority = "interactive" // somebody waits for it
	Batch       Priority = "batch"       // it may wait for those
)

// Jobs is what may be asked about generations, those of all clients.
type Jobs interface {
	// Jobs lists the job that runs, those that wait in the order of their turns, and then the latest that ended,
	// the newest first.
	Jobs(ctx context.Context) ([]Job, error)

	// Job gives one record.
	Job(ctx context.Context, id string) (Job, error)

	// CancelJob stops a job and returns its record when it has ended: at once while it is queued, within one codec
	// frame while it runs. A job that ended before stays as it is.
	CancelJob(ctx context.Context, id string) (Job, error)

	// WatchJob calls see with the job's record and again whenever it has changed, until the job or ctx ends. What
	// happens while see runs is told as one change. An id that nobody knows is waited for a moment, as in CancelJob,
	// because its job may be on the way.
	WatchJob(ctx context.Context, id string, see func(Job)) error
}
