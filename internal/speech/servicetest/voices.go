package servicetest

import (
	"os"
	"path/filepath"
	"testing"

	"ttsui/internal/registry/registrytest"
	"ttsui/internal/tts"
)

// VoicesSubject is what RunVoices tests.
type VoicesSubject struct {
	// Open makes a service whose models come from tones, and the voices that it knows, none at first. Both end with the test.
	Open func(t *testing.T, tones *registrytest.Tones) (tts.Service, tts.Voices)

	Reference string // path of a clip
}

// RunVoices tests that what the subject opens keeps the contract that tts.Voices writes down.
func RunVoices(t *testing.T, s VoicesSubject) {
	t.Run("a voice's life", s.testLife)
	t.Run("voices that are refused", s.testRefusals)
	t.Run("a voice speaks", s.testSpeaks)
}

func (s VoicesSubject) testLife(t *testing.T) {
	_, voices := s.Open(t, &registrytest.Tones{})
	list := func(want ...tts.Voice) {
		t.Helper()
		all, err := voices.Voices(t.Context())
		if err != nil || len(all) != len(want) {
			t.Fatalf("there are %+v, %v; want %+v", all, err, want)
		}
		for i, v := range all {
			if v != want[i] {
				t.Errorf("there is %+v, want %+v", v, want[i])
			}
		}
	}
	list()
	anna, err := voices.SaveVoice(t.Context(), tts.NewVoice{Name: " Anna, d. 1/2", RefAudioPath: s.Reference, RefText: "Hello."})
	if err != nil || anna.ID == "" || anna.Name != "Anna, d. 1/2" || anna.RefText != "Hello." || anna.Missing || anna.AudioPath == s.Reference {
		t.Fatalf("%+v, %v", anna, err)
	}
	bert, err := voices.SaveVoice(t.Context(), tts.NewVoice{Name: "50%25 🙂", RefAudioPath: s.Reference})
	if err != nil {
		t.Fatal(err)
	}
	list(anna, bert)
	for word, want := range map[string]tts.Voice{anna.ID: anna, "anna, D. 1/2": anna, bert.Name: bert} {
		if v, err := voices.Voice(t.Context(), word); err != nil || v != want {
			t.Errorf("%q is %+v, %v", word, v, err)
		}
	}
	name, none := "Änne", ""
	old := anna
	anna, err = voices.ChangeVoice(t.Context(), anna.Name, tts.VoiceChange{Name: &name, RefText: &none, RefAudioPath: &s.Reference})
	if err != nil || anna.ID != old.ID || anna.Name != name || anna.RefText != "" || anna.AudioPath == old.AudioPath {
		t.Errorf("%+v, %v", anna, err)
	}
	list(anna, bert)
	if _, err := os.Stat(old.AudioPath); err == nil {
		t.Error("the replaced clip is still there")
	}
	if gone, err := voices.DeleteVoice(t.Context(), "änne"); err != nil || gone.ID != anna.ID {
		t.Errorf("%+v, %v", gone, err)
	}
	list(bert)
	if err := os.Remove(bert.AudioPath); err != nil {
		t.Fatal(err)
	}
	bert.Missing = true
	list(bert)
}

func (s VoicesSubject) testRefusals(t *testing.T) {
	_, voices := s.Open(t, &registrytest.Tones{})
	if _, err := voices.SaveVoice(t.Context(), tts.NewVoice{Name: "Anna", RefAudioPath: s.Reference}); err != nil {
		t.Fatal(err)
	}
	_, err := voices.SaveVoice(t.Context(), tts.NewVoice{Name: "anna", RefAudioPath: s.Reference})
	wantError(t, err, tts.CodeInvalid, "already")
	_, err = voices.SaveVoice(t.Context(), tts.NewVoice{Name: "more than 16 chars", RefAudioPath: s.Reference})
	wantError(t, err, tts.CodeInvalid, "18 characters")
	_, err = voices.SaveVoice(t.Context(), tts.NewVoice{Name: "Bert", RefAudioPath: s.Reference + ".none"})
	wantError(t, err, tts.CodeNotFound, ".none")
	_, err = voices.ChangeVoice(t.Context(), "Anna", tts.VoiceChange{})
	wantError(t, err, tts.CodeInvalid, "nothing to change")
	name := "Carla"
	for _, word := range []string{"Bert", "..", "%"} {
		_, err = voices.Voice(t.Context(), word)
		wantError(t, err, tts.CodeNotFound, word)
		_, err = voices.ChangeVoice(t.Context(), word, tts.VoiceChange{Name: &name})
		wantError(t, err, tts.CodeNotFound, word)
		_, err = voices.DeleteVoice(t.Context(), word)
		wantError(t, err, tts.CodeNotFound, word)
	}
	_, err = voices.DeleteVoice(t.Context(), "")
	wantError(t, err, tts.CodeInvalid, "no voice is named")
}

// testSpeaks: a saved voice's clip and transcript come to the model, and no other reference beside it.
func (s VoicesSubject) testSpeaks(t *testing.T) {
	var heard []tts.Utterance
	service, voices := s.Open(t, &registrytest.Tones{OnUtterance: func(u tts.Utterance) { heard = append(heard, u) }})
	load(t, service, base)
	anna, err := voices.SaveVoice(t.Context(), tts.NewVoice{Name: "Anna", RefAudioPath: s.Reference, RefText: "Hello."})
	if err != nil {
		t.Fatal(err)
	}
	req := tts.Request{Mode: tts.Clone, ModelID: base, Text: "hello", Voice: "anna", OutputPath: filepath.Join(t.TempDir(), "speech.wav")}
	for _, tail := range []bool{false, true} {
		req.RefTail = tail
		if _, err := service.Generate(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	if len(heard) != 2 || heard[0].RefText != "Hello." || heard[0].Memory == nil || len(heard[0].Reference) == 0 ||
		len(heard[1].Reference)-len(heard[0].Reference) != tts.SampleRate/2 {
		t.Errorf("the model heard %d utterances, of the first %d samples", len(heard), len(heard[0].Reference))
	}
	heard[0].Memory.Keep("key", tts.Heard{Speaker: []float32{1}})
	if h, ok := heard[1].Memory.Recall("key"); !ok || len(h.Speaker) != 1 {
		t.Error("what was kept of a voice is not recalled")
	}
	for _, c := range []struct {
		change func(*tts.Request)
		code   tts.Code
		text   string
	}{
		{func(r *tts.Request) { r.Voice = "Bert" }, tts.CodeNotFound, "no voice"},
		{func(r *tts.Request) { r.RefAudioPath = s.Reference }, tts.CodeInvalid, "two references"},
		{func(r *tts.Request) { r.RefText = "Hello." }, tts.CodeInvalid, "two references"},
		{func(*tts.Request) { _ = os.Remove(anna.AudioPath) }, tts.CodeNotFound, "isn't there any more"},
	} {
		bad := req
		c.change(&bad)
		_, err := service.Generate(t.Context(), bad)
		wantError(t, err, c.code, c.text)
	}
}
