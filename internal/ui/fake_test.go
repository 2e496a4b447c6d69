package ui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"ttsui/internal/tts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	fast   = family + "0.6B-Base-bf16"
	good   = family + "1.7B-Base-bf16"
	custom = family + "0.6B-CustomVoice-bf16"
	design = tts.DesignModelID
)

var errGone = tts.Errorf(tts.CodeUnreachable, "See whether it still runs.", "the server hung up")

// fakeServer is a server that can hang, be slow, fail and be started anew. Its functions may be replaced before the
// window asks for what they do.
type fakeServer struct {
	tts.Quantizer // nil where the window doesn't ask
	tts.Verifier  // so, too

	copies   func(ctx context.Context, id string) ([]tts.PublishedModel, error)
	remove   func(id string) (int64, error)
	load     func(ctx context.Context, id string, how tts.LoadOptions) (tts.ModelInfo, error)
	unload   func(ctx context.Context, id string, how tts.UnloadOptions) (tts.ModelInfo, error)
	generate func(ctx context.Context, req tts.Request) (tts.Result, error)
	list     func(ctx context.Context) ([]tts.ModelInfo, error)
	save     func(ctx context.Context, v tts.NewVoice) (tts.Voice, error)
	saved    []tts.Voice
	slowList time.Duration // from when the voices are listed to when that arrives
	unready  bool          // says nothing of its health at first
	health   chan error
	events   chan tts.LogEvent

	mu        sync.Mutex
	models    []tts.ModelInfo
	jobs      []tts.Job
	record    tts.Job        // of a job that is asked for; none without an ID
	sounds    map[string]int // samples of each file
	requests  []tts.Request
	canceled  []string
	cleared   int
	followed  []tts.LogQuery
	statsSeen int
}

func newFakeServer() *fakeServer {
	s := &fakeServer{sounds: map[string]int{}, health: make(chan error, 10), events: make(chan tts.LogEvent, 5000)}
	for _, m := range tts.Catalogue() {
		s.models = append(s.models, tts.ModelInfo{ModelID: m.ID, State: tts.Unloaded})
	}
	s.load = func(_ context.Context, id string, _ tts.LoadOptions) (tts.ModelInfo, error) {
		return s.set(tts.ModelInfo{ModelID: id, State: tts.Loaded}), nil
	}
	s.unload = func(_ context.Context, id string, _ tts.UnloadOptions) (tts.ModelInfo, error) {
		return s.set(tts.ModelInfo{ModelID: id, State: tts.Unloaded}), nil
	}
	s.generate = func(_ context.Context, req tts.Request) (tts.Result, error) {
		return s.spoken(req), nil
	}
	s.save = func(_ context.Context, v tts.NewVoice) (tts.Voice, error) { return s.keep(v), nil }
	s.list = func(context.Context) ([]tts.ModelInfo, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.Clone(s.models), nil
	}
	return s
}

// set changes the record of a model, and gives it.
func (s *fakeServer) set(info tts.ModelInfo) tts.ModelInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.models {
		if s.models[i].ModelID == info.ModelID {
			s.models[i] = info
			return info
		}
	}
	s.models = append(s.models, info)
	return info
}

// change replaces functions while the window may be asking.
func (s *fakeServer) change(act func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	act()
}

// WatchModels is not asked by the window, which asks for the list.
func (s *fakeServer) WatchModels(context.Context, func(tts.ModelInfo)) error { panic("not expected") }

// PublishedModels is not asked by the window.
func (s *fakeServer) PublishedModels(context.Context) ([]string, error) { panic("not expected") }

func (s *fakeServer) PublishedCopies(ctx context.Context, id string) ([]tts.PublishedModel, error) {
	return s.copies(ctx, id)
}

func (s *fakeServer) Remove(_ context.Context, id string) (int64, error) { return s.remove(id) }

func (s *fakeServer) Models(ctx context.Context) ([]tts.ModelInfo, error) {
	s.mu.Lock()
	list := s.list
	s.mu.Unlock()
	return list(ctx)
}

func (s *fakeServer) Load(ctx context.Context, id string, how tts.LoadOptions) (tts.ModelInfo, error) {
	return s.load(ctx, id, how)
}

func (s *fakeServer) Unload(ctx context.Context, id string, how tts.UnloadOptions) (tts.ModelInfo, error) {
	return s.unload(ctx, id, how)
}

func (s *fakeServer) Generate(ctx context.Context, req tts.Request) (tts.Result, error) {
	s.mu.Lock()
	asked := req
	asked.Audio = nil // requests are compared
	s.requests = append(s.requests, asked)
	s.mu.Unlock()
	return s.generate(ctx, req)
}

func (s *fakeServer) Jobs(context.Context) ([]tts.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.jobs), nil
}

func (s *fakeServer) Job(context.Context, string) (tts.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record.ID == "" {
		return s.record, errGone
	}
	return s.record, nil
}

