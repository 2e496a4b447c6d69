package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"ttsui/internal/testkit"
	"ttsui/internal/tts"
)

// post sends a body and gives the answer's head.
func (s *serving) post(t *testing.T, path, accept, kind string, body io.Reader) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Accept", accept)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// testStream: a clip comes along with its request and the audio goes back in the answer; no path is needed, and the
// audio is the official package's.
func (s *serving) testStream(t *testing.T) {
	calls := goldenCalls(t)
	for name, c := range calls {
		if c.Mode != "clone" || c.RefText == "" {
			continue
		}
		_, fields := c.endpoint("0.6B", "")
		delete(fields, "output_path")
		delete(fields, "ref_audio_path")
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		for field, value := range fields {
			text, plain := value.(string)
			if !plain {
				data, err := json.Marshal(value)
				if err != nil {
					t.Fatal(err)
				}
				text = string(data)
			}
			if err := w.WriteField(field, text); err != nil {
				t.Fatal(err)
			}
		}
		clip, err := os.ReadFile(testkit.Golden("clip.wav"))
		if err != nil {
			t.Fatal(err)
		}
		part, err := w.CreateFormFile("ref_audio", "me.wav")
		if err == nil {
			_, err = part.Write(clip)
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		res := s.post(t, "/generate/clone", "audio/wav", w.FormDataContentType(), &form)
		data, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "audio/wav" {
			t.Fatalf("%s: %s, %v: %.300s", name, res.Status, err, data)
		}
		out := filepath.Join(t.TempDir(), "stream.wav")
		if err := os.WriteFile(out, data, 0o600); err != nil {
			t.Fatal(err)
		}
		compareWithGolden(t, out, name)
		return
	}
	t.Error("no golden call clones with a transcript")
}

// testStopJob: a job that is stopped breaks its answer, leaves no file and a model that speaks on.
func (s *serving) testStopJob(t *testing.T) {
	const id = "mlx-community/Qwen3-TTS-12Hz-0.6B-CustomVoice-bf16"
	out := filepath.Join(s.dir, "stopped", "out.wav")
	body, err := json.Marshal(object{"model_id": id, "text": "For ever and ever.", "speaker": "Ryan", "output_path": out, "max_frames": tts.MaxFrames, "runaway_guard": false})
	if err != nil {
		t.Fatal(err)
	}
	res := s.post(t, "/generate/control", "audio/L16", "application/json", bytes.NewReader(body))
	if _, err := io.ReadFull(res.Body, make([]byte, 2*tts.FrameSamples)); err != nil {
		t.Fatalf("the first frame: %s, %v", res.Status, err)
	}
	path := "/jobs/" + res.Header.Get("X-Job-ID")
	if job := s.must(t, 200, "GET", path, nil); job["state"] != "running" {
		t.Fatalf("the job is too short for this test: %v", job)
	}
	if job := s.must(t, 200, "DELETE", path, nil); job["state"] != "canceled" {
		t.Errorf("stopped: %v", job)
	}
	if _, err := io.Copy(io.Discard, res.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the answer ended with %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "stopped*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	s.must(t, 200, "POST", "/generate/control", object{"model_id": id, "text": "Again.", "speaker": "Ryan", "output_path": out, "max_frames": 4})
	if n := len(readWAV(t, out)); n != 4*tts.FrameSamples {
		t.Errorf("afterwards it speaks %d samples", n)
	}
}
