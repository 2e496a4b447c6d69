package ui

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ttsui/internal/tts"
)

func ptr[T any](v T) *T { return &v }

// Every state of a row, as the plan draws it.
func TestRow(t *testing.T) {
	load, unload, retry := Button{Title: "Load", Enabled: true}, Button{Title: "Unload", Enabled: true}, Button{Title: "Retry", Enabled: true}
	wordy := tts.ModelInfo{ModelID: good, State: tts.Failed, Error: ptr("out of memory. The kernel said so"), Hint: ptr(`Send "force": true.`), Code: tts.CodeNoMemory}
	full := tts.ModelInfo{ModelID: good, State: tts.Loaded, LoadTimeSeconds: ptr(8.25),
		Memory: tts.Memory{BeforeMB: ptr(256.3), AfterMB: ptr(2847.1), DeltaMB: ptr(2590.8), MLXActiveMB: ptr(2300.0)}}
	gone := full
	gone.State, gone.Memory.DeltaMB = tts.Unloaded, ptr(-2590.8)
	arriving := func(phase tts.Phase, d *tts.Download) tts.ModelInfo {
		return tts.ModelInfo{ModelID: good, State: tts.Loading, Phase: phase, Download: d}
	}
	some := &tts.Download{BytesDone: 1_200_000_000, BytesTotal: 2_500_000_000}
	fast := &tts.Download{BytesDone: 1_200_000_000, BytesTotal: 2_500_000_000, Rate: ptr(7.25e6), ETASeconds: ptr(179.0)}
	pause, resume, cancel := Button{Title: "Pause", Enabled: true}, Button{Title: "Resume", Enabled: true}, Button{Title: "Cancel", Enabled: true}
	const kept = "\nWhat has come is kept: after Pause, Resume goes on from there, even after a restart."
	with := func(info tts.ModelInfo, part, verifying *tts.Download) tts.ModelInfo {
		info.Part, info.Verifying = part, verifying
		return info
	}
	in := func(s tts.State) tts.ModelInfo { return tts.ModelInfo{ModelID: good, State: s} }
	const name = "1.7B-Base (Quality)"
	for _, c := range []struct {
		name string
		m    model
		want Row
	}{
		{"unloaded", model{info: in(tts.Unloaded)}, Row{Dimmed: true, Action: load}},
		{"unloaded, once chosen", model{info: in(tts.Unloaded), chosen: true}, Row{Dimmed: true, Action: load}},
		{"clicked to load", model{info: in(tts.Unloaded), doing: tts.Loading}, Row{Dimmed: true, Busy: "Loading..."}},
		{"retried", model{info: wordy, doing: tts.Loading}, Row{Dimmed: true, Busy: "Loading..."}},
		{"loading", model{info: in(tts.Loading)}, Row{Dimmed: true, Busy: "Loading..."}},
		{"a download begins", model{info: arriving(tts.PhaseDownloading, nil)}, Row{Dimmed: true, Busy: "Downloading...", Action: pause, Tooltip: good + kept}},
		{"a download of ours", model{info: arriving(tts.PhaseDownloading, fast), doing: tts.Loading}, Row{Dimmed: true, Action: pause,
			Busy: "Downloading 1.2 of 2.5 GB · 3 min left", Tooltip: good + "\n48 % of the model is here, 7.2 MB/s" + kept}},
		{"a download at a halt", model{info: arriving(tts.PhaseDownloading, some)}, Row{Dimmed: true, Action: pause,
			Busy: "Downloading 1.2 of 2.5 GB", Tooltip: good + "\n48 % of the model is here" + kept}},
		{"a download is checked", model{info: arriving(tts.PhaseVerifying, some)}, Row{Dimmed: true, Busy: "Checking...", Action: pause,
			Tooltip: good + "\n48 % of the model is here" + kept}},
		{"a download, server away", model{info: arriving(tts.PhaseDownloading, nil), away: "Server is not running"}, Row{Dimmed: true, Busy: "Downloading...",
			Action: Button{Title: "Pause", Tooltip: "Server is not running"}, Tooltip: good + kept}},
		{"a download that is stopped", model{info: arriving(tts.PhaseDownloading, fast), doing: tts.Unloading}, Row{Dimmed: true, Busy: "Stopping..."}},
		{"a copy is made", model{info: arriving(tts.PhaseQuantizing, some)}, Row{Dimmed: true, Action: cancel,
			Busy: "Making it: 1.2 of 2.5 GB", Tooltip: good + "\n48 % of the copy is made"}},
		{"a copy that is stopped", model{info: arriving(tts.PhaseQuantizing, some), doing: tts.Unloading}, Row{Dimmed: true, Busy: "Stopping..."}},
		{"paused", model{info: with(in(tts.Unloaded), some, nil)}, Row{Dimmed: true, Action: resume, Note: "Paused · 1.2 of 2.5 GB"}},
		{"resumed", model{info: with(in(tts.Unloaded), some, nil), doing: tts.Loading}, Row{Dimmed: true, Busy: "Loading..."}},
		{"a download that failed", model{info: with(wordy, some, nil)}, Row{Dimmed: true, Action: retry, Colour: Caution, Error: "Error: Out of memory.", Note: "1.2 of 2.5 GB is here",
			Tooltip: good + "\nOut of memory. The kernel said so.\nUnload another model, close other programs, or use a smaller or quantised model."}},
		{"paused, not answered", model{info: with(in(tts.Unloaded), some, nil), wrong: errGone}, Row{Dimmed: true, Action: retry, Colour: Caution, Error: "Error: The server hung up.",
			Note: "1.2 of 2.5 GB is here", Tooltip: good + "\nThe server hung up.\nSee whether it still runs."}},
		{"a check begins", model{info: in(tts.Unloaded), checks: true}, Row{Dimmed: true, Action: cancel, Busy: "Checking..."}},
		{"a check", model{info: with(in(tts.Loaded), nil, some), checks: true, chosen: true}, Row{Checked: true, Choosable: true, Action: cancel, Busy: "Checking 48 %"}},
		{"another program's check", model{info: with(in(tts.Loaded), nil, some)}, Row{Choosable: true, Action: unload, Colour: Danger, Busy: "Checking 48 %"}},
		{"asking for copies", model{info: in(tts.Unloaded), asks: true}, Row{Dimmed: true, Action: load, Note: "Asking for copies..."}},
		{"downloaded, loading", model{info: arriving(tts.PhaseLoading, nil), doing: tts.Loading}, Row{Dimmed: true, Busy: "Loading..."}},
		{"loaded", model{info: in(tts.Loaded)}, Row{Choosable: true, Action: unload, Colour: Danger}},
		{"loaded and chosen", model{info: in(tts.Loaded), chosen: true}, Row{Checked: true, Choosable: true, Action: unload, Colour: Danger}},
		{"of no use", model{info: in(tts.Loaded), fixed: true}, Row{Action: unload, Colour: Danger,
			Tooltip: good + "\nVoices are designed with Qwen3-TTS-12Hz-1.7B-VoiceDesign only."}},
		{"clicked to unload", model{info: in(tts.Loaded), doing: tts.Unloading, chosen: true}, Row{Dimmed: true, Busy: "Unloading..."}},
		{"unloading", model{info: in(tts.Unloading), chosen: true}, Row{Dimmed: true, Busy: "Unloading..."}},
		{"failed", model{info: wordy}, Row{Dimmed: true, Action: retry, Colour: Caution, Error: "Error: Out of memory.",
			Tooltip: good + "\nOut of memory. The kernel said so.\nUnload another model, close other programs, or use a smaller or quantised model."}},
		{"failed without a word", model{info: in(tts.Failed)}, Row{Dimmed: true, Action: retry, Colour: Caution, Error: "Error: The model could not be loaded.",
			Tooltip: good + "\nThe model could not be loaded."}},
		{"not answered", model{info: in(tts.Unloaded), wrong: errGone}, Row{Dimmed: true, Action: retry, Colour: Caution, Error: "Error: The server hung up.",
			Tooltip: good + "\nThe server hung up.\nSee whether it still runs."}},
		{"unload not answered", model{info: in(tts.Loaded), wrong: errGone, chosen: true}, Row{Checked: true, Choosable: true, Action: unload, Colour: Danger,
			Error: "Error: The server hung up.", Tooltip: good + "\nThe server hung up.\nSee whether it still runs."}},
		{"server away", model{info: in(tts.Loaded), chosen: true, away: "Server is not running"}, Row{Checked: true, Choosable: true, Colour: Danger,
			Action: Button{Title: "Unload", Tooltip: "Server is not running"}}},
		{"figures", model{info: full}, Row{Choosable: true, Action: unload, Colour: Danger,
			Tooltip: good + "\nMemory: 256 MB before, 2.8 GB after (+2.5 GB)\nIn use by MLX: 2.2 GB\nLoaded in 8.2 s"}},
		{"figures of an unload", model{info: gone}, Row{Dimmed: true, Action: load,
			Tooltip: good + "\nMemory: 256 MB before, 2.8 GB after (−2.5 GB)\nIn use by MLX: 2.2 GB"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.ModelID, c.want.Name = good, name
			if c.want.Tooltip == "" {
				c.want.Tooltip = good
			}
			if diff := cmp.Diff(c.want, c.m.row(), cmpopts.IgnoreFields(Row{}, "Menu")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRowsOfTabs(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.server.models = append(w.server.models[1:], // 0.6B-Base is missing
			tts.ModelInfo{ModelID: family + "0.6B-Base-8bit", State: tts.Loaded}, tts.ModelInfo{ModelID: "Qwen/Qwen3-TTS-12Hz-1.7B-VoiceDesign", State: tts.Loaded},
			tts.ModelInfo{ModelID: "somebody/else", State: tts.Loaded})
		s := w.open()
		names := func(tab Tab) (list []string) {
			for _, r := range tab.Models {
				list = append(list, r.Name)
			}
			return list
		}
		got := [][]string{names(s.Clone), names(s.Control), names(s.Design)}
		want := [][]string{
			{"0.6B-Base (Fast)", "1.7B-Base (Quality)", "0.6B-Base-8bit"},
			{"0.6B-CustomVoice (Fast)", "1.7B-CustomVoice (Quality)"},
			{"Qwen3-TTS-12Hz-1.7B-VoiceDesign", "Qwen/Qwen3-TTS-12Hz-1.7B-VoiceDesign"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if r := row(t, s, fast); r.Action.Enabled {
			t.Errorf("a model that the server lacks: %+v", r)
		}
		if r := s.Design.Models[1]; r.Choosable || !r.Action.Enabled {
			t.Errorf("a second design model: %+v", r)
		}
	})
}

// Before the server has told, no row claims anything.
func TestModelsAreUnknownAtFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.server.unready = true
		tell := make(chan struct{})
		list := w.server.list
		w.server.list = func(ctx context.Context) ([]tts.ModelInfo, error) { <-tell; return list(ctx) }
		if s := w.open(); s.Status.State != ServerStarting || len(s.Clone.Models) != 0 || s.Clone.ModelsNote != "The server is starting" {
			t.Errorf("not ready: %+v, %+v", s.Status, s.Clone)
		}
		w.server.health <- nil
		if s := w.see(); s.Status.State != ServerRunning || len(s.Clone.Models) != 0 || s.Clone.ModelsNote != "Asking the server for its models..." {
			t.Errorf("not told: %+v, %+v", s.Status, s.Clone)
		}
		close(tell)
		if s := w.see(); len(s.Clone.Models) != 2 || s.Clone.ModelsNote != "" {
			t.Errorf("told: %+v", s.Clone)
		}
	})
}

func TestLoadAndChoose(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		release := make(chan struct{})
		load := w.server.load
		w.server.load = func(ctx context.Context, id string, how tts.LoadOptions) (tts.ModelInfo, error) {
			<-release
			return load(ctx, id, how)
		}
		w.open()
		w.ClickRowButton(fast)
		s := w.seeAfter(drawEvery)
		if r := row(t, s, fast); r.Busy != "Loading..." || r.Action.Title != "" || !s.Working {
			t.Errorf("at once: %+v, working %t", r, s.Working)
		}
		w.ClickRowButton(fast) // is not asked for twice
		if r := row(t, w.seeAfter(5*time.Second), fast); r.Busy != "Loading..." {
			t.Errorf("the server says unloaded meanwhile: %+v", r)
		}
		close(release)
		w.ClickRow(good) // can't be chosen
		s = w.see()
		if r := row(t, s, fast); r.Checked || r.Action.Title != "Unload" || s.Working {
			t.Errorf("loading must not choose: %+v, working %t", r, s.Working)
		}
		w.ClickRow(fast)
		w.ClickRowButton(good)
		w.see()
		w.ClickRow(good)
		s = w.see()
		if row(t, s, fast).Checked || !row(t, s, good).Checked {
			t.Errorf("the choice is not one of many: %+v", s.Clone.Models)
		}
		w.ClickRowButton(good)
		s = w.see()
		if row(t, s, good).Checked || s.Clone.Generate.Tooltip != "Please select a model" {
			t.Errorf("unloading must take the choice away: %+v", s.Clone)
		}
		w.ClickRowButton(good)
		if r := row(t, w.see(), good); r.Checked || r.Action.Title != "Unload" {
			t.Errorf("loaded again: %+v", r)
		}
	})
}

