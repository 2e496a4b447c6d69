package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"ttsui/internal/app"
	"ttsui/internal/hub"
	"ttsui/internal/tts"
)

const quantizeHelp = `Make a smaller copy of a model on this machine. It is faster and takes less
memory, and sounds a little worse the fewer bits it has.

The copy gets a name of its own, which is printed on stdout, and lies in the
folder of models; other programs that run MLX models can load it, too. What it
will take is told first; --dry-run ends there. After ^C, or whatever went wrong,
there is no copy.

Made smaller are the linear maps of the two language models in it. Embeddings,
norms, output heads, the speaker encoder and the codec stay as they are.`

func (m *models) newQuantize() *cobra.Command {
	var how tts.Quantization
	var dry bool
	cmd := &cobra.Command{
		Use:     "quantize ID --bits 4|6|8",
		Short:   "Make a smaller copy of a model",
		Long:    quantizeHelp,
		Example: "  ttsui models quantize --bits 8 " + tts.Catalogue()[0].ID,
		Args:    oneArg,
		RunE:    func(cmd *cobra.Command, args []string) error { return m.quantize(cmd, args[0], how, dry) },
	}
	cmd.Flags().IntVar(&how.Bits, "bits", 0, "bits of a weight: 4, 6 or 8 (required)")
	cmd.Flags().IntVar(&how.GroupSize, "group-size", 64, "weights that share a scale: 32, 64 or 128; fewer are truer and larger")
	cmd.Flags().BoolVar(&how.Mixed, "mixed", false, "two bits more for the weights that suffer most")
	cmd.Flags().BoolVar(&how.Heads, "heads", false, "quantise the output heads too, as mlx-audio does")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "tell what the copy would take, and make nothing")
	return cmd
}

func (m *models) quantize(cmd *cobra.Command, id string, how tts.Quantization, dry bool) (err error) {
	ctx, stop := interrupted(cmd.Context())
	defer stop()
	stderr := cmd.ErrOrStderr()
	a, err := app.New(app.Config{Places: app.FindPlaces(m.folder, os.Getenv), DType: "auto", Log: stderr, LogLevel: "critical"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	plan, err := a.Service().PlanQuantized(ctx, id, how)
	if err != nil {
		return err
	}
	tellPlan(stderr, plan)
	if dry {
		return nil
	}
	if err := makeQuantized(ctx, a.Service(), id, plan, how, stderr); err != nil {
		return err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), plan.ModelID)
	return err
}

// tellPlan tells what the copy will take, beside what the original takes.
func tellPlan(w io.Writer, plan tts.QuantizePlan) {
	inMiB := func(mb float64) string { return hub.SizeText(int64(mb * (1 << 20))) }
	fmt.Fprintf(w, "ttsui: %s: %s on the disk (%s free; the original has %s), %s of memory (the original needs %s)\n", plan.ModelID,
		hub.SizeText(plan.Bytes), hub.SizeText(plan.FreeBytes), hub.SizeText(plan.OriginalBytes),
		inMiB(plan.MemoryMB), inMiB(plan.OriginalMemoryMB))
}

func makeQuantized(ctx context.Context, service tts.Service, id string, plan tts.QuantizePlan, how tts.Quantization, stderr io.Writer) error {
	show := newProgressLine(stderr)
	stop := showLoad(ctx, service, plan.ModelID, stderr, show)
	info, err := service.Quantize(ctx, id, how)
	stop()
	show.clear()
	if err == nil && info.State != tts.Unloaded {
		err = loadError(info)
	}
	return err
}
