package ui

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ttsui/internal/tts"
)

// inputs are what a tab has of the user's.
func inputs(s Snapshot) (list []string) {
	for _, mode := range tts.Modes() {
		tab := s.Of(mode)
		list = append(list, tab.Text.Text, tab.Instruct.Text, tab.RefText.Text, tab.Reference.Path, tab.Language.Chosen, tab.Speaker.Chosen)
	}
	return append(list, string(s.Tab), s.Log.Filter.Chosen)
}

func TestInputsSurvive(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		w.EditRefText("what is said")
		w.ChooseSpeaker("Eric")
		w.ChooseLanguage(tts.Design, "French")
		w.EditInstruct(tts.Control, "low \xff")
		w.FilterLog("error")
		for _, mode := range []tts.Mode{tts.Design, tts.Clone, tts.Control} {
			w.SelectTab(mode)
			w.see()
		}
		s := w.see()
		want := []string{"Hello, clone", "", "what is said", "/voices/me.wav", "", "",
			"Hello, control", "low �", "", "", "Chinese", "Eric", "Hello, design", "An old sailor", "", "", "French", "", "control", "error"}
		if diff := cmp.Diff(want, inputs(s)); diff != "" {
			t.Error("a change of tab:", diff)
		}
		w.EditText(tts.Clone, "typed last") // Close must save that
		want[0] = "typed last"
		s = w.reopen()
		if diff := cmp.Diff(want, inputs(s)); diff != "" {
			t.Error("a restart:", diff)
		}
		if s.Clone.Text.Rev != 1 || s.Clone.Instruct.Rev != 0 {
			t.Errorf("revs: %+v, %+v", s.Clone.Text, s.Clone.Instruct)
		}
		if row(t, s, fast).Checked || s.Clone.Generate.Tooltip != "Selected model is not loaded" {
			t.Errorf("the choice: %+v", s.Clone.Generate)
		}
		w.ClickRowButton(fast)
		if s = w.see(); !row(t, s, fast).Checked {
			t.Error("what was chosen before is no choice any more")
		}
	})
}

func TestSavingWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.open()
		if n := w.store.written(); n != 0 {
			t.Errorf("%d writes of nothing new", n)
		}
		for range 40 { // a second of fast typing
			w.EditText(tts.Clone, w.see().Clone.Text.Text+"a")
		}
		w.seeAfter(saveAfter)
		if n := w.store.written(); n < 1 || n > 4 {
			t.Errorf("%d writes", n)
		}
		var saved drafts
		if err := json.Unmarshal([]byte(w.store.files[draftsName]), &saved); err != nil || len(saved.Clone.Text) != 40 {
			t.Errorf("%+v, %v", saved, err)
		}
		w.store.fails = errDisk
		for range 3 {
			w.EditText(tts.Clone, w.see().Clone.Text.Text+"b")
			w.seeAfter(saveAfter)
		}
		if s := w.see(); len(s.Log.Lines) != 1 || s.Log.Lines[0].Text != "What you type can't be saved: the disk is full" {
			t.Errorf("%+v", s.Log.Lines)
		}
	})
}

func TestBrokenDocuments(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.store.files[draftsName] = `{"tab": 7`
		w.store.files[settingsName] = `{"port": "80", "timeout_minutes": "7", "colour": "red"}`
		s := w.open()
		if s.Tab != tts.Clone || s.Status.State != ServerRunning || w.core.server.session.settings.Port != 8765 || w.core.server.session.settings.Timeout != 7*time.Minute {
			t.Errorf("%+v", s.Status)
		}
		if w.store.files["broken-"+draftsName] != `{"tab": 7` {
			t.Error("the broken one is lost")
		}
		var told []string
		for _, line := range s.Log.Lines {
			told = append(told, line.Level+" "+line.Text)
		}
		if len(told) != 2 || !strings.HasPrefix(told[0], "WARNING What was typed before could not be restored, as drafts.json is broken") || !strings.Contains(told[1], `setting port can't be "80"`) {
			t.Errorf("%q", told)
		}
	})
}

// slowStore reads when it is told to.
type slowStore struct {
	*memStore
	ready chan struct{}
}

func (s slowStore) Read(name string) ([]byte, error) {
	<-s.ready
	return s.memStore.Read(name)
}

// What is typed before the drafts are there is newer than they, and nothing of them is overwritten unread.
func TestUserIsFasterThanTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := slowStore{newMemStore(), make(chan struct{})}
		store.files[draftsName] = `{"tab": "design", "clone": {"text": "old", "instruct": "", "ref_text": "old"}, "control": {"speaker": "Nobody"}}`
		w := &window{t: t, server: newFakeServer(), store: store.memStore, player: &fakePlayer{}, disk: &fakeDisk{}, studio: &fakeStudio{}, mic: &fakeRecorder{}}
		a := New(Config{Show: w.show, Launch: w.launched, Store: store, History: w.disk, Exists: w.disk.exists, Player: w.player, Recorder: w.mic, Studio: w.studio})
		a.EditText(tts.Clone, "new")
		a.EditSetting(SettingPort, "9000")
		w.seeAfter(time.Minute)
		if store.written() != 0 {
			t.Error("the drafts were overwritten unread")
		}
		close(store.ready)
		s := w.see()
		if s.Clone.Text.Text != "new" || s.Clone.RefText.Text != "old" || s.Tab != tts.Design || s.Control.Speaker.Chosen != "Vivian" {
			t.Errorf("%+v", s.Clone)
		}
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if saved := store.files[draftsName]; !strings.Contains(saved, `"new"`) || !strings.Contains(store.files[settingsName], "9000") {
			t.Errorf("saved %s", saved)
		}
	})
}

func TestExamples(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.open()
		for _, c := range []struct {
			typed string // "-" for nothing
			i     int
			want  string
		}{
			{"-", 0, "Very happy and excited"},
			{"-", 1, "Calm and soothing"},
			{"Slowly", 2, "Slowly, Professional and formal"},
			{"Slowly. ", 1, "Slowly. Calm and soothing"},
			{"-", -1, "Slowly. Calm and soothing"},
		} {
			if c.typed != "-" {
				w.EditInstruct(tts.Control, c.typed)
			}
			before := w.see().Control.Instruct.Rev
			w.InsertExample(tts.Control, c.i)
			got := w.see().Control.Instruct
			if got.Text != c.want || (got.Rev > before) != (c.i >= 0) {
				t.Errorf("%q with %d: %+v", c.typed, c.i, got)
			}
		}
		s := w.see()
		if len(s.Clone.Examples) != 0 || len(s.Control.Examples) != 3 || len(s.Design.Examples) != 3 || len(s.Control.Language.List) != 11 || len(s.Control.Speaker.List) != 9 || s.Clone.Language.List != nil {
			t.Errorf("%+v", s.Control)
		}
		if c := s.Control.Speaker.List[3]; c != (Choice{"Dylan", "Dylan (Beijing dialect)", "Chinese: youthful Beijing male voice, clear and natural"}) {
			t.Errorf("%+v", c)
		}
	})
}
