package ui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ttsui/internal/tts"
)

// press gives every command to the window, as a monkey would.
func press(a *App) {
	for _, mode := range append(tts.Modes(), "no mode") {
		a.SelectTab(mode)
		a.EditText(mode, "Hello")
		a.EditInstruct(mode, "low")
		a.InsertExample(mode, 1)
		a.InsertExample(mode, 99)
		a.ChooseLanguage(mode, "German")
		a.Generate(mode)
		a.SaveAs(mode, "/tmp/x.wav")
		a.DismissError(mode)
		a.Stop(mode)
	}
	a.EditRefText("what is said")
	a.ChooseSpeaker("Ryan")
	a.ChooseReference("/me.wav")
	a.ClearReference()
	for _, id := range []string{fast, design, "somebody/else", ""} {
		a.ClickRow(id)
		a.ClickRowButton(id)
	}
	a.PlayPause()
	a.Seek(time.Second)
	a.Back()
	a.Forward()
	a.FilterLog("error")
	a.ClearLog()
	a.AnswerAlert(1, 0)
	a.EditSetting(SettingPort, "80")
	a.EditSetting("no setting", "")
	a.RetryStart()
	a.RestartServer()
}

// Nothing that the window waits for keeps a command, or the end: not a server that never answers, nor the disk.
func TestCommandsReturnAtOnce(t *testing.T) {
	for _, hung := range []string{"server", "launch", "disk", "screen"} {
		t.Run(hung, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				w := &window{t: t, server: newFakeServer(), store: newMemStore(), player: &fakePlayer{}, disk: &fakeDisk{}, studio: &fakeStudio{}, mic: &fakeRecorder{}}
				w.launch, w.copies = w.launched, func(string, string) error { <-release; return errDisk }
				config := Config{Show: w.show, Player: w.player, Recorder: w.mic, Studio: w.studio, Store: w.store, History: w.disk, Exists: w.disk.exists, Copy: w.copies, Launch: w.launched,
					NewResultPath: func(string, tts.Mode, time.Time) (string, error) { <-release; return "", errDisk }}
				switch hung {
				case "server":
					w.server.list = func(context.Context) ([]tts.ModelInfo, error) { return hang[[]tts.ModelInfo](release)() }
				case "launch":
					config.Launch = func(context.Context, Settings) (Launched, error) { return hang[Launched](release)() }
				case "disk":
					config.Store = hungStore{release}
				case "screen":
					config.Show = func(Snapshot) { <-release }
				}
				a, began := New(config), time.Now()
				press(a)
				synctest.Wait()
				press(a)
				if d := time.Since(began); d != 0 {
					t.Errorf("the commands took %s", d)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := a.Close(ctx); tts.CodeOf(err) != tts.CodeTimeout || tts.HintOf(err) == "" {
					t.Errorf("close: %v", err)
				}
				close(release)
				if err := a.Close(t.Context()); err != nil {
					t.Errorf("close again: %v", err)
				}
				press(a) // into the void
			})
		})
	}
}

type hungStore struct{ release chan struct{} }

func (h hungStore) Read(string) ([]byte, error) { return hang[[]byte](h.release)() }

func (h hungStore) Write(string, []byte) error { <-h.release; return errDisk }

func TestSnapshotsAreCoalesced(t *testing.T) {
	for _, slow := range []time.Duration{0, 50 * time.Millisecond} {
		t.Run(slow.String(), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { testCoalescing(t, slow) }) })
	}
}

