package server

import (
	"net/http"
	"strings"

	"ttsui/internal/tts"
)

// speechRequest is what the bodies of all modes have in common.
type speechRequest struct {
	Text       string       `json:"text"`
	Language   string       `json:"language"`
	OutputPath string       `json:"output_path"`
	Priority   tts.Priority `json:"priority"`
	Takes      int          `json:"takes"`
	LongText   tts.LongText `json:"long_text"`
	Guard      *bool        `json:"runaway_guard"` // nil is on
	Splice     *tts.Splice  `json:"splice"`
	tts.Sampling
}

func (r speechRequest) request(mode tts.Mode, modelID string) tts.Request {
	return tts.Request{Mode: mode, ModelID: modelID, Text: r.Text, Language: r.Language,
		OutputPath: r.OutputPath, Priority: r.Priority, Takes: r.Takes, Sampling: r.Sampling,
		LongText: r.LongText, NoGuard: r.Guard != nil && !*r.Guard, Splice: r.Splice}
}

type controlRequest struct {
	ModelID  string `json:"model_id"`
	Speaker  string `json:"speaker"`
	Instruct string `json:"instruct"`
	speechRequest
}

func (r controlRequest) request() tts.Request {
	req := r.speechRequest.request(tts.Control, r.ModelID)
	req.Speaker, req.Instruct = r.Speaker, r.Instruct
	return req
}

// designRequest names no model: there is one for it.
type designRequest struct {
	Instruct string `json:"instruct"`
	speechRequest
}

func (r designRequest) request() tts.Request {
	req := r.speechRequest.request(tts.Design, tts.DesignModelID)
	req.Instruct = r.Instruct
	return req
}

// generateAnswer is the original's three fields, then what is known about the take.
type generateAnswer struct {
	OutputPath        string        `json:"output_path"`
	Success           bool          `json:"success"`
	Error             *string       `json:"error"`
	JobID             string        `json:"job_id"`
	Seed              uint64        `json:"seed"`
	Frames            int           `json:"frames"`
	AudioSeconds      float64       `json:"audio_seconds"`
	GenerationSeconds float64       `json:"generation_seconds"`
	Truncated         bool          `json:"truncated"`
	FirstAudioSeconds float64       `json:"first_audio_seconds"`
	Retries           int           `json:"retries"`
	Runaway           tts.Runaway   `json:"runaway"`
	Segments          []tts.Segment `json:"segments"`
	Takes             []take        `json:"takes,omitempty"` // all, when several were asked for; the fields above are the first one's
}

// take is one of several.
type take struct {
	OutputPath   string  `json:"output_path"`
	Seed         uint64  `json:"seed"`
	Frames       int     `json:"frames"`
	AudioSeconds float64 `json:"audio_seconds"`
	Truncated    bool    `json:"truncated"`

	Retries int         `json:"retries"`
	Runaway tts.Runaway `json:"runaway"`
}

// generate serves a mode whose body is a T that makes the request.
func generate[T any](s *Server, request func(T) tts.Request) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var sent T
		body, err := readBody(w, r, maxBody)
		if err == nil {
			err = decode(body, &sent)
		}
		if err != nil {
			s.writeError(w, r, err)
			return
		}
		s.speak(w, r, request(sent))
	}
}

// speak answers with JSON about the file that was written, or with the audio, as the client wants it. The job's id
// stands in a header of either, and of an error.
func (s *Server) speak(w http.ResponseWriter, r *http.Request, req tts.Request) {
	stream, err := chooseStream(r.Header.Values("Accept"), req.OutputPath != "")
	if err != nil {
		s.writeError(w, r, err)
		return
	}
	req.JobID = strings.Join(r.Header.Values("X-Job-Id"), ",") // two are none
	var jobID string
	req.Watch = func(job tts.Job) {
		if jobID == "" { // later the header is not ours to change
			jobID = job.ID
			w.Header().Set("X-Job-Id", jobID)
		}
	}
	if stream != nil {
		s.speakAloud(w, r, *stream, req)
		return
	}
	res, err := s.service.Generate(r.Context(), req)
	if err != nil {
		s.writeError(w, r, err)
		return
	}
	answer := generateAnswer{
		OutputPath: res.OutputPath, Success: true, JobID: jobID, Seed: res.Seed, Frames: res.Frames,
		AudioSeconds: res.AudioSeconds(), GenerationSeconds: res.Seconds, Truncated: res.Truncated, FirstAudioSeconds: res.FirstAudio,
		Retries: res.Retries, Runaway: res.Runaway, Segments: res.Segments,
	}
	for _, one := range res.Takes {
		answer.Takes = append(answer.Takes, take{one.OutputPath, one.Seed, one.Frames, one.AudioSeconds(), one.Truncated, one.Retries, one.Runaway})
	}
	s.writeJSON(w, r, http.StatusOK, answer)
}
