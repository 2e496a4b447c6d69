package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ttsui/internal/app"
	"ttsui/internal/instance"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/tts"
)

// lockedBuffer is a log that can be read while it is written.
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

// open makes an app whose models are tones.
func open(t *testing.T, c app.Config) (*app.App, *lockedBuffer) {
	log := &lockedBuffer{}
	c.Log, c.LogLevel = log, "info"
	if c.Loader == nil {
		c.Loader = &registrytest.Tones{}
	}
	a, err := app.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return a, log
}

func start(t *testing.T, c app.Config) (*app.App, *lockedBuffer) {
	a, log := open(t, c)
	if err := a.Start("127.0.0.1", 0); err != nil {
		t.Fatal(err)
	}
	return a, log
}

func closeApp(t *testing.T, a *app.App) {
	t.Helper()
	if err := a.Close(); err != nil {
		t.Error("close:", err)
	}
}

func port(t *testing.T, a *app.App) int {
	_, text, err := net.SplitHostPort(a.Addr())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestOthersFindTheServer goes through the life of server.json.
func TestOthersFindTheServer(t *testing.T) {
	home := filepath.Join(t.TempDir(), ".ttsui")
	first, _ := start(t, app.Config{Home: home})
	r, ok := instance.Find(t.Context(), home)
	if !ok || r.Addr() != first.Addr() || r.PID != os.Getpid() || time.Since(r.Started) > time.Minute || r.Version == "" {
		t.Errorf("found %v: %+v", ok, r)
	}
	second, _ := open(t, app.Config{Home: home})
	err := second.Start("127.0.0.1", port(t, first))
	if !errors.Is(err, app.ErrRunning) || !strings.Contains(tts.HintOf(err), "http://"+first.Addr()) ||
		!strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("a second one on the same port: %v (%s)", err, tts.HintOf(err))
	}
	closeApp(t, second)
	if _, ok := instance.Find(t.Context(), home); !ok {
		t.Error("the second one that could not start took the first one's file away")
	}
	closeApp(t, first)
	if files, err := os.ReadDir(home); len(files) > 0 {
		t.Errorf("after Close there are %v, %v", files, err)
	}
}

func TestNextFreePort(t *testing.T) {
	first, _ := start(t, app.Config{})
	defer closeApp(t, first)
	second, log := open(t, app.Config{NextFreePort: true})
	defer closeApp(t, second)
	err := second.Start("127.0.0.1", port(t, first))
	if port(t, first) >= 8864 { // as the system chooses, as a rule: there is none after that
		if !errors.Is(err, app.ErrRunning) {
			t.Errorf("beyond the last port: %v", err)
		}
		err = second.Start("127.0.0.1", takenPort(t))
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := port(t, second); got > 8864 || !strings.Contains(log.String(), "WARNING | port ") || !strings.Contains(log.String(), fmt.Sprintf("taking %d", got)) {
		t.Errorf("took %d:\n%s", got, log)
	}
}

// takenPort takes a port with free ones behind, among those that the app tries.
func takenPort(t *testing.T) int {
	for port := 8765; port < 8864; port++ {
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			t.Cleanup(func() { ln.Close() })
			return port
		}
	}
	t.Skip("all ports are taken")
	return 0
}

// TestWithoutAHome serves all the same, and says once what is missing.
func TestWithoutAHome(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, home := range map[string]string{"unset": "", "can't be made": filepath.Join(file, ".ttsui")} {
		t.Run(name, func(t *testing.T) {
			a, log := start(t, app.Config{Home: home})
			if !instance.Answers(t.Context(), a.Addr()) {
				t.Error("the server does not answer")
			}
			closeApp(t, a)
			if n := strings.Count(log.String(), "WARNING"); n != 1 {
				t.Errorf("%d warnings:\n%s", n, log)
			}
		})
	}
}

