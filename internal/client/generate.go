package client

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"time"

	"ttsui/internal/tts"
)

// generateRequest is the body of all three modes; each leaves out what it has no use for.
type generateRequest struct {
	ModelID      string       `json:"model_id,omitempty"`
	Text         string       `json:"text"`
	Language     string       `json:"language,omitempty"`
	Speaker      string       `json:"speaker,omitempty"`
	Instruct     string       `json:"instruct,omitempty"`
	RefAudioPath string       `json:"ref_audio_path,omitempty"`
	RefText      string       `json:"ref_text,omitempty"`
	Voice        string       `json:"voice,omitempty"`
	RefTail      bool         `json:"ref_tail_silence,omitempty"`
	OutputPath   string       `json:"output_path,omitempty"`
	Priority     tts.Priority `json:"priority,omitempty"`
	Takes        int          `json:"takes,omitempty"`
	LongText     tts.LongText `json:"long_text,omitempty"`
	Guard        *bool        `json:"runaway_guard,omitempty"`
	Splice       *tts.Splice  `json:"splice,omitempty"`
	tts.Sampling
}

// newGenerateRequest takes what the mode sends, as a stray field would be refused.
func newGenerateRequest(req tts.Request) generateRequest {
	body := generateRequest{ModelID: req.ModelID, Text: req.Text, Language: req.Language, OutputPath: req.OutputPath,
		Priority: req.Priority, Takes: req.Takes, LongText: req.LongText, Splice: req.Splice, Sampling: req.Sampling}
	if req.NoGuard {
		body.Guard = new(false)
	}
	switch req.Mode {
	case tts.Clone:
		body.RefAudioPath, body.RefText, body.Voice, body.RefTail = req.RefAudioPath, req.RefText, req.Voice, req.RefTail
	case tts.Control:
		body.Speaker, body.Instruct = req.Speaker, req.Instruct
	case tts.Design:
		body.ModelID, body.Instruct = "", req.Instruct // the server knows the one model for it
	}
	return body
}

// generateAnswer is what is known about the first take, and about each when there are several.
type generateAnswer struct {
	take
	GenerationSeconds float64       `json:"generation_seconds"`
	FirstAudioSeconds float64       `json:"first_audio_seconds"`
	Takes             []take        `json:"takes"`
	Segments          []tts.Segment `json:"segments"`
}

type take struct {
	OutputPath   string  `json:"output_path"`
	Seed         uint64  `json:"seed"`
	Frames       int     `json:"frames"`
	AudioSeconds float64 `json:"audio_seconds"`
	Truncated    bool    `json:"truncated"`

	Retries int         `json:"retries"`
	Runaway tts.Runaway `json:"runaway"`
}

func (a generateAnswer) result() tts.Result {
	res := a.take.result(a)
	res.Segments = a.Segments
	for _, t := range a.Takes {
		res.Takes = append(res.Takes, t.result(a))
	}
	return res
}

func (t take) result(a generateAnswer) tts.Result {
	return tts.Result{OutputPath: t.OutputPath, Frames: t.Frames, Samples: int(math.Round(t.AudioSeconds * tts.SampleRate)),
		Seed: t.Seed, Seconds: a.GenerationSeconds, Truncated: t.Truncated, FirstAudio: a.FirstAudioSeconds,
		Retries: t.Retries, Runaway: t.Runaway}
}

// Generate has the server speak req.Text: into the file req.OutputPath on the server's disk, to req.Audio as it is
// made, or both. Options.Timeout is the limit of the whole, and with req.Audio that of a silence in it; a long text that
// is only written has none.
//
// The job has its name before the server knows it, so that req.Watch sees all of it.
func (c *Client) Generate(ctx context.Context, req tts.Request) (take tts.Result, err error) {
	if err := req.Validate(); err != nil { // also keeps out what JSON has no form for
		return tts.Result{}, err
	}
	if req.Mode == tts.Design && req.ModelID != tts.DesignModelID {
		return tts.Result{}, tts.Errorf(tts.CodeUnsupported, "Use "+tts.DesignModelID+".", "a server designs voices with one model only")
	}
	req.JobID = cmp.Or(req.JobID, tts.NewJobID())
	speak := c.write
	if req.Audio != nil {
		speak = c.listen
	}
	err = c.watched(ctx, req.JobID, req.Watch, func() (err error) {
		take, err = speak(ctx, req)
		return err
	})
	return take, err
}

