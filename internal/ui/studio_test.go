package ui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ttsui/internal/tts"
)

// keep saves a voice with the next id.
func (s *fakeServer) keep(v tts.NewVoice) tts.Voice {
	s.mu.Lock()
	defer s.mu.Unlock()
	voice := tts.Voice{ID: fmt.Sprint("v", len(s.saved)+1), Name: v.Name, RefText: v.RefText, AudioPath: v.RefAudioPath}
	s.saved = append(s.saved, voice)
	return voice
}

func (s *fakeServer) Voices(ctx context.Context) ([]tts.Voice, error) {
	s.mu.Lock()
	list, slow := slices.Clone(s.saved), s.slowList
	s.mu.Unlock()
	time.Sleep(slow)
	return list, ctx.Err()
}

// Voice is not asked by the window, which has the list.
func (s *fakeServer) Voice(context.Context, string) (tts.Voice, error) { panic("not expected") }

func (s *fakeServer) SaveVoice(ctx context.Context, v tts.NewVoice) (tts.Voice, error) {
	if err := v.Validate(); err != nil {
		return tts.Voice{}, err
	}
	return s.save(ctx, v)
}

func (s *fakeServer) ChangeVoice(_ context.Context, voice string, change tts.VoiceChange) (tts.Voice, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.saved {
		if s.saved[i].ID == voice {
			v := &s.saved[i]
			v.Name = *change.Name
			if change.RefAudioPath != nil {
				v.AudioPath, v.RefText, v.Missing = *change.RefAudioPath, *change.RefText, false
			}
			return *v, nil
		}
	}
	return tts.Voice{}, tts.Errorf(tts.CodeNotFound, "See the list.", "there is no voice %s", voice)
}

func (s *fakeServer) DeleteVoice(_ context.Context, voice string) (tts.Voice, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.saved, func(v tts.Voice) bool { return v.ID == voice })
	if i < 0 {
		return tts.Voice{}, tts.Errorf(tts.CodeNotFound, "See the list.", "there is no voice %s", voice)
	}
	gone := s.saved[i]
	s.saved = slices.Delete(slices.Clone(s.saved), i, i+1)
	return gone, nil
}

// fakeStudio finds what it is told to, in the time that it is told to take.
type fakeStudio struct {
	mu    sync.Mutex
	wrong error
	slow  map[string]time.Duration // by path; below 0 it takes until its ctx ends, and answers then all the same
	found ClipStudy
	asked []string
	left  []string // that took until their ctx ended
}

func (s *fakeStudio) answer(ctx context.Context, path string) (ClipStudy, error) {
	s.mu.Lock()
	slow, wrong, found := s.slow[path], s.wrong, s.found
	s.asked = append(s.asked, path)
	s.mu.Unlock()
	if slow < 0 {
		<-ctx.Done()
		s.mu.Lock()
		s.left = append(s.left, path)
		s.mu.Unlock()
	}
	time.Sleep(slow)
	if found.Length == 0 {
		found = ClipStudy{Length: 10 * time.Second, Best: Span{0, 10 * time.Second}}
	}
	return found, wrong
}

func (s *fakeStudio) Study(ctx context.Context, path string) (ClipStudy, error) {
	return s.answer(ctx, path)
}

func (s *fakeStudio) Trim(ctx context.Context, path string, part Span) (string, error) {
	_, err := s.answer(ctx, path)
	return fmt.Sprintf("%s-%d-%d.wav", path, part.From/time.Second, part.To/time.Second), err
}

func (s *fakeStudio) studied() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// fakeRecorder hears something, in the time of the test.
type fakeRecorder struct {
	mu      sync.Mutex
	wrong   error         // of Record
	slow    time.Duration // to begin
	devices []Device
	from    []string // the devices that takes were begun from
	open    int
	latest  string
	broken  error // what the next take says of itself
	stop    error
}

func (r *fakeRecorder) Devices() ([]Device, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.devices, nil
}

func (r *fakeRecorder) Latest() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.latest
}

