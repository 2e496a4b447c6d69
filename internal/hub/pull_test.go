package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ttsui/internal/testkit/fakehub"
	"ttsui/internal/tts"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(runChild())
	}
	goleak.VerifyTestMain(m)
}

// size is that of the weights in most tests.
const size = 300_000

// newHub runs a hub with one model.
func newHub(t *testing.T, weights int) (*fakehub.Hub, map[string][]byte) {
	hub, files := fakehub.Start(t), fakehub.Model(weights)
	hub.Add(id, files)
	return hub, files
}

// newTestFetcher is a fetcher without patience, into a folder of its own.
func newTestFetcher(t *testing.T, endpoints ...string) *Fetcher {
	cache := filepath.Join(t.TempDir(), "hub")
	f := NewFetcher(func(key string) string {
		return map[string]string{"HF_HUB_CACHE": cache, "HF_ENDPOINT": endpoints[0], "TTSUI_MIRRORS": strings.Join(endpoints[1:], ",")}[key]
	})
	f.Retry = Retry{Tries: 5, First: time.Millisecond, Longest: 4 * time.Millisecond}
	f.Stall = 10 * time.Second
	t.Cleanup(f.Transport.CloseIdleConnections)
	return f
}

// wanted are the files of a model that are fetched.
func wanted(files map[string][]byte) map[string][]byte {
	files = maps.Clone(files)
	delete(files, "README.md")
	delete(files, ".gitattributes")
	return files
}

// wantModel checks that dir holds the model's files, to the byte, and nothing else.
func wantModel(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	var got []string
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			name, _ := filepath.Rel(dir, path)
			got = append(got, name)
		}
		return err
	}))
	if want := slices.Sorted(maps.Keys(wanted(files))); !slices.Equal(got, want) {
		t.Fatalf("the folder holds %q, want %q", got, want)
	}
	for _, name := range got {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(data) != string(files[name]) {
			t.Errorf("%s differs: %v", name, err)
		}
	}
}

// wantNoRest checks that nothing unfinished lies in the cache.
func wantNoRest(t *testing.T, f *Fetcher) {
	t.Helper()
	if rest, _ := filepath.Glob(filepath.Join(f.Cache, "*", "blobs", "*.incomplete")); len(rest) > 0 {
		t.Errorf("left behind: %q", rest)
	}
}

func wantError(t *testing.T, err error, code tts.Code, text string) {
	t.Helper()
	if tts.CodeOf(err) != code || !strings.Contains(err.Error(), text) {
		t.Fatalf("got %v (%s), want %s with %q in it", err, tts.CodeOf(err), code, text)
	}
	if tts.HintOf(err) == "" {
		t.Errorf("%v: no hint", err)
	}
}

func TestPull(t *testing.T) {
	hub, files := newHub(t, size)
	f := newTestFetcher(t, hub.URL)
	var seen []Progress
	dir, err := f.Pull(t.Context(), id, "", func(p Progress) { seen = append(seen, p) })
	must(t, err)
	wantModel(t, dir, files)
	wantNoRest(t, f)
	if found, err := (Places{Cache: f.Cache}).Find(id); found != dir {
		t.Errorf("found in %q (%v), want %q", found, err, dir)
	}
	target, err := os.Readlink(filepath.Join(dir, "speech_tokenizer", "model.safetensors"))
	if want := "../../../blobs/"; err != nil || !strings.HasPrefix(target, want) {
		t.Errorf("the link leads to %q (%v), want %s…", target, err, want)
	}
	if last := seen[len(seen)-1]; last.BytesDone != last.BytesTotal || last.BytesTotal != total(files) {
		t.Errorf("the last progress is %+v, want %d of %[2]d bytes", last, total(files))
	}
	asked := len(hub.Requests())
	if _, err := f.Pull(t.Context(), id, "", nil); err != nil || len(hub.Requests()) != asked {
		t.Errorf("again: %v, asked for %d files", err, len(hub.Requests())-asked)
	}
}

