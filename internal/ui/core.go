package ui

import (
	"context"
	"time"

	"ttsui/internal/tts"
)

// core is all that is shown, and what goes on behind it. Only the goroutine of App.run touches it; what others bring
// comes by post.
type core struct {
	config  Config
	life    context.Context // ends when Close begins; parent of all that the core's goroutines are given
	post    func(func())
	working int  // goroutines that have not brought their result yet
	closing bool // Close has begun

	mode     tts.Mode // of the tab that is seen
	tabs     map[tts.Mode]*tab
	server   server
	models   models
	voices   voices
	recorder recorder
	log      logPanel
	settings settingsForm
	alerts   []alert
	lastID   int // of an alert
	ticking  bool
	softer   float64 // 1 − the volume
	liveOff  bool    // speech is not played as it is made
	saved    saved
}

func newCore(config Config, life context.Context, post func(func())) *core {
	c := &core{
		config: config, life: life, post: post,
		mode: tts.Clone, tabs: map[tts.Mode]*tab{}, server: server{state: ServerStarting},
		models: newModels(), log: newLogPanel(), settings: newSettingsForm(DefaultSettings()),
	}
	for _, mode := range tts.Modes() {
		c.tabs[mode] = newTab(mode)
	}
	c.saved.drafts, c.saved.settings = c.drafts(), c.settings.values
	return c
}

// begin restores what was saved, then launches the server.
func (c *core) begin() {
	start(c, func() (documents, error) { return readDocuments(c.config), nil }, func(d documents, _ error) {
		c.restore(d)
		if !c.closing {
			c.launch()
			c.findRecordings()
		}
	})
}

// close begins the end: see ended.
func (c *core) close() {
	c.closing = true
	c.alerts = nil
	for _, t := range c.tabs {
		c.closeClip(t)
	}
	c.closeForm()
	c.stopRecording()
	c.dropStudy(c.tabs[tts.Clone])
	c.stopServer(func() {})
}

// ended reports whether Close has begun and all is done.
func (c *core) ended() bool { return c.closing && c.working == 0 }

// start lets work run on a goroutine of its own and hands what it gave to done, which runs on the core's.
func start[T any](c *core, work func() (T, error), done func(T, error)) {
	c.working++
	go func() {
		got, err := work()
		c.post(func() {
			c.working--
			done(got, err)
		})
	}()
}

// run is start for work that gives nothing but an error.
func (c *core) run(work func() error, done func(error)) {
	start(c, func() (struct{}, error) { return struct{}{}, work() }, func(_ struct{}, err error) { done(err) })
}

// after acts in a while, unless Close has begun by then.
func (c *core) after(d time.Duration, act func()) {
	time.AfterFunc(d, func() {
		c.post(func() {
			if !c.closing {
				act()
			}
		})
	})
}

// selectTab changes the tab that is seen. What is not seen is not heard.
func (c *core) selectTab(mode tts.Mode) {
	if c.tabs[mode] == nil || mode == c.mode {
		return
	}
	c.pause()
	c.stopRecording()
	c.mode = mode
	c.tick() // of what grows there
}

// busy counts the generations that run or wait.
func (c *core) busy() (n int) {
	for _, t := range c.tabs {
		if t.run != nil {
			n++
		}
	}
	return n
}
