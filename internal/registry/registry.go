// Package registry knows which models there are and keeps their lives in memory: it loads and unloads them on
// demand, counts who is using them, and measures what each load and unload did to the process.
//
// A model changes state only by the table in package tts. Work on a model, a load or an unload, runs on a
// goroutine of its own and not on its caller's: who asks for the same again joins the work under way, and a
// caller that goes away leaves it running. Who speaks holds a lease, and a leased model is never freed.
//
// Unload leads out of every state. It stops a load that is under way. A loader that doesn't stop within 30 seconds,
// and a model that isn't freed in that time, are given up: the record says so, a later Load starts afresh, and what
// the old call makes in the end is freed then.
//
// The registry knows a Loader and neither an engine nor MLX. Package registrytest is the contract between them.
package registry

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"ttsui/internal/logs"
	"ttsui/internal/memory"
	"ttsui/internal/tts"
)

// Loader brings models into memory.
type Loader interface {
	// Load brings the model into memory. It may be called for several models at a time, and twice for one only
	// when the first call has ignored the end of its ctx. After ctx's end it gives up as soon as it can.
	Load(ctx context.Context, modelID string) (Model, error)
}

// Forecaster is a Loader that can tell beforehand whether a model fits into memory.
type Forecaster interface {
	Forecast(modelID string) (Forecast, error)
}

// Forecast compares what a model needs with what there is, in bytes.
type Forecast struct {
	Need      uint64 // for its weights and for speaking
	Available uint64 // what the machine can still hand out
	Total     uint64 // the machine's memory
}

// Gauge is a Loader that can tell what its engine holds.
type Gauge interface {
	Gauge() tts.EngineStats
}

// Model is a model in memory.
type Model interface {
	// Generate speaks lines together, each into its sink, and gives a result for each. What a line says doesn't depend
	// on the others; the error of one is that of all. It tells progress, counted over all of them, as it goes; progress
	// may be nil. It may be called by several goroutines. Within one codec frame of ctx's end it returns an error of
	// tts.CodeCanceled.
	Generate(ctx context.Context, lines []tts.Line, progress func(tts.Progress)) ([]tts.Result, error)

	// Close frees the model's memory and clears the engine's cache. It is called once, when nothing uses the
	// model any more, and may be called while another is loading.
	Close() error
}

// Config is what a registry is made of.
type Config struct {
	Loader    Loader // may be a Fetcher, a Publisher, a Forecaster, a Gauge, a Quantizer, a Lister, a Verifier and a Remover
	Log       zerolog.Logger
	RSS       func() (bytes uint64, err error)  // memory.RSS when nil
	Footprint func() (bytes uint64, known bool) // memory.Footprint when nil
	Now       func() time.Time                  // time.Now when nil
}

// maxModels bounds the rows that Load may add; each is a name a caller made up.
const maxModels = 1000

// Registry holds the models. All its methods may be called by several goroutines.
type Registry struct {
	loader    Loader
	log       zerolog.Logger
	rss       func() (uint64, error)
	footprint func() (uint64, bool)
	now       func() time.Time
	started   time.Time
	observe   func(id string, from, to tts.State) // sees each change of state, under the lock; for tests

	// life ends when Close begins. Loads run under it, as they outlive the requests that ask for them.
	life context.Context
	stop context.CancelFunc
	work sync.WaitGroup // loads, unloads and leases, which begin under mu before closed, and what they start themselves
	down chan struct{}  // closed when Close has done its work

	looks sync.Mutex // held by Look, before mu

	mu       sync.Mutex
	order    []string // ids as Models lists them
	rows     map[string]*row
	promised uint64 // bytes that the loads under way need
	closed   bool
	version  uint64        // of the newest record
	changed  chan struct{} // closed when there is a newer one, or none any more
}

// row is one model. The registry's mu guards it.
type row struct {
	id        string // never changes: jobs read it without mu
	info      tts.ModelInfo
	version   uint64 // of info
	model     Model  // while Loaded or Unloading
	leases    int
	drain     *drain        // set while an unload waits for the leases to end; no new one begins meanwhile
	job       *job          // the load or unload under way, or nil
	known     bool          // it is of the catalogue
	removing  bool          // its files are being deleted
	part      *tts.Download // of its files, that a download has left; nil when there is none
	verifying *verifying    // of its files, under way, or nil
	found     bool          // it is, or was, on this machine: without its files there is no row, unless it is known
}

