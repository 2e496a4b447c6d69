package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"ttsui/internal/app"
	"ttsui/internal/audio"
	"ttsui/internal/hub"
	"ttsui/internal/testkit"
	"ttsui/internal/tts"
)

// startEndless serves a model that can't end its speech: its checkpoint has no likelihood for that.
func startEndless(t *testing.T) (*app.App, *lockedBuffer) {
	root, log := t.TempDir(), &lockedBuffer{}
	if err := testkit.WriteCheckpoint(filepath.Join(root, filepath.FromSlash(custom)), testkit.CheckpointSpec{Kind: "custom_voice"}); err != nil {
		t.Fatal(err)
	}
	a, err := app.New(app.Config{Places: hub.Places{Roots: []string{root}}, DType: "float32", Log: log, LogLevel: "info"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		closeApp(t, a)
	})
	if err := a.Start("127.0.0.1", 0); err != nil {
		t.Fatal(err)
	}
	return a, log
}

// TestRunawayIsStopped drives a real model that never ends its speech, over HTTP: it is stopped, made anew and reported.
func TestRunawayIsStopped(t *testing.T) {
	a, log := startEndless(t)
	out := filepath.Join(t.TempDir(), "out.wav")
	ask := func(path, accept string, body map[string]any) *http.Response {
		t.Helper()
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+a.Addr()+path, bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", accept)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		if res.StatusCode != 200 {
			t.Fatalf("%s: %s", path, res.Status)
		}
		return res
	}
	request := func(change map[string]any) map[string]any {
		body := map[string]any{"model_id": custom, "text": "Stop.", "speaker": "Ryan", "seed": 1, "output_path": out}
		for key, value := range change {
			body[key] = value
		}
		return body
	}
	type answer struct {
		Seed, Frames, Retries int
		Truncated             bool
		Runaway               tts.Runaway
	}
	speak := func(change map[string]any) (got answer) {
		t.Helper()
		if err := json.NewDecoder(ask("/generate/control", "application/json", request(change)).Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		r, err := audio.OpenResult(out)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if r.Samples() != got.Frames*tts.FrameSamples {
			t.Errorf("the file of %+v has %d samples", got, r.Samples())
		}
		return got
	}
	ask("/models/load", "application/json", map[string]any{"model_id": custom})

	if got := speak(nil); got.Retries != 2 || got.Seed != 3 || got.Runaway == "" || got.Truncated || got.Frames > 140 {
		t.Errorf("with the guard: %+v", got)
	}
	if n := strings.Count(log.String(), " | WARNING | A take ran away ("); n != 3 {
		t.Errorf("%d warnings: %s", n, log.String())
	}
	if got := speak(map[string]any{"runaway_guard": false, "max_frames": 150}); got != (answer{Seed: 1, Frames: 150, Truncated: true}) {
		t.Errorf("without the guard: %+v", got)
	}
	res := ask("/generate/control", "audio/L16", request(nil))
	sound, err := io.ReadAll(res.Body)
	if err != nil || len(sound) == 0 || len(sound) > 140*2*tts.FrameSamples {
		t.Errorf("a client hears %d bytes, %v", len(sound), err)
	}
	var job tts.Job
	status, err := http.Get("http://" + a.Addr() + "/jobs/" + res.Header.Get("X-Job-Id"))
	if err != nil {
		t.Fatal(err)
	}
	defer status.Body.Close()
	if err := json.NewDecoder(status.Body).Decode(&job); err != nil || job.State != tts.JobDone || job.Retries != 0 || job.Runaway == "" {
		t.Errorf("the job: %+v, %v", job, err)
	}
}
