package server_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"ttsui/internal/registry/registrytest"
	"ttsui/internal/tts"
)

// ask sends body as JSON and gives the answer, whose body the test ends by itself at the latest.
func (h *house) ask(t *testing.T, path, accept string, body object) *http.Response {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return h.post(t, path, accept, "application/json", bytes.NewReader(data))
}

func (h *house) post(t *testing.T, path, accept, kind string, body io.Reader) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "POST", h.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func without(o object, key string) object {
	delete(o, key)
	return o
}

func TestWhoWantsAudioGetsIt(t *testing.T) {
	h := open(t, &registrytest.Tones{})
	h.load(t, custom)
	const json, wav, l16 = "application/json", "audio/wav", "audio/L16;rate=24000;channels=1"
	for _, c := range []struct {
		accept string
		file   bool
		want   string
	}{
		{"", true, json},
		{"", false, wav},
		{"*/*", true, json},
		{"*/*", false, wav},
		{"audio/wav", true, wav},
		{"audio/x-wav, */*;q=0.1", true, wav},
		{"Audio/*", false, wav},
		{"audio/L16", false, l16},
		{"audio/l16; rate=24000; channels=1", true, l16},
		{"audio/L16;rate=16000, audio/wav;q=0.5", true, wav},
		{"application/json;q=0.2, audio/wav", true, wav},
		{"application/json, audio/wav;q=0.9", true, json},
		{"text/html, nonsense, audio/L16;q=0.3", false, l16},
	} {
		t.Run(c.accept, func(t *testing.T) {
			body := with(h.control(), "seed", 7)
			if !c.file {
				body = without(body, "output_path")
			}
			res := h.ask(t, "/generate/control", c.accept, body)
			got, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != c.want {
				t.Fatalf("%s, %s, %v: %.200s", res.Status, res.Header.Get("Content-Type"), err, got)
			}
			if job := h.jobOf(t, res); job["state"] != "done" || job["audio_seconds"] != 0.4 {
				t.Errorf("the job: %v", job)
			}
			if size := map[string]int{wav: 44 + 5*2*tts.FrameSamples, l16: 5 * 2 * tts.FrameSamples}[c.want]; size != 0 && len(got) != size {
				t.Errorf("%d bytes, want %d", len(got), size)
			}
			file, err := os.ReadFile(h.out())
			if c.file != (err == nil) || c.file && c.want == wav && !bytes.Equal(file[44:], got[44:]) {
				t.Errorf("the file has %d bytes, %v", len(file), err)
			}
			_ = os.Remove(h.out())
		})
	}
	for accept, file := range map[string]bool{"audio/mpeg": true, "audio/wav;q=0": false, "audio/L16;rate=8000": false, "image/*": true} {
		body := h.control()
		if !file {
			body = without(body, "output_path")
		}
		res := h.ask(t, "/generate/control", accept, body)
		if answer := readError(t, res); res.StatusCode != 406 || answer["hint"] == "" {
			t.Errorf("%s: %s, %v", accept, res.Status, answer)
		}
	}
	res := h.ask(t, "/generate/control", json, without(h.control(), "output_path"))
	if answer := readError(t, res); res.StatusCode != 400 || answer["detail"] != "output_path is required" {
		t.Errorf("JSON about no file: %s, %v", res.Status, answer)
	}
}

func readError(t *testing.T, res *http.Response) object {
	t.Helper()
	var answer object
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Error(err)
	}
	return answer
}

// jobOf is the record of the job that an answer came from.
func (h *house) jobOf(t *testing.T, res *http.Response) object {
	t.Helper()
	_, job := h.call(t, "GET", "/jobs/"+res.Header.Get("X-Job-ID"), nil)
	return job
}