func (r *fakeRecorder) Record(device string) (Take, error) {
	time.Sleep(r.slow)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.from = append(r.from, device)
	if r.wrong != nil {
		return nil, r.wrong
	}
	r.open++
	return &fakeTake{recorder: r, began: time.Now(), wrong: r.broken}, nil
}

func (r *fakeRecorder) running() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open
}

type fakeTake struct {
	recorder *fakeRecorder
	began    time.Time
	wrong    error
}

func (t *fakeTake) Elapsed() time.Duration { return time.Since(t.began) }
func (t *fakeTake) Level() float64         { return 0.1 }
func (t *fakeTake) Err() error             { return t.wrong }

func (t *fakeTake) end() error {
	t.recorder.mu.Lock()
	defer t.recorder.mu.Unlock()
	t.recorder.open--
	return t.recorder.stop
}

func (t *fakeTake) Cancel() { _ = t.end() }

func (t *fakeTake) Stop() (string, error) {
	if err := t.end(); err != nil {
		return "", err
	}
	t.recorder.mu.Lock()
	defer t.recorder.mu.Unlock()
	t.recorder.latest = "/clips/recorded.wav"
	return t.recorder.latest, nil
}

// TestSavedVoice: a clip gets a name, is chosen and spoken with, renamed and deleted; the choice outlives the window.
func TestSavedVoice(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		s := w.ready()
		w.EditRefText(" What I say. ")
		if b := s.Clone.Voice; !b.Save.Enabled || b.Rename.Title != "" || len(b.Menu.List) != 1 || b.Menu.List[0].Title != "(No Speaker)" {
			t.Errorf("without voices: %+v", b)
		}
		w.SaveSpeaker()
		f := w.see().VoiceForm
		if f == nil || f.File != "me.wav" || f.Name.Count != "0/16" || f.Save.Enabled || f.Name.Problem != "" {
			t.Fatalf("the form is %+v", f)
		}
		w.EditVoiceName("A name that is too long")
		if f = w.see().VoiceForm; f.Name.Count != "23/16" || f.CountRole != Danger || f.Save.Enabled || f.Name.Problem != "At most 16 characters." {
			t.Errorf("a long name: %+v", f)
		}
		w.EditVoiceName(" Me ")
		w.SubmitVoice()
		s = w.see()
		if b := s.Clone.Voice; s.VoiceForm != nil || b.Menu.Chosen != "v1" || b.Audio != "Audio: me.wav" || b.Text != "What I say." || b.Save.Title != "" || !b.Delete.Enabled {
			t.Errorf("saved: form %v, %+v", s.VoiceForm, b)
		}
		if s.Clone.Reference.Label != "" || s.Clone.RefText.Label != "" || s.Clone.Tail.Title == "" {
			t.Errorf("with a voice there are %+v, %+v, %+v", s.Clone.Reference, s.Clone.RefText, s.Clone.Tail)
		}
		w.CheckTail(true)
		w.SelectTab(tts.Design)
		w.SelectTab(tts.Clone)
		w.Generate(tts.Clone)
		w.see()
		r := w.server.requests[0]
		if r.Voice != "v1" || r.RefAudioPath != "" || r.RefText != "" || !r.RefTail {
			t.Errorf("asked for %+v", r)
		}
		w.RenameVoice()
		if f := w.see().VoiceForm; f == nil || f.Name.Text != "Me" || !f.Save.Enabled {
			t.Fatalf("renaming: %+v", f)
		}
		w.EditVoiceName("Myself")
		w.SubmitVoice()
		w.see()
		w.seeAfter(saveAfter)
		saved := w.server.saved
		w.quit()
		w.closed, w.server = false, newFakeServer()
		w.server.saved = saved
		s = w.open()
		if b := s.Clone.Voice; b.Menu.Chosen != "v1" || b.Menu.List[1].Title != "Myself" || !s.Clone.Tail.On {
			t.Errorf("after a restart: %+v, %+v", b, s.Clone.Tail)
		}
		w.DeleteVoice()
		a := w.see().Alert
		if a == nil || !strings.Contains(a.Title, "Myself") || a.Buttons[0].Role != Danger {
			t.Fatalf("deleting asks %+v", a)
		}
		w.AnswerAlert(a.ID, 0)
		s = w.see()
		if b := s.Clone.Voice; b.Menu.Chosen != "" || len(b.Menu.List) != 1 || s.Clone.Reference.Path != "/voices/me.wav" || len(w.server.saved) != 0 {
			t.Errorf("after deleting: %+v, %+v", b, s.Clone.Reference)
		}
	})
}

