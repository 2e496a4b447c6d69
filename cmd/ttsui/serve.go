package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ttsui/internal/app"
	"ttsui/internal/hub"
	"ttsui/internal/tts"
)

// engineFlags are the flags of every command that runs models.
type engineFlags struct {
	models, dtype, codec, logLevel string
}

func (f *engineFlags) add(cmd *cobra.Command, logLevel string) {
	cmd.Flags().StringVar(&f.models, "models", "", "folder of models, <org>/<name>/ in it (default $TTSUI_MODELS, else ~/.ttsui/models)")
	cmd.Flags().StringVar(&f.dtype, "dtype", "auto", "compute in auto, float32, bfloat16 or float16")
	cmd.Flags().StringVar(&f.codec, "codec-dtype", "float32", "turn codes into sound in float32 or bfloat16")
	cmd.Flags().StringVar(&f.logLevel, "log-level", logLevel, "least level that is logged: debug, info, warning, error or critical")
}

// config is the app's, as far as these flags and the environment say.
func (f *engineFlags) config(log io.Writer) app.Config {
	return app.Config{Places: app.FindPlaces(f.models, os.Getenv), Fetcher: hub.NewFetcher(os.Getenv), DType: f.dtype, Codec: f.codec, Log: log, LogLevel: f.logLevel}
}

func newServe() *cobra.Command {
	var engine engineFlags
	var host, tokenFile string
	var roots []string
	var port int
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve speech over HTTP until interrupted",
		Long: `Serve speech over HTTP until interrupted.

When the server is ready, one line on stderr says where, for scripts to read:

  ttsui: listening on http://127.0.0.1:8765

The log goes to stderr and to files in ~/.ttsui/logs; GET /logs/stream follows it.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config := engine.config(cmd.ErrOrStderr())
			config.Timeout, config.Home, config.LogDir = timeout, app.FindHome(os.Getenv), app.FindLogs(os.Getenv)
			if timeout < 0 {
				return tts.Errorf(tts.CodeInvalid, "Use a time such as 5m, or 0 for no limit.", "--timeout %s is negative", timeout)
			}
			outputs, err := app.FindOutputs(roots, os.Getenv)
			if err != nil {
				return err
			}
			config.Outputs, config.TokenFile = outputs, tokenFile
			return serve(cmd, config, host, port)
		},
	}
	cmd.Flags().StringVar(&host, "host", "127.0.0.1", "address or name to listen on; one that other machines can reach needs a --token-file")
	cmd.Flags().IntVar(&port, "port", 8765, "port to listen on; 0 takes a free one")
	cmd.Flags().StringVar(&tokenFile, "token-file", "", "file with a password; every request has to show it (Authorization: Bearer …)")
	cmd.Flags().StringArrayVar(&roots, "output-root", nil, "folder below which results may be written too; may be repeated (default your home and temporary folders)")
	cmd.Flags().DurationVar(&timeout, "timeout", 5*time.Minute, "longest time for one generation, not counting how long it waits for its turn; 0 is no limit")
	engine.add(cmd, "info")
	return cmd
}

// serve runs the server until a signal.
func serve(cmd *cobra.Command, config app.Config, host string, port int) (err error) {
	ctx, stop := interrupted(cmd.Context())
	defer stop()
	a, err := app.New(config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.Start(host, port); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "ttsui: listening on http://%s\n", a.Addr())
	<-ctx.Done()
	return nil
}

// interrupted gives a context that ends with the first SIGINT or SIGTERM. The second one ends the process.
func interrupted(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return tts.Errorf(tts.CodeInvalid, "See "+cmd.CommandPath()+" --help.", "%s takes no arguments, but got %q", cmd.CommandPath(), args[0])
	}
	return nil
}