func total(files map[string][]byte) (bytes int64) {
	for _, data := range wanted(files) {
		bytes += int64(len(data))
	}
	return bytes
}

// Whatever goes wrong for a while, the model arrives.
func TestPullArrives(t *testing.T) {
	once := func(fault fakehub.Fault) func(fakehub.Request) fakehub.Fault {
		return func(r fakehub.Request) fakehub.Fault {
			if r.N == 1 {
				return fault
			}
			return fakehub.Fault{}
		}
	}
	afterCut := func(fault fakehub.Fault) func(fakehub.Request) fakehub.Fault {
		return func(r fakehub.Request) fakehub.Fault {
			return []fakehub.Fault{{Cut: 9000}, fault, {}, {}, {}}[min(r.N-1, 4)]
		}
	}
	cases := map[string]struct {
		fault func(fakehub.Request) fakehub.Fault
		extra int64 // bytes that are fetched twice for it
	}{
		"it is cut each time":         {func(fakehub.Request) fakehub.Fault { return fakehub.Fault{Cut: 50_000} }, 0},
		"it stalls":                   {once(fakehub.Fault{Stall: 1000}), 0},
		"it stalls before the answer": {once(fakehub.Fault{Stall: 1}), 0},
		"it announces too much":       {once(fakehub.Fault{Lie: 5000}), size + size/4 + 1e4},
		"it announces too little":     {once(fakehub.Fault{Lie: -1}), size + size/4 + 1e4},
		"it ignores the range":        {afterCut(fakehub.Fault{IgnoreRange: true}), 30_000},
		"it doesn't have the range":   {afterCut(fakehub.Fault{Status: 416}), 30_000},
		"it has no ranges at all": {func(r fakehub.Request) fakehub.Fault {
			switch {
			case r.N == 1:
				return fakehub.Fault{Cut: 9000}
			case r.Ranged:
				return fakehub.Fault{Status: 416}
			}
			return fakehub.Fault{}
		}, 30_000},
		"it sends another range":       {afterCut(fakehub.Fault{Shift: 100}), size + size/4},
		"it is too busy":               {once(fakehub.Fault{Status: 429, RetryAfter: "0"}), 0},
		"it fails":                     {once(fakehub.Fault{Status: 500}), 0},
		"it is down behind a proxy":    {once(fakehub.Fault{Status: 503, RetryAfter: "Mon, 02 Jan 2006 15:04:05 GMT"}), 0},
		"it sends wrong bytes":         {once(fakehub.Fault{Flip: true}), size + size/4 + 1e4},
		"it is slow":                   {once(fakehub.Fault{Pause: time.Millisecond}), 0},
		"it is cut, then sends a file": {afterCut(fakehub.Fault{IgnoreRange: true, Cut: 4000}), 40_000},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, files := newHub(t, size)
			hub.Break(c.fault)
			f := newTestFetcher(t, hub.URL)
			if strings.Contains(name, "stalls") {
				f.Stall = 300 * time.Millisecond
			}
			last := Progress{}
			dir, err := f.Pull(t.Context(), id, "main", func(p Progress) {
				if p.BytesDone < last.BytesDone || p.BytesDone > p.BytesTotal {
					t.Errorf("progress %+v after %+v", p, last)
				}
				last = p
			})
			must(t, err)
			wantModel(t, dir, files)
			wantNoRest(t, f)
			// Nobody reads what is still on its way when a connection ends.
			const onItsWay = 3 * 8192
			if extra := hub.Sent() - total(files); extra > c.extra+onItsWay {
				t.Errorf("%d bytes were sent twice, want at most %d", extra, c.extra)
			}
		})
	}
}