// TestVoicesAreThoseOfTheServer: what other programs do to voices is seen, and a choice that is gone is none.
func TestVoicesAreThoseOfTheServer(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.server.saved = []tts.Voice{{ID: "a", Name: "Ann"}, {ID: "b", Name: "Bob", Missing: true}, {ID: "c", Name: "Ann"}}
		w.ready()
		w.ChooseVoice("a")
		w.ChooseVoice("none such")
		s := w.see()
		if list := s.Clone.Voice.Menu.List; s.Clone.Voice.Menu.Chosen != "a" || list[1].Title == list[3].Title || s.Clone.Voice.Text != "No reference text" {
			t.Errorf("the menu is %+v, the text %q", s.Clone.Voice.Menu, s.Clone.Voice.Text)
		}
		w.ChooseVoice("b")
		if s = w.see(); s.Clone.Generate.Enabled || s.Clone.Voice.Note == "" {
			t.Errorf("without its clip: %+v, %+v", s.Clone.Generate, s.Clone.Voice)
		}
		w.server.change(func() { w.server.saved = w.server.saved[:1] })
		if s = w.seeAfter(voicesEvery); s.Clone.Voice.Menu.Chosen != "" || !s.Clone.Generate.Enabled {
			t.Errorf("of a voice that is gone: %+v, %+v", s.Clone.Voice, s.Clone.Generate)
		}
		w.SaveSpeaker()
		w.EditVoiceName("ANN")
		if f := w.see().VoiceForm; f.Save.Enabled || f.Name.Problem != "There is a voice of this name." {
			t.Errorf("a name that is taken: %+v", f)
		}
		w.CancelVoice()
		if w.see().VoiceForm != nil {
			t.Error("the form stays")
		}
	})
}

// TestOldListOfVoices: a list from before a voice was saved takes nothing away.
func TestOldListOfVoices(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		w.server.change(func() { w.server.slowList = 3 * time.Second })
		w.seeAfter(voicesEvery) // the list is on its way
		w.SaveSpeaker()
		w.EditVoiceName("Me")
		w.SubmitVoice()
		w.see()
		if s := w.seeAfter(3 * time.Second); s.Clone.Voice.Menu.Chosen != "v1" || len(s.Clone.Voice.Menu.List) != 2 {
			t.Errorf("after the older list: %+v", s.Clone.Voice.Menu)
		}
	})
}

// TestVoiceOfLastTime: a voice that was chosen counts as soon as the server has told of it.
func TestVoiceOfLastTime(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.store.files[draftsName] = `{"clone": {"voice": "a", "text": "Hello"}}`
		w.server.saved, w.server.slowList = []tts.Voice{{ID: "a", Name: "Ann"}}, 3*time.Second
		w.open()
		w.server.set(tts.ModelInfo{ModelID: fast, State: tts.Loaded})
		w.seeAfter(modelsEvery)
		w.ClickRow(fast)
		s := w.see()
		if b := s.Clone.Generate; b.Enabled || !strings.Contains(b.Tooltip, "voices") || s.Clone.Voice.Chosen || s.Clone.Reference.Label != "" {
			t.Errorf("before: %+v, %+v", b, s.Clone.Voice)
		}
		if s = w.seeAfter(3 * time.Second); !s.Clone.Generate.Enabled || !s.Clone.Voice.Chosen {
			t.Errorf("after it: %+v, %+v", s.Clone.Generate, s.Clone.Voice)
		}
	})
}

