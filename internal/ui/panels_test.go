package ui

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ttsui/internal/tts"
)

func entry(id int, level, text string) tts.LogEvent {
	return tts.LogEvent{Entry: &tts.LogEntry{ID: uint64(id), Timestamp: "2024-01-15 10:30:45,123", Level: level, Message: text}}
}

// lines are the lines of a log as the panel has them, without the time of those that are our own.
func lines(l Log) (list []string) {
	for _, line := range l.Lines {
		list = append(list, strings.TrimPrefix(line.Show(), "10:30:45  "))
	}
	return list
}

func TestLogPanel(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		s := w.open()
		if s.Log.Copy.Enabled || s.Log.Clear.Enabled || *w.server.followed[0].Since != 0 {
			t.Errorf("empty: %+v, %+v", s.Log, w.server.followed)
		}
		for i, level := range []string{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"} {
			w.server.events <- entry(i+1, level, "line "+level)
		}
		s = w.see()
		wantLines := []LogLine{
			{1, "2024-01-15 10:30:45,123", "DEBUG", "line DEBUG", Quiet, false},
			{2, "2024-01-15 10:30:45,123", "INFO", "line INFO", Normal, false},
			{3, "2024-01-15 10:30:45,123", "WARNING", "line WARNING", Caution, false},
			{4, "2024-01-15 10:30:45,123", "ERROR", "line ERROR", Danger, false},
			{5, "2024-01-15 10:30:45,123", "CRITICAL", "line CRITICAL", Critical, false},
		}
		if diff := cmp.Diff(wantLines, s.Log.Lines, cmp.AllowUnexported(LogLine{})); diff != "" {
			t.Error(diff)
		}
		if got, want := s.Log.Lines[1].Show(), "10:30:45  INFO  line INFO"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		w.FilterLog("warning")
		w.FilterLog("no level")
		rev := s.Log.Rev
		s = w.see()
		if diff := cmp.Diff([]string{"WARNING  line WARNING", "ERROR  line ERROR", "CRITICAL  line CRITICAL"}, lines(s.Log)); diff != "" || s.Log.Rev == rev || s.Log.Filter.Chosen != "warning" {
			t.Error(diff, s.Log.Rev, s.Log.Filter.Chosen)
		}
		if got := s.Log.CopyText(); !strings.HasPrefix(got, "2024-01-15 10:30:45,123 | WARNING | line WARNING\n") || strings.Count(got, "\n") != 3 {
			t.Errorf("copy: %q", got)
		}
		rev = s.Log.Rev
		w.server.events <- entry(6, "INFO", "not seen")
		w.server.events <- tts.LogEvent{Lost: 12}
		w.server.events <- tts.LogEvent{Run: "second"}
		w.server.events <- entry(1, "ERROR", "of the second run")
		s = w.see()
		if got := lines(s.Log); s.Log.Rev != rev || len(got) != 6 || !strings.HasSuffix(got[3], "… 12 lines were lost") || got[5] != "ERROR  of the second run" || s.Log.Lines[5].Seq != 9 {
			t.Errorf("%q, rev %d", got, s.Log.Rev)
		}
		w.ClearLog()
		if s = w.see(); len(s.Log.Lines) != 0 || s.Log.Rev == rev || w.server.cleared != 1 || s.Log.Clear.Enabled {
			t.Errorf("cleared: %+v", s.Log)
		}
	})
}

