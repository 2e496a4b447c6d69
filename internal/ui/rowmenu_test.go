package ui

import (
	"context"
	"slices"
	"strings"
	"testing"

	"ttsui/internal/tts"
)

func TestRowMenu(t *testing.T) {
	for _, c := range []struct {
		name string
		m    model
		want string
	}{
		{"unloaded", model{info: tts.ModelInfo{ModelID: good, State: tts.Unloaded}}, "quantize8 quantize6 quantize4 copies check delete"},
		{"failed", model{info: tts.ModelInfo{ModelID: good, State: tts.Failed}}, "quantize8 quantize6 quantize4 copies check delete"},
		{"loaded", model{info: tts.ModelInfo{ModelID: good, State: tts.Loaded}}, "quantize8 quantize6 quantize4 copies check delete"},
		{"a copy", model{info: tts.ModelInfo{ModelID: "local/Qwen3-TTS-12Hz-1.7B-Base-4bit", State: tts.Unloaded}}, "delete"},
		{"a published copy", model{info: tts.ModelInfo{ModelID: family + "1.7B-Base-4bit", State: tts.Unloaded}}, "check delete"},
		{"paused", model{info: tts.ModelInfo{ModelID: good, State: tts.Unloaded, Part: &tts.Download{BytesDone: 1, BytesTotal: 2}}}, "copies delete"},
		{"checked", model{info: tts.ModelInfo{ModelID: good, State: tts.Loaded}, checks: true}, ""},
		{"checked by another program", model{info: tts.ModelInfo{ModelID: good, State: tts.Loaded, Verifying: &tts.Download{}}}, ""},
		{"asking", model{info: tts.ModelInfo{ModelID: good, State: tts.Unloaded}, asks: true}, ""},
		{"loading", model{info: tts.ModelInfo{ModelID: good, State: tts.Loading}}, ""},
		{"clicked", model{info: tts.ModelInfo{ModelID: good, State: tts.Unloaded}, doing: tts.Loading}, ""},
		{"server away", model{info: tts.ModelInfo{ModelID: good, State: tts.Unloaded}, away: "Server is not running"}, ""},
	} {
		var ids []string
		for _, choice := range c.m.row().Menu {
			ids = append(ids, choice.ID)
		}
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// copier makes copies when it is let.
type copier struct {
	server *fakeServer
	plan   func(id string, how tts.Quantization) (tts.QuantizePlan, error)
	made   chan error
}

func (q copier) PlanQuantized(_ context.Context, id string, how tts.Quantization) (tts.QuantizePlan, error) {
	return q.plan(id, how)
}

func (q copier) Quantize(_ context.Context, id string, how tts.Quantization) (tts.ModelInfo, error) {
	info := tts.ModelInfo{ModelID: how.CopyID(id), State: tts.Loading, Phase: tts.PhaseQuantizing, Download: &tts.Download{BytesDone: 1e9, BytesTotal: 2e9}}
	q.server.mu.Lock()
	q.server.models = append(q.server.models, info)
	q.server.mu.Unlock()
	if err := <-q.made; err != nil {
		return tts.ModelInfo{}, err
	}
	return q.server.set(tts.ModelInfo{ModelID: info.ModelID, State: tts.Unloaded}), nil
}

// A copy is made after its size was told; it has a row with its progress, then one to load it by. What goes wrong is said.
func TestSmallerCopy(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		made := make(chan error)
		broken := false
		w.server.Quantizer = copier{w.server, func(id string, how tts.Quantization) (tts.QuantizePlan, error) {
			if broken {
				return tts.QuantizePlan{}, tts.Errorf(tts.CodeNotFound, "Load it first.", "model %s was not found", id)
			}
			return tts.QuantizePlan{ModelID: how.CopyID(id), Bytes: 1.25e9, FreeBytes: 80e9, MemoryMB: 1500, OriginalMemoryMB: 2600}, nil
		}, made}
		w.open()
		w.ChooseRowMenu(fast, "quantize8")
		s := w.see()
		if s.Alert == nil || s.Alert.Title != "Make 0.6B-Base-8bit?" || !strings.Contains(s.Alert.Text, "1.2 GB of the disk, of which 80.0 GB are free, and 1.5 GB of memory instead of 2.5 GB") {
			t.Fatalf("%+v", s.Alert)
		}
		w.AnswerAlert(s.Alert.ID, 0)
		const copyID = "local/Qwen3-TTS-12Hz-0.6B-Base-8bit"
		if r := row(t, w.seeAfter(modelsEvery), copyID); r.Name != "0.6B-Base-8bit" || r.Busy != "Making it: 1.0 of 2.0 GB" || r.Action.Title != "Cancel" {
			t.Errorf("%+v", r)
		}
		made <- nil
		if r := row(t, w.see(), copyID); r.Action.Title != "Load" || len(r.Menu) != 1 {
			t.Errorf("%+v", r)
		}
		broken = true
		w.ChooseRowMenu(good, "quantize4")
		if s = w.see(); s.Alert == nil || s.Alert.Title != "No copy can be made of 1.7B-Base (Quality)" || !strings.Contains(s.Alert.Text, "Load it first.") {
			t.Errorf("%+v", s.Alert)
		}
	})
}

// A model is deleted when the user is sure, and the log says what that gave; what is in the way is said.
func TestDeleteModel(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		var removed []string
		var wrong error
		w.server.remove = func(id string) (int64, error) {
			removed = append(removed, id)
			return 2_500_000_000, wrong
		}
		w.open()
		w.ChooseRowMenu(fast, "delete")
		s := w.see()
		w.AnswerAlert(s.Alert.ID, 1)
		if w.see(); len(removed) != 0 {
			t.Error("Cancel deletes")
		}
		w.ChooseRowMenu(fast, "delete")
		s = w.see()
		if s.Alert.Buttons[0].Role != Danger {
			t.Errorf("%+v", s.Alert)
		}
		w.AnswerAlert(s.Alert.ID, 0)
		if s = w.see(); !slices.Equal(removed, []string{fast}) || !strings.Contains(s.Log.CopyText(), "Deleted 0.6B-Base (Fast): 2.5 GB are free again") {
			t.Errorf("%v, %s", removed, s.Log.CopyText())
		}
		w.server.set(tts.ModelInfo{ModelID: fast, State: tts.Unloaded, Part: &tts.Download{BytesDone: 12e8, BytesTotal: 25e8}})
		if r := row(t, w.seeAfter(modelsEvery), fast); r.Menu[1].Title != "Delete What Came (1.2 GB)…" {
			t.Errorf("%+v", r)
		}
		w.ChooseRowMenu(fast, "delete")
		wantAlert(t, w, 0, "Delete what came of 0.6B-Base (Fast)?", "begins anew")
		if len(removed) != 2 {
			t.Errorf("removed %q", removed)
		}
		wrong = tts.Errorf(tts.CodeBusy, "Unload it first.", "the model is in memory")
		w.ChooseRowMenu(fast, "delete")
		w.AnswerAlert(w.see().Alert.ID, 0)
		if s = w.see(); s.Alert == nil || !strings.Contains(s.Alert.Text, "Unload it first.") {
			t.Errorf("%+v", s.Alert)
		}
	})
}
