package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"ttsui/internal/app"
	"ttsui/internal/hub"
	"ttsui/internal/tts"
)

const modelsHelp = `See, fetch, check, quantise and remove the models on this machine.

They lie in the folder of models (--models) or in the cache of Hugging Face's
own tools, and those see what is fetched here. A model that is loaded or spoken
with is fetched by itself. The environment says where models come from:

  HF_ENDPOINT    another hub than ` + hub.DefaultEndpoint + `
  TTSUI_MIRRORS  further ones, with commas between them, asked when it fails
  HF_TOKEN       your token, for private models; shown to no mirror
  HF_HOME        where they are kept (default ~/.cache/huggingface)
  HF_HUB_OFFLINE 1 fetches nothing`

// models is what the sub-commands of models have in common.
type models struct{ folder string }

func (m *models) places() hub.Places { return app.FindPlaces(m.folder, os.Getenv) }

func newModels() *cobra.Command {
	var m models
	cmd := &cobra.Command{
		Use:   "models",
		Short: "List, fetch, check, quantise and remove models",
		Long:  modelsHelp,
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&m.folder, "models", "", "folder of models, <org>/<name>/ in it (default $TTSUI_MODELS, else ~/.ttsui/models)")
	cmd.AddCommand(m.newList(), m.newPull(), m.newVerify(), m.newRemove(), m.newImport(), m.newQuantize())
	return cmd
}

func (m *models) newList() *cobra.Command {
	var published bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the models that there are, and what of them is here",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return m.list(cmd, published) },
	}
	cmd.Flags().BoolVar(&published, "published", false, "ask the hub which others there are, quantised ones among them")
	return cmd
}

// list prints a table: first the catalogue in its order, then other models that are here, then those that could be.
func (m *models) list(cmd *cobra.Command, published bool) error {
	ctx, stop := interrupted(cmd.Context())
	defer stop()
	var others []string
	if published {
		var err error
		if others, err = hub.NewFetcher(os.Getenv).Published(ctx); err != nil {
			return err
		}
	}
	places := m.places()
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MODEL\tSTATE\tSIZE\tFOLDER")
	known := map[string]bool{}
	row := func(l hub.Local) {
		known[l.ID] = true
		state, size := "not here", "-"
		switch {
		case l.Whole():
			state = "ready"
		case l.Bytes > 0:
			state = "incomplete"
		}
		if l.Bytes > 0 {
			size = hub.SizeText(l.Bytes)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", l.ID, state, size, cmp.Or(l.Dir, "-"))
	}
	for _, c := range tts.Catalogue() {
		l, err := places.Local(c.ID)
		if err != nil && tts.CodeOf(err) != tts.CodeNotFound {
			return err
		}
		l.ID = c.ID
		row(l)
	}
	for _, l := range places.Locals() {
		if !known[l.ID] {
			row(l)
		}
	}
	for _, id := range others {
		if !known[id] {
			row(hub.Local{ID: id})
		}
	}
	return table.Flush()
}

func (m *models) newRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "rm ID[@COMMIT]",
		Short: "Remove a model from this machine",
		Long: `Remove a model from this machine: all of it, or of a model with several commits
the one that is given. From a folder of yours only the model's own files go.`,
		Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			id, commit := splitRevision(args[0])
			freed, err := m.places().Remove(id, commit)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "ttsui: removed %s, %s are free again\n", args[0], hub.SizeText(freed))
			return nil
		},
	}
}

func (m *models) newImport() *cobra.Command {
	var id string
	var copies bool
	cmd := &cobra.Command{
		Use:   "import DIR",
		Short: "Make a model in a folder of yours known",
		Args:  oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interrupted(cmd.Context())
			defer stop()
			l, err := m.places().Import(ctx, args[0], id, copies)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), l.ID)
			return err
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "what to call it, org/name (default local/ and the folder's name)")
	cmd.Flags().BoolVar(&copies, "copy", false, "copy the files instead of linking the folder")
	return cmd
}

// splitRevision takes "org/name@revision" apart.
func splitRevision(arg string) (id, revision string) {
	id, revision, _ = strings.Cut(arg, "@")
	return id, revision
}

func oneArg(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	_, what, _ := strings.Cut(cmd.Use, " ")
	return tts.Errorf(tts.CodeInvalid, "See "+cmd.CommandPath()+" --help.", "%s takes one %s", cmd.CommandPath(), what)
}

func (m *models) newPull() *cobra.Command {
	return &cobra.Command{
		Use:   "pull ID[@REVISION]",
		Short: "Fetch a model",
		Long: `Fetch a model, or what of it has changed. Start it again after ^C or whatever went
wrong: it goes on where it stopped. The path of the model's folder is printed on
stdout.`,
		Example: "  ttsui models pull " + tts.Catalogue()[0].ID,
		Args:    oneArg,
		RunE:    func(cmd *cobra.Command, args []string) error { return m.pull(cmd, args[0]) },
	}
}

func (m *models) pull(cmd *cobra.Command, arg string) error {
	id, revision := splitRevision(arg)
	l, err := m.places().Local(id)
	if err == nil && !l.Cached && l.Whole() {
		return tts.Errorf(tts.CodeInvalid, "Remove it first: ttsui models rm "+id, "%s is in a folder of yours already: %s", id, l.Dir)
	}
	ctx, stop := interrupted(cmd.Context())
	defer stop()
	show := newDownloadLine(cmd.ErrOrStderr(), id)
	dir, err := hub.NewFetcher(os.Getenv).Pull(ctx, id, revision, show.progress)
	show.clear()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), dir)
	return err
}

func (m *models) newVerify() *cobra.Command {
	var repair bool
	cmd := &cobra.Command{
		Use:   "verify ID",
		Short: "Compare a model's files with their checksums",
		Args:  oneArg,
		RunE:  func(cmd *cobra.Command, args []string) error { return m.verify(cmd, args[0], repair) },
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "fetch damaged files again")
	return cmd
}

func (m *models) verify(cmd *cobra.Command, id string, repair bool) error {
	ctx, stop := interrupted(cmd.Context())
	defer stop()
	l, err := m.places().Local(id)
	if err != nil {
		return err
	}
	fetcher := hub.NewFetcher(os.Getenv)
	show := newDownloadLine(cmd.ErrOrStderr(), id)
	defer show.clear()
	damages, err := fetcher.Verify(ctx, l, show.progress)
	show.clear()
	if err != nil {
		return err
	}
	for _, d := range damages {
		fmt.Fprintf(cmd.ErrOrStderr(), "ttsui: %s %s\n", d.Name, d.Problem)
	}
	switch {
	case len(damages) == 0:
		fmt.Fprintf(cmd.ErrOrStderr(), "ttsui: %s is sound\n", id)
		return nil
	case !repair && !l.Cached:
		return tts.Errorf(tts.CodeCorrupt, l.HintAnew(), "%s is damaged", id)
	case !repair:
		return tts.Errorf(tts.CodeCorrupt, "Repair it with: ttsui models verify --repair "+id, "%s is damaged", id)
	}
	if err := fetcher.Repair(ctx, l, damages, show.progress); err != nil {
		return err
	}
	show.clear()
	fmt.Fprintf(cmd.ErrOrStderr(), "ttsui: %s is repaired: %s\n", id, strings.Join(namesOf(damages), ", "))
	return nil
}

func namesOf(damages []hub.Damage) (names []string) {
	for _, d := range damages {
		names = append(names, d.Name)
	}
	slices.Sort(names)
	return names
}