// TestLostPort takes the listener away, and has somebody else take the port meanwhile.
func TestLostPort(t *testing.T) {
	home := t.TempDir()
	var listeners []net.Listener
	refuse := 2 // tries that fail after the first listener
	a, log := open(t, app.Config{Home: home})
	a.OpenBy(func(ln net.Listener, err error) (net.Listener, error) {
		if err == nil && len(listeners) == 1 && refuse > 0 {
			refuse--
			ln.Close()
			return nil, errors.New("no more file handles")
		}
		listeners = append(listeners, ln)
		return ln, err
	})
	if err := a.Start("127.0.0.1", 0); err != nil {
		t.Fatal(err)
	}
	before, changed := a.Status()
	listeners[0].Close()
	var states []app.State
	for status := before; len(states) < 10; {
		<-changed
		status, changed = a.Status()
		states = append(states, status.State)
		if status.State == app.Serving {
			break
		}
		if status.Err == nil || status.Addr != before.Addr {
			t.Errorf("while it restarts: %+v", status)
		}
	}
	after, _ := a.Status()
	if after != before || refuse != 0 || !instance.Answers(t.Context(), before.Addr) {
		t.Errorf("went from %+v through %v to %+v", before, states, after)
	}
	if r, ok := instance.Find(t.Context(), home); !ok || r.Addr() != before.Addr {
		t.Errorf("others find %+v", r)
	}
	if n := strings.Count(log.String(), "WARNING"); n != 1 {
		t.Errorf("%d warnings:\n%s", n, log)
	}
	closeApp(t, a)
	if s, _ := a.Status(); s.State != app.Stopped {
		t.Errorf("after Close: %+v", s)
	}
}

// TestCloseWhileThePortIsLost ends although the port never comes back.
func TestCloseWhileThePortIsLost(t *testing.T) {
	var first net.Listener
	a, _ := open(t, app.Config{})
	a.OpenBy(func(ln net.Listener, err error) (net.Listener, error) {
		if first != nil && err == nil {
			ln.Close()
			return nil, errors.New("no more file handles")
		}
		first = ln
		return ln, err
	})
	if err := a.Start("127.0.0.1", 0); err != nil {
		t.Fatal(err)
	}
	_, changed := a.Status()
	first.Close()
	<-changed
	closeApp(t, a)
}

// TestCloseWithStalledClients closes under everything that could hold it up but a loader that hangs: a generation,
// clients that say nothing, half a head and half a body, and readers that take nothing. Nothing stays behind.
func TestCloseWithStalledClients(t *testing.T) {
	speaking := make(chan struct{})
	var once sync.Once
	a, _ := open(t, app.Config{Loader: &registrytest.Tones{OnFrame: func(ctx context.Context, frame int) error {
		once.Do(func() { close(speaking) })
		<-ctx.Done()
		return nil
	}}})
	if err := a.Start("127.0.0.1", 0); err != nil {
		t.Fatal(err)
	}
	const model = "mlx-community/Qwen3-TTS-12Hz-0.6B-CustomVoice-bf16"
	if info, err := a.Service().Load(t.Context(), model, tts.LoadOptions{}); err != nil || info.State != tts.Loaded {
		t.Fatal(info, err)
	}
	out := filepath.Join(t.TempDir(), "speech.wav")
	body := fmt.Sprintf(`{"model_id":%q,"text":"hello","speaker":"Ryan","output_path":%q}`, model, out)
	post := "POST /generate/control HTTP/1.1\r\nHost: " + a.Addr() + "\r\nContent-Type: application/json\r\n"
	for _, text := range []string{
		"",
		"GET /health HT",
		post + "Content-Length: 1000\r\n\r\n{",
		post + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body),
	} {
		conn := dial(t, a.Addr())
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
	}
	<-speaking
	stallReader(t, a, "/logs/stream?since=0")
	began := time.Now()
	closeApp(t, a)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("Close took %s", took)
	}
	if files, err := os.ReadDir(filepath.Dir(out)); len(files) > 0 {
		t.Errorf("there are %v, %v", files, err)
	}
}

