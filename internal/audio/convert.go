package audio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"ttsui/internal/tts"
)

// readConverted reads a clip that only tool knows, by way of a temporary WAV file. The tool takes afconvert's
// arguments.
func readConverted(ctx context.Context, tool, name, path string) ([]float32, error) {
	dir, err := os.MkdirTemp("", "ttsui-convert-")
	if err != nil {
		return nil, explain(err)
	}
	defer os.RemoveAll(dir)
	wav := filepath.Join(dir, "clip.wav")
	if err := convert(ctx, tool, name, path, wav); err != nil {
		return nil, err
	}
	f, size, err := openRegular(wav)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	src, err := open(format{name: "WAV", open: openWAV}, io.NewSectionReader(f, 0, size))
	if err != nil {
		return nil, err
	}
	return finish(ctx, src)
}

// convert runs the tool. The result keeps the clip's rate and channels, in float32.
func convert(ctx context.Context, tool, name, path, wav string) error {
	// The shell bounds the result, in blocks of 512 bytes: an audio book must not fill the disk.
	const script = `ulimit -f "$1"; shift; exec "$@"`
	path, err := filepath.Abs(path) // a name may begin with a dash
	if err != nil {
		return explain(err)
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", script, "sh", strconv.Itoa(maxFile/512),
		tool, "-f", "WAVE", "-d", "LEF32", path, wav)
	cmd.WaitDelay = time.Second
	_, err = cmd.Output()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	said := err.Error()
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(bytes.TrimSpace(exit.Stderr)) > 0 {
		said = strings.Join(strings.Fields(string(exit.Stderr)), " ")
	}
	return tts.Errorf(tts.CodeCorrupt, "Check that it plays elsewhere, then save the best 3 to 15 seconds as WAV.",
		"%s audio could not be converted: %s", name, said)
}
