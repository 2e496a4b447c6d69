//go:build darwin || gnustep

package cocoa

import (
	"context"
	"os"
	"time"

	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"

	"ttsui/internal/ui"
)

// Config is what the window needs of the program.
type Config struct {
	// Open begins the view-models, which are to show their snapshots by show.
	Open func(show func(ui.Snapshot)) *ui.App

	About func(engine string) string // the text of the About window; engine is Status.Engine
}

// closeTimeout is how long quitting may take.
const closeTimeout = 5 * time.Second

// Run opens the window and stays until the user quits, when the process ends. It belongs into main, on the main thread.
// It returns only when the program was built without the cures of darwinkit's bugs.
func Run(c Config) error {
	if err := CheckCures(); err != nil {
		return err
	}
	var d *desk
	run(life{
		launched: func(application appkit.Application) {
			pending := &latest[ui.Snapshot]{show: func(s ui.Snapshot) { d.show(s) }}
			d = newDesk(c.Open(pending.set), c.About)
			d.buildMenu(application)
			d.open()
			inspect()
		},
		mayQuit: func() bool { return d.mayQuit() },
		quit: func() {
			ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
			defer cancel()
			_ = d.app.Close(ctx) // what hangs ends with the process
			foundation.UserDefaults_StandardUserDefaults().Synchronize()
			// Cocoa would leave by exit, which runs what C++ libraries have registered for the end: MLX waits there for
			// threads that are gone, now and then for ever.
			os.Exit(0)
		},
	})
	return nil
}