func dial(t *testing.T, addr string) net.Conn {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// stallReader opens a stream of events, takes its first line, and then nothing more, with more to come than any buffer
// holds.
func stallReader(t *testing.T, a *app.App, path string) {
	conn := dial(t, a.Addr())
	if err := conn.(*net.TCPConn).SetReadBuffer(1 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: "+a.Addr()+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res, err)
	}
	a.Logged(2000, strings.Repeat("x", 8<<10))
}

// TestCloseGivesUp has a loader that listens to nobody.
func TestCloseGivesUp(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	a, _ := start(t, app.Config{Loader: &registrytest.Tones{OnLoad: func(context.Context, string) error {
		close(began)
		<-release
		return nil
	}}})
	answered := make(chan error, 1)
	go func() {
		_, err := a.Service().Load(context.Background(), "somebody/model", tts.LoadOptions{})
		answered <- err
	}()
	<-began
	if err := a.CloseWithin(50*time.Millisecond, 200*time.Millisecond); err == nil || !strings.Contains(err.Error(), "still in use") {
		t.Errorf("close: %v", err)
	}
	close(release)
	if err := <-answered; tts.CodeOf(err) != tts.CodeBusy {
		t.Errorf("who waited for the load got %v", err)
	}
}

// TestStartTidiesUp removes what a killed process left, and finds its way past its server.json.
func TestStartTidiesUp(t *testing.T) {
	home := t.TempDir()
	old := filepath.Join(home, ".ttsui-OLD.tmp")
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	yesterday := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(old, yesterday, yesterday); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "server.json"), []byte(`{"host":"127.0.0.1","port":1,"pid":`+strconv.Itoa(os.Getppid())+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	a, _ := start(t, app.Config{Home: home})
	if r, ok := instance.Find(t.Context(), home); !ok || r.Addr() != a.Addr() {
		t.Errorf("others find %+v", r)
	}
	closeApp(t, a)
	if files, err := os.ReadDir(home); len(files) > 0 {
		t.Errorf("there are %v, %v", files, err)
	}
}

// TestNoLeftoverOutlivesADay, though the server is not started again.
func TestNoLeftoverOutlivesADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		home := t.TempDir()
		a, _ := open(t, app.Config{Home: home})
		var tidying sync.WaitGroup
		tidying.Go(a.KeepTidy)
		clip := filepath.Join(home, "uploads", ".ttsui-KILLED.tmp")
		if err := errors.Join(os.MkdirAll(clip, 0o700), os.Chtimes(clip, time.Now(), time.Now())); err != nil { // in the bubble's time
			t.Fatal(err)
		}
		time.Sleep(23 * time.Hour)
		if _, err := os.Stat(clip); err != nil {
			t.Error("it may be in use yet:", err)
		}
		time.Sleep(2*time.Hour + time.Second)
		if _, err := os.Stat(clip); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("it is there still, %v", err)
		}
		closeApp(t, a)
		tidying.Wait()
	})
}

// TestClipsStayInTheHome: who uploads a voice has it in a private folder while it is needed, and no longer.
func TestClipsStayInTheHome(t *testing.T) {
	const model = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-bf16"
	home, found := t.TempDir(), 0
	a, _ := start(t, app.Config{Home: home, Loader: &registrytest.Tones{OnFrame: func(context.Context, int) error {
		clips, _ := filepath.Glob(filepath.Join(home, "uploads", ".ttsui-*.tmp", "ref_audio"))
		found = max(found, len(clips))
		return nil
	}}})
	if _, err := a.Service().Load(t.Context(), model, tts.LoadOptions{}); err != nil {
		t.Fatal(err)
	}
	clip, err := os.ReadFile(filepath.Join("..", "testkit", "testdata", "golden", "clip.wav"))
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"model_id":%q,"text":"hello","ref_audio_base64":%q}`, model, base64.StdEncoding.EncodeToString(clip))
	defer http.DefaultClient.CloseIdleConnections()
	res, err := http.Post("http://"+a.Addr()+"/generate/clone", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != 200 {
		t.Fatalf("%s, %v", res.Status, err)
	}
	uploads := filepath.Join(home, "uploads")
	info, err := os.Stat(uploads)
	if err != nil || info.Mode().Perm() != 0o700 || found != 1 {
		t.Errorf("%d clips in %v, %v", found, info, err)
	}
	closeApp(t, a) // the answer may end before its clip is removed
	if left, err := os.ReadDir(uploads); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
