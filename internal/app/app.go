// Package app is the one place where the parts of TTSUI meet: the engine, the registry over it, the speech service
// over that, and the server in front. New builds them in that order, Start lets the server listen, and Close takes
// everything down again in reverse.
package app

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"ttsui/internal/engine"
	"ttsui/internal/hub"
	"ttsui/internal/instance"
	"ttsui/internal/jobs"
	"ttsui/internal/logs"
	"ttsui/internal/registry"
	"ttsui/internal/server"
	"ttsui/internal/speech"
	"ttsui/internal/tts"
	"ttsui/internal/userdata"
)

// Config is everything that can be chosen about a running TTSUI.
type Config struct {
	Places   hub.Places    // where models are looked for
	Fetcher  *hub.Fetcher  // fetches those that aren't there when they are loaded; nothing is fetched when nil
	DType    string        // what models compute in: auto, float32, bfloat16 or float16
	Codec    string        // what the codec's vocoder convolves in: float32 or bfloat16
	Timeout  time.Duration // of one generation from its turn on; 0 is none
	Log      io.Writer     // gets the log
	LogDir   string        // the folder that keeps the log in files; "" keeps none
	LogLevel string        // debug, info, warning, error or critical

	TokenFile string            // holds the password that requests have to show; "" asks for none
	Outputs   *userdata.Outputs // where results may be written; anywhere when nil

	Home         string          // the user's folder of TTSUI, where other programs find the server; "" for none
	NextFreePort bool            // take one of the next ports when another program has the port
	Loader       registry.Loader // loads models; the engine when nil
}

// ErrRunning is in the chain of the error when the port is another TTSUI's.
var ErrRunning = instance.ErrRunning

// Limits of time.
const (
	closeTimeout  = 4500 * time.Millisecond // for Close, whose work has been told to stop
	clientTimeout = 2 * time.Second         // of that, for clients to take their last answer
	findTimeout   = 3 * time.Second         // to find out who else is there
	leftoverAge   = 24 * time.Hour          // after which a temporary file is nobody's
	tidyInterval  = time.Hour               // between looks for such files
	lookInterval  = 5 * time.Second         // between looks for models that other programs brought or took
)

// App is a running TTSUI.
type App struct {
	config   Config
	started  time.Time
	logs     *logs.Log
	log      zerolog.Logger
	engine   *engine.Engine // nil when the Config has a Loader
	registry *registry.Registry
	service  *speech.Service
	making   *instance.Unfinished // nil without a home
	server   *server.Server       // nil until Start
	host     string               // the address of the one given to Start

	open    func(host string, port int) (net.Listener, error) // listen, except in tests
	life    context.Context                                   // ends when Close begins
	stop    context.CancelFunc
	serving sync.WaitGroup

	mu      sync.Mutex
	status  Status
	changed chan struct{} // closed when status changes
}

// New builds everything but the server, and loads no model.
func New(c Config) (*App, error) {
	level, err := logs.ParseLevel(c.LogLevel)
	if err != nil {
		return nil, tts.Errorf(tts.CodeInvalid, "Use debug, info, warning, error or critical.", "%w", err)
	}
	a := &App{config: c, started: time.Now(), open: listen, status: Status{State: Stopped}, changed: make(chan struct{})}
	a.logs = logs.Open(logs.Config{Level: level, Out: c.Log, Dir: c.LogDir})
	a.log = a.logs.Logger
	loader := c.Loader
	if loader == nil {
		a.engine, err = engine.Open(engine.Config{Places: c.Places, Fetcher: c.Fetcher, DType: c.DType, Codec: c.Codec})
		if err != nil {
			return nil, errors.Join(err, a.logs.Close())
		}
		loader = a.engine
	}
	a.registry = registry.New(registry.Config{Loader: loader, Log: a.log})
	a.registry.Look()
	a.service = &speech.Service{Registry: a.registry, Log: a.log, Queue: jobs.Queue{Timeout: c.Timeout}, Outputs: c.Outputs,
		Voices: voicesIn(c.Home)}
	if c.Home != "" {
		a.making = instance.NewUnfinished(c.Home)
		a.service.Note = a.noteUnfinished
	}
	a.life, a.stop = context.WithCancel(context.Background())
	return a, nil
}

// Check finds what is wrong with req as far as that shows before its model is loaded.
func (a *App) Check(req tts.Request) error { return a.service.Check(req) }

// Service is what this process offers, without a network between.
func (a *App) Service() tts.Service { return a.service }

// Start lets the server answer on host and port; port 0 takes a free one. Where others than this machine can reach
// host, the Config has to have a TokenFile. Start may be called once.
func (a *App) Start(host string, port int) error {
	addr, local, err := lookUp(a.life, host)
	if err != nil {
		return err
	}
	guard, err := newGuard(host, local, a.config.TokenFile)
	if err != nil {
		return err
	}
	ln, err := a.findPort(addr, port)
	if err != nil {
		return err
	}
	a.tidy()
	a.host = addr
	config := server.Config{Service: a.service, Log: a.log, Logs: a.logs.Ring, Guard: guard} // uploads go to the system's folder
	if a.config.Home != "" {
		config.Uploads = filepath.Join(a.config.Home, "uploads") // where tidy looks
		config.Voices = a.service.Voices
	}
	a.server = server.New(config)
	a.begin(ln, "")
	a.log.Info().Msg("TTS HTTP Server starting up...")
	a.serving.Go(func() { a.keepServing(ln) })
	a.serving.Go(a.keepTidy)
	a.serving.Go(a.keepLooking)
	return nil
}

// Addr is the host and port that the server listens on, after Start.
func (a *App) Addr() string {
	s, _ := a.Status()
	return s.Addr
}

// Close stops everything in the reverse order of New and Start. It cancels what runs and gives up on what doesn't
// end within five seconds; the process should end then.
func (a *App) Close() error { return a.close(clientTimeout, closeTimeout) }

func (a *App) close(clients, all time.Duration) (err error) {
	defer func() { err = errors.Join(err, a.logs.Close()) }()
	ctx, cancel := context.WithTimeout(context.Background(), all)
	defer cancel()
	a.stop()
	if a.server != nil {
		a.log.Info().Msg("TTS HTTP Server shutting down...")
		err = a.stopServer(ctx, clients)
	}
	if err := errors.Join(a.service.Queue.Close(ctx), a.registry.Close(ctx)); err != nil {
		return err // the engine is still at work
	}
	if a.making != nil {
		err = errors.Join(err, a.making.Close())
	}
	if a.engine != nil {
		err = errors.Join(err, a.engine.Close())
	}
	return err
}

// stopServer lets clients go. Those that don't take their answer are dropped, which is their own affair.
func (a *App) stopServer(ctx context.Context, clients time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, clients)
	defer cancel()
	if a.config.Home != "" {
		if err := instance.Withdraw(a.config.Home, os.Getpid()); err != nil {
			a.log.Warn().Msgf("Other programs may look for this server in vain: %v", err)
		}
	}
	err := a.server.Shutdown(ctx)
	a.serving.Wait()
	a.setStatus(Status{State: Stopped, Addr: a.Addr()})
	if errors.Is(err, context.DeadlineExceeded) {
		a.log.Info().Msg("Dropped clients that took no answer")
		return nil
	}
	return err
}
