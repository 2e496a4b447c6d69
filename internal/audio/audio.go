// Package audio reads the clips that users have and writes the WAV files that TTSUI makes.
//
// ReadReference takes WAV, FLAC, MP3 and Ogg Vorbis at any common rate and channel count, on macOS also what
// afconvert knows, and gives what the models want: mono samples at tts.SampleRate. What a file is gets decided by
// its content, never by its name. A clip's header is not trusted: no length in it makes the reader allocate or
// loop beyond what the file's size and the limit of five minutes allow.
//
// CreateWAV writes 16-bit mono WAV files that are complete or absent. A Stream is for those who listen while the audio
// is made.
package audio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"ttsui/internal/tts"
)

// Limits of a reference clip. A voice is heard best in 3 to 15 seconds; the speaker encoder needs 1,280 samples.
const (
	minMillis  = 250
	maxSeconds = 300
	maxFile    = 512 << 20 // bytes: five minutes in any format that is read
	minPeak    = 1e-4      // −80 dBFS: below it is nothing to hear
	maxPeak    = 8         // above it are numbers that were not meant as samples in [−1, 1]
)

const trimHint = "Trim it to the best 3 to 15 seconds of clear speech by one speaker."

// ReadReference decodes the clip at path to mono samples at tts.SampleRate. Channels are averaged and the level is
// kept as it is. A clip whose end is missing gives what is whole. Every error is an *tts.Error that names the file;
// refused are what isn't a regular file or isn't audio, and clips that are silent, shorter than a quarter of a
// second or longer than five minutes.
func ReadReference(ctx context.Context, path string) ([]float32, error) {
	pcm, err := readReference(ctx, path)
	if err != nil {
		return nil, nameClip(path, err)
	}
	return pcm, nil
}

func readReference(ctx context.Context, path string) ([]float32, error) {
	f, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	format, clip := sniff(f, size)
	src, err := format.source(clip)
	if errors.Is(err, errConvert) {
		return readConverted(ctx, converter, format.name, path)
	}
	if err != nil {
		return nil, err
	}
	return finish(ctx, src)
}

// CheckReference finds what is wrong with the clip at path as far as its head shows, which takes no time.
func CheckReference(path string) error {
	if err := checkHead(path); err != nil {
		return nameClip(path, err)
	}
	return nil
}

func checkHead(path string) error {
	f, size, err := openRegular(path)
	if err != nil {
		return err
	}
	defer f.Close()
	format, clip := sniff(f, size)
	src, err := format.source(clip)
	switch {
	case errors.Is(err, errConvert):
		return nil
	case err != nil:
		return err
	}
	return src.check()
}

// nameClip says which file err is about.
func nameClip(path string, err error) error {
	return tts.Errorf(tts.CodeOf(err), tts.HintOf(err), "reference clip %q: %w", filepath.Base(path), err)
}

// finish reads src to its end and brings it to the models' rate.
func finish(ctx context.Context, src *source) ([]float32, error) {
	pcm, err := src.mono(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkClip(pcm, src.rate); err != nil {
		return nil, err
	}
	return resample(ctx, pcm, src.rate)
}

// checkClip refuses decoded audio that no voice can be taken from.
func checkClip(pcm []float32, rate int) error {
	if len(pcm) == 0 {
		return tts.Errorf(tts.CodeInvalid, "Choose a clip of 3 to 15 seconds of clear speech.", "the clip has no samples")
	}
	if ms := len(pcm) * 1000 / rate; ms < minMillis {
		return tts.Errorf(tts.CodeInvalid, "Choose a clip of 3 to 15 seconds of clear speech.",
			"the clip is too short: %d ms, the least is %d ms", ms, minMillis)
	}
	var peak float32
	for _, v := range pcm {
		peak = max(peak, v, -v)
	}
	switch {
	case peak < minPeak:
		return tts.Errorf(tts.CodeInvalid, "Choose a clip in which the voice can be heard.", "the clip is silent")
	case peak > maxPeak:
		return tts.Errorf(tts.CodeCorrupt, "Save the clip again as 16-bit WAV.", "its samples reach %.3g where 1 is full scale", peak)
	}
	return nil
}

// openRegular opens path, unless it isn't a regular file of a sensible size, and tells the size.
func openRegular(path string) (*os.File, int64, error) {
	// Without O_NONBLOCK the open would wait for somebody to write when path is a pipe.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, explain(err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = explain(err)
	case info.IsDir():
		err = tts.Errorf(tts.CodeInvalid, "Choose an audio file in it.", "it is a folder")
	case !info.Mode().IsRegular():
		err = tts.Errorf(tts.CodeInvalid, "Choose an audio file.", "it is not a regular file")
	case info.Size() == 0:
		err = tts.Errorf(tts.CodeInvalid, "Choose another file, or record it again.", "the file is empty")
	case info.Size() > maxFile:
		err = tts.Errorf(tts.CodeInvalid, trimHint, "the file is too large: %d MiB, the limit is %d MiB", info.Size()>>20, maxFile>>20)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// explain turns what the system said into an error for users.
func explain(err error) error {
	code, hint := tts.CodeInternal, ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
		code, hint = tts.CodeNotFound, "Check the path."
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		code, hint = tts.CodeDenied, "Check the permissions of the file and its folder."
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		code, hint = tts.CodeDiskFull, "Free some space or choose another folder."
	case errors.Is(err, syscall.ENOTDIR):
		code, hint = tts.CodeInvalid, "Check the path: something on the way to the file is not a folder."
	case errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.EINVAL),
		errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.EOPNOTSUPP): // the last two: a socket
		code, hint = tts.CodeInvalid, "Choose another file."
	}
	var onPath *fs.PathError
	if errors.As(err, &onPath) {
		err = onPath.Err // the caller names the path
	}
	return tts.Errorf(code, hint, "%w", err)
}

// stopped tells why ctx ended.
func stopped(ctx context.Context) error {
	err := context.Cause(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return tts.Errorf(tts.CodeTimeout, "Try a shorter clip.", "reading it took too long: %w", err)
	}
	return tts.Errorf(tts.CodeCanceled, "", "reading it was stopped: %w", err)
}

// whole reads all of r, which the decoders of streams of many small parts do best from memory.
func whole(r *io.SectionReader) (*bytes.Reader, error) {
	const most = 64 << 20 // five minutes at four times the highest usual bit rate
	if r.Size() > most {
		return nil, tooLong()
	}
	data := make([]byte, r.Size())
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, explain(err)
	}
	return bytes.NewReader(data), nil
}
