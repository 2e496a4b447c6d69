package desktop_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ttsui/internal/app"
	"ttsui/internal/desktop"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/testkit"
	"ttsui/internal/tts"
	"ttsui/internal/ui"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is the window's view-models over a server that runs here and speaks tones, without a window.
type desk struct {
	t    *testing.T
	app  *ui.App
	home string
	news chan ui.Snapshot
	last ui.Snapshot
}

// open starts everything for the user whose home folder is given, who has chosen a port.
func open(t *testing.T, home, port string, tones *registrytest.Tones) *desk {
	t.Helper()
	d := &desk{t: t, home: filepath.Join(home, ".ttsui"), news: make(chan ui.Snapshot)}
	if err := os.MkdirAll(d.home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.home, "settings.json"), []byte(`{"port":"`+port+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	getenv := func(name string) string { return map[string]string{"HOME": home}[name] }
	closed := make(chan struct{})
	d.app = ui.New(desktop.Parts(desktop.Config{
		App:    app.Config{DType: "auto", Log: io.Discard, Home: d.home, Loader: tones, Places: app.FindPlaces("", getenv)},
		Getenv: getenv, Silent: true,
	}, func(s ui.Snapshot) {
		select {
		case d.news <- s:
		case <-closed:
		}
	}))
	t.Cleanup(func() {
		close(closed)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := d.app.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return d
}

// until looks on until the window shows what is wanted.
func (d *desk) until(what string, is func(*ui.Snapshot) bool) *ui.Snapshot {
	d.t.Helper()
	end := time.After(time.Minute)
	for !is(&d.last) {
		select {
		case d.last = <-d.news:
		case <-end:
			d.t.Fatalf("not within a minute: %s; the server is %+v, the log:\n%s", what, d.last.Status, d.last.Log.CopyText())
		}
	}
	return &d.last
}

func (d *desk) running() {
	d.t.Helper()
	d.until("a server and its models", func(s *ui.Snapshot) bool { return s.Status.State == ui.ServerRunning && len(s.Clone.Models) == 2 })
}

func (d *desk) load(mode tts.Mode) {
	d.t.Helper()
	d.app.SelectTab(mode)
	id := d.last.Of(mode).Models[0].ModelID
	d.app.ClickRowButton(id)
	d.until("Unload", func(s *ui.Snapshot) bool { return s.Of(mode).Models[0].Action.Title == "Unload" })
	d.app.ClickRow(id)
	d.until("the check", func(s *ui.Snapshot) bool { return s.Of(mode).Models[0].Checked })
}

// TestTheWholeJob: what the window is for, in all three tabs, over the real server.
func TestTheWholeJob(t *testing.T) {
	d := open(t, t.TempDir(), testkit.FreePort(t), &registrytest.Tones{})
	d.running()
	clip, err := filepath.Abs(filepath.Join("..", "testkit", "testdata", "golden", "clip.wav"))
	if err != nil {
		t.Fatal(err)
	}
	d.app.ChooseReference(clip)
	d.app.CheckLive(false)
	d.app.EditInstruct(tts.Design, "An old sailor")
	for _, mode := range tts.Modes() {
		d.load(mode)
		d.app.EditText(mode, "Hello.")
		d.until("Generate", func(s *ui.Snapshot) bool { return s.Of(mode).Generate.Enabled })
		d.app.Generate(mode)
		s := d.until("a result", func(s *ui.Snapshot) bool { return s.Of(mode).Result != nil && s.Player.Play.Enabled })
		result := s.Of(mode).Result
		if dir := filepath.Join(d.home, string(mode), "generated"); filepath.Dir(result.Path) != dir || s.Player.Path != result.Path {
			t.Errorf("the result is %s, not in %s; the player has %s", result.Path, dir, s.Player.Path)
		}
		if h := s.Of(mode).History; len(h.List) != 1 || h.List[0].ID != h.Chosen || h.List[0].Path != result.Path {
			t.Errorf("in the history: %+v", h)
		}
		copied := filepath.Join(t.TempDir(), "copy.wav")
		d.app.SaveAs(mode, copied)
		for began := time.Now(); ; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(copied); err == nil {
				break
			}
			if time.Since(began) > time.Minute {
				t.Fatal("Save As saves nothing")
			}
		}
		d.app.PlayPause()
		d.until("sound", func(s *ui.Snapshot) bool { return s.Player.Position > 0 })
	}
	d.until("the server's own words in the log", func(s *ui.Snapshot) bool {
		return strings.Contains(s.Log.CopyText(), " | INFO | Generated design audio: ")
	})
	d.app.ClickRowButton(d.last.Design.Models[0].ModelID)
	d.until("Load again", func(s *ui.Snapshot) bool { return s.Design.Models[0].Action.Title == "Load" })
}

// TestStopReallyStops: the server's job ends, and nothing comes of it.
func TestStopReallyStops(t *testing.T) {
	gone := make(chan error, 1)
	d := open(t, t.TempDir(), testkit.FreePort(t), &registrytest.Tones{OnFrame: func(ctx context.Context, _ int) error {
		<-ctx.Done()
		gone <- context.Cause(ctx)
		return ctx.Err()
	}})
	d.running()
	d.load(tts.Control)
	d.app.EditText(tts.Control, "For ever.")
	d.until("Generate", func(s *ui.Snapshot) bool { return s.Control.Generate.Enabled })
	d.app.Generate(tts.Control)
	d.until("Stop", func(s *ui.Snapshot) bool { return s.Control.Stop.Enabled && s.Busy })
	d.app.Stop(tts.Control)
	select {
	case <-gone:
	case <-time.After(time.Minute):
		t.Fatal("the server goes on")
	}
	d.until("an end", func(s *ui.Snapshot) bool { return !s.Busy && s.Control.Generate.Enabled })
	if d.last.Control.Result != nil || d.last.Control.Error != nil {
		t.Errorf("the window shows %+v, %+v", d.last.Control.Result, d.last.Control.Error)
	}
	if files, _ := filepath.Glob(filepath.Join(d.home, "control", "generated", "*")); len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
}

// TestTakenPort: the next one is used, and the user is told.
func TestTakenPort(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	d := open(t, t.TempDir(), port, &registrytest.Tones{})
	s := d.until("an answer", func(s *ui.Snapshot) bool {
		return s.Status.State == ui.ServerRunning || s.Status.State == ui.ServerFailed
	})
	switch { // above 8864 there is no next one
	case s.Status.State == ui.ServerFailed && s.Status.Retry.Enabled && s.Status.Hint != "":
		ln.Close()
		d.app.RetryStart()
		d.running()
	case s.Status.State == ui.ServerRunning && s.Status.Notice != "":
	default:
		t.Errorf("the window says %+v", s.Status)
	}
}

// TestRestart: settings hold from the next start of the server, in the same process, and drafts outlive the window.
func TestRestart(t *testing.T) {
	home := t.TempDir()
	models := t.TempDir()
	d := open(t, home, testkit.FreePort(t), &registrytest.Tones{})
	d.running()
	d.load(tts.Clone)
	d.app.EditText(tts.Clone, "Not lost.")
	d.app.EditSetting(ui.SettingModels, models)
	d.app.RestartServer()
	d.until("another server", func(s *ui.Snapshot) bool {
		return s.Status.State == ui.ServerRunning && len(s.Clone.Models) == 2 && s.Clone.Models[0].Action.Title == "Load"
	})
	if d.last.Clone.Generate.Enabled {
		t.Error("Generate is offered without a model")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	news := d.news
	go func() { // who draws goes on until Close is done
		for range news {
		}
	}()
	if err := d.app.Close(ctx); err != nil {
		t.Fatal(err)
	}
	close(d.news)
	if _, err := os.Stat(filepath.Join(d.home, "server.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("server.json is left: %v", err)
	}
	again := open(t, home, testkit.FreePort(t), &registrytest.Tones{})
	again.until("what was typed", func(s *ui.Snapshot) bool { return s.Clone.Text.Text == "Not lost." })
}
