package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/term"

	"ttsui/internal/tts"
)

// maxTextBytes is far above the limit on a text's characters, which gives the better message.
const maxTextBytes = 1 << 20

// readText takes the text from the arguments, the file or stdin; from two of them is a mistake. A byte order mark
// and the line end of the last line are not part of it.
func readText(stdin io.Reader, file string, args []string) (string, error) {
	fromStdin := file == "-" || len(args) == 1 && args[0] == "-" || file == "" && len(args) == 0 && !isTerminal(stdin)
	switch {
	case file != "" && len(args) > 0:
		return "", tts.Errorf(tts.CodeInvalid, "Give the text as arguments or by -f.", "there are two texts")
	case fromStdin:
		return readAll(stdin, "stdin")
	case file != "":
		f, err := os.Open(file)
		if err != nil {
			return "", openError(file, err)
		}
		defer f.Close()
		return readAll(f, file)
	case len(args) > 0:
		return strings.Join(args, " "), nil
	}
	return "", tts.Errorf(tts.CodeInvalid, "Give it as an argument, by -f FILE, or on stdin.", "there is no text")
}

func readAll(r io.Reader, name string) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxTextBytes+1))
	if err != nil {
		return "", tts.Errorf(tts.CodeInvalid, "Choose a text file.", "read %s: %w", name, err)
	}
	if len(data) > maxTextBytes {
		return "", tts.Errorf(tts.CodeInvalid, "Split it and speak the parts one after the other.", "%s is larger than %d bytes", name, maxTextBytes)
	}
	return strings.TrimRight(strings.TrimPrefix(string(data), "\ufeff"), "\r\n"), nil
}

func openError(file string, err error) error {
	code := tts.CodeInvalid
	if errors.Is(err, fs.ErrNotExist) {
		code = tts.CodeNotFound
	}
	var onPath *fs.PathError
	if errors.As(err, &onPath) {
		err = onPath.Err
	}
	return tts.Errorf(code, "Check the path after -f.", "read %s: %w", file, err)
}

// isTerminal reports whether a person is at the other end of a stream.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// progressLine keeps one line of a terminal up to date. Without a terminal it writes nothing.
type progressLine struct {
	w io.Writer // nil without a terminal
}

func newProgressLine(w io.Writer) *progressLine {
	if !isTerminal(w) {
		return &progressLine{}
	}
	return &progressLine{w}
}

const clearLine = "\r\x1b[K"

func (p *progressLine) text(s string) {
	if p.w != nil {
		fmt.Fprint(p.w, clearLine, s, " …")
	}
}

func (p *progressLine) job(now tts.Job) {
	switch now.Stage {
	case tts.StageReference:
		p.text("listening to the reference clip")
	case tts.StagePrefill:
		p.text("reading the text")
	case tts.StageFrames:
		segment := ""
		if now.SegmentsTotal > 1 {
			segment = fmt.Sprintf(", segment %d of %d", min(now.SegmentsDone+1, now.SegmentsTotal), now.SegmentsTotal)
		}
		p.text(fmt.Sprintf("speaking: %.1f s%s", now.AudioSeconds, segment))
	case tts.StageSaving:
		p.text("saving")
	}
}

func (p *progressLine) clear() {
	if p.w != nil {
		fmt.Fprint(p.w, clearLine)
	}
}

func (p *progressLine) done(res tts.Result) {
	if p.w != nil {
		fmt.Fprintf(p.w, "%.1f s of speech in %.1f s, seed %d\n", res.AudioSeconds(), res.Seconds, res.Seed)
	}
}