// New makes a registry of the catalogue's models, all unloaded.
func New(c Config) *Registry {
	r := &Registry{loader: c.Loader, log: c.Log, rss: c.RSS, footprint: c.Footprint, now: c.Now, down: make(chan struct{}),
		rows: map[string]*row{}, changed: make(chan struct{})}
	if r.rss == nil {
		r.rss = memory.RSS
	}
	if r.footprint == nil {
		r.footprint = memory.Footprint
	}
	if r.now == nil {
		r.now = time.Now
	}
	r.started = r.now()
	r.life, r.stop = context.WithCancel(context.Background())
	for _, m := range tts.Catalogue() {
		r.add(m.ID).known = true
	}
	return r
}

// Models lists the catalogue's models in their order, then those that Look, Load and Quantize added.
func (r *Registry) Models() ([]tts.ModelInfo, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errClosed()
	}
	var list []tts.ModelInfo
	for _, id := range r.order {
		list = append(list, r.rows[id].info)
	}
	return list, nil
}

// Loaded counts the models in memory.
func (r *Registry) Loaded() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, row := range r.rows {
		if row.info.State == tts.Loaded {
			n++
		}
	}
	return n
}

// Uptime is how long the registry has been there.
func (r *Registry) Uptime() time.Duration { return r.now().Sub(r.started) }

// Engine tells what the loader's engine holds; nothing when it can't tell.
func (r *Registry) Engine() tts.EngineStats {
	if g, ok := r.loader.(Gauge); ok {
		return g.Gauge()
	}
	return tts.EngineStats{}
}

// Use calls f with the loaded model under a lease: until f returns the model can't be unloaded. The ctx that f
// gets ends with the caller's, or when the registry closes. A panic in f becomes an error.
func (r *Registry) Use(ctx context.Context, id string, f func(ctx context.Context, m Model) error) (err error) {
	row, model, err := r.lease(id)
	if err != nil {
		return err
	}
	defer r.release(row)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stopWatching := context.AfterFunc(r.life, cancel)
	defer stopWatching()
	defer r.recoverInto(&err, "using model "+id)
	return f(ctx, model)
}

// Close cancels loads and generations, waits for them and unloads everything. When ctx ends first, Close returns
// an error and the rest goes on in the background: memory in use is never freed. Every later call gets an error.
func (r *Registry) Close(ctx context.Context) error {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	r.announce()
	r.mu.Unlock()
	r.stop()
	if first {
		go func() {
			defer close(r.down)
			r.work.Wait()
			r.unloadAll()
		}()
	}
	select {
	case <-r.down:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("models are still in use: %w", context.Cause(ctx))
	}
}

// unloadAll unloads what is loaded, when no other work is left.
func (r *Registry) unloadAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, row := range slices.Collect(maps.Values(r.rows)) {
		if row.info.State != tts.Loaded {
			continue
		}
		r.begin(row, tts.Unloading)
		r.mu.Unlock()
		r.unload(row)
		r.mu.Lock()
	}
}

// lease counts one more user of the model, if it is loaded.
func (r *Registry) lease(id string) (*row, Model, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, nil, errClosed()
	}
	row, known := r.rows[id]
	if !known || row.info.State != tts.Loaded {
		return nil, nil, errNotLoaded(id)
	}
	if row.drain != nil {
		return nil, nil, tts.Errorf(tts.CodeBusy, "Wait until it is unloaded, then load it again.", "Model %s is about to be unloaded", id)
	}
	row.leases++
	r.work.Add(1)
	return row, row.model, nil
}

func (r *Registry) release(row *row) {
	r.mu.Lock()
	row.leases--
	if row.leases == 0 && row.drain != nil {
		close(row.drain.idle)
	}
	r.mu.Unlock()
	r.work.Done()
}

// add makes a row. The caller holds mu, or is New.
func (r *Registry) add(id string) *row {
	row := &row{id: id}
	r.record(row, tts.ModelInfo{ModelID: id, State: tts.Unloaded})
	r.rows[id] = row
	r.order = append(r.order, id)
	return row
}

// recoverInto is deferred around the calls into a loader or a model: it turns a panic into an error, so that one
// broken model doesn't end the process or leave a row stuck.
func (r *Registry) recoverInto(err *error, doing string) {
	if v := recover(); v != nil {
		logs.Critical(&r.log).Str("stack", string(debug.Stack())).Msgf("Panic while %s: %v", doing, v)
		*err = tts.Errorf(tts.CodeInternal, "This is a bug in TTSUI; the log has the details.", "internal error: %v", v)
	}
}