// What other programs do is seen within a second.
func TestOthersLoadAndUnload(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		w.server.set(tts.ModelInfo{ModelID: fast, State: tts.Unloading})
		w.server.set(tts.ModelInfo{ModelID: good, State: tts.Loading})
		s := w.seeAfter(modelsEvery)
		if a, b := row(t, s, fast), row(t, s, good); a.Busy != "Unloading..." || b.Busy != "Loading..." || s.Clone.Generate.Enabled {
			t.Errorf("%+v, %+v", a, b)
		}
		w.server.set(tts.ModelInfo{ModelID: fast, State: tts.Loaded})
		if r := row(t, w.seeAfter(modelsEvery), fast); r.Checked {
			t.Errorf("chosen although it was unloaded: %+v", r)
		}
	})
}

// An answer of before a click says nothing about what came after it.
func TestLateListIsIgnored(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.open()
		old, _ := w.server.list(t.Context())
		release := make(chan struct{})
		late := true
		list := w.server.list
		w.server.change(func() {
			w.server.list = func(ctx context.Context) ([]tts.ModelInfo, error) {
				if late {
					late = false
					<-release
					return old, nil
				}
				return list(ctx)
			}
		})
		w.seeAfter(modelsEvery)
		w.ClickRowButton(fast)
		w.see()
		close(release)
		if r := row(t, w.see(), fast); r.Action.Title != "Unload" {
			t.Errorf("an old list won: %+v", r)
		}
	})
}

