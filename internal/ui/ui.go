// Package ui is the window of TTSUI without the window: what its three tabs, model rows, log, player, settings and
// sheets show, and what happens when somebody clicks on them.
//
// An App is an actor. One goroutine owns all that is shown; commands, named after what the user did, hand it a piece
// of work and return at once. What may take time, such as asking the server, the disk or the sound, runs on goroutines
// of its own and comes back as another piece of work. What results is a Snapshot: a plain value that a view draws and
// nobody changes. So no view waits for anything, and all of this is tested without one.
package ui

import (
	"context"
	"time"

	"ttsui/internal/history"
	"ttsui/internal/tts"
)

// Server is the speech server that the window works with. Calls end with their ctx.
type Server interface {
	tts.Service
	tts.Voices

	// FollowLogs gives each with every entry after q.Since, in order and once, over broken connections and restarts
	// of the server. It returns when ctx ends or the server refuses.
	FollowLogs(ctx context.Context, q tts.LogQuery, each func(tts.LogEvent)) error

	// ClearLogs has the server forget its kept entries, and says how many there were.
	ClearLogs(ctx context.Context) (int, error)

	// Monitor calls changed with the server's health as it is first found, and whenever it changes: with nil when the
	// server is well, else with what is wrong. It returns when ctx ends.
	Monitor(ctx context.Context, changed func(wrong error))
}

// Launched is a server that was started for the window.
type Launched struct {
	Server  Server
	Address string                          // host and port that it listens on
	Notice  string                          // what the user should know about the start, such as that another port had to be taken; "" for nothing
	Stop    func(ctx context.Context) error // stops the server; called once, when no new call will be made
}

// Player plays sound files.
type Player interface {
	// Open reads a file for playing; it may take its time.
	Open(path string) (Clip, error)

	// Live gives a clip for the speech that req asks for, before it is made; it may take its time.
	Live(req tts.Request) (LiveClip, error)

	// SetVolume says how loud all clips are, from 0 to 1. It returns at once.
	SetVolume(volume float64)
}

// Clip is a sound that can be played. Its methods are called one at a time. All but Peaks and Close return at once:
// they wait neither for the end of the sound nor for the device.
type Clip interface {
	Length() time.Duration
	Position() time.Duration
	Playing() bool         // false once the end is reached
	Play()                 // goes on from Position, or from the beginning when that is the end
	Err() error            // why it stopped before its end, since Play; nil when it didn't
	Pause()                // keeps Position
	Seek(to time.Duration) // while it plays, too
	Peaks(n int) []float32 // the loudest sample of each of n equal parts, in [0, 1], for a picture
	Close() error          // stops and frees it
}

// Store keeps small documents. Calls may come from any goroutine, one at a time.
type Store interface {
	// Read gives a document, or an error that is fs.ErrNotExist when there is none.
	Read(name string) ([]byte, error)

	// Write replaces a document whole, or leaves the old one.
	Write(name string, data []byte) error
}

// History keeps results. Its methods may be called from any goroutine.
type History interface {
	// List gives the results of a mode, of all when it is "", the newest first.
	List(mode tts.Mode) ([]history.Entry, error)

	// Add puts in a result, and gives it with its ID.
	Add(ctx context.Context, e history.Entry) (history.Entry, error)

	// Star marks a result, or takes the mark away.
	Star(ctx context.Context, id string, star bool) error

	// Respeak notes what became of the sound of a result when a segment was spoken anew.
	Respeak(ctx context.Context, e history.Entry) error

	// Remove takes a result out; its file stays.
	Remove(ctx context.Context, id string) error
}

// Config is what an App works with. All of it has to be there.
type Config struct {
	// Show draws a snapshot. It is called on a goroutine of the App's, one call at a time; while it runs, newer
	// snapshots replace each other. It must not wait for the goroutine that calls Close.
	Show func(Snapshot)

	// Launch starts the server with the user's settings. ctx ends when the App is closed meanwhile.
	Launch func(ctx context.Context, s Settings) (Launched, error)

	Player   Player
	Recorder Recorder
	Studio   Studio
	Store    Store
	History  History

	// NewResultPath gives an absolute path for a result, at which nothing stands: in the mode's place below folder, or
	// in TTSUI's own folder when that is "".
	NewResultPath func(folder string, mode tts.Mode, now time.Time) (string, error)

	// Copy copies a file; the copy is complete or absent, and replaces what stood there.
	Copy func(from, to string) error

	// Exists tells whether a file is there.
	Exists func(path string) bool

	// Trash moves a file to where the user can still find it.
	Trash func(path string) error
}

// Settings is what the user chooses about the server. They hold from its next start.
type Settings struct {
	Port         int
	ModelsFolder string        // where models are looked for; "" is TTSUI's own choice
	OutputFolder string        // where results go; "" is TTSUI's own folder
	Mirrors      string        // where models are downloaded from when the hub fails: URLs with commas between them
	Timeout      time.Duration // of one generation; 0 is none
	LogLevel     string        // debug, info, warning, error or critical
}

// DefaultSettings is what holds until the user chooses.
func DefaultSettings() Settings {
	return Settings{Port: 8765, Timeout: 5 * time.Minute, LogLevel: "info"}
}
