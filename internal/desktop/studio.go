package desktop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ttsui/internal/audio"
	"ttsui/internal/recording"
	"ttsui/internal/tts"
	"ttsui/internal/ui"
)

// recordings is the folder of clips that were recorded or trimmed.
func (c Config) recordings() string { return filepath.Join(c.App.Home, "clone", "tmp_audio") }

// microphone is a Recorder as view-models want it.
type microphone struct{ *recording.Recorder }

// Devices implements ui.Recorder.
func (m microphone) Devices() ([]ui.Device, error) {
	list, err := m.Recorder.Devices()
	var devices []ui.Device
	for _, d := range list {
		devices = append(devices, ui.Device{ID: d.ID, Name: d.Name})
	}
	return devices, err
}

// Record implements ui.Recorder.
func (m microphone) Record(device string) (ui.Take, error) {
	t, err := m.Recorder.Record(device)
	if err != nil {
		return nil, err // a nil take would be no nil ui.Take
	}
	return take{t}, nil
}

// take is a Take as view-models want it.
type take struct{ *recording.Take }

// Level implements ui.Take.
func (t take) Level() float64 { return t.Take.Level().Peak }

// studio looks at clips, and keeps what it cuts in a folder.
type studio struct{ dir string }

// peaks is how many parts of a clip its picture shows.
const peaks = 400

// Study implements ui.Studio.
func (s studio) Study(ctx context.Context, path string) (ui.ClipStudy, error) {
	found, err := audio.StudyReference(ctx, path)
	if err != nil {
		return ui.ClipStudy{}, err
	}
	study := ui.ClipStudy{Length: seconds(found.Seconds), Peaks: audio.Peaks(found.PCM, peaks),
		Best: ui.Span{From: seconds(found.Best.Start), To: seconds(found.Best.End)}}
	for _, w := range found.Warnings {
		study.Warnings = append(study.Warnings, ui.Problem{Text: w.Text, Hint: w.Hint})
	}
	return study, nil
}

// Trim implements ui.Studio. A part of the same name is replaced: it is of the same file.
func (s studio) Trim(ctx context.Context, path string, part ui.Span) (string, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return "", tts.Errorf(tts.CodeDenied, "Check the permissions of the folder.", "make the folder of clips: %w", err)
	}
	base := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	sum := sha256.Sum256(fmt.Append(nil, path, part))
	to := filepath.Join(s.dir, fmt.Sprintf("%.40s (part %s).wav", strings.ToValidUTF8(base, "_"), hex.EncodeToString(sum[:4])))
	if err := audio.TrimReference(ctx, path, to, audio.Span{Start: part.From.Seconds(), End: part.To.Seconds()}); err != nil {
		return "", err
	}
	s.prune()
	return to, nil
}

// prune removes the oldest of too many parts. What can't be removed is tried again the next time.
func (s studio) prune() {
	const most = 20
	parts, _ := filepath.Glob(filepath.Join(s.dir, "* (part ????????).wav")) // the pattern is right
	changed := map[string]time.Time{}
	for _, path := range parts {
		if info, err := os.Lstat(path); err == nil {
			changed[path] = info.ModTime()
		}
	}
	slices.SortFunc(parts, func(a, b string) int { return changed[b].Compare(changed[a]) })
	for _, path := range parts[min(most, len(parts)):] {
		_ = os.Remove(path)
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