// speak asks for req as an answer of the type accept.
func (c *Client) speak(ctx context.Context, req tts.Request, accept string) (*http.Response, error) {
	header := http.Header{"Accept": {accept}, "X-Job-Id": {req.JobID}}
	return c.send(ctx, http.MethodPost, "/generate/"+string(req.Mode), newGenerateRequest(req), header)
}

// write has the server write a file.
func (c *Client) write(ctx context.Context, req tts.Request) (tts.Result, error) {
	ctx, cancel := c.limited(ctx, req)
	defer cancel()
	res, err := c.speak(ctx, req, "application/json")
	if err != nil {
		return tts.Result{}, err
	}
	answer, err := read[generateAnswer](ctx, c, res)
	if err != nil {
		return tts.Result{}, err
	}
	return answer.result(), nil
}

// limited is ctx for the time that a generation may take. A long text takes as long as it takes, while the server is
// alive: that limits each of its segments.
func (c *Client) limited(ctx context.Context, req tts.Request) (context.Context, context.CancelFunc) {
	if req.Long() {
		return c.whileAlive(ctx)
	}
	return context.WithTimeoutCause(ctx, c.timeout, errGenerateTimeout(c.timeout))
}

func errGenerateTimeout(limit time.Duration) error {
	return tts.Errorf(tts.CodeTimeout, "Speak a shorter text, use a smaller model, or allow more time.", "the generation took longer than %s", limit)
}

// listen gives req.Audio what the server sends while it is made. Only an answer that comes to its end is a take: one
// that breaks off was not finished.
func (c *Client) listen(ctx context.Context, req tts.Request) (tts.Result, error) {
	began := time.Now()
	ctx, hangUp := context.WithCancelCause(ctx)
	defer hangUp(nil)
	silence := time.AfterFunc(c.timeout, func() { hangUp(errGenerateTimeout(c.timeout)) })
	defer silence.Stop()
	res, err := c.speak(ctx, req, "audio/L16")
	if err != nil {
		return tts.Result{}, err
	}
	defer res.Body.Close()
	if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "audio/L16") {
		return tts.Result{}, c.strange("its audio is of type %.100q", kind)
	}
	samples, err := c.copyAudio(ctx, req.Audio, res.Body, func(wait bool) {
		if silence.Stop(); wait {
			silence.Reset(c.timeout)
		}
	})
	if err != nil {
		return tts.Result{}, err
	}
	silence.Stop()
	job, err := c.Job(ctx, req.JobID)
	switch {
	case req.OutputPath == "": // what was heard was heard, whatever the server still knows of it
	case err != nil:
		return tts.Result{}, tts.Errorf(tts.CodeOf(err), "Listen to the file; it may be made again with a seed of your own.",
			"the speech is complete in %s, but its seed can't be known: %w", req.OutputPath, err)
	default: // of a take that ran away more may have been heard than is in the file
		samples = int(math.Round(job.AudioSeconds * tts.SampleRate))
	}
	take := tts.Result{OutputPath: req.OutputPath, Frames: job.Frames, Samples: samples, Seconds: time.Since(began).Seconds(), Truncated: job.Truncated,
		Retries: job.Retries, Runaway: job.Runaway}
	if job.Segments != nil {
		take.Segments = *job.Segments
	}
	if job.Seed != nil {
		take.Seed = *job.Seed
	}
	if job.FirstAudio != nil {
		take.FirstAudio = *job.FirstAudio
	}
	return take, nil
}

// copyAudio turns 16-bit samples in network byte order into what a Sink takes, and counts them. It says when it begins
// and stops waiting for the server; the time that the Sink takes is its own.
func (c *Client) copyAudio(ctx context.Context, to tts.Sink, from io.Reader, waiting func(bool)) (samples int, err error) {
	const frame = 2 * tts.FrameSamples
	data, pcm := make([]byte, frame), make([]float32, tts.FrameSamples)
	for {
		waiting(true)
		n, errRead := io.ReadAtLeast(from, data, 2)
		for ; n%2 == 1 && errRead == nil; n++ { // the rest of the last sample
			_, errRead = io.ReadFull(from, data[n:n+1])
		}
		waiting(false)
		if errors.Is(errRead, io.EOF) && n == 0 {
			return samples, nil
		}
		if errRead != nil {
			return samples, c.explain(ctx, errRead)
		}
		for i := range n / 2 {
			pcm[i] = max(-1, float32(int16(binary.BigEndian.Uint16(data[2*i:])))/math.MaxInt16)
		}
		if err := to.WriteSamples(pcm[:n/2]); err != nil {
			return samples, err
		}
		samples += n / 2
	}
}
