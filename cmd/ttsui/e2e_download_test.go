package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"ttsui/internal/testkit"
	"ttsui/internal/testkit/fakehub"
	"ttsui/internal/tts"
)

// testDownloads: on a machine without models, a server and say fetch what they need from a hub, and say finds what the
// server has fetched.
func (w world) testDownloads(t *testing.T) {
	hub := fakehub.Start(t)
	for mode, name := range map[tts.Mode]string{tts.Control: "custom_voice", tts.Design: "voice_design"} {
		hub.Add(defaultModel(mode), testkit.CheckpointFiles(t, name))
	}
	hub.Break(func(r fakehub.Request) fakehub.Fault {
		if r.Name == "model.safetensors" && r.N == 1 {
			return fakehub.Fault{Cut: 300_000}
		}
		return fakehub.Fault{}
	})
	w.models = filepath.Join(t.TempDir(), "none")
	w.env = []string{"HOME=" + t.TempDir(), "HF_HUB_CACHE=" + t.TempDir(), "HF_HUB_OFFLINE=", "HF_ENDPOINT=" + hub.URL, "TTSUI_MIRRORS=", "HF_TOKEN="}
	s := w.serve(t)
	id := defaultModel(tts.Control)
	if answer := s.must(t, 200, "POST", "/models/load", object{"model_id": id}); answer["state"] != "loaded" {
		t.Errorf("load: %v", answer)
	}
	answer := s.must(t, 200, "POST", "/models/load", object{"model_id": "no/such"})
	if text, _ := answer["error"].(string); answer["code"] != "not_found" || !strings.Contains(text, "127.0.0.1") || answer["hint"] == nil {
		t.Errorf("loading a model that no hub has: %v", answer)
	}
	s.must(t, 200, "POST", "/generate/control", object{"model_id": id, "text": "It works.", "speaker": "Ryan", "max_frames": 2,
		"output_path": filepath.Join(s.dir, "out.wav")})
	http.DefaultClient.CloseIdleConnections()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := s.end(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	for _, line := range []string{" | INFO | Downloading model: " + id + "\n", " | INFO | Download finished: " + id + " (5 of 5 MB in "} {
		if !strings.Contains(s.log.String(), line) {
			t.Errorf("the log lacks %q:\n%s", line, &s.log)
		}
	}
	asked := len(hub.Requests())
	if said := w.saySomething(t, "--speaker", "Ryan"); said != "" || len(hub.Requests()) != asked {
		t.Errorf("say of a model that is here printed %q", said)
	}
	line := regexp.MustCompile(`(?m)^ttsui: ` + defaultModel(tts.Design) + `: +\d+ %, \S+ (k|M)?B of [\d.]+ MB`)
	if said := w.saySomething(t, "--instruct", "An old sailor."); !line.MatchString(said) {
		t.Errorf("say of a model that isn't here printed %q", said)
	}
}

// testFetchesTogether: two servers over one cache that load a model at once fetch it once, and both have it loaded.
func (w world) testFetchesTogether(t *testing.T) {
	hub := fakehub.Start(t)
	files := testkit.CheckpointFiles(t, "custom_voice")
	id, total := defaultModel(tts.Control), int64(0)
	for _, data := range files {
		total += int64(len(data))
	}
	hub.Add(id, files)
	hub.Break(func(fakehub.Request) fakehub.Fault { return fakehub.Fault{Pause: time.Millisecond} }) // long enough for both
	w.models = filepath.Join(t.TempDir(), "none")
	w.env = []string{"HOME=" + t.TempDir(), "HF_HUB_CACHE=" + t.TempDir(), "HF_HUB_OFFLINE=", "HF_ENDPOINT=" + hub.URL, "TTSUI_MIRRORS=", "HF_TOKEN="}
	var loads sync.WaitGroup
	for _, s := range []*serving{w.serve(t), w.serve(t)} {
		loads.Go(func() {
			status, answer, err := s.call(t.Context(), "POST", "/models/load", object{"model_id": id})
			if err != nil || status != 200 || answer["state"] != "loaded" {
				t.Errorf("load: %d, %v, %v", status, answer, err)
			}
		})
	}
	loads.Wait()
	http.DefaultClient.CloseIdleConnections()
	if sent := hub.Sent(); sent != total {
		t.Errorf("%d bytes were sent, want %d", sent, total)
	}
}

// saySomething runs say with a voice, and gives what it prints on stderr.
func (w world) saySomething(t *testing.T, voice ...string) string {
	t.Helper()
	args := append([]string{"say", "--seed", "1", "--max-frames", "64", "-o", filepath.Join(t.TempDir(), "out.wav")}, voice...)
	cmd := w.command(t, patience, append(args, "It works.")...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if _, err := cmd.Output(); err != nil {
		t.Errorf("say: %v\n%s", err, &stderr)
	}
	said, _, _ := strings.Cut(stderr.String(), "ttsui: warning: ") // the tiny models don't always find an end
	return said
}