func TestLoadFails(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		answer, wrong := tts.ModelInfo{ModelID: fast, State: tts.Failed, Error: ptr("no such file"), Hint: ptr("Fetch it.")}, error(nil)
		w.server.load = func(context.Context, string, tts.LoadOptions) (tts.ModelInfo, error) {
			if wrong != nil {
				return tts.ModelInfo{}, wrong
			}
			return w.server.set(answer), nil
		}
		w.open()
		w.ClickRowButton(fast)
		s := w.see()
		if r := row(t, s, fast); r.Action.Title != "Retry" || r.Error != "Error: No such file." || !strings.Contains(r.Tooltip, "Fetch it.") || s.Alert != nil {
			t.Errorf("%+v", r)
		}
		wrong = errGone
		w.ClickRowButton(fast)
		if r := row(t, w.see(), fast); r.Action.Title != "Retry" || r.Error != "Error: The server hung up." {
			t.Errorf("no answer: %+v", r)
		}
		wrong = tts.Errorf(tts.CodeCanceled, "", "stopped by an unload")
		w.server.set(tts.ModelInfo{ModelID: fast, State: tts.Unloaded})
		w.ClickRowButton(fast)
		if r := row(t, w.seeAfter(modelsEvery), fast); r.Action.Title != "Load" || r.Error != "" {
			t.Errorf("another program's unload: %+v", r)
		}
		wrong, answer = nil, tts.ModelInfo{ModelID: fast, State: tts.Loaded}
		w.ClickRowButton(fast)
		if r := row(t, w.see(), fast); r.Action.Title != "Unload" || r.Error != "" {
			t.Errorf("retried: %+v", r)
		}
	})
}

