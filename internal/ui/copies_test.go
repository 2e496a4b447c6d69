package ui

import (
	"context"
	"testing"

	"ttsui/internal/tts"
)

// TestPublishedCopies: those that have no row are offered with their sizes; one that is chosen has a row at once, and
// comes. Without a hub that is said, and nothing waits for it.
func TestPublishedCopies(t *testing.T) {
	inBubble(t, func(t *testing.T, w *window) {
		const eight, four = family + "0.6B-Base-8bit", family + "0.6B-Base-4bit"
		answer := make(chan error)
		w.server.copies = func(context.Context, string) ([]tts.PublishedModel, error) {
			err := <-answer
			return []tts.PublishedModel{{ModelID: eight, Bytes: 14e8}, {ModelID: four, Bytes: 10e8}}, err
		}
		w.open()
		w.ChooseRowMenu(fast, "copies")
		if r := row(t, w.see(), fast); r.Note != "Asking for copies..." || r.Action.Title != "Load" || !r.Action.Enabled {
			t.Errorf("meanwhile: %+v", r)
		}
		answer <- tts.Errorf(tts.CodeUnreachable, "Check the network.", "ask the hub: no route to it")
		if s := wantAlert(t, w, 0, "The published copies of 0.6B-Base (Fast) can't be listed", "Ask the hub: no route to it. Check the network."); row(t, s, fast).Note != "" {
			t.Errorf("afterwards: %+v", row(t, s, fast))
		}

		w.ChooseRowMenu(fast, "copies")
		answer <- nil
		if a := w.see().Alert; len(a.Buttons) != 3 || a.Buttons[0].Title != "0.6B-Base-8bit · 1.4 GB" || a.Buttons[1].Title != "0.6B-Base-4bit · 1.0 GB" || !a.Buttons[2].Cancel {
			t.Fatalf("%+v", a)
		}
		load, come := w.server.load, make(chan struct{})
		w.server.load = func(ctx context.Context, id string, how tts.LoadOptions) (tts.ModelInfo, error) {
			<-come
			return load(ctx, id, how)
		}
		if r := row(t, wantAlert(t, w, 1, "Download a smaller copy of 0.6B-Base (Fast)?"), four); r.Busy != "Loading..." {
			t.Errorf("added: %+v", r)
		}
		close(come)
		if r := row(t, w.see(), four); r.Action.Title != "Unload" {
			t.Errorf("loaded: %+v", r)
		}
		w.server.set(tts.ModelInfo{ModelID: eight, State: tts.Unloaded})
		w.seeAfter(modelsEvery)
		w.ChooseRowMenu(fast, "copies")
		answer <- nil
		wantAlert(t, w, 0, "There are no other copies of 0.6B-Base (Fast)")
	})
}
