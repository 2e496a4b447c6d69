package main

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ttsui/internal/client"
	"ttsui/internal/instance"
	"ttsui/internal/tts"
)

// atWork gives a server that is busy in every way: a model speaks for ever into a file, and clients have stalled.
func (w world) atWork(t *testing.T) *serving {
	s := w.serve(t)
	c, err := client.New(s.url, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	req := tts.Request{Mode: tts.Control, ModelID: "mlx-community/Qwen3-TTS-12Hz-0.6B-CustomVoice-bf16", Text: "For ever and ever.", Speaker: "Ryan",
		OutputPath: filepath.Join(s.dir, "out.wav"), NoGuard: true}
	if info, err := c.Load(t.Context(), req.ModelID, tts.LoadOptions{}); err != nil || info.State != tts.Loaded {
		t.Fatal(info, err)
	}
	frames := tts.MaxFrames
	req.Sampling.MaxFrames = &frames
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, err := c.Generate(t.Context(), req); err == nil {
			t.Error("the generation was too short for this test")
		}
	}()
	t.Cleanup(func() { <-ended })
	for started := time.Now(); ; time.Sleep(5 * time.Millisecond) { // the process tells nothing by itself
		if jobs, err := c.Jobs(t.Context()); err == nil && len(jobs) == 1 && jobs[0].Frames > 0 {
			break
		}
		if time.Since(started) > time.Minute {
			t.Fatal("the generation did not start")
		}
	}
	host := strings.TrimPrefix(s.url, "http://")
	for _, text := range []string{"", "GET /health HTTP/1.1\r\nHo", "GET /logs/stream?since=0 HTTP/1.1\r\nHost: " + host + "\r\n\r\n"} {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (w world) home() string { return filepath.Join(filepath.Dir(w.bin), ".ttsui") }

// testEndsAtWork: a signal ends it in five seconds, whatever it does, and nothing is left.
func (w world) testEndsAtWork(t *testing.T) {
	s := w.atWork(t)
	if r, ok := instance.Find(t.Context(), w.home()); !ok || "http://"+r.Addr() != s.url || r.PID != s.cmd.Process.Pid {
		t.Errorf("others find %v: %+v", ok, r)
	}
	began := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.end(); err != nil {
		t.Errorf("ended with %v:\n%s", err, &s.log)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	if left, err := os.ReadDir(s.dir); len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(w.home(), "server.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("server.json: %v", err)
	}
}

// testKilled: a server that is killed leaves no file that isn't whole, and doesn't stand in the way of the next one,
// which clears up after it.
func (w world) testKilled(t *testing.T) {
	s := w.atWork(t)
	old := filepath.Join(w.home(), ".ttsui-KILLED.tmp")
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	twoDaysAgo := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(old, twoDaysAgo, twoDaysAgo); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.end() // it was killed
	if _, err := os.Stat(filepath.Join(s.dir, "out.wav")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a file has its name: %v", err)
	}
	if left, err := os.ReadDir(s.dir); len(left) != 1 {
		t.Errorf("of the file in the making there is %v, %v", left, err)
	}
	if r, ok := instance.Find(t.Context(), w.home()); ok {
		t.Errorf("the dead one is found: %+v", r)
	}
	next := w.serve(t)
	if r, ok := instance.Find(t.Context(), w.home()); !ok || "http://"+r.Addr() != next.url {
		t.Errorf("others find %v: %+v", ok, r)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the leftover: %v", err)
	}
	if left, err := os.ReadDir(s.dir); len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	w.testSecond(t, next)
	if err := next.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := next.end(); err != nil {
		t.Error(err)
	}
}

// testSecond: a second server on the port of the first says where that one is, in a way that scripts can tell.
func (w world) testSecond(t *testing.T, first *serving) {
	_, port, err := net.SplitHostPort(strings.TrimPrefix(first.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.command(t, patience, "serve", "--port", port).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("the second one ended with %v", err)
	}
	for _, want := range []string{"ttsui: error: port " + port + " is taken: TTSUI runs already (process ", "ttsui: hint: Use it at " + first.url + ", stop it by kill "} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the second one lacks %q:\n%s", want, out)
		}
	}
}
