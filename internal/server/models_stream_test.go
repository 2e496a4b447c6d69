package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"ttsui/internal/registry"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/speech"
	"ttsui/internal/tts"
)

// distant is a loader whose models are fetched first, a step with each token of next.
type distant struct {
	registrytest.Tones
	next chan struct{}
}

func (d *distant) Fetch(ctx context.Context, _ string, tell func(tts.Phase, *tts.Download)) error {
	rate, left := 1e6, 2.5
	for _, step := range []struct {
		phase tts.Phase
		now   *tts.Download
	}{
		{tts.PhaseDownloading, nil},
		{tts.PhaseVerifying, &tts.Download{BytesDone: 1e6, BytesTotal: 4e6}},
		{tts.PhaseDownloading, &tts.Download{BytesDone: 15e5, BytesTotal: 4e6, Rate: &rate, ETASeconds: &left}},
	} {
		tell(step.phase, step.now)
		select {
		case <-d.next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// TestModelsStream follows a download, which then is stopped, and a load; every event keeps the contract.
func TestModelsStream(t *testing.T) {
	c := readContract(t)
	loader := &distant{next: make(chan struct{})}
	h := &house{dir: t.TempDir(), log: &lockedBuffer{}}
	r := registry.New(registry.Config{Loader: loader, Log: zerolog.Nop()})
	h.start(t, &speech.Service{Registry: r, Log: zerolog.Nop()}, zerolog.Nop())
	t.Cleanup(func() { atEnd(t, r.Close) })
	client := http.Client{Timeout: patience}
	res, err := client.Get(h.url + "/models/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	events := newEventReader(res)
	seen := func(state, phase string) object {
		t.Helper()
		for {
			m, err := events.next()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.check([]byte(m.data), "components", "schemas", "Model"); err != nil {
				t.Errorf("%s: %v", m.data, err)
			}
			var info object
			if err := json.Unmarshal([]byte(m.data), &info); err != nil {
				t.Fatal(err)
			}
			if got, _ := info["phase"].(string); info["model_id"] == custom && info["state"] == state && got == phase {
				return info
			}
		}
	}
	answered := make(chan object, 1)
	load := func() {
		_, answer, _ := h.try(context.Background(), "POST", "/models/load", object{"model_id": custom})
		answered <- answer
	}
	seen("unloaded", "")
	go load()
	if info := seen("loading", "downloading"); info["download"] != nil {
		t.Errorf("before anything is known: %v", info)
	}
	loader.next <- struct{}{}
	if d := cmp.Diff(object{"bytes_done": 1e6, "bytes_total": 4e6}, seen("loading", "verifying")["download"]); d != "" {
		t.Error(d)
	}
	loader.next <- struct{}{}
	full := object{"bytes_done": 15e5, "bytes_total": 4e6, "rate": 1e6, "eta_seconds": 2.5}
	if d := cmp.Diff(full, seen("loading", "downloading")["download"]); d != "" {
		t.Error(d)
	}
	_, list := h.call(t, "GET", "/models", nil)
	for _, info := range list["models"].([]any) {
		if info := info.(object); info["model_id"] == custom && (info["phase"] != "downloading" || !cmp.Equal(info["download"], any(full))) {
			t.Errorf("the list has %v", info)
		}
	}
	if status, answer := h.call(t, "POST", "/models/unload", object{"model_id": custom}); status != 200 || answer["state"] != "unloaded" {
		t.Errorf("unload: %d %v", status, answer)
	}
	if answer := await(t, answered); answer["code"] != "canceled" {
		t.Errorf("the stopped load: %v", answer)
	}
	seen("unloaded", "")
	close(loader.next)
	go load()
	if answer := await(t, answered); answer["state"] != "loaded" || answer["phase"] != nil || answer["download"] != nil {
		t.Errorf("loaded: %v", answer)
	}
	seen("loaded", "")
}