// A connection that brings little is not one that brings nothing.
func TestPullSlow(t *testing.T) {
	t.Parallel()
	hub, files := newHub(t, size)
	hub.Break(func(fakehub.Request) fakehub.Fault { return fakehub.Fault{Pause: 160 * time.Millisecond} })
	f := newTestFetcher(t, hub.URL)
	f.Stall = 5 * time.Second // far above a pause, on a busy machine too
	began := time.Now()
	dir, err := f.Pull(t.Context(), id, "", nil)
	must(t, err)
	wantModel(t, dir, files)
	if took := time.Since(began); took < f.Stall {
		t.Errorf("it took %v only, which shows nothing", took)
	}
	for _, r := range hub.Requests() {
		if r.N > 1 {
			t.Errorf("%s was given up", r.Name)
		}
	}
}

// Everything goes wrong, again and again and at random.
func TestPullArrivesAtRandom(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			hub, files := newHub(t, size)
			var mu sync.Mutex
			random := rand.New(rand.NewPCG(seed, 1))
			hub.Break(func(r fakehub.Request) fakehub.Fault {
				mu.Lock()
				defer mu.Unlock()
				at := 1 + random.Int64N(60_000)
				faults := []fakehub.Fault{{Cut: at}, {Cut: at}, {Stall: at}, {Lie: at}, {IgnoreRange: true, Cut: at},
					{Status: 416}, {Status: 429}, {Status: 502}, {Shift: -1}, {Shift: at}}
				return faults[int(random.Uint64()^uint64(r.N))&0xffff%len(faults)]
			})
			f := newTestFetcher(t, hub.URL)
			f.Stall, f.Retry.Tries = 100*time.Millisecond, 100
			dir, err := f.Pull(t.Context(), id, "", nil)
			must(t, err)
			wantModel(t, dir, files)
		})
	}
}

func TestPullFails(t *testing.T) {
	always := func(fault fakehub.Fault) func(fakehub.Request) fakehub.Fault {
		return func(r fakehub.Request) fakehub.Fault {
			if r.Name == "model.safetensors" {
				return fault
			}
			return fakehub.Fault{}
		}
	}
	other := strings.Repeat("0123", 16)
	cases := map[string]struct {
		fault fakehub.Fault
		code  tts.Code
		text  string
	}{
		"always down":           {fakehub.Fault{Status: 503}, tts.CodeUnreachable, "503 Service Unavailable (tried 5 times)"},
		"always busy":           {fakehub.Fault{Status: 429}, tts.CodeUnreachable, "429 Too Many Requests"},
		"gone":                  {fakehub.Fault{Status: 404}, tts.CodeNotFound, "model.safetensors"},
		"forbidden":             {fakehub.Fault{Status: 403}, tts.CodeNotFound, "keeps it from you"},
		"a teapot":              {fakehub.Fault{Status: 418}, tts.CodeUnreachable, "418"},
		"wrong bytes":           {fakehub.Fault{Flip: true}, tts.CodeCorrupt, "wrong content twice"},
		"changed":               {fakehub.Fault{ETag: other}, tts.CodeCorrupt, "changed"},
		"always another length": {fakehub.Fault{Lie: 1}, tts.CodeUnreachable, "300001 bytes instead of 300000"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, files := newHub(t, size)
			hub.Break(always(c.fault))
			f := newTestFetcher(t, hub.URL)
			dir, err := f.Pull(t.Context(), id, "", nil)
			if dir != "" {
				t.Errorf("got the folder %s", dir)
			}
			wantError(t, err, c.code, c.text)
			if dir, err := (Places{Cache: f.Cache}).Find(id); err == nil {
				t.Errorf("a part of the model is taken for a whole one in %s", dir)
			}
			hub.Break(nil) // what went well is kept
			kept, asked := kept(t, f), len(hub.Requests())
			dir, err = f.Pull(t.Context(), id, "", nil)
			must(t, err)
			wantModel(t, dir, files)
			wantResumed(t, hub.Requests()[asked:], kept)
		})
	}
}