func TestForcedLoad(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		var forced []bool
		w.server.load = func(_ context.Context, id string, how tts.LoadOptions) (tts.ModelInfo, error) {
			forced = append(forced, how.Force)
			return w.server.set(tts.ModelInfo{ModelID: id, State: tts.Failed, Code: tts.CodeNoMemory, Error: ptr("the model needs 4608.0 MB of memory, 2000.0 MB are free")}), nil
		}
		w.open()
		w.ClickRowButton(good)
		s := w.see()
		if s.Alert == nil || s.Alert.Title != "Not enough memory for 1.7B-Base (Quality)" || !strings.HasPrefix(s.Alert.Text, "The model needs 4608.0 MB of memory, 2000.0 MB are free.") ||
			s.Alert.Buttons[0].Title != "Load anyway" || !s.Alert.Buttons[1].Cancel {
			t.Fatalf("%+v", s.Alert)
		}
		w.AnswerAlert(s.Alert.ID+1, 0) // not this one
		w.AnswerAlert(s.Alert.ID, 2)   // no such button
		if again := w.see(); again.Alert == nil || again.Alert.ID != s.Alert.ID {
			t.Fatalf("%+v", again.Alert)
		}
		w.AnswerAlert(s.Alert.ID, 0)
		s = w.see()
		if diff := cmp.Diff([]bool{false, true}, forced); diff != "" || s.Alert != nil || row(t, s, good).Action.Title != "Retry" {
			t.Errorf("%s; alert %+v, row %+v", diff, s.Alert, row(t, s, good))
		}
	})
}