// TestVoiceCannotBeSaved: errors come as a sheet with their hint, and what was typed isn't lost; a server that hangs holds
// up voices only, until it is started anew.
func TestVoiceCannotBeSaved(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.ready()
		keep := w.server.save
		w.server.save = func(context.Context, tts.NewVoice) (tts.Voice, error) {
			return tts.Voice{}, tts.Errorf(tts.CodeInvalid, "Use another clip.", "the clip is empty")
		}
		name := func() {
			w.SaveSpeaker()
			w.EditVoiceName("Me")
			w.SubmitVoice()
		}
		name()
		a := w.see().Alert
		if a == nil || a.Text != "The clip is empty. Use another clip." {
			t.Fatalf("the sheet is %+v", a)
		}
		w.AnswerAlert(a.ID, 0)
		if f := w.see().VoiceForm; f == nil || f.Name.Text != "Me" || !f.Save.Enabled {
			t.Fatalf("to try again: %+v", f)
		}
		release := make(chan struct{})
		w.server.save = func(context.Context, tts.NewVoice) (tts.Voice, error) { return hang[tts.Voice](release)() }
		w.SubmitVoice()
		s := w.see()
		if s.Clone.Voice.Save.Enabled || s.Clone.Voice.Save.Title != "Saving..." || !s.Clone.Generate.Enabled {
			t.Errorf("while it hangs: %+v, %+v", s.Clone.Voice.Save, s.Clone.Generate)
		}
		w.SaveSpeaker()
		if w.see().VoiceForm != nil {
			t.Error("a form opens that can't be saved")
		}
		w.RestartServer()
		w.server.save = keep
		if s = w.see(); !s.Clone.Voice.Save.Enabled {
			t.Errorf("with another server: %+v", s.Clone.Voice.Save)
		}
		close(release)
		name()
		if s = w.see(); s.Clone.Voice.Menu.Chosen != "v1" || s.Alert != nil {
			t.Errorf("in the end %+v, %+v", s.Clone.Voice, s.Alert)
		}
	})
}

// TestFreeze: a result of Control and Design becomes a voice with the text that was spoken, by a click and a name.
func TestFreeze(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		s := w.ready()
		w.server.change(func() { w.server.saved = []tts.Voice{{ID: "v", Name: "vivian"}} })
		if s.Control.Freeze.Title != "" {
			t.Error("there is something to keep before the first result")
		}
		w.seeAfter(voicesEvery)
		for mode, want := range map[tts.Mode]string{tts.Control: "Vivian 2", tts.Design: "An old sailor"} {
			w.Generate(mode)
			w.see()
			w.EditText(mode, "Something else")
			w.Freeze(mode)
			f := w.see().VoiceForm
			if f == nil || f.Name.Text != want || !f.Save.Enabled {
				t.Fatalf("%s: %+v", mode, f)
			}
			w.SubmitVoice()
			s = w.see()
			v := w.server.saved[len(w.server.saved)-1]
			if v.RefText != "Hello, "+string(mode) || v.AudioPath != s.Of(mode).Result.Path || s.Clone.Voice.Menu.Chosen != v.ID {
				t.Errorf("%s: saved %+v, chosen %+v", mode, v, s.Clone.Voice)
			}
		}
		w.Generate(tts.Clone)
		if s = w.see(); s.Clone.Result == nil || s.Clone.Freeze.Title != "" {
			t.Errorf("a clone's voice is there: %+v", s.Clone.Freeze)
		}
		if got := newSpoken(tts.Request{Mode: tts.Design, Text: "Hm", Instruct: "A calm, deep, (very) male one"}, true); got != (spoken{"", "A calm deep very"}) {
			t.Errorf("cut off: %+v", got)
		}
	})
}