// A stopped download goes on where it stopped.
func TestPullPaused(t *testing.T) {
	hub, files := newHub(t, 10*size)
	f := newTestFetcher(t, hub.URL)
	f.Parallel = 1
	for stops := int64(1); stops <= 5; stops++ {
		kept, asked := kept(t, f), len(hub.Requests())
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("pause")
		hub.Break(func(fakehub.Request) fakehub.Fault {
			return fakehub.Fault{Sending: func(total int64) {
				if total > stops*4*size/2 {
					cancel(stop)
					<-ctx.Done()
				}
			}}
		})
		_, err := f.Pull(ctx, id, "", nil)
		wantError(t, err, tts.CodeCanceled, "pause")
		if !errors.Is(err, stop) {
			t.Errorf("%v hides its cause", err)
		}
		wantResumed(t, hub.Requests()[asked:], kept)
	}
	hub.Break(nil)
	dir, err := f.Pull(t.Context(), id, "", nil)
	must(t, err)
	wantModel(t, dir, files)
}

// kept is how much of each file is there.
func kept(t *testing.T, f *Fetcher) map[string]int64 {
	t.Helper()
	list, err := f.List(t.Context(), id, "")
	must(t, err)
	sizes := map[string]int64{}
	for _, file := range list.Files {
		sizes[file.Name] = repositoryOf(f.Cache, id).begun(list.Commit, file)
	}
	return sizes
}

// wantResumed checks that each file was asked for from where it ended.
func wantResumed(t *testing.T, requests []fakehub.Request, kept map[string]int64) {
	t.Helper()
	for _, r := range requests {
		if r.Offset != kept[r.Name] {
			t.Errorf("%s was asked for from byte %d on, and %d were there", r.Name, r.Offset, kept[r.Name])
		}
	}
}

func TestPullToken(t *testing.T) {
	hub, files := newHub(t, size)
	hub.Token = "hf_secret"
	f := newTestFetcher(t, hub.URL)
	_, err := f.Pull(t.Context(), id, "", nil)
	wantError(t, err, tts.CodeDenied, "accepted its terms")
	f.Token = "hf_secret"
	dir, err := f.Pull(t.Context(), id, "", nil)
	must(t, err)
	wantModel(t, dir, files)
	if hub.Leaks() > 0 {
		t.Error("the token was shown to another host")
	}
	stranger := newTestFetcher(t, "http://127.0.0.1:1", hub.URL)
	stranger.Token = "hf_secret"
	if _, err := stranger.Pull(t.Context(), id, "", nil); err == nil {
		t.Error("the token was shown to a mirror")
	}
}

func TestPullFromMirrors(t *testing.T) {
	down, files := newHub(t, size)
	down.Break(func(fakehub.Request) fakehub.Fault { return fakehub.Fault{Status: 404} })
	up := fakehub.Start(t)
	up.Add(id, files)
	spoilt := fakehub.Start(t)
	spoilt.Add(id, files)
	spoilt.Break(func(fakehub.Request) fakehub.Fault { return fakehub.Fault{Flip: true} })
	for name, endpoints := range map[string][]string{
		"the first is not there":          {"http://127.0.0.1:1", up.URL},
		"the first has no files":          {down.URL, up.URL + "/"},
		"the first sends wrong bytes":     {spoilt.URL, up.URL},
		"the second is of no use neither": {up.URL, down.URL},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTestFetcher(t, endpoints...)
			dir, err := f.Pull(t.Context(), id, "", nil)
			must(t, err)
			wantModel(t, dir, files)
		})
	}
}

