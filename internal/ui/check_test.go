package ui

import (
	"context"
	"slices"
	"strings"
	"testing"

	"ttsui/internal/tts"
)

// checker answers when it is let.
type checker struct {
	server   *fakeServer
	verified chan []tts.Damage
	repaired chan error
}

func (v checker) Verify(ctx context.Context, id string) ([]tts.Damage, error) {
	info, _ := v.server.info(id)
	info.Verifying = &tts.Download{BytesDone: 45, BytesTotal: 100}
	v.server.set(info)
	defer func() { info.Verifying = nil; v.server.set(info) }()
	select {
	case damages, open := <-v.verified:
		if !open {
			return nil, tts.Errorf(tts.CodeUnreachable, "Check the network.", "the checksums are not known")
		}
		return damages, nil
	case <-ctx.Done():
		return nil, tts.Errorf(tts.CodeCanceled, "", "stopped")
	}
}

func (v checker) Repair(_ context.Context, id string) (tts.ModelInfo, error) {
	v.server.set(tts.ModelInfo{ModelID: id, State: tts.Loading, Phase: tts.PhaseDownloading, Download: &tts.Download{BytesDone: 1e9, BytesTotal: 2e9}})
	err := <-v.repaired
	return v.server.set(tts.ModelInfo{ModelID: id, State: tts.Unloaded}), err
}

func (s *fakeServer) info(id string) (tts.ModelInfo, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.models, func(info tts.ModelInfo) bool { return info.ModelID == id })
	return s.models[max(i, 0)], i >= 0
}

// wantAlert checks what is asked or told, answers it, and gives what is seen then.
func wantAlert(t *testing.T, w *window, button int, title string, texts ...string) Snapshot {
	t.Helper()
	a := w.see().Alert
	if a == nil || a.Title != title {
		t.Fatalf("%q was to be said, not %+v", title, a)
	}
	for _, text := range texts {
		if !strings.Contains(a.Text, text) {
			t.Errorf("%q is not in %q", text, a.Text)
		}
	}
	w.AnswerAlert(a.ID, button)
	return w.see()
}

// TestCheckFiles: a check shows how far it is, and can be stopped; what it found is told, and repaired on request.
func TestCheckFiles(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		v := checker{w.server, make(chan []tts.Damage), make(chan error)}
		w.server.Verifier = v
		w.open()
		check := func(id string) Row {
			w.ChooseRowMenu(id, "check")
			w.ChooseRowMenu(id, "check") // is not asked for twice
			return row(t, w.seeAfter(modelsEvery), id)
		}
		if r := check(fast); r.Busy != "Checking 45 %" || r.Action.Title != "Cancel" || r.Menu != nil {
			t.Errorf("it is checked: %+v", r)
		}
		w.ClickRowButton(fast)
		if s := w.see(); s.Alert != nil || row(t, s, fast).Action.Title != "Load" || row(t, s, fast).Busy != "" {
			t.Errorf("it was stopped: %+v, %+v", s.Alert, row(t, s, fast))
		}
		check(fast)
		v.verified <- nil
		if r := row(t, w.see(), fast); r.Busy != "" || r.Action.Title != "Load" {
			t.Errorf("it was checked: %+v", r)
		}
		wantAlert(t, w, 0, "0.6B-Base (Fast) is all right", "as they should be")

		check(fast)
		v.verified <- slices.Repeat([]tts.Damage{{Name: "vocab.json", Problem: "is missing"}}, 8)
		wantAlert(t, w, 1, "0.6B-Base (Fast) is damaged", "vocab.json is missing.\n", "And 3 more.", "Repair fetches")
		check(fast)
		v.verified <- []tts.Damage{{Name: "model.safetensors", Problem: "has the wrong checksum"}}
		wantAlert(t, w, 0, "0.6B-Base (Fast) is damaged", "model.safetensors has the wrong checksum.")
		if r := row(t, w.seeAfter(modelsEvery), fast); r.Busy != "Downloading 1.0 of 2.0 GB" {
			t.Errorf("it is repaired: %+v", r)
		}
		v.repaired <- nil
		if s := wantAlert(t, w, 0, "0.6B-Base (Fast) is repaired"); row(t, s, fast).Action.Title != "Load" {
			t.Errorf("it was repaired: %+v", row(t, s, fast))
		}

		check(fast)
		v.verified <- make([]tts.Damage, 1)
		wantAlert(t, w, 0, "0.6B-Base (Fast) is damaged")
		v.repaired <- errGone
		wantAlert(t, w, 0, "0.6B-Base (Fast) could not be repaired", "The server hung up.")
		check(fast)
		v.verified <- []tts.Damage{{Name: "vocab.json", Problem: "is missing", Kept: true}}
		if a := w.see().Alert; a == nil || len(a.Buttons) != 1 {
			t.Errorf("what is never replaced: %+v", a)
		}
		wantAlert(t, w, 0, "0.6B-Base (Fast) is damaged", "vocab.json is missing.\nIt lies in a folder of yours")
		check(fast)
		close(v.verified)
		wantAlert(t, w, 0, "The files of 0.6B-Base (Fast) could not be checked", "The checksums are not known. Check the network.")
	})
}

// TestCheckLoaded: a loaded model is checked, and stays chosen, but is not repaired. A check ends with its server.
func TestCheckLoaded(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		v := checker{w.server, make(chan []tts.Damage), nil}
		w.server.Verifier = v
		w.ready()
		w.ChooseRowMenu(fast, "check")
		if s := w.seeAfter(modelsEvery); !row(t, s, fast).Checked || !s.Clone.Generate.Enabled || row(t, s, fast).Busy != "Checking 45 %" {
			t.Errorf("%+v, %+v", row(t, s, fast), s.Clone.Generate)
		}
		v.verified <- make([]tts.Damage, 1)
		if s := w.see(); len(s.Alert.Buttons) != 1 || row(t, s, fast).Action.Title != "Unload" {
			t.Errorf("%+v, %+v", s.Alert, row(t, s, fast))
		}
		wantAlert(t, w, 0, "0.6B-Base (Fast) is damaged", "unload it, then check")
		w.ChooseRowMenu(fast, "check")
		w.see()
		w.RestartServer()
		if s := w.seeAfter(modelsEvery); s.Alert != nil || row(t, s, fast).Action.Title != "Unload" || row(t, s, fast).Busy != "" {
			t.Errorf("after a restart: %+v, %+v", s.Alert, row(t, s, fast))
		}
	})
}
