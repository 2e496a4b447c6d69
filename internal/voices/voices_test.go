package voices_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttsui/internal/tts"
	"ttsui/internal/voices"
)

var (
	flac   = filepath.Join("..", "audio", "testdata", "mono24.flac")
	spoken = filepath.Join("..", "testkit", "testdata", "golden", "clip.wav")
)

// of makes a new voice of a clip.
func of(t *testing.T, name, clip, text string) tts.NewVoice {
	t.Helper()
	path, err := filepath.Abs(clip)
	if err != nil {
		t.Fatal(err)
	}
	return tts.NewVoice{Name: name, RefAudioPath: path, RefText: text}
}

func save(t *testing.T, s *voices.Store, v tts.NewVoice) tts.Voice {
	t.Helper()
	saved, err := s.SaveVoice(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

func list(t *testing.T, s *voices.Store) []tts.Voice {
	t.Helper()
	all, err := s.Voices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func text(s string) *string { return &s }

// files are the names below dir of all that is no folder.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != ".speakers.lock" {
			name, _ := filepath.Rel(dir, path)
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func same(t *testing.T, a, b string) {
	t.Helper()
	dataA, errA := os.ReadFile(a)
	dataB, errB := os.ReadFile(b)
	if errA != nil || errB != nil || !bytes.Equal(dataA, dataB) {
		t.Errorf("%s is no copy of %s: %v, %v", a, b, errA, errB)
	}
}

func TestLifeOfAVoice(t *testing.T) {
	s := &voices.Store{Dir: filepath.Join(t.TempDir(), "clone")}
	if all := list(t, s); all == nil || len(all) != 0 {
		t.Errorf("at first there are %v", all)
	}
	anna := save(t, s, of(t, "  Anna ", flac, "Hello."))
	base := filepath.Base(anna.AudioPath)
	if anna.Name != "Anna" || anna.RefText != "Hello." || anna.Missing || !strings.HasPrefix(base, "speaker_") || !strings.HasSuffix(base, "_mono24.flac") {
		t.Errorf("saved: %+v", anna)
	}
	same(t, anna.AudioPath, flac)
	bert := save(t, s, of(t, "Bert", spoken, ""))
	if d := cmp.Diff([]tts.Voice{anna, bert}, list(t, s)); d != "" {
		t.Error(d)
	}
	for _, word := range []string{anna.ID, strings.ToLower(anna.ID), "Anna", " aNNA"} {
		if v, err := s.Voice(t.Context(), word); err != nil || v != anna {
			t.Errorf("%q finds %+v, %v", word, v, err)
		}
	}

	changed, err := s.ChangeVoice(t.Context(), "anna", tts.VoiceChange{Name: text("Änne"), RefText: text("")})
	if want := (tts.Voice{ID: anna.ID, Name: "Änne", AudioPath: anna.AudioPath}); err != nil || changed != want {
		t.Errorf("changed: %+v, %v", changed, err)
	}
	clip := of(t, "", spoken, "").RefAudioPath
	changed, err = s.ChangeVoice(t.Context(), anna.ID, tts.VoiceChange{RefAudioPath: &clip})
	if err != nil || filepath.Ext(changed.AudioPath) != ".wav" {
		t.Fatalf("with another clip: %+v, %v", changed, err)
	}
	same(t, changed.AudioPath, clip)
	if _, err := os.Stat(anna.AudioPath); err == nil {
		t.Error("the replaced clip is still there")
	}
	if gone, err := s.DeleteVoice(t.Context(), "Änne"); err != nil || gone.ID != anna.ID {
		t.Errorf("deleted: %+v, %v", gone, err)
	}
	if d := cmp.Diff([]string{"speakers/audio/" + filepath.Base(bert.AudioPath), "speakers.json"}, files(t, s.Dir)); d != "" {
		t.Error(d)
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	s := &voices.Store{Dir: filepath.Join(dir, "clone")}
	save(t, s, of(t, "Anna", flac, ""))
	save(t, s, of(t, "Bert", flac, ""))
	before := files(t, s.Dir)
	noise := filepath.Join(dir, "words.wav")
	if err := os.WriteFile(noise, []byte("words"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		voice tts.NewVoice
		code  tts.Code
	}{
		"no name":        {of(t, " \u200b", flac, ""), tts.CodeInvalid},
		"a long name":    {of(t, strings.Repeat("ä", 17), flac, ""), tts.CodeInvalid},
		"a line in it":   {of(t, "a\nb", flac, ""), tts.CodeInvalid},
		"no UTF-8":       {of(t, "a\xff", flac, ""), tts.CodeInvalid},
		"a name taken":   {of(t, "anna", flac, ""), tts.CodeInvalid},
		"no clip":        {tts.NewVoice{Name: "C"}, tts.CodeInvalid},
		"a clip not at":  {tts.NewVoice{Name: "C", RefAudioPath: "x.wav"}, tts.CodeInvalid},
		"none there":     {of(t, "C", filepath.Join(dir, "none.wav"), ""), tts.CodeNotFound},
		"no sound":       {of(t, "C", noise, ""), tts.CodeUnsupported},
		"a long text":    {of(t, "C", flac, strings.Repeat("a", 2001)), tts.CodeInvalid},
		"a folder":       {of(t, "C", dir, ""), tts.CodeInvalid},
		"control in it":  {of(t, "C", flac, "a\x00b"), tts.CodeInvalid},
		"a device's end": {of(t, "C", "/dev/null", ""), tts.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.SaveVoice(t.Context(), c.voice)
			wantError(t, err, c.code)
		})
	}
	for name, c := range map[string]struct {
		voice  string
		change tts.VoiceChange
		code   tts.Code
	}{
		"nobody":       {"Carl", tts.VoiceChange{Name: text("D")}, tts.CodeNotFound},
		"no word":      {"", tts.VoiceChange{Name: text("D")}, tts.CodeInvalid},
		"nothing":      {"Anna", tts.VoiceChange{}, tts.CodeInvalid},
		"a name taken": {"Anna", tts.VoiceChange{Name: text("BERT")}, tts.CodeInvalid},
		"no sound":     {"Anna", tts.VoiceChange{RefAudioPath: &noise}, tts.CodeUnsupported},
	} {
		t.Run("change: "+name, func(t *testing.T) {
			_, err := s.ChangeVoice(t.Context(), c.voice, c.change)
			wantError(t, err, c.code)
		})
	}
	_, err := s.DeleteVoice(t.Context(), "Carl")
	wantError(t, err, tts.CodeNotFound)
	if d := cmp.Diff(before, files(t, s.Dir)); d != "" {
		t.Error("the refused left something:", d)
	}
	if v := save(t, s, of(t, strings.Repeat("ä", 16), flac, strings.Repeat("ä", 2000))); v.Name == "" {
		t.Error("sixteen characters are too many")
	}
	if _, err := s.ChangeVoice(t.Context(), "Anna", tts.VoiceChange{Name: text("ANNA")}); err != nil {
		t.Error("its own name is taken:", err)
	}
}

func wantError(t *testing.T, err error, code tts.Code) {
	t.Helper()
	if tts.CodeOf(err) != code || tts.HintOf(err) == "" {
		t.Errorf("%v (%s, hint %q), want %s with a hint", err, tts.CodeOf(err), tts.HintOf(err), code)
	}
}

// TestForeignList: a list of the app before us works at once, and what we don't know of it stays.
func TestForeignList(t *testing.T) {
	s := &voices.Store{Dir: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(s.Dir, "speakers", "audio"), 0o755); err != nil {
		t.Fatal(err)
	}
	clip, err := os.ReadFile(flac)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "speakers", "audio", "speaker_0a0b0c0d_me.wav"), clip, 0o644); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(s.Dir, "secret.wav")
	if err := os.WriteFile(secret, clip, 0o644); err != nil {
		t.Fatal(err)
	}
	const foreign = `[
	{"name":"Me","id":"A","audioFileName":"speaker_0a0b0c0d_me.wav","textReference":null,"colour":{"r":1.50}},
	{"name":"Me","id":"B","audioFileName":"speaker_0a0b0c0d_me.wav","textReference":"Hi <you>","createdAt":770000000.123456789},
	{"name":"Way out","id":"C","audioFileName":"../../secret.wav"},
	{"name":"Gone","id":"D","audioFileName":"none.wav"},
	{"name":"no id"}, 7, null, {"id":3}]`
	path := filepath.Join(s.Dir, "speakers.json")
	if err := os.WriteFile(path, []byte(foreign), 0o644); err != nil {
		t.Fatal(err)
	}
	all := list(t, s)
	var got []string
	for _, v := range all {
		got = append(got, fmt.Sprint(v.ID, v.Name, v.RefText, v.Missing))
	}
	if d := cmp.Diff([]string{"AMefalse", "BMeHi <you>false", "CWay outtrue", "DGonetrue"}, got); d != "" {
		t.Error(d)
	}
	_, err = s.Voice(t.Context(), "Me")
	wantError(t, err, tts.CodeInvalid) // which of them?
	_, err = s.Voice(t.Context(), "no id")
	wantError(t, err, tts.CodeNotFound)
	if _, err := s.ChangeVoice(t.Context(), "B", tts.VoiceChange{Name: text("You")}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"A", "C"} { // the clip of A is also B's, that of C is nobody's to remove
		if _, err := s.DeleteVoice(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var now, want any
	if err := json.Unmarshal(data, &now); err != nil {
		t.Fatal(err)
	}
	const rest = `[{"name":"You","id":"B","audioFileName":"speaker_0a0b0c0d_me.wav","textReference":"Hi <you>","createdAt":770000000.123456789},
		{"name":"Gone","id":"D","audioFileName":"none.wav"},{"name":"no id"},7,null,{"id":3}]`
	if err := json.Unmarshal([]byte(rest), &want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, now); d != "" || !bytes.Contains(data, []byte("770000000.123456789")) {
		t.Error("the list is now", string(data), d)
	}
	for _, path := range []string{secret, filepath.Join(s.Dir, "speakers", "audio", "speaker_0a0b0c0d_me.wav")} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// TestBrokenListIsSetAside: it is never written over, and whoever meets it first is told where it is.
func TestBrokenListIsSetAside(t *testing.T) {
	for name, meet := range map[string]func(*testing.T, *voices.Store) error{
		"by a reader": func(t *testing.T, s *voices.Store) error {
			_, err := s.Voices(t.Context())
			return err
		},
		"by a writer": func(t *testing.T, s *voices.Store) error {
			_, err := s.SaveVoice(t.Context(), of(t, "Anna", flac, ""))
			return err
		},
	} {
		for _, broken := range []string{`[{"id":"A","name":"Me"`, `{"speakers":[]}`, "null", "\x00\x00\x00"} {
			t.Run(name+" "+broken, func(t *testing.T) {
				s := &voices.Store{Dir: t.TempDir()}
				if err := os.WriteFile(filepath.Join(s.Dir, "speakers.json"), []byte(broken), 0o600); err != nil {
					t.Fatal(err)
				}
				err := meet(t, s)
				wantError(t, err, tts.CodeCorrupt)
				aside, _ := filepath.Glob(filepath.Join(s.Dir, "speakers.json.broken-*"))
				if len(aside) != 1 || !strings.Contains(err.Error(), aside[0]) {
					t.Fatalf("%v; aside lies %v", err, aside)
				}
				if data, err := os.ReadFile(aside[0]); string(data) != broken {
					t.Errorf("aside lies %q, %v", data, err)
				}
				save(t, s, of(t, "Anna", flac, ""))
				if all := list(t, s); len(all) != 1 {
					t.Errorf("afterwards there are %v", all)
				}
			})
		}
	}
}

// TestVoicesArePrivate: whatever the umask, and also in folders that another program left open.
func TestVoicesArePrivate(t *testing.T) {
	for _, umask := range []int{0, 0o077} {
		t.Run(fmt.Sprintf("umask %03o", umask), func(t *testing.T) {
			old := syscall.Umask(umask) // of the whole process: no test here runs beside another
			defer syscall.Umask(old)
			s := &voices.Store{Dir: filepath.Join(t.TempDir(), "clone")}
			if err := os.MkdirAll(filepath.Join(s.Dir, "speakers", "audio"), 0o755); err != nil {
				t.Fatal(err)
			}
			v := save(t, s, of(t, "Anna", flac, "Hello."))
			if err := s.KeepPrompt(t.Context(), v.ID, "key", tts.Heard{Speaker: []float32{1}}); err != nil {
				t.Fatal(err)
			}
			n := 0
			err := filepath.WalkDir(s.Dir, func(path string, d os.DirEntry, err error) error {
				if err != nil || path == s.Dir {
					return err
				}
				info, err := d.Info()
				if want := map[bool]os.FileMode{true: 0o700, false: 0o600}[d.IsDir()]; err == nil && info.Mode().Perm() != want {
					t.Errorf("%s has %v, want %v", path, info.Mode(), want)
				}
				n++
				return err
			})
			if err != nil || n != 7 { // three folders, the list, its lock, the clip and the prompt
				t.Errorf("%d files and folders, %v", n, err)
			}
		})
	}
}

func TestPrompts(t *testing.T) {
	s := &voices.Store{Dir: t.TempDir()}
	v := save(t, s, of(t, "Anna", flac, "Hello."))
	heard := tts.Heard{Speaker: []float32{0.1, -3e-30, 7}, Codes: []int32{0, 2047, 5}}
	keep := func(key string, h tts.Heard) {
		t.Helper()
		if err := s.KeepPrompt(t.Context(), v.ID, key, h); err != nil {
			t.Fatal(err)
		}
	}
	keep("a", heard)
	keep("b", tts.Heard{Speaker: []float32{2}})
	if got, ok := s.Prompt(v.ID, "a"); !ok || cmp.Diff(heard, got) != "" {
		t.Errorf("recalled %+v, %v", got, ok)
	}
	if got, ok := s.Prompt(v.ID, "b"); !ok || got.Codes != nil {
		t.Errorf("recalled %+v, %v", got, ok)
	}
	if _, ok := s.Prompt(v.ID, "c"); ok {
		t.Error("recalled what nobody kept")
	}
	paths, _ := filepath.Glob(filepath.Join(s.Dir, "speakers", "prompts", "*"))
	for _, path := range paths { // each damaged in one place
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(data, []byte(`"speaker":"`)) + len(`"speaker":"`)
		data[at] ^= 1
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"a", "b"} {
		if _, ok := s.Prompt(v.ID, key); ok {
			t.Error("recalled what is damaged")
		}
	}
	for i := range 20 {
		keep(fmt.Sprint(i), heard)
	}
	if paths, _ = filepath.Glob(filepath.Join(s.Dir, "speakers", "prompts", "*")); len(paths) != 8 {
		t.Errorf("%d prompts are kept", len(paths))
	}
	clip := of(t, "", spoken, "").RefAudioPath
	if _, err := s.ChangeVoice(t.Context(), v.ID, tts.VoiceChange{RefAudioPath: &clip}); err != nil {
		t.Fatal(err)
	}
	keep("new", heard)
	if paths, _ = filepath.Glob(filepath.Join(s.Dir, "speakers", "prompts", "*")); len(paths) != 1 {
		t.Errorf("with another clip %d prompts are kept", len(paths))
	}
	if _, err := s.DeleteVoice(t.Context(), v.ID); err != nil {
		t.Fatal(err)
	}
	keep("late", heard) // by a generation that the voice didn't live to see the end of
	if left := files(t, s.Dir); !slices.Equal(left, []string{"speakers.json"}) {
		t.Errorf("a deleted voice leaves %v", left)
	}
}
