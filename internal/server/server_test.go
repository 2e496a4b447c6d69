package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"ttsui/internal/logs"
	"ttsui/internal/registry"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/server"
	"ttsui/internal/speech"
	"ttsui/internal/tts"
	"ttsui/internal/voices"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	base   = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-bf16"
	custom = "mlx-community/Qwen3-TTS-12Hz-0.6B-CustomVoice-bf16"
)

// maxClip is larger than the clip that tests use, and not as large as the limit is elsewhere.
const maxClip = 3 << 20

// house is a running server over the whole of the control plane; only the models are small.
type house struct {
	url     string
	dir     string
	uploads string // not there before the first clip
	voices  *voices.Store
	server  *server.Server
	log     *lockedBuffer
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func open(t *testing.T, tones *registrytest.Tones) *house {
	h := &house{dir: t.TempDir(), log: &lockedBuffer{}}
	log := logs.New(h.log, zerolog.DebugLevel, time.Now)
	r := registry.New(registry.Config{Loader: tones, Log: log})
	h.voices = &voices.Store{Dir: filepath.Join(t.TempDir(), "clone")}
	h.start(t, &speech.Service{Registry: r, Log: log, Voices: h.voices}, log)
	t.Cleanup(func() { atEnd(t, r.Close) })
	return h
}

func (h *house) start(t *testing.T, service tts.Service, log zerolog.Logger) {
	h.uploads = filepath.Join(t.TempDir(), "uploads")
	var saved tts.Voices
	if h.voices != nil {
		saved = h.voices
	}
	h.server = server.New(server.Config{
		Service: service,
		Voices:  saved,
		Log:     log,
		Uploads: h.uploads,
		MaxClip: maxClip,
		Now:     func() time.Time { return time.Date(2026, 2, 20, 10, 11, 12, 345_678_000, time.Local) },
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.url = "http://" + ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- h.server.Serve(ln) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		atEnd(t, h.server.Shutdown)
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// atEnd does what ends something, which must not take a minute.
func atEnd(t testing.TB, end func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := end(ctx); err != nil {
		t.Error(err)
	}
}

// await waits for a signal, but not for ever.
func await[T any](t testing.TB, signal <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-signal:
	case <-time.After(patience):
		t.Fatal("waited in vain")
	}
	return v
}

// call sends body, a string as it is or anything else as JSON, and gives the status and the answer.
func (h *house) call(t *testing.T, method, path string, body any) (int, map[string]any) {
	t.Helper()
	status, answer, err := h.try(t.Context(), method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return status, answer
}

func (h *house) try(ctx context.Context, method, path string, body any) (int, map[string]any, error) {
	text, plain := body.(string)
	if !plain && body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		text = string(data)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, h.url+path, strings.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	if method == http.MethodPost || method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	if ct := res.Header.Get("Content-Type"); ct != "application/json" {
		return 0, nil, fmt.Errorf("%s %s answers %q", method, path, ct)
	}
	var answer map[string]any
	return res.StatusCode, answer, json.NewDecoder(res.Body).Decode(&answer)
}

type object = map[string]any

func (h *house) out() string { return filepath.Join(h.dir, "out.wav") }

func (h *house) clone() object {
	ref, _ := filepath.Abs(filepath.Join("..", "testkit", "testdata", "golden", "clip.wav"))
	return object{"model_id": base, "text": "hello", "ref_audio_path": ref, "output_path": h.out()}
}

func (h *house) control() object {
	return object{"model_id": custom, "text": "hello", "speaker": "Ryan", "language": "English", "output_path": h.out()}
}

func (h *house) design() object {
	return object{"text": "hello", "language": "English", "instruct": "a calm voice", "output_path": h.out()}
}

func (h *house) load(t *testing.T, id string) {
	t.Helper()
	if status, answer := h.call(t, "POST", "/models/load", object{"model_id": id}); status != 200 || answer["state"] != "loaded" {
		t.Fatalf("load %s: %d %v", id, status, answer)
	}
}

func with(o object, key string, value any) object {
	o[key] = value
	return o
}

func TestHealth(t *testing.T) {
	h := open(t, &registrytest.Tones{})
	status, answer := h.call(t, "GET", "/health", nil)
	want := object{"status": "healthy", "timestamp": "2026-02-20T10:11:12.345678"}
	if d := cmp.Diff(want, answer); d != "" || status != 200 {
		t.Error(status, d)
	}
}

func TestModelsLiveByTheWireFormat(t *testing.T) {
	h := open(t, &registrytest.Tones{})
	unknown := object{"before_mb": nil, "after_mb": nil, "delta_mb": nil}
	_, answer := h.call(t, "GET", "/models", nil)
	list := answer["models"].([]any)
	if len(list) != 5 {
		t.Fatalf("%d models", len(list))
	}
	want := object{"model_id": base, "state": "unloaded", "memory": unknown, "load_time_seconds": nil, "error": nil}
	if d := cmp.Diff(want, list[0]); d != "" {
		t.Error(d)
	}

	_, answer = h.call(t, "POST", "/models/load", object{"model_id": base})
	if got := keys(answer); !slices.Equal(got, []string{"error", "load_time_seconds", "memory", "model_id", "state"}) || answer["state"] != "loaded" {
		t.Errorf("load answers %v", answer)
	}
	memory := answer["memory"].(object)
	if d := memory["after_mb"].(float64) - memory["before_mb"].(float64); d != memory["delta_mb"].(float64) {
		t.Errorf("memory %v", memory)
	}

	_, answer = h.call(t, "POST", "/models/unload", object{"model_id": base})
	if got := keys(answer); !slices.Equal(got, []string{"error", "memory", "model_id", "state"}) || answer["state"] != "unloaded" {
		t.Errorf("unload answers %v", answer)
	}

	status, answer := h.call(t, "POST", "/models/load", object{"model_id": "some/missing"})
	want = object{"model_id": "some/missing", "state": "error", "memory": answer["memory"], "load_time_seconds": nil,
		"error": "model some/missing was not found", "code": "not_found", "hint": "Load another one."}
	if d := cmp.Diff(want, answer); d != "" || status != 200 {
		t.Error(status, d)
	}

	status, answer = h.call(t, "POST", "/models/unload", object{"model_id": "no/such"})
	want = object{"model_id": "no/such", "state": "error", "memory": unknown, "error": "Unknown model: no/such"}
	if d := cmp.Diff(want, answer); d != "" || status != 200 {
		t.Error(status, d)
	}
}

func keys(o object) []string {
	var list []string
	for k := range o {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

func TestGenerate(t *testing.T) {
	h := open(t, &registrytest.Tones{})
	for _, m := range tts.Catalogue() {
		h.load(t, m.ID)
	}
	options := object{"temperature": 0, "top_k": 50, "top_p": 0.9, "repetition_penalty": 1.05, "seed": 7, "max_frames": 3,
		"non_streaming_mode": true, "language": "auto"}
	for path, body := range map[string]object{"/generate/clone": h.clone(), "/generate/control": h.control(), "/generate/design": h.design()} {
		t.Run(path, func(t *testing.T) {
			maps.Copy(body, options)
			status, answer := h.call(t, "POST", path, body)
			seconds, _ := answer["generation_seconds"].(float64)
			id, _ := answer["job_id"].(string)
			want := object{"output_path": h.out(), "success": true, "error": nil, "job_id": id, "seed": 7.0, "frames": 3.0, "audio_seconds": 0.24,
				"generation_seconds": seconds, "truncated": true, "first_audio_seconds": answer["first_audio_seconds"], "retries": 0.0, "runaway": "",
				"segments": []any{object{"text_start": 0.0, "text_end": 5.0, "start_sample": 0.0, "end_sample": 5760.0, "frames": 3.0, "seed": 7.0,
					"truncated": true, "retries": 0.0, "runaway": ""}}}
			if _, job := h.call(t, "GET", "/jobs/"+id, nil); job["state"] != "done" || job["seed"] != 7.0 || job["first_audio_seconds"] != want["first_audio_seconds"] {
				t.Errorf("the job: %v", job)
			}
			if d := cmp.Diff(want, answer); d != "" || status != 200 || seconds <= 0 {
				t.Error(status, d)
			}
			info, err := os.Stat(h.out())
			if err != nil || info.Size() != 44+3*2*tts.FrameSamples {
				t.Errorf("the file: %v, %v", info, err)
			}
		})
	}
}

func TestBadRequests(t *testing.T) {
	h := open(t, &registrytest.Tones{})
	h.load(t, base)
	h.load(t, custom)
	long := strings.Repeat("a", 100_001)
	for _, c := range []struct {
		name   string
		path   string
		body   any
		status int
		code   tts.Code
		detail string
	}{
		{"empty body", "/models/load", "", 400, "invalid", "the body is empty"},
		{"blank body", "/models/load", " \n", 400, "invalid", "the body is empty"},
		{"null", "/models/load", "null", 400, "invalid", "the body is null"},
		{"not JSON", "/models/load", "model_id=x", 400, "invalid", "the body is not JSON: invalid character 'm' looking for beginning of value at byte 1"},
		{"cut off", "/models/load", `{"model_id":"a`, 400, "invalid", "the body is not JSON: it ends too early"},
		{"an array", "/models/load", `["a"]`, 400, "invalid", "the body has to be a JSON object, not an array"},
		{"garbage after", "/models/load", `{"model_id":"a/b"} x`, 400, "invalid", "there is more after the JSON object"},
		{"second object", "/models/load", `{"model_id":"a/b"}{}`, 400, "invalid", "there is more after the JSON object"},
		{"too large", "/models/load", `{"model_id":"` + strings.Repeat("a", 1<<20) + `"}`, 413, "invalid", "the body is larger than 1048576 bytes"},
		{"bad UTF-8", "/generate/clone", "{\"text\":\"\xff\"}", 400, "invalid", "the body is not valid UTF-8"},
		{"half a character", "/generate/clone", `{"text":"a \ud800 b"}`, 400, "invalid", `\ud800 is half a character without its other half`},
		{"two first halves", "/generate/clone", `{"text":"\uD83D\ud83d\ude00"}`, 400, "invalid", `\uD83D is half a character without its other half`},
		{"a second half", "/generate/clone", `{"text":"\\\udfff"}`, 400, "invalid", `\udfff is half a character without its other half`},
		{"both halves", "/models/load", `{"model_id":"\ud83d\ude00"}`, 400, "invalid", `"😀" is not a model id`},
		{"an escaped backslash", "/models/load", `{"model_id":"\\ud800"}`, 400, "invalid", `"\\ud800" is not a model id`},
		{"unknown field", "/models/load", `{"model":"a/b"}`, 400, "invalid", `unknown field "model"`},
		{"unknown field of a mode", "/generate/design", with(h.design(), "speaker", "Ryan"), 400, "invalid", `unknown field "speaker"`},
		{"number for a string", "/models/load", `{"model_id":7}`, 400, "invalid", "model_id has to be a string, not a number"},
		{"string for a number", "/generate/clone", with(h.clone(), "temperature", "hot"), 400, "invalid", "temperature has to be a number, not a string"},
		{"object for a number", "/generate/clone", with(h.clone(), "top_p", object{}), 400, "invalid", "top_p has to be a number, not an object"},
		{"fraction for a count", "/generate/clone", with(h.clone(), "top_k", 1.5), 400, "invalid", "top_k has to be a whole number, not 1.5"},
		{"negative seed", "/generate/clone", with(h.clone(), "seed", -1), 400, "invalid", "seed has to be a whole number from 0 on, not -1"},
		{"number for a switch", "/generate/clone", with(h.clone(), "non_streaming_mode", 1), 400, "invalid", "non_streaming_mode has to be true or false, not a number"},
		{"switch for a string", "/generate/clone", with(h.clone(), "text", true), 400, "invalid", "text has to be a string, not true or false"},
		{"no model id", "/models/load", `{}`, 400, "invalid", `"" is not a model id`},
		{"path as id", "/models/load", `{"model_id":"../../etc"}`, 400, "invalid", `"../../etc" is not a model id`},
		{"no text", "/generate/clone", with(h.clone(), "text", ""), 400, "invalid", "Target text is required"},
		{"invisible text", "/generate/clone", with(h.clone(), "text", "\u200b"), 400, "invalid", "Target text is required"},
		{"long text", "/generate/clone", with(h.clone(), "text", long), 400, "invalid", "text has 100001 characters, the limit is 100000"},
		{"long text in one prompt", "/generate/clone", with(with(h.clone(), "text", long[:10_001]), "long_text", "off"), 400, "invalid", "text has 10001 characters, the limit is 10000"},
		{"long text, maybe", "/generate/clone", with(h.clone(), "long_text", "maybe"), 400, "invalid", `unknown long_text "maybe"`},
		{"splice into nothing", "/generate/clone", with(h.clone(), "splice", object{}), 400, "invalid", "splice.path is required"},
		{"splice that is no object", "/generate/clone", with(h.clone(), "splice", "a.wav"), 400, "invalid", "splice has to be an object, not a string"},
		{"splice of no part", "/generate/clone", with(h.clone(), "splice", object{"path": "/a.wav", "start_sample": 5, "end_sample": 4}), 400, "invalid", "splice from sample 5 to 4 is no part of a file"},
		{"splice without output", "/generate/control", with(without(h.control(), "output_path"), "splice", object{"path": "/a.wav"}), 400, "invalid", "a splice needs an output_path"},
		{"control character", "/generate/clone", with(h.clone(), "text", "a\x00b"), 400, "invalid", "text has the control character U+0000 at byte 1"},
		{"no speaker", "/generate/control", with(h.control(), "speaker", ""), 400, "invalid", "speaker is required"},
		{"unknown speaker", "/generate/control", with(h.control(), "speaker", "Bob"), 400, "invalid", `unknown speaker "Bob"`},
		{"unknown language", "/generate/control", with(h.control(), "language", "Klingon"), 400, "invalid", `unknown language "Klingon"`},
		{"no description", "/generate/design", with(h.design(), "instruct", ""), 400, "invalid", "Voice description is required"},
		{"relative output", "/generate/clone", with(h.clone(), "output_path", "a.wav"), 400, "invalid", `output_path "a.wav" is not an absolute path`},
		{"temperature too high", "/generate/clone", with(h.clone(), "temperature", 1e9), 400, "invalid", "temperature 1e+09 is out of range"},
		{"not loaded", "/generate/clone", with(h.clone(), "model_id", "a/b"), 400, "not_loaded", "Model a/b not loaded"},
		{"design not loaded", "/generate/design", h.design(), 400, "not_loaded", "VoiceDesign model not loaded"},
		{"missing reference", "/generate/clone", with(h.clone(), "ref_audio_path", h.dir+"/none.wav"), 404, "not_found",
			`reference clip "none.wav": no such file or directory`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer := h.call(t, "POST", c.path, c.body)
			hint, _ := answer["hint"].(string)
			want := object{"detail": c.detail, "code": string(c.code), "hint": hint}
			if d := cmp.Diff(want, answer); d != "" || status != c.status || hint == "" {
				t.Errorf("%d, want %d: %s", status, c.status, d)
			}
		})
	}
	if left, _ := filepath.Glob(filepath.Join(h.dir, "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	h := open(t, &registrytest.Tones{})
	for _, c := range []struct {
		method, path string
		status       int
		detail       string
	}{
		{"GET", "/", 404, `there is no "/"`},
		{"POST", "/generate/sing", 404, `there is no "/generate/sing"`},
		{"GET", "/models/load", 405, "/models/load does not take GET"},
		{"DELETE", "/models", 405, "/models does not take DELETE"},
		{"BREW", "/health", 405, "/health does not take BREW"},
	} {
		status, answer := h.call(t, c.method, c.path, nil)
		if status != c.status || answer["detail"] != c.detail || answer["hint"] == "" {
			t.Errorf("%s %s: %d %v", c.method, c.path, status, answer)
		}
	}
	res, err := http.Get(h.url + "/generate/clone")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := res.Header.Get("Allow"); got != "POST" {
		t.Errorf("Allow: %q", got)
	}
}

func TestOnlyJSONIsTaken(t *testing.T) {
	h := open(t, &registrytest.Tones{})
	for kind, want := range map[string]int{
		"application/json": 200, "application/json; charset=utf-8": 200, "Application/JSON": 200,
		"": 415, "text/plain": 415, "application/x-www-form-urlencoded": 415, "multipart/form-data; boundary=x": 415, "application/jsonp": 415,
	} {
		req, err := http.NewRequest("POST", h.url+"/models/unload", strings.NewReader(`{"model_id":"a/b"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%q: %d, want %d", kind, res.StatusCode, want)
		}
	}
}

// TestAnswersWhileLoadingAndSpeaking: one request that waits for a model doesn't make the others wait.
func TestAnswersWhileLoadingAndSpeaking(t *testing.T) {
	gate := make(chan struct{})
	busy := make(chan struct{}, 2)
	wait := func(ctx context.Context) error {
		busy <- struct{}{}
		select {
		case <-gate:
		case <-ctx.Done():
		}
		return ctx.Err()
	}
	h := open(t, &registrytest.Tones{
		OnLoad: func(ctx context.Context, id string) error {
			if id == custom {
				return nil
			}
			return wait(ctx)
		},
		OnFrame: func(ctx context.Context, n int) error {
			if n > 0 {
				return nil
			}
			return wait(ctx)
		},
	})
	h.load(t, custom)
	ctx, cancel := context.WithCancel(t.Context())
	var blocked sync.WaitGroup
	defer blocked.Wait()
	defer cancel() // should the test fail
	for path, body := range map[string]object{"/models/load": {"model_id": base}, "/generate/control": h.control()} {
		blocked.Go(func() {
			if status, answer, err := h.try(ctx, "POST", path, body); err != nil || status != 200 {
				t.Errorf("%s: %d %v %v", path, status, answer, err)
			}
		})
	}
	await(t, busy)
	await(t, busy)
	var times []time.Duration
	for range 500 {
		for _, path := range []string{"/health", "/models"} {
			started := time.Now()
			if status, _ := h.call(t, "GET", path, nil); status != 200 {
				t.Fatalf("%s: %d", path, status)
			}
			times = append(times, time.Since(started))
		}
	}
	slices.Sort(times)
	t.Logf("1,000 answers while a load and a generation hang: median %v, p99 %v", times[500], times[989])
	if times[500] > 50*time.Millisecond {
		t.Errorf("half of the answers took more than %v", times[500])
	}
	status, answer := h.call(t, "POST", "/models/unload", object{"model_id": custom})
	if status != 409 || answer["code"] != "busy" || answer["hint"] == "" {
		t.Errorf("unload during a generation: %d %v", status, answer)
	}
	close(gate)
	blocked.Wait()
}

func TestClientThatGoesAwayCancels(t *testing.T) {
	started, ended := make(chan struct{}), make(chan error, 1)
	h := open(t, &registrytest.Tones{OnFrame: func(ctx context.Context, n int) error {
		if n == 1 {
			close(started)
			<-ctx.Done()
			ended <- ctx.Err()
			return tts.Errorf(tts.CodeCanceled, "", "canceled: %w", ctx.Err())
		}
		return nil
	}})
	h.load(t, custom)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	if _, _, err := h.try(ctx, "POST", "/generate/control", h.control()); !errors.Is(err, context.Canceled) {
		t.Errorf("the call: %v", err)
	}
	if err := await(t, ended); !errors.Is(err, context.Canceled) {
		t.Errorf("the generation: %v", err)
	}
	if _, answer := h.call(t, "GET", "/models", nil); answer["models"].([]any)[2].(object)["state"] != "loaded" {
		t.Errorf("the model did not stay loaded: %v", answer)
	}
}

func TestShutdownCancelsWhatRuns(t *testing.T) {
	started := make(chan struct{})
	h := open(t, &registrytest.Tones{OnFrame: func(ctx context.Context, _ int) error {
		close(started)
		<-ctx.Done()
		return tts.Errorf(tts.CodeCanceled, "Try again later.", "canceled: %w", ctx.Err())
	}})
	h.load(t, custom)
	answered := make(chan int, 1)
	go func() {
		status, _, _ := h.try(context.Background(), "POST", "/generate/control", h.control())
		answered <- status
	}()
	await(t, started)
	atEnd(t, h.server.Shutdown)
	if status := await(t, answered); status != 499 {
		t.Errorf("the generation answered %d", status)
	}
	if _, err := os.Stat(h.out()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file: %v", err)
	}
}

// TestRawConnections: what no HTTP library sends.
func TestRawConnections(t *testing.T) {
	h := open(t, &registrytest.Tones{})
	for name, c := range map[string]struct{ send, want string }{
		"not HTTP":          {"hello\r\n\r\n", "400"},
		"headers too large": {"GET /health HTTP/1.1\r\nHost: localhost:PORT\r\nA: " + strings.Repeat("a", 80<<10) + "\r\n\r\n", "431"},
		"HEAD":              {"HEAD /health HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n", "200"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := strings.TrimPrefix(h.url, "http://")
			_, port, _ := net.SplitHostPort(addr)
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, strings.ReplaceAll(c.send, "PORT", port)); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil || !strings.Contains(line, c.want) {
				t.Errorf("answer %q, %v", line, err)
			}
		})
	}
}