func testCoalescing(t *testing.T, slow time.Duration) {
	var shows, running atomic.Int32
	var last Snapshot
	w := &window{t: t, server: newFakeServer(), store: newMemStore(), player: &fakePlayer{}, disk: &fakeDisk{}, studio: &fakeStudio{}, mic: &fakeRecorder{}}
	a := New(Config{Launch: w.launched, Store: w.store, History: w.disk, Exists: w.disk.exists, Player: w.player, Recorder: w.mic, Studio: w.studio, Show: func(s Snapshot) {
		if running.Add(1) > 1 {
			t.Error("two at once")
		}
		shows.Add(1)
		last = s
		time.Sleep(slow)
		running.Add(-1)
	}})
	time.Sleep(time.Minute)
	synctest.Wait()
	before := shows.Load()
	if before > 10 {
		t.Errorf("%d snapshots of a window in which nothing happens", before)
	}
	const edits = 10_000
	for i := range edits {
		a.EditText(tts.Clone, fmt.Sprint(i))
	}
	time.Sleep(time.Second)
	synctest.Wait()
	if n := shows.Load() - before; n > 3 || last.Clone.Text.Text != fmt.Sprint(edits-1) || last.Clone.Text.Rev != 0 || last.Clone.Text.Count != "4 characters" {
		t.Errorf("%d snapshots, the last with %+v", n, last.Clone.Text)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if last.Status.State != ServerStopping {
		t.Errorf("last seen: %+v", last.Status)
	}
}

func TestFailedStart(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.launch = func(context.Context, Settings) (Launched, error) {
			return Launched{}, tts.Errorf(tts.CodeBusy, "Choose another port in the settings.", "all ports are taken")
		}
		s := w.open()
		want := Status{State: ServerFailed, Text: "The server could not be started. All ports are taken.", Role: Danger,
			Hint: "Choose another port in the settings.", Retry: Button{Title: "Retry", Enabled: true, Tooltip: "Starts the server again."}}
		if diff := cmp.Diff(want, s.Status); diff != "" {
			t.Error(diff)
		}
		if s.Clone.ModelsNote != "Server is not running" || s.Clone.Generate.Tooltip != "Server is not running" {
			t.Errorf("%+v", s.Clone)
		}
		w.EditSetting(SettingPort, "9000")
		w.launch = func(ctx context.Context, s Settings) (Launched, error) {
			if s.Port != 9000 {
				t.Errorf("launched with %+v", s)
			}
			return w.launched(ctx, s)
		}
		w.RetryStart()
		w.RetryStart() // it is starting already
		if s = w.see(); s.Status.State != ServerRunning || len(s.Clone.Models) != 2 {
			t.Errorf("%+v", s.Status)
		}
	})
}

func TestStatus(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		want := Status{State: ServerRunning, Text: "Running on 127.0.0.1:8766", Role: Good, Address: "127.0.0.1:8766", Port: "8766",
			Memory: "RSS 2.2 GB", Speed: "1.4× real time", Queue: "2 waiting", Notice: "Port 8765 is taken.", Tooltip: "In memory (RSS): 2.2 GB\nIn use by MLX: 2.0 GB\nKept by MLX: 0 MB",
			Engine: "MLX 0.32.4 on the GPU",
			Retry:  Button{Title: "Retry", Tooltip: "Starts the server again."}}
		s := w.open()
		if diff := cmp.Diff(want, s.Status); diff != "" {
			t.Error(diff)
		}
		if got, want := s.Status.DocsURL(), "http://127.0.0.1:8766/docs"; got != want || !s.Menu.Docs.Enabled {
			t.Errorf("the description is at %q, want %q; %+v", got, want, s.Menu.Docs)
		}
		w.server.health <- errGone
		s = w.see()
		if s.Status.State != ServerUnreachable || s.Status.Text != "The server does not answer. The server hung up." || s.Status.Role != Caution || row(t, s, fast).Action.Enabled {
			t.Errorf("away: %+v", s.Status)
		}
		seen := w.server.statsSeen
		w.seeAfter(time.Minute)
		if w.server.statsSeen != seen {
			t.Error("a server that is away was asked for its stats")
		}
		w.server.health <- nil
		if s = w.see(); s.Status.State != ServerRunning || !row(t, s, fast).Action.Enabled || w.server.statsSeen == seen {
			t.Errorf("back: %+v", s.Status)
		}
	})
}