func TestUnloadInUse(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		busy := true
		unload := w.server.unload
		var waits []bool
		w.server.unload = func(ctx context.Context, id string, how tts.UnloadOptions) (tts.ModelInfo, error) {
			waits = append(waits, how.Wait)
			if busy && !how.Wait {
				return tts.ModelInfo{}, tts.Errorf(tts.CodeBusy, `send "wait": true`, "Model %s is in use", id)
			}
			return unload(ctx, id, how)
		}
		release := make(chan struct{})
		defer close(release)
		w.server.generate = func(context.Context, tts.Request) (tts.Result, error) { return hang[tts.Result](release)() }
		w.ready()
		w.Generate(tts.Clone)
		w.server.jobs = []tts.Job{{ID: "running1", ModelID: fast, State: tts.JobRunning}, {ID: "waiting2", ModelID: fast, State: tts.JobQueued},
			{ID: "another3", ModelID: custom, State: tts.JobQueued}, {ID: "ended444", ModelID: fast, State: tts.JobDone}}
		press := func(button int) Snapshot {
			w.ClickRowButton(fast)
			s := w.see()
			if s.Alert == nil || s.Alert.Title != "0.6B-Base (Fast) is in use" {
				t.Fatalf("%+v", s.Alert)
			}
			w.AnswerAlert(s.Alert.ID, button)
			return w.see()
		}
		if r := row(t, press(2), fast); !r.Checked || r.Action.Title != "Unload" || r.Error != "" {
			t.Errorf("cancelled: %+v", r)
		}
		if s := press(1); s.Clone.Stop.Enabled || row(t, s, fast).Action.Title != "Load" {
			t.Errorf("stopped: %+v", s.Clone)
		}
		if diff := cmp.Diff([]string{"waiting2", "running1"}, w.server.canceled); diff != "" {
			t.Error(diff)
		}
		w.ClickRowButton(fast)
		w.see()
		if r := row(t, press(0), fast); r.Action.Title != "Load" {
			t.Errorf("waited: %+v", r)
		}
		if diff := cmp.Diff([]bool{false, false, true, false, true}, waits); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTexts(t *testing.T) {
	for got, want := range map[string]string{
		firstSentence("the file is 4.5 GB long. Nobody knows why"): "The file is 4.5 GB long.",
		firstSentence("mlx-community/x is gone\nsecond line"):      "mlx-community/x is gone.",
		sentence(""):                    "",
		sentence("port 8765 is taken!"): "Port 8765 is taken!",
		thousands(-1234567):             "-1,234,567",
		thousands(999):                  "999",
		plural(1, "character", "s"):     "1 character",
		leftText(0.2):                   "1 s left",
		leftText(59):                    "59 s left",
		leftText(59.6):                  "1 min left",
		leftText(5900):                  "98 min left",
		leftText(9000):                  "2.5 h left",
		rateText(250e3):                 "250 KB/s",
		rateText(999_600):               "1.0 MB/s",
		rateText(31.7e6):                "32 MB/s",
		fileSize(999):                   "999 bytes",
		fileSize(576_044):               "576 KB",
		fileSize(1_600_000):             "1.6 MB",
		clock(-time.Second):             "0:00",
		clock(61*time.Second + 999e6):   "1:01",
		speedText(0.7):                  "1.4× real time",
		speedText(20):                   "0.05× real time",
		speedText(0):                    "",
		sizeText(999):                   "999 MB",
		problemText(errors.New("a b")):  "A b.",
		problemText(errGone):            "The server hung up. See whether it still runs.",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