func (s *fakeServer) CancelJob(_ context.Context, id string) (tts.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.canceled = append(s.canceled, id)
	return tts.Job{ID: id, State: tts.JobCanceled}, nil
}

func (s *fakeServer) WatchJob(context.Context, string, func(tts.Job)) error { return errGone }

func (s *fakeServer) Stats(context.Context) (tts.Stats, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statsSeen++
	rss := 2253.0
	return tts.Stats{QueueLength: 2, Memory: tts.ProcessMemory{RSSMB: &rss}, Engine: tts.EngineStats{Device: "gpu", MLXActiveMB: 2000, MLXVersion: "0.32.4"},
		LastGeneration: &tts.GenerationStats{RealTimeFactor: 0.7}}, nil
}

func (s *fakeServer) FollowLogs(ctx context.Context, q tts.LogQuery, each func(tts.LogEvent)) error {
	s.mu.Lock()
	s.followed = append(s.followed, q)
	s.mu.Unlock()
	for {
		select {
		case e, open := <-s.events:
			if !open {
				return tts.Errorf(tts.CodeUnsupported, "", "what listens there is no TTSUI")
			}
			each(e)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *fakeServer) ClearLogs(context.Context) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleared++
	return 1, nil
}

func (s *fakeServer) Monitor(ctx context.Context, changed func(error)) {
	if !s.unready {
		changed(nil)
	}
	for {
		select {
		case wrong := <-s.health:
			changed(wrong)
		case <-ctx.Done():
			return
		}
	}
}

// hang is an answer that never comes, and does not even heed the end of its ctx before release is closed.
func hang[T any](release chan struct{}) func() (T, error) {
	return func() (T, error) {
		<-release
		var none T
		return none, errGone
	}
}

// memStore is a Store in memory.
type memStore struct {
	mu     sync.Mutex
	files  map[string]string
	writes int
	fails  error
}

func newMemStore() *memStore { return &memStore{files: map[string]string{}} }

func (m *memStore) Read(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, there := m.files[name]
	if !there {
		return nil, fmt.Errorf("read %s: %w", name, fs.ErrNotExist)
	}
	return []byte(data), nil
}

func (m *memStore) Write(name string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.writes++; m.fails != nil {
		return m.fails
	}
	m.files[name] = string(data)
	return nil
}

func (m *memStore) written() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writes
}

// fakePlayer plays silence, in the time of the test.
type fakePlayer struct {
	mu    sync.Mutex
	wrong error
	slow  time.Duration // to open a clip
	open  int
	last  *fakeClip

	volume float64
}

func (p *fakePlayer) SetVolume(volume float64) { p.volume = volume }

func (p *fakePlayer) Open(path string) (Clip, error) {
	time.Sleep(p.slow)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wrong != nil {
		return nil, p.wrong
	}
	p.open++
	p.last = &fakeClip{player: p}
	p.last.length.Store(int64(12 * time.Second))
	return p.last, nil
}

func (p *fakePlayer) Live(req tts.Request) (LiveClip, error) {
	clip, err := p.Open(req.OutputPath)
	if err != nil {
		return nil, err
	}
	live := clip.(*fakeClip)
	live.length.Store(0)
	live.growing.Store(true)
	return live, nil
}

func (p *fakePlayer) opened() (int, *fakeClip) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open, p.last
}

// fakeClip is a clip that is complete or grows; it never waits for long.
type fakeClip struct {
	player  *fakePlayer
	length  atomic.Int64 // a time.Duration
	growing atomic.Bool
	dry     atomic.Int64 // times
	from    time.Duration
	since   time.Time // when it was started at from; zero while it is not
	stuck   error
	started int
}

func (c *fakeClip) Length() time.Duration { return time.Duration(c.length.Load()) }

func (c *fakeClip) WriteSamples(pcm []float32) error {
	c.length.Add(int64(len(pcm)) * int64(time.Second) / tts.SampleRate)
	return nil
}

func (c *fakeClip) Finish()        { c.growing.Store(false) }
func (c *fakeClip) Waiting() bool  { return c.growing.Load() && c.Position() == c.Length() }
func (c *fakeClip) Underruns() int { return int(c.dry.Load()) }

func (c *fakeClip) Position() time.Duration {
	if c.since.IsZero() {
		return c.from
	}
	return min(c.from+time.Since(c.since), c.Length())
}

func (c *fakeClip) Playing() bool {
	return !c.since.IsZero() && (c.growing.Load() || c.Position() < c.Length())
}

func (c *fakeClip) Play() {
	if c.Position() == c.Length() && !c.growing.Load() {
		c.from = 0
	}
	if c.stuck == nil {
		c.since = time.Now()
		c.started++
	}
}

func (c *fakeClip) Err() error { return c.stuck }

func (c *fakeClip) Pause() { c.from, c.since = c.Position(), time.Time{} }

func (c *fakeClip) Seek(to time.Duration) {
	playing := c.Playing()
	c.from, c.since = to, time.Time{}
	if playing {
		c.since = time.Now()
	}
}