func TestLogIsBounded(t *testing.T) {
	l := newLogPanel()
	l.setFilter("error")
	var before []LogLine
	for i := range 3 * mostLines {
		level := "INFO"
		if i%10 == 0 {
			level = "ERROR"
		}
		l.learn(entry(i+1, level, fmt.Sprint(i)))
		if i == 2*mostLines {
			before = l.show().Lines
		}
	}
	if len(before) != mostLines/10 || before[0].Text != "1010" {
		t.Errorf("a snapshot has changed behind its back: %d lines from %s", len(before), before[0].Text)
	}
	now := l.show()
	if len(now.Lines) != mostLines/10 || now.Lines[0].Text != "2000" || now.Lines[0].Seq != 2001 {
		t.Errorf("%d lines from %+v", len(now.Lines), now.Lines[0])
	}
	l.setFilter("all")
	if now = l.show(); len(now.Lines) != mostLines || now.Lines[0].Text != "2000" {
		t.Errorf("%d lines", len(now.Lines))
	}
}

func TestLogThatCanNotBeFollowed(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.open()
		w.server.events <- tts.LogEvent{Run: "2"}
		w.server.events <- entry(7, "INFO", "a")
		w.server.events <- tts.LogEvent{Err: errGone}
		if s := w.see(); s.Log.Note != "No connection to the log; trying again: the server hung up" {
			t.Errorf("note %q", s.Log.Note)
		}
		events := w.server.events
		w.server.events = make(chan tts.LogEvent)
		close(events)
		if s := w.see(); s.Log.Note != "The log can't be followed: what listens there is no TTSUI" {
			t.Errorf("note %q", s.Log.Note)
		}
		w.seeAfter(followAgain)
		if q := w.server.followed[1]; len(w.server.followed) != 2 || *q.Since != 7 || q.Run != "2" {
			t.Errorf("%+v", w.server.followed)
		}
		w.server.events <- entry(8, "INFO", "b")
		if s := w.see(); s.Log.Note != "" || len(s.Log.Lines) != 3 {
			t.Errorf("%+v", s.Log)
		}
	})
}

func TestPlayer(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		if s := w.ready(); s.Player.Visible || s.Menu.Play.Enabled || s.Menu.Reveal.Enabled {
			t.Errorf("nothing to play: %+v", s.Player)
		}
		w.Generate(tts.Clone)
		s := w.see()
		if !s.Player.Visible || s.Player.Playing || s.Player.Time != "0:00 / 0:12" || len(s.Player.Peaks) != peakCount || s.Player.Play != (Button{Title: "Play", Enabled: true}) || !s.Menu.Reveal.Enabled {
			t.Errorf("made: %+v", s.Player)
		}
		at := func(want string, playing bool) {
			t.Helper()
			if p := w.see().Player; p.Time != want || p.Playing != playing {
				t.Errorf("%s, playing %t; want %s, %t", p.Time, p.Playing, want, playing)
			}
		}
		shows := w.count()
		w.seeAfter(10 * time.Second)
		if n := w.count() - shows; n > 2 {
			t.Errorf("%d snapshots while nothing plays", n)
		}
		w.PlayPause()
		shows = w.count()
		w.seeAfter(3 * time.Second)
		if n := w.count() - shows; n < 25 || n > 40 {
			t.Errorf("%d snapshots in 3 seconds of playing", n)
		}
		at("0:03 / 0:12", true)
		w.PlayPause()
		w.seeAfter(time.Minute)
		at("0:03 / 0:12", false)
		w.PlayPause() // goes on
		w.seeAfter(2 * time.Second)
		at("0:05 / 0:12", true)
		w.Back()
		at("0:00 / 0:12", true)
		w.Seek(time.Second)
		w.Forward()
		at("0:11 / 0:12", true)
		w.seeAfter(2 * time.Second)
		at("0:00 / 0:12", false) // ended, and back
		w.Seek(time.Minute)
		at("0:12 / 0:12", false)
		w.PlayPause()
		w.seeAfter(time.Second)
		at("0:01 / 0:12", true) // from the beginning
		w.PlayPause()
		w.Seek(0)
		w.PlayPause()
		w.SelectTab(tts.Design)
		if s = w.see(); s.Player.Visible {
			t.Errorf("another tab: %+v", s.Player)
		}
		w.SelectTab(tts.Clone)
		at("0:00 / 0:12", false) // what is not seen is not heard
		w.Generate(tts.Clone)    // takes the place of the first
		if s = w.see(); !strings.HasSuffix(s.Player.Path, "2.wav") {
			t.Errorf("%+v", s.Player)
		}
		if n, _ := w.player.opened(); n != 1 {
			t.Errorf("%d clips are open", n)
		}
	})
}