// TestRecord: press, watch, stop, use.
func TestRecord(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.mic.devices = []Device{{"a", "Inside"}, {"b", "Headset"}}
		w.ready()
		w.ChooseMicrophone("b")
		w.Record()
		w.see()
		s := w.seeAfter(3 * time.Second)
		r := s.Clone.Recorder
		if !r.Recording || r.Record.Title != "Stop (0:03)" || r.Level < 0.6 || r.Level > 0.7 || w.mic.from[0] != "b" {
			t.Errorf("recording from %v: %+v", w.mic.from, r)
		}
		w.Record()
		r = w.see().Clone.Recorder
		if r.Recording || r.Latest != "Latest: recorded.wav" || !r.Use.Enabled || r.Record.Title != "Record" || r.Device.Chosen != "b" {
			t.Errorf("stopped: %+v", r)
		}
		w.UseRecorded()
		s = w.see()
		if s.Clone.Reference.Path != "/clips/recorded.wav" || s.Clone.Recorder.Use.Enabled {
			t.Errorf("used: %+v, %+v", s.Clone.Reference, s.Clone.Recorder)
		}
		w.ClearReference()
		w.Record()
		w.see()
		w.SelectTab(tts.Control)
		w.SelectTab(tts.Clone)
		if s = w.see(); s.Clone.Recorder.Recording || s.Clone.Reference.Path != "/clips/recorded.wav" {
			t.Errorf("the first recording is the reference, and ends out of sight: %+v, %+v", s.Clone.Recorder, s.Clone.Reference)
		}
		w.mic.latest = ""
		w.Record()
		w.see()
		w.quit()
		if w.mic.latest == "" {
			t.Error("what was recorded is lost when the window is closed")
		}
	})
}

// TestRecordFails: what goes wrong is told with its hint, and what was heard is kept.
func TestRecordFails(t *testing.T) {
	denied := tts.Errorf(tts.CodeDenied, "Allow it in System Settings.", "the microphone may not be used")
	for _, test := range []struct {
		name string
		set  func(*fakeRecorder)
		want string
		kept bool
	}{
		{"refused", func(r *fakeRecorder) { r.wrong = denied }, "Nothing can be recorded", false},
		{"gone", func(r *fakeRecorder) { r.broken = denied }, "The recording has ended", true},
		{"nothing heard", func(r *fakeRecorder) { r.broken, r.stop = nil, denied }, "The recording could not be kept", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *window) {
				w.ready()
				test.set(w.mic)
				w.Record()
				s := w.seeAfter(time.Second)
				if s.Clone.Recorder.Recording {
					w.Record()
					s = w.see()
				}
				if s.Alert == nil || s.Alert.Title != test.want || !strings.Contains(s.Alert.Text, "System Settings") {
					t.Fatalf("told %+v", s.Alert)
				}
				if r := s.Clone.Recorder; r.Recording || !r.Record.Enabled || (r.Latest != "") != test.kept {
					t.Errorf("after it %+v", r)
				}
			})
		})
	}
	inBubble(t, func(t *testing.T, w *window) { // closed while the system still asks for permission
		w.ready()
		w.mic.slow = 10 * time.Second
		w.Record()
		if r := w.see().Clone.Recorder; r.Record.Enabled || r.Recording {
			t.Errorf("while it begins: %+v", r)
		}
		w.ChooseVoice("")
		w.SelectTab(tts.Design)
	})
}

