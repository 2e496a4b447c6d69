// Package desktop gives the window its parts: servers that run in this process and are asked over HTTP as by every
// other program, the sound, and the user's files. It knows no Cocoa, so all that the window does is tested without one.
package desktop

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"ttsui/internal/app"
	"ttsui/internal/client"
	"ttsui/internal/history"
	"ttsui/internal/hub"
	"ttsui/internal/playback"
	"ttsui/internal/recording"
	"ttsui/internal/ui"
	"ttsui/internal/userdata"
)

// Config says how the servers of a window are made.
type Config struct {
	App    app.Config // of each server; what the user chooses in the settings goes before it
	Getenv func(string) string
	Silent bool                    // play results unheard and record a tone, on a machine without sound
	Trash  func(path string) error // moves a file to the user's Trash
}

// Parts is what the window's view-models work with; show gets what is to be drawn.
func Parts(c Config, show func(ui.Snapshot)) ui.Config {
	player, recorder := &playback.Player{}, &recording.Recorder{Dir: c.recordings()}
	if c.Silent {
		player, recorder = playback.Silent(), recording.Simulated(c.recordings())
	}
	recorder.Keep = recording.ParseKeep(c.Getenv("TTSUI_MAX_TEMP_RECORD"))
	results := &userdata.Results{Home: c.App.Home}
	return ui.Config{
		Show:          show,
		Launch:        c.launch,
		Player:        sound{player},
		Recorder:      microphone{recorder},
		Studio:        studio{c.recordings()},
		Store:         userdata.Documents{Dir: c.App.Home},
		History:       &history.Store{Path: filepath.Join(c.App.Home, "history.jsonl")},
		NewResultPath: results.New,
		Copy:          userdata.Copy,
		Exists:        exists,
		Trash:         c.Trash,
	}
}

// launch starts a server in this process, on the port that the user wants or one of the next.
func (c Config) launch(_ context.Context, s ui.Settings) (l ui.Launched, err error) {
	config := c.App
	config.NextFreePort, config.Timeout, config.LogLevel = true, s.Timeout, s.LogLevel
	if s.Mirrors != "" {
		config.Fetcher = hub.NewFetcher(c.withMirrors(s.Mirrors))
	}
	var roots []string
	if s.OutputFolder != "" {
		roots = append(roots, s.OutputFolder)
	}
	if s.ModelsFolder != "" {
		config.Places = app.FindPlaces(s.ModelsFolder, c.Getenv)
	}
	if config.Outputs, err = app.FindOutputs(roots, c.Getenv); err != nil {
		return l, err
	}
	a, err := app.New(config)
	if err != nil {
		return l, err
	}
	defer func() {
		if err != nil {
			_ = a.Close() // what it says is a consequence
		}
	}()
	if err := a.Start("127.0.0.1", s.Port); err != nil {
		return l, err
	}
	server, err := client.New(a.Addr(), client.Options{Timeout: patience(s.Timeout)})
	if err != nil {
		return l, err
	}
	return ui.Launched{
		Server: server, Address: a.Addr(), Notice: portNotice(s.Port, a.Addr()),
		Stop: func(context.Context) error {
			server.Close()
			return a.Close()
		},
	}, nil
}

// withMirrors is the environment with these mirrors: a program that the Finder starts has none of its own.
func (c Config) withMirrors(mirrors string) func(string) string {
	return func(name string) string {
		if name == "TTSUI_MIRRORS" {
			return mirrors
		}
		return c.Getenv(name)
	}
}

// exists tells whether something is there; what can't be looked at is.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// patience is how long the window waits for a generation. Its server ends one that takes too long, so this is longer:
// it has its turn to wait for, too.
func patience(timeout time.Duration) time.Duration {
	const queue = 24 * time.Hour
	return timeout + queue
}

// portNotice tells that another port was taken than the user wanted.
func portNotice(want int, addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil || want == 0 || port == strconv.Itoa(want) {
		return ""
	}
	return fmt.Sprintf("Another program has port %d, so this is %s. The log says which.", want, port)
}

// sound is a Player as view-models want it.
type sound struct{ *playback.Player }

// Open implements ui.Player.
func (s sound) Open(path string) (ui.Clip, error) {
	clip, err := s.Player.Open(path)
	if err != nil {
		return nil, err // a nil clip would be no nil ui.Clip
	}
	return clip, nil
}
