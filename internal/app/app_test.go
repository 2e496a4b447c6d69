package app_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"ttsui/internal/app"
	"ttsui/internal/hub"
	"ttsui/internal/tts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newApp(t *testing.T, log *bytes.Buffer) *app.App {
	a, err := app.New(app.Config{Places: hub.Places{Roots: []string{t.TempDir()}}, DType: "auto", Log: log, LogLevel: "info"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestLifeOfAnApp(t *testing.T) {
	var log bytes.Buffer
	a := newApp(t, &log)
	if err := a.Start("127.0.0.1", 0); err != nil {
		t.Fatal(err)
	}
	res, err := http.Get("http://" + a.Addr() + "/health")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("health: %s", res.Status)
	}
	if res, err = http.Get("http://" + a.Addr() + "/logs"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || !bytes.Contains(answer, []byte(`"message":"Starting TTS HTTP Server on `+a.Addr()+`"`)) {
		t.Errorf("/logs: %s, %v", answer, err)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := a.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := a.Service().Models(t.Context()); err == nil {
		t.Error("the service answers after Close")
	}
	var got []string
	for line := range strings.Lines(log.String()) {
		got = append(got, strings.SplitN(strings.TrimSpace(line), " | ", 2)[1])
	}
	want := []string{"INFO | Starting TTS HTTP Server on " + a.Addr(), "WARNING | There is no home folder, so other programs can't find this server by themselves", "INFO | TTS HTTP Server starting up...", "INFO | TTS HTTP Server shutting down..."}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestStartRefuses(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	taken := other.Addr().(*net.TCPAddr).Port
	a := newApp(t, &bytes.Buffer{})
	defer a.Close()
	for _, c := range []struct {
		host string
		port int
		code tts.Code
	}{
		{"127.0.0.1", taken, tts.CodeBusy},
		{"0.0.0.0", 0, tts.CodeDenied},
		{"::", 0, tts.CodeDenied},
		{"192.168.1.7", 0, tts.CodeDenied},
		{"", 0, tts.CodeDenied},
		{"no-such-host.invalid", 0, tts.CodeInvalid},
		{"127.0.0.1", 65536, tts.CodeInvalid},
		{"127.0.0.1", -1, tts.CodeInvalid},
	} {
		if err := a.Start(c.host, c.port); tts.CodeOf(err) != c.code || tts.HintOf(err) == "" {
			t.Errorf("%s:%d: %v (%s), want %s with a hint", c.host, c.port, err, tts.CodeOf(err), c.code)
		}
	}
}

// TestBeyondLoopback: with a token, and only with it, the server can be had by the address that a client came to.
func TestBeyondLoopback(t *testing.T) {
	const password = "0123456789abcdef-Sesame"
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	a, err := app.New(app.Config{Places: hub.Places{Roots: []string{dir}}, Log: &log, LogLevel: "debug", DType: "auto", TokenFile: file, Home: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start("0.0.0.0", 0); err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	_, port, err := net.SplitHostPort(a.Addr())
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]int{"": 401, "Bearer wrong": 401, "Bearer " + password: 200} {
		req, err := http.NewRequest("GET", "http://127.0.0.1:"+port+"/health", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", header)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("Authorization %q: %s", header, res.Status)
		}
	}
	if record, err := os.ReadFile(filepath.Join(dir, "server.json")); err != nil || !strings.Contains(string(record), `"127.0.0.1"`) {
		t.Errorf("others are told %s, %v", record, err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), "Sesame") {
		t.Error("the log tells the token")
	}
}

func TestFindPlaces(t *testing.T) {
	for _, c := range []struct {
		name, models string
		env          map[string]string
		want         hub.Places
	}{
		{"nothing said", "", map[string]string{"HOME": "/u/me"},
			hub.Places{Roots: []string{"/u/me/.ttsui/models"}, Cache: "/u/me/.cache/huggingface/hub"}},
		{"environment", "", map[string]string{"HOME": "/u/me", "TTSUI_MODELS": "/m", "HF_HOME": "/hf"},
			hub.Places{Roots: []string{"/m"}, Cache: "/hf/hub"}},
		{"flag first", "/flag", map[string]string{"TTSUI_MODELS": "/m"}, hub.Places{Roots: []string{"/flag"}}},
		{"no home", "", nil, hub.Places{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := app.FindPlaces(c.models, func(key string) string { return c.env[key] })
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
