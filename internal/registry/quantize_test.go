package registry_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"ttsui/internal/registry"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/tts"
)

const quantized = "local/Qwen3-TTS-12Hz-0.6B-Base-4bit"

// shelf is a loader that knows which models are on this machine.
type shelf struct {
	registrytest.Tones
	ids   []string
	parts map[string]*tts.Download
}

func (s *shelf) LocalModels() (list []registry.LocalModel) {
	for _, id := range s.ids {
		list = append(list, registry.LocalModel{ID: id, Part: s.parts[id]})
	}
	return list
}

func idsOf(t *testing.T, r *registry.Registry) (ids []string) {
	t.Helper()
	list, err := r.Models()
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range list {
		ids = append(ids, info.ModelID)
	}
	return ids
}

// TestLook: what is on the machine has a row. One whose files are gone has none, unless it is of the catalogue or in
// memory.
func TestLook(t *testing.T) {
	s := &shelf{ids: []string{base, "me/mine", "me/other"}}
	r := registry.New(registry.Config{Loader: s})
	catalogue := idsOf(t, r)
	want := func(more ...string) {
		t.Helper()
		r.Look()
		got := idsOf(t, r)
		slices.Sort(got[len(catalogue):])
		if !slices.Equal(got, slices.Concat(catalogue, more)) {
			t.Errorf("rows of %q, want the catalogue and %q", got, more)
		}
	}
	want("me/mine", "me/other")
	if _, err := r.Load(t.Context(), "me/mine", tts.LoadOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Load(t.Context(), "me/asked-for", tts.LoadOptions{}); err != nil {
		t.Fatal(err)
	}
	s.ids = nil
	want("me/asked-for", "me/mine")
	for _, id := range []string{"me/mine", "me/asked-for"} {
		if _, err := r.Unload(t.Context(), id, tts.UnloadOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	want("me/asked-for")
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestLoadWaitsForTheMaking: a load of a model that is being made loads it when it is there, and goes with it when the
// making is stopped. Nothing is left of what was stopped.
func TestLoadWaitsForTheMaking(t *testing.T) {
	for _, stop := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			s := &shelf{Tones: registrytest.Tones{OnQuantize: func(ctx context.Context, _ string, _ func(tts.Download)) error {
				select {
				case <-release:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}}}
			r := registry.New(registry.Config{Loader: s})
			var calls sync.WaitGroup
			calls.Go(func() {
				_, err := r.Quantize(t.Context(), base, tts.Quantization{Bits: 4})
				if want := map[bool]tts.Code{true: tts.CodeCanceled}[stop]; tts.CodeOf(err) != want {
					t.Errorf("quantise: %v", err)
				}
			})
			synctest.Wait()
			calls.Go(func() {
				info, err := r.Load(t.Context(), quantized, tts.LoadOptions{})
				if stop && tts.CodeOf(err) != tts.CodeCanceled || !stop && (err != nil || info.State != tts.Loaded) {
					t.Errorf("load: %+v, %v", info, err)
				}
			})
			synctest.Wait()
			if stop {
				if _, err := r.Unload(t.Context(), quantized, tts.UnloadOptions{}); err != nil {
					t.Error(err)
				}
				r.Look()
				if slices.Contains(idsOf(t, r), quantized) {
					t.Error("a row is left")
				}
			}
			close(release)
			calls.Wait()
			if err := r.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