// TestStudy: a clip is looked at as it is chosen, and its best part can be taken and given back.
func TestStudy(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.studio.found = ClipStudy{Length: 40 * time.Second, Peaks: []float32{1}, Best: Span{2 * time.Second, 14 * time.Second},
			Warnings: []Problem{{"The clip is long.", "Trim it."}}}
		s := w.ready()
		r := s.Clone.Reference
		if !r.Studied || len(r.Peaks) != 1 || r.Text != "Using: me.wav · 0:40" || len(r.Warnings) != 1 || r.Trim.Title != "Use best part (0:02–0:14)" || !r.Trim.Enabled {
			t.Errorf("found %+v", r)
		}
		w.EditRefText("All of it.")
		w.see()
		w.studio.found = ClipStudy{Length: 12 * time.Second, Best: Span{0, 12 * time.Second}}
		w.Trim()
		r = w.see().Clone.Reference
		if r.Path != "/voices/me.wav-2-14.wav" || r.Trim.Title != "Use whole clip" || len(r.Warnings) != 1 || !strings.HasSuffix(r.Text, ".wav · 0:12") {
			t.Errorf("trimmed: %+v", r)
		}
		w.EditRefText("Part of it.")
		if r = w.see().Clone.Reference; len(r.Warnings) != 0 {
			t.Errorf("with a transcript of the part: %+v", r.Warnings)
		}
		w.Trim()
		if r = w.see().Clone.Reference; r.Path != "/voices/me.wav" || r.Trim.Title != "" {
			t.Errorf("whole again: %+v", r)
		}
	})
}

// TestTrimIsLate: a part that comes when the user has another clip changes nothing, and one that can't be made is told.
func TestTrimIsLate(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.studio.found = ClipStudy{Length: 40 * time.Second, Best: Span{2 * time.Second, 14 * time.Second}}
		w.ready()
		w.studio.slow = map[string]time.Duration{"/voices/me.wav": 5 * time.Second}
		w.Trim()
		if r := w.see().Clone.Reference; r.Trim.Enabled {
			t.Errorf("while it is cut: %+v", r)
		}
		w.ChooseReference("/other.wav")
		if s := w.seeAfter(6 * time.Second); s.Clone.Reference.Path != "/other.wav" || !s.Clone.Reference.Trim.Enabled {
			t.Errorf("in the end %+v", s.Clone.Reference)
		}
		w.studio.wrong = tts.Errorf(tts.CodeDiskFull, "Make room.", "the disk is full")
		w.Trim()
		if s := w.see(); s.Alert == nil || s.Alert.Text != "The disk is full. Make room." || !s.Clone.Reference.Trim.Enabled {
			t.Errorf("of a full disk: %+v, %+v", s.Alert, s.Clone.Reference)
		}
	})
}

// TestStudyIsLate: what is found of a clip that was left is nothing, whenever it comes; one that can't be read says so.
func TestStudyIsLate(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		w.studio.slow = map[string]time.Duration{"/slow.wav": 5 * time.Second, "/hung.wav": -1}
		w.mic.latest = "/bad.wav"
		w.ready()
		w.ChooseReference("/slow.wav")
		if r := w.see().Clone.Reference; r.Text != "Using: slow.wav · looking at it..." || r.Studied {
			t.Errorf("while it is looked at: %+v", r)
		}
		w.ChooseReference("/hung.wav")
		w.see()
		w.studio.wrong = tts.Errorf(tts.CodeInvalid, "Use a WAV file.", "it is no sound")
		w.UseRecorded()
		s := w.seeAfter(6 * time.Second)
		r := s.Clone.Reference
		if r.Studied || len(r.Warnings) != 1 || r.Warnings[0] != (Problem{"The clip can't be used: It is no sound.", "Use a WAV file."}) || !s.Clone.Generate.Enabled {
			t.Errorf("in the end %+v", r)
		}
		if !slices.Equal(w.studio.left, []string{"/hung.wav"}) {
			t.Errorf("told to end: %v", w.studio.left)
		}
		w.studio.wrong = nil
		w.ChooseReference("/bad.wav") // mended meanwhile
		if r = w.see().Clone.Reference; !r.Studied || len(r.Warnings) != 0 {
			t.Errorf("dropped again: %+v", r)
		}
		w.ChooseReference("/hung.wav") // and the window is closed
		w.see()
		if asked := w.studio.studied(); !slices.Equal(asked, []string{"/voices/me.wav", "/slow.wav", "/hung.wav", "/bad.wav", "/bad.wav", "/hung.wav"}) {
			t.Errorf("looked at %v", asked)
		}
	})
}
