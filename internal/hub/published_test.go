package hub

import (
	"slices"
	"testing"

	"ttsui/internal/testkit/fakehub"
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

// TestCopies: of a model the smaller copies are told that can be had, the largest first.
func TestCopies(t *testing.T) {
	hub, _ := newHub(t, 100)
	for name, weights := range map[string]int{"1.7B-Base-4bit": 400, "0.6B-Base-4bit": 400, "0.6B-Base-8bit": 800, "0.6B-Base-fp32": 1600, "0.6B-Base-Old-8bit": 800} {
		hub.Add(tts.PublisherOrg+"/"+tts.FamilyName+name, fakehub.Model(weights))
	}
	hub.Add(tts.PublisherOrg+"/"+tts.FamilyName+"0.6B-Base-6bit", map[string][]byte{"config.json": []byte("{}")}) // and nothing else
	f := newTestFetcher(t, hub.URL)
	const of = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base"
	got, err := f.Copies(t.Context(), of+"-bf16")
	want := []tts.PublishedModel{{ModelID: of + "-8bit", Bytes: total(fakehub.Model(800))}, {ModelID: of + "-4bit", Bytes: total(fakehub.Model(400))}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	f.Offline = true
	_, err = f.Copies(t.Context(), of+"-bf16")
	wantError(t, err, tts.CodeUnreachable, "HF_HUB_OFFLINE")
}