// A result that was overtaken before it was open does not stay in memory.
func TestPlayerIsSlow(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		w.player.slow = time.Minute
		w.Generate(tts.Clone)
		if s := w.see(); !s.Player.Visible || s.Player.Play.Enabled {
			t.Errorf("%+v", s.Player)
		}
		w.PlayPause()
		w.Forward()
		w.Generate(tts.Clone)
		s := w.seeAfter(2 * time.Minute)
		if n, _ := w.player.opened(); n != 1 || !strings.HasSuffix(s.Player.Path, "2.wav") || !s.Player.Play.Enabled {
			t.Errorf("%d clips are open; %+v", n, s.Player)
		}
	})
}

func TestPlayerFails(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		w.player.wrong = errors.New("no sound device")
		w.Generate(tts.Clone)
		if s := w.see(); s.Player.Error != "It can't be played: No sound device." || s.Player.Play.Enabled || s.Clone.Result == nil {
			t.Errorf("%+v", s.Player)
		}
		w.player.wrong = nil
		w.Generate(tts.Clone)
		w.see()
		_, clip := w.player.opened()
		clip.stuck = errors.New("the device is gone")
		w.PlayPause()
		time.Sleep(time.Second) // devices tell later
		if s := w.see(); s.Player.Error != "It can't be played: The device is gone." || s.Player.Playing || !s.Player.Play.Enabled {
			t.Errorf("%+v", s.Player)
		}
	})
}

func TestSettings(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.open()
		for _, c := range []struct {
			key     SettingKey
			text    string
			problem bool
		}{
			{SettingPort, "80", true}, {SettingPort, "65536", true}, {SettingPort, "", true}, {SettingPort, " 9000 ", false},
			{SettingModels, "models", true}, {SettingModels, "", false}, {SettingModels, "/models", false},
			{SettingMirrors, "example.org", true}, {SettingMirrors, "https://a.org,", true}, {SettingMirrors, "ftp://a.org", true}, {SettingMirrors, "", false},
			{SettingMirrors, "https://a.org, http://127.0.0.1:8080", false}, {SettingOutput, "~/x", true}, {SettingOutput, "/results", false},
			{SettingTimeout, "-1", true}, {SettingTimeout, "1.5", true}, {SettingTimeout, "1441", true}, {SettingTimeout, "0", false}, {SettingTimeout, "12", false},
			{SettingLogLevel, "loud", true}, {SettingLogLevel, "debug", false}, {SettingPort, "wrong again", true},
		} {
			w.EditSetting(c.key, c.text)
			for _, line := range w.see().Settings.List {
				if line.Key == c.key && ((line.Field.Problem != "") != c.problem || line.Field.Text != c.text || line.Field.Rev != 0) {
					t.Errorf("%s %q: %+v", c.key, c.text, line.Field)
				}
			}
		}
		want := Settings{Port: 9000, ModelsFolder: "/models", Mirrors: "https://a.org, http://127.0.0.1:8080", OutputFolder: "/results", Timeout: 12 * time.Minute, LogLevel: "debug"}
		if diff := cmp.Diff(want, w.core.settings.values); diff != "" {
			t.Error(diff)
		}
		s := w.reopen()
		if diff := cmp.Diff(want, w.core.server.session.settings); diff != "" {
			t.Error(diff)
		}
		if got := s.Settings.List[0].Field; got.Text != "9000" || got.Rev != 1 || got.Problem != "" || s.Settings.List[5].Choices.Chosen != "debug" {
			t.Errorf("restored: %+v", s.Settings)
		}
	})
}
