package client_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"ttsui/internal/client"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/server"
	"ttsui/internal/tts"
)

func TestVoiceAudio(t *testing.T) {
	path, err := filepath.Abs(filepath.Join("..", "testkit", "testdata", "golden", "clip.wav"))
	if err != nil {
		t.Fatal(err)
	}
	clip, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, serve(t, openService(t, &registrytest.Tones{}), server.Guard{}), client.Options{})
	if _, err := c.SaveVoice(t.Context(), tts.NewVoice{Name: "A/B", RefAudioPath: path}); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := c.VoiceAudio(t.Context(), "a/b", &got); err != nil || !bytes.Equal(got.Bytes(), clip) {
		t.Errorf("%d bytes of %d, %v", got.Len(), len(clip), err)
	}
	for word, code := range map[string]tts.Code{"": tts.CodeInvalid, "none": tts.CodeNotFound} {
		if err := c.VoiceAudio(t.Context(), word, &got); tts.CodeOf(err) != code || tts.HintOf(err) == "" {
			t.Errorf("%q: %v", word, err)
		}
	}
}