func TestRestart(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		release := make(chan struct{})
		w.ready()
		old := w.server
		old.generate = func(context.Context, tts.Request) (tts.Result, error) { return hang[tts.Result](release)() }
		old.load = func(context.Context, string, tts.LoadOptions) (tts.ModelInfo, error) {
			return hang[tts.ModelInfo](release)()
		}
		w.Generate(tts.Design)
		w.ClickRowButton(good)
		w.RestartServer()
		w.RestartServer() // asks once
		s := w.see()
		if s.Alert == nil || s.Alert.Title != "Restart the server while speech is being made?" || !s.Busy {
			t.Fatalf("%+v", s.Alert)
		}
		w.AnswerAlert(s.Alert.ID, 1)
		if s = w.see(); s.Alert != nil || !s.Design.Stop.Enabled {
			t.Errorf("cancelled: %+v", s.Design.Stop)
		}
		asked := make(chan struct{}, 9)
		old.change(func() {
			old.list = func(context.Context) ([]tts.ModelInfo, error) {
				asked <- struct{}{}
				<-release
				return old.models, nil
			}
		})
		w.seeAfter(modelsEvery)
		if len(asked) != 1 {
			t.Errorf("asked %d times", len(asked))
		}
		w.EditSetting(SettingPort, "9001")
		if s = w.see(); !strings.Contains(s.Settings.Note, "still runs") {
			t.Errorf("note %q", s.Settings.Note)
		}
		w.server = newFakeServer()
		w.RestartServer()
		w.AnswerAlert(w.see().Alert.ID, 0)
		s = w.see()
		if s.Status.State != ServerRunning || w.stops != 1 || s.Busy || s.Design.Error != nil || s.Design.Stop.Enabled {
			t.Errorf("restarted: %+v, %d stops, %+v", s.Status, w.stops, s.Design.Error)
		}
		if row(t, s, fast).Checked || s.Clone.Generate.Tooltip != "Selected model is not loaded" || strings.Contains(s.Settings.Note, "still runs") {
			t.Errorf("of the server before: %+v, %q", s.Clone, s.Settings.Note)
		}
		old.events <- tts.LogEvent{Entry: &tts.LogEntry{Message: "from the grave"}}
		close(release)
		if s = w.see(); s.Design.Result != nil || s.Design.Error != nil || len(s.Log.Lines) != 0 || row(t, s, fast).Action.Title != "Load" || row(t, s, good).Action.Title != "Load" {
			t.Errorf("the server before is still heard: %+v, %+v", s.Design, s.Clone.Models)
		}
		if len(old.events) != 1 {
			t.Error("the server before is still followed")
		}
	})
}

// A server that can't be stopped is told of, and a new one started all the same.
func TestRestartOfAServerThatWillNot(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.launch = func(ctx context.Context, s Settings) (Launched, error) {
			l, err := w.launched(ctx, s)
			l.Stop = func(ctx context.Context) error { <-ctx.Done(); return errors.New("it hangs") }
			return l, err
		}
		w.open()
		w.RestartServer()
		if s := w.see(); s.Status.State != ServerStopping || s.Settings.Restart.Enabled {
			t.Errorf("%+v", s.Status)
		}
		w.mu.Lock()
		w.launch = w.launched
		w.mu.Unlock()
		if s := w.seeAfter(stopTimeout); s.Status.State != ServerRunning || len(s.Log.Lines) != 1 || !strings.Contains(s.Log.Lines[0].Text, "it hangs") {
			t.Errorf("%+v, %+v", s.Status, s.Log.Lines)
		}
	})
}

// A server that comes up while the window closes is stopped, too.
func TestCloseWhileStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &window{t: t, server: newFakeServer(), store: newMemStore(), player: &fakePlayer{}, disk: &fakeDisk{}, studio: &fakeStudio{}, mic: &fakeRecorder{}, copies: func(string, string) error { return nil }}
		w.launch = func(ctx context.Context, s Settings) (Launched, error) {
			<-ctx.Done()
			return w.launched(ctx, s)
		}
		w.open()
		w.quit()
		if w.stops != 1 {
			t.Errorf("%d servers were stopped", w.stops)
		}
	})
}

func TestQuitQuestion(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		if s := w.ready(); s.Busy || s.QuitQuestion.Title != "" {
			t.Errorf("idle: %+v", s.QuitQuestion)
		}
		w.server.generate = func(ctx context.Context, _ tts.Request) (tts.Result, error) {
			<-ctx.Done()
			return tts.Result{}, ctx.Err()
		}
		w.Generate(tts.Clone)
		w.Generate(tts.Control)
		s := w.see()
		if !s.Busy || !strings.HasPrefix(s.QuitQuestion.Text, "2 generations") || s.QuitQuestion.Buttons[0].Title != "Quit" || !s.QuitQuestion.Buttons[1].Cancel {
			t.Errorf("%+v", s.QuitQuestion)
		}
		w.Stop(tts.Clone)
		if s = w.see(); !strings.HasPrefix(s.QuitQuestion.Text, "One generation") {
			t.Errorf("%+v", s.QuitQuestion)
		}
		w.Stop(tts.Control)
		if s = w.see(); s.Busy {
			t.Error("still busy")
		}
	})
}
