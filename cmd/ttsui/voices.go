package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"ttsui/internal/app"
	"ttsui/internal/audio"
	"ttsui/internal/logs"
	"ttsui/internal/tts"
)

const voicesHelp = `See, save, rename and remove the voices that speak by name: with say --voice,
in the window, and over HTTP. They lie in ~/.ttsui/clone, each a copy of a clip
with what is said in it. A voice goes by its name, in any case, or by its id.`

func newVoices() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "voices",
		Short: "List, save, rename and remove voices",
		Long:  voicesHelp,
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newVoicesList(), newVoicesAdd(), newVoicesRename(), newVoicesRemove())
	return cmd
}

// savedVoices are the user's.
func savedVoices() (tts.Voices, error) {
	if store := app.FindVoices(os.Getenv); store != nil {
		return store, nil
	}
	return nil, tts.Errorf(tts.CodeUnsupported, "Set HOME.", "there is no home folder, and so no place for saved voices")
}

func newVoicesList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the saved voices",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := savedVoices()
			if err != nil {
				return err
			}
			all, err := store.Voices(cmd.Context())
			if err != nil {
				return err
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "NAME\tTRANSCRIPT\tCLIP\tID")
			for _, v := range all {
				transcript, clip := "yes", v.AudioPath
				if v.RefText == "" {
					transcript = "no"
				}
				if v.Missing {
					clip = "not there any more"
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", logs.Escape(v.Name), transcript, logs.Escape(clip), logs.Escape(v.ID))
			}
			return table.Flush()
		},
	}
}

func newVoicesAdd() *cobra.Command {
	var text string
	cmd := &cobra.Command{
		Use:   "add NAME CLIP",
		Short: "Save a clip as a voice",
		Long: `Save a copy of a clip as a voice. Best are 3 to 15 seconds of clear speech, with
what is said in them. A result of another mode will do: so a voice that was
designed can be kept. What is bad about the clip is told on stderr, the path of
the copy on stdout.`,
		Example: `  ttsui voices add Anna anna.wav --ref-text "What she says in the clip."`,
		Args:    twoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := filepath.Abs(args[1])
			if err != nil {
				return err
			}
			store, err := savedVoices()
			if err != nil {
				return err
			}
			v, err := store.SaveVoice(cmd.Context(), tts.NewVoice{Name: args[0], RefAudioPath: path, RefText: text})
			if err != nil {
				return err
			}
			study, err := audio.StudyReference(cmd.Context(), v.AudioPath)
			if err != nil {
				return err
			}
			for _, w := range study.Warnings {
				fmt.Fprintf(cmd.ErrOrStderr(), "ttsui: warning: %s %s\n", w.Text, w.Hint)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), v.AudioPath)
			return err
		},
	}
	cmd.Flags().StringVar(&text, "ref-text", "", "what is said in the clip; makes the voice truer")
	return cmd
}

func newVoicesRename() *cobra.Command {
	return &cobra.Command{
		Use:   "rename VOICE NAME",
		Short: "Give a voice another name",
		Args:  twoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := savedVoices()
			if err != nil {
				return err
			}
			_, err = store.ChangeVoice(cmd.Context(), args[0], tts.VoiceChange{Name: &args[1]})
			return err
		},
	}
}

func newVoicesRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "rm VOICE",
		Short: "Remove a voice with its clip",
		Args:  oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := savedVoices()
			if err != nil {
				return err
			}
			v, err := store.DeleteVoice(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "ttsui: removed %s\n", logs.Escape(cmp.Or(v.Name, v.ID)))
			return nil
		},
	}
}

func twoArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 2 {
		return nil
	}
	return tts.Errorf(tts.CodeInvalid, "See "+cmd.CommandPath()+" --help.", "%s takes two arguments, but got %d", cmd.CommandPath(), len(args))
}
