// Command ttsui turns text into speech: in a window on a Mac, as a server (ttsui serve) or at once (ttsui say).
//
// What is meant for people goes to stderr, what is meant for other programs to stdout. Errors are two lines,
// "ttsui: error: …" and, where there is something to do about it, "ttsui: hint: …", and end the program with 1; with 3
// when a TTSUI runs already.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"ttsui/internal/app"
	"ttsui/internal/logs"
	"ttsui/internal/tts"
)

func main() {
	if err := newCommand().Execute(); err != nil {
		printError(err)
		os.Exit(exitStatus(err))
	}
}

// exitStatus lets scripts tell a TTSUI that runs already, which they may use, from what went wrong.
func exitStatus(err error) int {
	if errors.Is(err, app.ErrRunning) {
		return 3
	}
	return 1
}

// newCommand is the tree of commands. Without one it opens the window, or prints help where there is none.
func newCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "ttsui",
		Short:         "Text to speech on your own computer, with the Qwen3-TTS models",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          openWindow,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.DisableSuggestions = true
	root.SetFlagErrorFunc(usageError)
	root.AddCommand(newServe(), newSay(), newModels(), newVoices(), newBench(), newVersion())
	return root
}

// usageError points to the help of the command that was misused.
func usageError(cmd *cobra.Command, err error) error {
	return tts.Errorf(tts.CodeInvalid, "See "+cmd.CommandPath()+" --help.", "%w", err)
}

// printError tells a person what went wrong and what to do. Texts may quote what came from elsewhere, so they are
// made safe for a terminal.
func printError(err error) {
	fmt.Fprintf(os.Stderr, "ttsui: error: %s\n", logs.Escape(err.Error()))
	hint := tts.HintOf(err)
	if e := (*tts.Error)(nil); !errors.As(err, &e) {
		hint = "See ttsui --help."
	}
	if hint != "" {
		fmt.Fprintf(os.Stderr, "ttsui: hint: %s\n", logs.Escape(hint))
	}
}