// Of a new commit only what has changed is fetched, and the old one stays.
func TestPullUpdate(t *testing.T) {
	hub, files := newHub(t, size)
	f := newTestFetcher(t, hub.URL)
	old, err := f.Pull(t.Context(), id, "", nil)
	must(t, err)
	changed := maps.Clone(files)
	changed["merges.txt"] = []byte("a b\n")
	hub.Add(id, changed)
	dir, err := f.Pull(t.Context(), id, "", nil)
	must(t, err)
	wantModel(t, dir, changed)
	wantModel(t, old, files)
	if again := hub.Sent() - total(files); again != 4 {
		t.Errorf("%d bytes were fetched, want 4", again)
	}
	if found, _ := (Places{Cache: f.Cache}).Find(id); found != dir {
		t.Errorf("found %s, want the new commit's %s", found, dir)
	}
}

// What another tool began and then fetched anew is cleared away, unless it is at it just now.
func TestPullSweeps(t *testing.T) {
	hub, _ := newHub(t, size)
	f := newTestFetcher(t, hub.URL)
	dir, err := f.Pull(t.Context(), id, "", nil)
	must(t, err)
	blob, err := filepath.EvalSymlinks(filepath.Join(dir, weightsName))
	must(t, err)
	must(t, os.WriteFile(blob+".incomplete", []byte("begun"), 0o644))
	unlock, err := tryLock(repositoryOf(f.Cache, id).lock(File{Blob: filepath.Base(blob)}))
	must(t, err)
	_, err = f.Pull(t.Context(), id, "", nil)
	must(t, err)
	if !isFile(blob+".incomplete", 5) {
		t.Error("deleted what another process is writing")
	}
	unlock()
	_, err = f.Pull(t.Context(), id, "", nil)
	must(t, err)
	wantNoRest(t, f)
}

func TestPullJoins(t *testing.T) {
	hub, files := newHub(t, size)
	f := newTestFetcher(t, hub.URL)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			dir, err := f.Pull(t.Context(), id, "", nil)
			if err != nil {
				t.Error(err)
				return
			}
			wantModel(t, dir, files)
		})
	}
	wg.Wait()
	if hub.Sent() != total(files) {
		t.Errorf("%d bytes were sent, want %d", hub.Sent(), total(files))
	}
}

// Files of the same content are one blob.
func TestPullSameContentTwice(t *testing.T) {
	hub, files := newHub(t, size)
	for _, name := range []string{"preprocessor_config.json", "generation_config.json", "speech_tokenizer/configuration.json"} {
		files[name] = []byte("{ }")
	}
	hub.Add(id, files)
	dir, err := newTestFetcher(t, hub.URL).Pull(t.Context(), id, "", nil)
	must(t, err)
	wantModel(t, dir, files)
}

func TestEnsure(t *testing.T) {
	hub, files := newHub(t, size)
	f := newTestFetcher(t, hub.URL)
	p := Places{Cache: f.Cache, Roots: []string{t.TempDir()}}
	var told []Progress
	tell := func(p Progress) { told = append(told, p) }
	must(t, f.Ensure(t.Context(), p, id, tell))
	if len(told) < 2 || told[0] != (Progress{Phase: Downloading}) || told[len(told)-1].BytesDone != told[len(told)-1].BytesTotal {
		t.Errorf("told of %+v", told)
	}
	told = nil
	must(t, f.Ensure(t.Context(), p, id, tell))
	if told != nil {
		t.Errorf("told of %+v, and all was there", told)
	}
	dir, err := p.Find(id)
	must(t, err)
	wantModel(t, dir, files)

	must(t, os.Remove(filepath.Join(dir, "vocab.json"))) // as if another tool had fetched a part only
	must(t, f.Ensure(t.Context(), p, id, nil))
	wantModel(t, dir, files)

	offline := *f
	offline.Offline = true
	must(t, offline.Ensure(t.Context(), p, id, nil))
	folder(t, filepath.Join(p.Roots[0], "me", "part"), map[string][]byte{"config.json": nil})
	must(t, offline.Ensure(t.Context(), p, "me/part", nil))
	wantError(t, offline.Ensure(t.Context(), p, "me/other", nil), tts.CodeUnreachable, "HF_HUB_OFFLINE")
}
