package registry_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"ttsui/internal/logs"
	"ttsui/internal/registry"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/tts"
)

// distant is a loader whose models have to be fetched first.
type distant struct {
	registrytest.Tones
	fetch func(ctx context.Context, tell func(tts.Phase, *tts.Download)) error
}

func (d *distant) Fetch(ctx context.Context, _ string, tell func(tts.Phase, *tts.Download)) error {
	return d.fetch(ctx, tell)
}

// slow fetches a gigabyte a minute, two in all, and checks what is there in between.
func slow(ctx context.Context, tell func(tts.Phase, *tts.Download)) error {
	tell(tts.PhaseDownloading, nil)
	for done := range int64(121) {
		left := float64(120 - done)
		rate := 1e9 / 60
		d := &tts.Download{BytesDone: done * 1e9 / 60, BytesTotal: 2e9, Rate: &rate, ETASeconds: &left}
		phase := tts.PhaseDownloading
		switch done {
		case 60:
			phase = tts.PhaseVerifying
		case 120:
			d.ETASeconds = nil
		}
		tell(phase, d)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func record(t *testing.T, r *registry.Registry) tts.ModelInfo {
	t.Helper()
	list, err := r.Models()
	if err != nil {
		t.Fatal(err)
	}
	return list[0]
}

// TestFetchIsTold: who asks for the models, who follows them, and the log hear of a download.
func TestFetchIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := registry.New(registry.Config{Loader: &distant{fetch: slow}, Log: logs.New(&log, zerolog.InfoLevel, time.Now),
			RSS: func() (uint64, error) { return 0, nil }, Footprint: func() (uint64, bool) { return 0, false }})
		ctx, stop := context.WithCancel(t.Context())
		watched := make(chan error)
		var told []string
		go func() {
			watched <- r.Watch(ctx, func(info tts.ModelInfo) {
				switch d := info.Download; {
				case info.ModelID != base:
				case info.State != tts.Loading:
					told = append(told, string(info.State))
				case d != nil && d.BytesDone%1e9 == 0: // what comes in no time before and after may be missed
					told = append(told, fmt.Sprint(info.Phase, " ", d.Amount()))
				}
			})
		}()
		synctest.Wait()
		go func() {
			time.Sleep(90500 * time.Millisecond)
			info := record(t, r)
			if d := info.Download; info.State != tts.Loading || info.Phase != tts.PhaseDownloading || d == nil || d.BytesDone != 1.5e9 || *d.ETASeconds != 30 {
				t.Errorf("after one and a half minutes: %+v", info)
			}
		}()
		info, err := r.Load(t.Context(), base, tts.LoadOptions{})
		if err != nil || info.State != tts.Loaded || info.Phase != "" || info.Download != nil || *info.LoadTimeSeconds > 1 {
			t.Errorf("loaded: %+v, %v", info, err)
		}
		synctest.Wait()
		time.Sleep(time.Second)
		stop()
		if err := <-watched; tts.CodeOf(err) != tts.CodeCanceled {
			t.Error("watch:", err)
		}
		want := []string{"unloaded", "downloading 0.0 of 2.0 GB", "verifying 1.0 of 2.0 GB", "downloading 2.0 of 2.0 GB", "loaded"}
		if d := cmp.Diff(want, told); d != "" {
			t.Error(d)
		}
		var said []string
		for line := range strings.Lines(log.String()) {
			_, line, _ = strings.Cut(strings.TrimSpace(line), " | INFO | ")
			said = append(said, strings.ReplaceAll(line, base, "ID"))
		}
		if len(said) < 16 {
			t.Fatalf("the log: %q", said)
		}
		said = append(said[:8], said[13:17]...)
		if d := cmp.Diff([]string{"Loading model: ID", "Downloading model: ID", "Downloaded 0.2 of 2.0 GB (8 %), about 2 minutes left",
			"Downloaded 0.3 of 2.0 GB (16 %), about 2 minutes left", "Downloaded 0.5 of 2.0 GB (25 %), about 2 minutes left",
			"Downloaded 0.7 of 2.0 GB (33 %), about 1 minute left", "Downloaded 0.8 of 2.0 GB (41 %), about 1 minute left",
			"Downloaded 1.0 of 2.0 GB (50 %), checking what came earlier", "Downloaded 2.0 of 2.0 GB (100 %)",
			"Download finished: ID (2.0 of 2.0 GB in 2 minutes)", "Memory before load: 0.0 MB", "Model loaded successfully"}, said); d != "" {
			t.Error(d)
		}
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := r.Watch(t.Context(), func(tts.ModelInfo) { t.Error("a closed registry tells") }); tts.CodeOf(err) != tts.CodeBusy {
			t.Error("watch after close:", err)
		}
	})
}

// TestFetchEnds: an unload stops a download; one that fails, panics or hangs is a failed load, which Retry leaves.
func TestFetchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &distant{fetch: slow}
		r := newRegistry(t, d)
		go func() {
			time.Sleep(time.Minute)
			if info, err := r.Unload(t.Context(), base, tts.UnloadOptions{}); err != nil || info.State != tts.Unloaded || info.Download != nil {
				t.Errorf("unload: %+v, %v", info, err)
			}
		}()
		if _, err := r.Load(t.Context(), base, tts.LoadOptions{}); tts.CodeOf(err) != tts.CodeCanceled {
			t.Error("stopped:", err)
		}
		release := make(chan struct{})
		hang := func(context.Context, func(tts.Phase, *tts.Download)) error { <-release; return nil }
		for _, c := range []struct {
			name  string
			fetch func(context.Context, func(tts.Phase, *tts.Download)) error
			code  tts.Code
		}{
			{"an error", func(context.Context, func(tts.Phase, *tts.Download)) error {
				return tts.Errorf(tts.CodeUnreachable, "Try again.", "the line is cut")
			}, tts.CodeUnreachable},
			{"a panic", func(context.Context, func(tts.Phase, *tts.Download)) error { panic("oops") }, tts.CodeInternal},
			{"a fetcher that hangs", func(ctx context.Context, tell func(tts.Phase, *tts.Download)) error {
				go func() { _, _ = r.Unload(t.Context(), base, tts.UnloadOptions{}) }()
				return hang(ctx, tell)
			}, tts.CodeTimeout},
		} {
			d.fetch = c.fetch
			info, err := r.Load(t.Context(), base, tts.LoadOptions{})
			if err != nil || info.State != tts.Failed || info.Code != c.code || info.Phase != "" || info.Download != nil {
				t.Errorf("%s: %+v, %v", c.name, info, err)
			}
		}
		d.fetch = slow
		if info, err := r.Load(t.Context(), base, tts.LoadOptions{}); err != nil || info.State != tts.Loaded {
			t.Errorf("in the end: %+v, %v", info, err)
		}
		close(release)
	})
}

// TestConcurrentFetchesAreOne: two loads wait for one download.
func TestConcurrentFetchesAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fetches atomic.Int64
		r := newRegistry(t, &distant{fetch: func(ctx context.Context, tell func(tts.Phase, *tts.Download)) error {
			fetches.Add(1)
			return slow(ctx, tell)
		}})
		loaded := make(chan tts.ModelInfo, 2)
		for range 2 {
			go func() {
				info, err := r.Load(t.Context(), base, tts.LoadOptions{})
				if err != nil {
					t.Error(err)
				}
				loaded <- info
			}()
		}
		for range 2 {
			if info := <-loaded; info.State != tts.Loaded {
				t.Errorf("%+v", info)
			}
		}
		if fetches.Load() != 1 {
			t.Errorf("%d downloads", fetches.Load())
		}
	})
}
