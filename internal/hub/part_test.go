package hub

import (
	"context"
	"os"
	"slices"
	"testing"

	"ttsui/internal/testkit/fakehub"
	"ttsui/internal/tts"
)

// TestPart: of a download that was stopped it is known, without a hub, how much is here; of one that has ended, or
// whose part was deleted, there is nothing to tell.
func TestPart(t *testing.T) {
	hub, files := newHub(t, 2<<20)
	f := newTestFetcher(t, hub.URL)
	p := Places{Cache: f.Cache}
	want := func(when string, done, total int64) {
		t.Helper()
		if d, n := p.Part(id); d != done || n != total {
			t.Errorf("%s: %d of %d, want %d of %d", when, d, n, done, total)
		}
		if listed := slices.Contains(p.IDs(), id); listed != (when != "before" && when != "deleted") {
			t.Errorf("%s: listed %t", when, listed)
		}
	}
	want("before", 0, 0)
	all := total(files)
	const came = 1 << 20
	hub.Break(func(r fakehub.Request) fakehub.Fault {
		if r.Name == weightsName {
			return fakehub.Fault{Stall: came}
		}
		return fakehub.Fault{}
	})
	begun := all - int64(len(files[weightsName])) + came
	stopped := func() {
		t.Helper()
		ctx, stop := context.WithCancel(t.Context())
		_, err := f.Pull(ctx, id, "", func(p Progress) {
			if p.BytesDone == begun {
				stop()
			}
		})
		wantError(t, err, tts.CodeCanceled, "stopped")
	}
	stopped()
	want("stopped", begun, all)
	if freed, err := p.Remove(id, ""); err != nil || freed < begun {
		t.Errorf("removing it freed %d, %v", freed, err)
	}
	want("deleted", 0, 0)
	stopped()
	hub.Break(func(fakehub.Request) fakehub.Fault { return fakehub.Fault{} })
	_, err := f.Pull(t.Context(), id, "", nil)
	must(t, err)
	want("whole", 0, 0)
	if _, err := os.Stat(repositoryOf(f.Cache, id).part()); err == nil {
		t.Error("the note stays")
	}
	must(t, repositoryOf(f.Cache, id).notePart(Listing{Files: []File{{Name: weightsName, Size: 10}}}))
	want("killed before the note went", 0, 0)
}
