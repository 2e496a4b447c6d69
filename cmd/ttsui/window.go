//go:build darwin || gnustep

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"ttsui/internal/app"
	"ttsui/internal/cocoa"
	"ttsui/internal/desktop"
	"ttsui/internal/hub"
	"ttsui/internal/tts"
	"ttsui/internal/ui"
)

// openWindow is what the program does without a command: the window, over a server in this process.
func openWindow(cmd *cobra.Command, _ []string) error {
	config := desktop.Config{
		App: app.Config{Places: app.FindPlaces("", os.Getenv), Fetcher: hub.NewFetcher(os.Getenv), DType: "auto", Log: cmd.ErrOrStderr(),
			Home: app.FindHome(os.Getenv), LogDir: app.FindLogs(os.Getenv)},
		Getenv: os.Getenv,
		Trash:  cocoa.Trash,
		Silent: os.Getenv("TTSUI_SILENT") != "", // for machines without sound, such as those that test
	}
	return cocoa.Run(cocoa.Config{
		Open:  func(show func(ui.Snapshot)) *ui.App { return ui.New(desktop.Parts(config, show)) },
		About: about,
	})
}

// about is the text of the About window; engine is "" until it is known.
func about(engine string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "TTSUI %s\nText to speech on your own computer, with the Qwen3-TTS models on Apple MLX.\n\n", tts.Version())
	if engine != "" {
		fmt.Fprintf(&b, "Speech is computed by %s.\n", engine)
	}
	fmt.Fprintf(&b, "Built with %s for %s/%s.\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	b.WriteString("The models are Alibaba's Qwen team's, under their own licence (Apache 2.0).\n")
	if program, err := os.Executable(); err == nil {
		licences, _ := os.ReadFile(filepath.Join(filepath.Dir(program), "..", "Resources", "Licences.txt")) // the bundle's
		b.WriteString("\n" + string(licences))
	}
	return b.String()
}
