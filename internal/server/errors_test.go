package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"ttsui/internal/logs"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/server"
	"ttsui/internal/tts"
)

// brokenService fails each call in a way of its own.
type brokenService struct{ tts.Service }

func (brokenService) Models(context.Context) ([]tts.ModelInfo, error) { panic("a bug\nin Models") }

func (brokenService) Load(_ context.Context, id string, _ tts.LoadOptions) (tts.ModelInfo, error) {
	code, _, _ := strings.Cut(id, "/")
	if code == "bare" {
		return tts.ModelInfo{}, errors.New("secret: /var/models")
	}
	return tts.ModelInfo{}, fmt.Errorf("load: %w", tts.Errorf(tts.Code(code), "Do this.", "it failed"))
}

// WatchJob lets a stream begin, and breaks it.
func (brokenService) WatchJob(ctx context.Context, _ string, see func(tts.Job)) error {
	see(tts.Job{State: tts.JobRunning})
	if ctx.Err() == nil {
		panic("a bug in WatchJob")
	}
	return nil
}

func (brokenService) Generate(context.Context, tts.Request) (tts.Result, error) {
	panic("a bug in Generate")
}

func openBroken(t *testing.T) *house {
	h := &house{log: &lockedBuffer{}, dir: t.TempDir()}
	h.start(t, brokenService{}, logs.New(h.log, zerolog.DebugLevel, time.Now))
	return h
}

func TestEveryCodeHasItsStatus(t *testing.T) {
	h := openBroken(t)
	for code, want := range map[tts.Code]int{
		tts.CodeInvalid: 400, tts.CodeNotLoaded: 400, tts.CodeDenied: 403, tts.CodeNotFound: 404, tts.CodeBusy: 409, tts.CodeQueueFull: 429, tts.CodeCorrupt: 422,
		tts.CodeUnsupported: 422, tts.CodeCanceled: 499, tts.CodeUnreachable: 502, tts.CodeNoMemory: 503, tts.CodeTimeout: 504, tts.CodeDiskFull: 507,
	} {
		status, answer := h.call(t, "POST", "/models/load", object{"model_id": string(code) + "/x"})
		if d := cmp.Diff(object{"detail": "load: it failed", "code": string(code), "hint": "Do this."}, answer); d != "" || status != want {
			t.Errorf("%s: %d, want %d: %s", code, status, want, d)
		}
	}
}

// named matches what a client is told of an error inside.
var named = regexp.MustCompile(`^Internal error ([a-z2-7]{8})\.$`)

// TestInternalErrorsHaveAName that is in the answer and in the log, which alone tells the rest.
func TestInternalErrorsHaveAName(t *testing.T) {
	h := openBroken(t)
	told := map[string]bool{}
	for _, c := range []struct {
		method, path string
		body         object
		log          string
	}{
		{"POST", "/models/load", object{"model_id": "bare/x"}, "| ERROR | Internal error NAME: secret: /var/models\n"},
		{"GET", "/models", nil, `| CRITICAL | Panic NAME while answering GET /models: a bug\nin Models stack=`},
		{"POST", "/generate/control", h.control(), "| CRITICAL | Panic NAME while answering POST /generate/control: a bug in Generate stack="},
		{"POST", "/generate/clone", without(h.clone(), "output_path"), "| CRITICAL | Panic NAME while answering POST /generate/clone: a bug in Generate stack="},
	} {
		before := len(h.log.String())
		status, answer := h.call(t, c.method, c.path, c.body)
		log := h.log.String()[before:]
		detail, _ := answer["detail"].(string)
		name := named.FindStringSubmatch(detail)
		if status != 500 || answer["code"] != "internal" || answer["hint"] == "" || name == nil || told[name[1]] {
			t.Errorf("%s: %d, %v", c.path, status, answer)
			continue
		}
		told[name[1]] = true
		if line := strings.Replace(c.log, "NAME", name[1], 1); !strings.Contains(log, line) {
			t.Errorf("the log lacks %q:\n%s", line, log)
		}
	}
}

// TestPanicBehindAnAnswer: what has begun is broken off, and nothing is put behind it.
func TestPanicBehindAnAnswer(t *testing.T) {
	log := &lockedBuffer{}
	s := server.New(server.Config{Log: logs.New(log, zerolog.DebugLevel, time.Now)})
	web := httptest.NewServer(s.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic("a bug")
	})))
	defer web.Close()
	res, err := http.Get(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); string(got) != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the client gets %q, %v", got, err)
	}
	if !strings.Contains(log.String(), "while answering GET /: a bug stack=") || !strings.Contains(log.String(), "200, broken off,") {
		t.Errorf("the log: %s", log)
	}
}

// TestPanicBesideAHandler: in a goroutine that sends, it ends the answer and not the process.
func TestPanicBesideAHandler(t *testing.T) {
	t.Run("events", func(t *testing.T) {
		h := openBroken(t)
		if err := h.follow("some-job", func(tts.Job) {}); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
		if line := "while sending events for GET /jobs/some-job/events: a bug in WatchJob stack="; !strings.Contains(h.log.String(), line) {
			t.Errorf("the log lacks %q:\n%s", line, h.log)
		}
		if status, _ := h.call(t, "GET", "/health", nil); status != 200 {
			t.Errorf("afterwards: %d", status)
		}
	})
	t.Run("audio", func(t *testing.T) {
		h := open(t, &registrytest.Tones{})
		h.load(t, custom)
		body := `{"model_id":"` + custom + `","text":"hello","speaker":"Ryan"}`
		req := httptest.NewRequest("POST", "/generate/control", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		req.Host = pipe{}.LocalAddr().String()
		req = req.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, pipe{}.LocalAddr()))
		defer func() {
			if v := recover(); v != http.ErrAbortHandler {
				t.Errorf("the handler ended with %v", v)
			}
			if line := "while sending audio for POST /generate/control: a bug in Write stack="; !strings.Contains(h.log.String(), line) {
				t.Errorf("the log lacks %q:\n%s", line, h.log)
			}
		}()
		h.server.Handler().ServeHTTP(panicWriter{httptest.NewRecorder()}, req)
	})
}

// panicWriter has a bug.
type panicWriter struct{ *httptest.ResponseRecorder }

func (panicWriter) Write([]byte) (int, error) { panic("a bug in Write") }
