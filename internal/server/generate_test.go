package server_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"mime/multipart"
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
	req, err := http.NewRequestWithContext(t.Context(), "POST", h.url+path, body)
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
	if left, _ := filepath.Glob(filepath.Join(h.dir, "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// form makes a body of multipart/form-data; a part of the clip's name is a file.
func form(t *testing.T, parts [][2]string) (kind string, body io.Reader) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		create := w.CreateFormField
		if p[0] == "ref_audio" {
			create = func(name string) (io.Writer, error) { return w.CreateFormFile(name, "../../voice.wav") }
		}
		part, err := create(p[0])
		if err == nil {
			_, err = io.WriteString(part, p[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), &b
}

func TestClipsThatComeAlong(t *testing.T) {
	clip, err := os.ReadFile(filepath.Join("..", "testkit", "testdata", "golden", "clip.wav"))
	if err != nil {
		t.Fatal(err)
	}
	var h *house
	private := 0
	h = open(t, &registrytest.Tones{OnFrame: func(context.Context, int) error {
		return filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
			info, errInfo := d.Info()
			if d.Name() == "ref_audio" && info.Mode().Perm() == 0o600 {
				private++
			}
			return errors.Join(err, errInfo)
		})
	}})
	h.load(t, base)
	fields := [][2]string{{"model_id", base}, {"text", "hello"}, {"output_path", h.out()}, {"seed", "7"}, {"temperature", "0.5"}, {"non_streaming_mode", "true"}}
	add := func(more ...[2]string) [][2]string { return append(fields[:len(fields):len(fields)], more...) }
	sound := [2]string{"ref_audio", string(clip)}
	b64 := base64.StdEncoding.EncodeToString(clip)
	long := strings.Repeat("a", 1<<20)
	for _, c := range []struct {
		name   string
		form   [][2]string // or else
		json   object
		status int
		detail string
	}{
		{"a form", add(sound), nil, 200, ""},
		{"a form with a path", add([2]string{"ref_audio_path", h.clone()["ref_audio_path"].(string)}), nil, 200, ""},
		{"a form without a clip", fields, nil, 400, "Reference audio is required"},
		{"a form with two clips", add(sound, sound), nil, 400, `the form has "ref_audio" twice`},
		{"a form with two kinds", add(sound, [2]string{"ref_audio_path", "/x.wav"}), nil, 400, "there are two reference clips"},
		{"a form with base64", add([2]string{"ref_audio_base64", "AAAA"}), nil, 400, "ref_audio_base64 is for JSON"},
		{"a field twice", add([2]string{"seed", "8"}), nil, 400, `the form has "seed" twice`},
		{"an unknown field", add([2]string{"speaker", "Ryan"}), nil, 400, `unknown field "speaker"`},
		{"a word for a number", add(sound, [2]string{"top_p", "high"}), nil, 400, "top_p has to be a number, not a string"},
		{"bad UTF-8", add(sound, [2]string{"language", "\xff"}), nil, 400, "language is not valid UTF-8"},
		{"a field too long", add([2]string{"language", long + "a"}), nil, 413, "the body is larger than 1048576 bytes"},
		{"fields too long", add([2]string{"language", long[100:]}, [2]string{"ref_text", long[100:]}), nil, 413, "the body is larger than 1048576 bytes"},
		{"no sound", add([2]string{"ref_audio", "words"}), nil, 422, `reference clip "ref_audio": it is not audio that can be read, but looks like text/plain; charset=utf-8`},
		{"a clip too long", add([2]string{"ref_audio", strings.Repeat(long, 3) + "a"}), nil, 413, "the body is larger than 3145728 bytes"},

		{"base64", nil, object{"ref_audio_base64": b64}, 200, ""},
		{"base64 in lines", nil, object{"ref_audio_base64": b64[:76] + "\n" + b64[76:]}, 200, ""},
		{"base64 and a path", nil, object{"ref_audio_base64": b64, "ref_audio_path": "/x.wav"}, 400, "there are two reference clips"},
		{"base64 after a prefix", nil, object{"ref_audio_base64": "data:audio/wav;base64," + b64}, 400, "ref_audio_base64 is not base64: illegal base64 data at input byte 4"},
		{"base64 cut off", nil, object{"ref_audio_base64": b64[:9]}, 400, "ref_audio_base64 is not base64: unexpected EOF"},
		{"base64 of no sound", nil, object{"ref_audio_base64": "AAAA"}, 422, `reference clip "ref_audio": it is not audio that can be read, but looks like application/octet-stream`},
		{"base64 too long", nil, object{"ref_audio_base64": strings.Repeat("AAAA", 4<<18+1)}, 413, "the body is larger than 3145728 bytes"},
		{"JSON too long", nil, object{"ref_audio_base64": strings.Repeat("AAAA", 5<<18)}, 413, "the body is larger than 5242880 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			private = 0
			var res *http.Response
			if c.form != nil {
				kind, body := form(t, c.form)
				res = h.post(t, "/generate/clone", "", kind, body)
			} else {
				body := without(h.clone(), "ref_audio_path")
				for k, v := range c.json {
					body[k] = v
				}
				res = h.ask(t, "/generate/clone", "", body)
			}
			answer := readError(t, res)
			if detail, _ := answer["detail"].(string); res.StatusCode != c.status || detail != c.detail {
				t.Errorf("%s, want %d: %.300v", res.Status, c.status, answer)
			}
			if c.status == 200 {
				if !strings.Contains(c.name, "path") && private != len("hello") {
					t.Errorf("the clip was there and private for %d frames", private)
				}
				if err := os.Remove(h.out()); err != nil {
					t.Error(err)
				}
			}
			h.leavesNothing(t)
		})
	}
	for name, body := range map[string]string{
		"cut off":     "--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nhel",
		"no parts":    "hello",
		"no name":     "--x\r\n\r\nhello\r\n--x--\r\n",
		"cut clip":    "--x\r\nContent-Disposition: form-data; name=\"ref_audio\"\r\n\r\nRIFF",
		"no boundary": "",
	} {
		kind := "multipart/form-data; boundary=x"
		if name == "no boundary" {
			kind = "multipart/form-data"
		}
		res := h.post(t, "/generate/clone", "", kind, strings.NewReader(body))
		if answer := readError(t, res); res.StatusCode != 400 || answer["code"] != "invalid" {
			t.Errorf("%s: %s, %v", name, res.Status, answer)
		}
		h.leavesNothing(t)
	}
}

// TestGeneratingLeaksNothing: after 200 takes of every kind and every end there are as many goroutines and open files
// as before.
func TestGeneratingLeaksNothing(t *testing.T) {
	clip, err := os.ReadFile(filepath.Join("..", "testkit", "testdata", "golden", "clip.wav"))
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, &registrytest.Tones{OnFrame: func(_ context.Context, n int) error {
		if n == 6 {
			return tts.Errorf(tts.CodeDiskFull, "Free some space.", "no space left")
		}
		return nil
	}})
	h.load(t, base)
	h.load(t, custom)
	cycle := func() {
		for _, c := range []struct {
			path, accept string
			body         object
		}{
			{"/generate/control", "", h.control()},
			{"/generate/control", "audio/wav", with(h.control(), "text", "breaks")},
			{"/generate/control", "audio/L16", without(h.control(), "output_path")},
			{"/generate/clone", "", with(without(h.clone(), "ref_audio_path"), "ref_audio_base64", base64.StdEncoding.EncodeToString(clip))},
			{"/generate/design", "", h.design()},
		} {
			res := h.ask(t, c.path, c.accept, c.body)
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
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
