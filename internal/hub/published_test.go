package hub

import (
	"slices"
	"testing"

	"ttsui/internal/tts"
)

// TestPublished: a mirror answers for a hub that is gone; models of others are left out; without any there is a hint.
func TestPublished(t *testing.T) {
	hub, files := newHub(t, 100)
	for _, id := range []string{"mlx-community/Qwen3-TTS-12Hz-1.7B-Base-4bit", "mlx-community/Old-Qwen3-TTS-12Hz-x", "someone/Qwen3-TTS-12Hz-1.7B-Base-4bit"} {
		hub.Add(id, files)
	}
	f := newTestFetcher(t, "http://127.0.0.1:1")
	f.Endpoints = append(f.Endpoints, hub.URL)
	got, err := f.Published(t.Context())
	if want := []string{id, "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-4bit"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
	f.Endpoints = f.Endpoints[:1]
	_, err = f.Published(t.Context())
	wantError(t, err, tts.CodeUnreachable, "ask http://127.0.0.1:1 which models there are")
	f.Offline = true
	_, err = f.Published(t.Context())
	wantError(t, err, tts.CodeUnreachable, "HF_HUB_OFFLINE")
}
