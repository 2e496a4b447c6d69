package ui

import (
	"context"
	"time"

	"ttsui/internal/tts"
)

// How often the server is asked, and how long it may take to stop.
const (
	modelsEvery = time.Second
	statsEvery  = 2 * time.Second
	followAgain = 5 * time.Second // after the server refused to be followed
	stopTimeout = 10 * time.Second
	keepTimeout = 3 * time.Second // of a long text that is stopped, for what was finished
)

// server is the server as it is known.
type server struct {
	state   ServerState
	wrong   error    // of a server that failed or does not answer
	session *session // nil while there is no server
	stats   *tts.Stats
}

// session is the time with one server. What comes from an earlier one is ignored.
type session struct {
	Launched
	settings Settings        // that it was launched with
	ctx      context.Context // ends with the session; given to all that is asked of the server
	end      context.CancelFunc

	asksModels, asksStats, asksVoices bool   // asked, or about to be
	lastLog                           uint64 // the ID of the newest entry
	logRun                            string // that lastLog is of; "" is the one that the server was in when the session began
}

// launch starts the server.
func (c *core) launch() {
	c.server = server{state: ServerStarting}
	settings := c.settings.values
	start(c, func() (Launched, error) { return c.config.Launch(c.life, settings) }, func(l Launched, err error) {
		switch {
		case err != nil:
			c.server.state, c.server.wrong = ServerFailed, err
		default:
			c.open(l, settings)
		}
	})
}

// open begins a session.
func (c *core) open(l Launched, settings Settings) {
	s := &session{Launched: l, settings: settings}
	s.ctx, s.end = context.WithCancel(c.life)
	c.server.session = s
	if c.closing {
		c.stopServer(func() {})
		return
	}
	c.run(func() error {
		s.Server.Monitor(s.ctx, func(wrong error) { c.post(func() { c.learnHealth(s, wrong) }) })
		return nil
	}, func(error) {})
	c.followLog(s)
}

// learnHealth hears that the server is well, or what is wrong with it.
func (c *core) learnHealth(s *session, wrong error) {
	if c.server.session != s {
		return
	}
	if wrong != nil {
		c.server.state, c.server.wrong = ServerUnreachable, wrong
		return
	}
	c.server.state, c.server.wrong = ServerRunning, nil
	c.askModels(s)
	c.askStats(s)
	c.askVoices(s)
}

func (c *core) askModels(s *session) {
	seen := c.models.changes
	poll(c, s, &s.asksModels, s.Server.Models, func(list []tts.ModelInfo, err error) {
		if err == nil && seen == c.models.changes { // else it may be older than what the user did since
			c.learnModels(list)
		}
		c.after(modelsEvery, func() { s.asksModels = false; c.askModels(s) })
	})
}

func (c *core) askStats(s *session) {
	poll(c, s, &s.asksStats, s.Server.Stats, func(stats tts.Stats, err error) {
		if err == nil {
			c.server.stats = &stats
		}
		c.after(statsEvery, func() { s.asksStats = false; c.askStats(s) })
	})
}

// poll asks a server that is well, unless it is busy with that. Failures are left to Monitor, which judges them.
func poll[T any](c *core, s *session, busy *bool, ask func(context.Context) (T, error), learn func(T, error)) {
	if c.server.session != s || c.server.state != ServerRunning || *busy {
		return
	}
	*busy = true
	start(c, func() (T, error) { return ask(s.ctx) }, func(got T, err error) {
		if c.server.session == s {
			learn(got, err)
		}
	})
}

// followLog follows the server's log, from where the last try has come to.
func (c *core) followLog(s *session) {
	since := s.lastLog
	q := tts.LogQuery{Since: &since, Run: s.logRun}
	c.run(func() error {
		return s.Server.FollowLogs(s.ctx, q, func(e tts.LogEvent) { c.post(func() { c.learnLog(s, e) }) })
	}, func(err error) {
		if c.server.session != s {
			return
		}
		c.log.note = "The log can't be followed."
		if err != nil {
			c.log.note = "The log can't be followed: " + err.Error()
		}
		c.after(followAgain, func() {
			if c.server.session == s {
				c.followLog(s)
			}
		})
	})
}

func (c *core) learnLog(s *session, e tts.LogEvent) {
	if c.server.session != s {
		return
	}
	if e.Run != "" {
		s.logRun, s.lastLog = e.Run, 0
	}
	if e.Entry != nil {
		s.lastLog = e.Entry.ID
	}
	c.log.learn(e)
}

// clearLog empties the panel at once, and has the server forget what it keeps.
func (c *core) clearLog() {
	c.log.clear()
	s := c.server.session
	if s == nil {
		return
	}
	start(c, func() (int, error) { return s.Server.ClearLogs(s.ctx) }, func(_ int, err error) {
		if err != nil && c.server.session == s {
			c.log.note = "The server still keeps its log: " + err.Error()
		}
	})
}

// retryStart starts a server that failed to.
func (c *core) retryStart() {
	if c.server.state == ServerFailed {
		c.launch()
	}
}

// canRestart reports whether there is something to restart.
func (c *core) canRestart() bool {
	return c.server.state == ServerRunning || c.server.state == ServerUnreachable || c.server.state == ServerFailed
}

// askRestart restarts the server, after a question when a generation would be lost.
func (c *core) askRestart() {
	if c.busy() == 0 {
		c.restart()
		return
	}
	c.ask("Restart the server while speech is being made?", lossText(c.busy()),
		answer{AlertButton{Title: "Restart", Role: Danger}, c.restart}, cancelAnswer())
}

func (c *core) restart() {
	if !c.canRestart() {
		return
	}
	c.stopServer(c.launch)
}

// stopServer ends the session, if there is one, and then goes on.
func (c *core) stopServer(then func()) {
	keeping := c.keeping()
	for _, t := range c.tabs {
		c.stop(t)
	}
	s := c.server.session
	c.server = server{state: ServerStopping}
	c.models = newModels()
	c.voices.doing = 0
	if s == nil {
		then()
		return
	}
	s.end()
	c.run(func() error {
		waitFor(keeping, keepTimeout)
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		return s.Stop(ctx)
	}, func(err error) {
		if err != nil {
			c.log.remark("The server did not stop cleanly: " + err.Error())
		}
		if !c.closing {
			then()
		}
	})
}