// TestAudioComesAsItIsMade, and so does what goes wrong with it.
func TestAudioComesAsItIsMade(t *testing.T) {
	next := make(chan error)
	h := open(t, &registrytest.Tones{OnFrame: func(ctx context.Context, _ int) error {
		select {
		case err := <-next:
			return err
		case <-ctx.Done():
			return tts.Errorf(tts.CodeCanceled, "", "stopped: %w", ctx.Err())
		}
	}})
	h.load(t, custom)
	begin := func(t *testing.T) *http.Response {
		go func() { next <- nil }()
		res := h.ask(t, "/generate/control", "audio/L16", h.control())
		if _, err := io.ReadFull(res.Body, make([]byte, 2*tts.FrameSamples)); err != nil || res.StatusCode != 200 {
			t.Fatalf("the first frame: %s, %v", res.Status, err)
		}
		if job := h.jobOf(t, res); job["state"] != "running" {
			t.Errorf("after one frame: %v", job)
		}
		return res
	}
	ended := func(t *testing.T, res *http.Response, state string) {
		t.Helper()
		if rest, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the answer ended with %v after %d more bytes", err, len(rest))
		}
		if job := h.jobOf(t, res); job["state"] != state {
			t.Errorf("the job: %v", job)
		}
	}
	t.Run("breaks", func(t *testing.T) {
		res := begin(t)
		next <- tts.Errorf(tts.CodeDiskFull, "Free some space.", "no space left")
		ended(t, res, "failed")
	})
	t.Run("is canceled", func(t *testing.T) {
		res := begin(t)
		if status, job := h.call(t, "DELETE", "/jobs/"+res.Header.Get("X-Job-ID"), nil); status != 200 || job["state"] != "canceled" {
			t.Errorf("%d, %v", status, job)
		}
		ended(t, res, "canceled")
	})
	t.Run("fails at once", func(t *testing.T) {
		go func() { next <- tts.Errorf(tts.CodeDiskFull, "Free some space.", "no space left") }()
		res := h.ask(t, "/generate/control", "audio/wav", h.control())
		if answer := readError(t, res); res.StatusCode != 507 || answer["code"] != "disk_full" || res.Header.Get("X-Job-ID") == "" {
			t.Errorf("%s, %v", res.Status, answer)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		res := begin(t)
		res.Body.Close()
		if err := h.watch(t, res.Header.Get("X-Job-ID"), "canceled"); err != nil {
			t.Error(err)
		}
	})
	if n := strings.Count(h.log.String(), "POST /generate/control: 200, broken off, in "); n < 2 { // the third may be on its way
		t.Errorf("%d lines about answers that broke off", n)
	}
	h.leavesNothing(t)
	go func() {
		for range 5 {
			next <- nil
		}
	}()
	if status, answer := h.call(t, "POST", "/generate/control", h.control()); status != 200 {
		t.Errorf("afterwards: %d, %v", status, answer)
	}
}

func (h *house) leavesNothing(t *testing.T) {
	t.Helper()
	for _, dir := range []string{h.dir, h.uploads} {
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// TestGeneratingLeaksNothing: after 240 takes of every kind and every end there are as many goroutines and open files
// as before.
func TestGeneratingLeaksNothing(t *testing.T) {
	clip, err := os.ReadFile(filepath.Join("..", "testkit", "testdata", "golden", "clip.wav"))
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan struct{}, 1)
	h := open(t, &registrytest.Tones{OnFrame: func(ctx context.Context, n int) error {
		if n == len("hello") { // which only the longer text reaches
			select {
			case <-heard:
			case <-ctx.Done():
			}
			return tts.Errorf(tts.CodeDiskFull, "Free some space.", "no space left")
		}
		return nil
	}})
	h.load(t, base)
	h.load(t, custom)
	h.load(t, tts.DesignModelID)
	cycle := func() {
		for _, c := range []struct {
			path, accept string
			body         object
			status       int
			end          error
		}{
			{"/generate/control", "", h.control(), 200, nil},
			{"/generate/control", "", with(h.control(), "text", "breaks"), 507, nil},
			{"/generate/control", "audio/wav", with(h.control(), "text", "breaks"), 200, io.ErrUnexpectedEOF},
			{"/generate/control", "audio/L16", without(h.control(), "output_path"), 200, nil},
			{"/generate/clone", "", with(without(h.clone(), "ref_audio_path"), "ref_audio_base64", base64.StdEncoding.EncodeToString(clip)), 200, nil},
			{"/generate/design", "", h.design(), 200, nil},
		} {
			if c.status == 507 {
				heard <- struct{}{}
			}
			res := h.ask(t, c.path, c.accept, c.body)
			if c.end != nil {
				heard <- struct{}{}
			}
			_, err := io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode != c.status || !errors.Is(err, c.end) {
				t.Fatalf("%s %s: %s, %v", c.path, c.accept, res.Status, err)
			}
		}
	}
	count := func() (goroutines, files int) {
		http.DefaultClient.CloseIdleConnections()
		for range 100 {
			runtime.Gosched()
		}
		list, _ := os.ReadDir("/proc/self/fd") // where there is one
		return runtime.NumGoroutine(), len(list)
	}
	cycle()
	goroutines, files := count()
	for range 40 {
		cycle()
	}
	nowGoroutines, nowFiles := count()
	if nowGoroutines > goroutines+10 || nowFiles > files+10 {
		t.Errorf("%d goroutines and %d files, %d and %d before", nowGoroutines, nowFiles, goroutines, files)
	}
	if err := os.Remove(h.out()); err != nil {
		t.Error(err)
	}
	h.leavesNothing(t)
}
