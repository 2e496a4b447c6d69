package recording

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"ttsui/internal/audio"
	"ttsui/internal/tts"
)

// kept is how many clips are kept where nobody says.
const kept = 20

// ParseKeep reads how many clips are to be kept, as the environment has it (TTSUI_MAX_TEMP_RECORD): a number above 0.
// Everything else leaves it at 20.
func ParseKeep(text string) int {
	if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil && n > 0 {
		return n
	}
	return kept
}

// Stop ends the take and gives the path of its clip: a WAV file of 16 bits, mono, at tts.SampleRate, that only this user
// can read. What heard nothing at all, as a microphone does that may not be used, is an error and no clip.
func (t *Take) Stop() (path string, err error) {
	pcm := t.end()
	if len(pcm) < shortest {
		return "", tts.Errorf(tts.CodeInvalid, "Record 8 to 15 seconds.", "the recording is too short")
	}
	if !slices.ContainsFunc(pcm, func(v int16) bool { return v != 0 }) {
		return "", tts.Errorf(tts.CodeDenied, allowHint(runtime.GOOS), "the microphone gave nothing but silence")
	}
	samples := make([]float32, len(pcm))
	for i, v := range pcm {
		samples[i] = float32(v) / 32767
	}
	if err := os.MkdirAll(t.recorder.Dir, 0o700); err != nil {
		return "", tts.Errorf(tts.CodeDenied, "Check the permissions of the folder.", "make the folder of recordings: %w", err)
	}
	path = filepath.Join(t.recorder.Dir, newName(time.Now()))
	if err := audio.WritePrivate(path, samples); err != nil {
		return "", err
	}
	t.recorder.prune()
	return path, nil
}

// newName is the name of a clip that ends now.
func newName(now time.Time) string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // it never fails
	return now.Local().Format("20060102_150405_") + hex.EncodeToString(b[:]) + ".wav"
}

// isClip knows a clip by its name.
var isClip = regexp.MustCompile(`^\d{8}_\d{6}_[0-9a-f]{8}\.wav$`).MatchString

// Clips lists the paths of the clips that are kept, the newest first.
func (r *Recorder) Clips() ([]string, error) {
	entries, err := os.ReadDir(r.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, tts.Errorf(tts.CodeDenied, "Check the permissions of the folder.", "list the recordings: %w", err)
	}
	type clip struct {
		path    string
		changed time.Time
	}
	var clips []clip
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && isClip(e.Name()) {
			clips = append(clips, clip{filepath.Join(r.Dir, e.Name()), info.ModTime()})
		}
	}
	slices.SortFunc(clips, func(a, b clip) int { return cmp.Or(b.changed.Compare(a.changed), cmp.Compare(b.path, a.path)) })
	var paths []string
	for _, c := range clips {
		paths = append(paths, c.path)
	}
	return paths, nil
}

// Latest is the path of the newest clip, "" when there is none.
func (r *Recorder) Latest() string {
	clips, err := r.Clips()
	if err != nil || len(clips) == 0 {
		return ""
	}
	return clips[0]
}

// prune removes the oldest of too many clips. What can't be removed is tried again the next time.
func (r *Recorder) prune() {
	clips, _ := r.Clips()
	for _, path := range clips[min(cmp.Or(r.Keep, kept), len(clips)):] {
		_ = os.Remove(path)
	}
}
