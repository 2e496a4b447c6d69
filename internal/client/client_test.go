package client_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"ttsui/internal/client"
	"ttsui/internal/tts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func dial(t *testing.T, addr string, o client.Options) *client.Client {
	c, err := client.New(addr, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestNewRefuses(t *testing.T) {
	for _, addr := range []string{"", ":", "http://", "ftp://127.0.0.1", "127.0.0.1:8765/path", "http://user@127.0.0.1", "http://127.0.0.1?x", "a b"} {
		if _, err := client.New(addr, client.Options{}); tts.CodeOf(err) != tts.CodeInvalid || tts.HintOf(err) == "" {
			t.Errorf("%q: %v", addr, err)
		}
	}
	for _, addr := range []string{"127.0.0.1:8765", "localhost:1", "[::1]:8765", "http://127.0.0.1:8765/", "https://speech.example"} {
		if _, err := client.New(addr, client.Options{}); err != nil {
			t.Errorf("%q: %v", addr, err)
		}
	}
}

// answering is a server that always says the same.
func answering(t *testing.T, status int, header, body string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, value, _ := strings.Cut(header, ": ")
		w.Header().Set(name, value)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestErrors(t *testing.T) {
	const json = "Content-Type: application/json"
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, c := range []struct {
		name, addr string
		code       tts.Code
		text, hint string
	}{
		{"the server's own", answering(t, 409, json, `{"detail":"100 % busy","code":"busy","hint":"Wait."}`), tts.CodeBusy, "100 % busy", "Wait."},
		{"a code of the future", answering(t, 418, json, `{"detail":"a teapot","code":"teapot","hint":""}`), "teapot", "a teapot", ""},
		{"another program", answering(t, 404, "Content-Type: text/html", "<h1>404</h1>"), tts.CodeUnsupported, `no TTSUI of this version: it answers "404 Not Found"`, "See which program"},
		{"an older server", answering(t, 422, json, `{"detail":[{"loc":["body"]}]}`), tts.CodeUnsupported, "422", "See which program"},
		{"a page", answering(t, 200, "Content-Type: text/html", "<h1>Hello</h1>"), tts.CodeUnsupported, "GET /models can't be read", "See which program"},
		{"a redirect", answering(t, 302, "Location: http://"+closed.Addr().String(), ""), tts.CodeUnsupported, "302", "See which program"},
		{"half an answer", answering(t, 200, "Content-Length: 100", `{"models"`), tts.CodeUnreachable, "hung up", "See whether"},
		{"nobody there", closed.Addr().String(), tts.CodeUnreachable, "no server listens at http://" + closed.Addr().String(), "ttsui serve"},
		{"no such machine", "nowhere.invalid:1", tts.CodeUnreachable, "can't be reached", "See whether"},
	} {
		t.Run(c.name, func(t *testing.T) {
			web := dial(t, c.addr, client.Options{})
			if c.addr == "nowhere.invalid:1" {
				web.DialBy(func(context.Context, string, string) (net.Conn, error) {
					return nil, &net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}
				})
			}
			_, err := web.Models(t.Context())
			if tts.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.text) || !strings.Contains(tts.HintOf(err), c.hint) {
				t.Errorf("%v (%s, hint %q)", err, tts.CodeOf(err), tts.HintOf(err))
			}
		})
	}
}

func TestTokenGoesToTheServerAlone(t *testing.T) {
	const password = "correct horse battery staple"
	seen := make(chan string, 2)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- "elsewhere: " + r.Header.Get("Authorization") }))
	defer other.Close()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("Authorization")
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	defer s.Close()
	_, err := dial(t, s.Listener.Addr().String(), client.Options{Token: password}).Health(t.Context())
	if err == nil || strings.Contains(err.Error(), password) {
		t.Errorf("error: %v", err)
	}
	if got := <-seen; got != "Bearer "+password || len(seen) > 0 {
		t.Errorf("the header was %q, and %d other requests were made", got, len(seen))
	}
}

func TestGenerateChecksBeforeItAsks(t *testing.T) {
	c := dial(t, "127.0.0.1:1", client.Options{})
	req := tts.Request{Mode: tts.Design, ModelID: "somebody/another", Text: "a", Instruct: "b", OutputPath: filepath.Join(t.TempDir(), "a.wav")}
	if _, err := c.Generate(t.Context(), req); tts.CodeOf(err) != tts.CodeUnsupported {
		t.Errorf("another design model: %v", err)
	}
	req.Text = ""
	if _, err := c.Generate(t.Context(), req); tts.CodeOf(err) != tts.CodeInvalid {
		t.Errorf("no text: %v", err)
	}
}

// hearing counts samples.
type hearing int

func (h *hearing) WriteSamples(pcm []float32) error {
	*h += hearing(len(pcm))
	return nil
}

// TestListenWithoutRecord: who wants a file to keep is told when it can't be known how it was made; what is only heard
// needs no record.
func TestListenWithoutRecord(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("Content-Type", "audio/L16;rate=24000;channels=1")
			_, _ = w.Write(make([]byte, 8))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"detail":"no such job","code":"not_found","hint":""}`))
	}))
	defer s.Close()
	c := dial(t, s.Listener.Addr().String(), client.Options{})
	for path, code := range map[string]tts.Code{"": "", filepath.Join(t.TempDir(), "a.wav"): tts.CodeNotFound} {
		var heard hearing
		req := tts.Request{Mode: tts.Design, ModelID: tts.DesignModelID, Text: "a", Instruct: "b", OutputPath: path, Audio: &heard}
		res, err := c.Generate(t.Context(), req)
		if heard != 4 || tts.CodeOf(err) != code || err != nil && (tts.HintOf(err) == "" || !strings.Contains(err.Error(), path)) || err == nil && res.Samples != 4 {
			t.Errorf("%q: heard %d, %+v, %v", path, heard, res, err)
		}
	}
}