// Peaks tells by the first of them how long the clip is that they are of.
func (c *fakeClip) Peaks(n int) []float32 {
	peaks := make([]float32, n)
	peaks[0] = float32(c.Length().Seconds() / 100)
	return peaks
}

func (c *fakeClip) Close() error {
	c.player.mu.Lock()
	defer c.player.mu.Unlock()
	c.player.open--
	return nil
}

// window is an App with what stands around it, inside a synctest bubble.
type window struct {
	*App
	t      *testing.T
	server *fakeServer
	store  *memStore
	player *fakePlayer
	disk   *fakeDisk
	studio *fakeStudio
	mic    *fakeRecorder
	stops  int // of servers
	launch func(context.Context, Settings) (Launched, error)
	copies func(from, to string) error

	mu     sync.Mutex
	shown  []Snapshot
	paths  int
	closed bool
}

// inBubble runs a test with a window that is not open yet, and closes it at the end.
func inBubble(t *testing.T, test func(t *testing.T, w *window)) {
	synctest.Test(t, func(t *testing.T) {
		w := &window{t: t, server: newFakeServer(), store: newMemStore(), player: &fakePlayer{}, disk: &fakeDisk{}, studio: &fakeStudio{}, mic: &fakeRecorder{}, copies: func(string, string) error { return nil }}
		w.launch = w.launched
		test(t, w)
		w.quit()
	})
}

func (w *window) callLaunch(ctx context.Context, s Settings) (Launched, error) {
	w.mu.Lock()
	launch := w.launch
	w.mu.Unlock()
	return launch(ctx, s)
}

func (w *window) launched(context.Context, Settings) (Launched, error) {
	return Launched{Server: w.server, Address: "127.0.0.1:8766", Notice: "Port 8765 is taken.", Stop: func(context.Context) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.stops++
		return nil
	}}, nil
}

// open makes the window and waits until it has settled.
func (w *window) open() Snapshot {
	w.App = New(Config{
		Show: w.show, Player: w.player, Recorder: w.mic, Studio: w.studio, Store: w.store,
		Launch: w.callLaunch,
		NewResultPath: func(folder string, mode tts.Mode, _ time.Time) (string, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.paths++
			return fmt.Sprintf("%s/%s/generated/%d.wav", folder, mode, w.paths), nil
		},
		Copy:    func(from, to string) error { return w.copies(from, to) },
		History: w.disk, Exists: w.disk.exists, Trash: w.disk.trash,
	})
	return w.see()
}

func (w *window) show(s Snapshot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		w.t.Error("a snapshot after Close")
	}
	w.shown = append(w.shown, s)
}

// see gives what the window shows when all has settled that needs no time but the screen's.
func (w *window) see() Snapshot {
	w.t.Helper()
	return w.seeAfter(2 * drawEvery)
}

func (w *window) seeAfter(d time.Duration) Snapshot {
	w.t.Helper()
	synctest.Wait()
	time.Sleep(d)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.shown[len(w.shown)-1]
}

// count is how many snapshots there were.
func (w *window) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.shown)
}

// quit closes the window; all must end by itself.
func (w *window) quit() {
	w.t.Helper()
	if w.App == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.Close(ctx); err != nil {
		w.t.Error("close:", err)
	}
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	if n, _ := w.player.opened(); n != 0 {
		w.t.Errorf("%d clips stay open", n)
	}
	if n := w.mic.running(); n != 0 {
		w.t.Errorf("%d recordings go on", n)
	}
}

// row finds a model in any tab.
func row(t *testing.T, s Snapshot, id string) Row {
	t.Helper()
	for _, tab := range []Tab{s.Clone, s.Control, s.Design} {
		for _, r := range tab.Models {
			if r.ModelID == id {
				return r
			}
		}
	}
	t.Fatalf("no row %s", id)
	return Row{}
}

// reopen closes the window and opens another over the same documents and a new server.
func (w *window) reopen() Snapshot {
	w.t.Helper()
	w.quit()
	w.closed, w.server = false, newFakeServer()
	return w.open()
}

// ready opens a window whose three tabs can all generate.
func (w *window) ready() Snapshot {
	w.t.Helper()
	w.open()
	s := w.prepare()
	for _, mode := range tts.Modes() {
		if b := s.Of(mode).Generate; !b.Enabled {
			w.t.Fatalf("%s: %+v", mode, b)
		}
	}
	return s
}

// prepare does what a tab wants before it can generate.
func (w *window) prepare() Snapshot {
	for _, id := range []string{fast, custom, design} {
		w.server.set(tts.ModelInfo{ModelID: id, State: tts.Loaded})
	}
	w.seeAfter(modelsEvery)
	w.ClickRow(fast)
	w.ClickRow(custom)
	w.ChooseReference("/voices/me.wav")
	w.EditInstruct(tts.Design, "An old sailor")
	for _, mode := range tts.Modes() {
		w.EditText(mode, "Hello, "+string(mode))
	}
	return w.see()
}

var errDisk = errors.New("the disk is full")
