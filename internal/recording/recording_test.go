package recording

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ttsui/internal/audio"
	"ttsui/internal/tts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wait waits until something is as wanted; devices have a time of their own.
func wait(t *testing.T, what string, is func() bool) {
	t.Helper()
	for started := time.Now(); !is(); time.Sleep(time.Millisecond) {
		if time.Since(started) > 20*time.Second {
			t.Fatal("not within 20 seconds: " + what)
		}
	}
}

// record records for at least so long.
func record(t *testing.T, r *Recorder, device string, long time.Duration) *Take {
	t.Helper()
	take, err := r.Record(device)
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "a recording", func() bool { return take.Elapsed() >= long })
	return take
}

func TestRecord(t *testing.T) {
	r := Simulated(filepath.Join(t.TempDir(), "clone", "tmp_audio"))
	if r.Latest() != "" {
		t.Error("there is a clip before the first")
	}
	devices, err := r.Devices()
	if err != nil || len(devices) != 1 || devices[0].Name == "" || devices[0].ID == "" {
		t.Fatalf("devices %+v, %v", devices, err)
	}
	for _, device := range []string{"", devices[0].ID} {
		take := record(t, r, device, 300*time.Millisecond)
		if l := take.Level(); math.Abs(l.Peak-3000.0/32768) > 0.002 || math.Abs(l.RMS-l.Peak/math.Sqrt2) > 0.003 || take.Err() != nil {
			t.Errorf("level %+v, %v", l, take.Err())
		}
		path, err := take.Stop()
		if err != nil || path != r.Latest() || !isClip(filepath.Base(path)) {
			t.Fatalf("%s, %v; the latest is %s", path, err, r.Latest())
		}
		clip, err := audio.OpenResult(path) // which takes nothing but 16 bits, mono, at the right rate
		if err != nil {
			t.Fatal(err)
		}
		defer clip.Close()
		pcm := make([]int16, clip.Samples())
		if err := audio.ReadPCM(clip, pcm, 0); err != nil || time.Duration(len(pcm))*time.Second/tts.SampleRate != take.Elapsed() {
			t.Fatalf("%d samples of %v, %v", len(pcm), take.Elapsed(), err)
		}
		if !slices.Equal(pcm, take.pcm) {
			t.Error("the clip is not what was heard")
		}
		file, errFile := os.Stat(path)
		dir, errDir := os.Stat(r.Dir)
		if errFile != nil || errDir != nil || file.Mode().Perm() != 0o600 || dir.Mode().Perm() != 0o700 {
			t.Errorf("%v in %v", file.Mode(), dir.Mode())
		}
	}
	take := record(t, r, "", 100*time.Millisecond)
	take.Cancel()
	if clips, err := r.Clips(); err != nil || len(clips) != 2 {
		t.Errorf("clips %v, %v", clips, err)
	}
}

// TestNothingIsHeard: a microphone that may not be used gives zeros on a Mac, as this one does.
func TestNothingIsHeard(t *testing.T) {
	r := deaf(t.TempDir())
	take := record(t, r, "", 300*time.Millisecond)
	if l := take.Level(); l != (Level{}) {
		t.Errorf("level %+v", l)
	}
	_, err := take.Stop()
	if tts.CodeOf(err) != tts.CodeDenied || tts.HintOf(err) == "" || r.Latest() != "" {
		t.Errorf("%v; the latest is %q", err, r.Latest())
	}
	if hint := allowHint("darwin"); !strings.Contains(hint, "Privacy & Security › Microphone") {
		t.Errorf("on a Mac the hint is %q", hint)
	}
	take, err = r.Record("")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := take.Stop(); tts.CodeOf(err) != tts.CodeInvalid {
		t.Errorf("a recording of nothing: %v", err)
	}
	if _, err := r.Record("none such"); tts.CodeOf(err) != tts.CodeNotFound || tts.HintOf(err) == "" {
		t.Errorf("a device that isn't there: %v", err)
	}
}

// TestTakeEnds: the end of the device and of the time are told, and what there is stays.
func TestTakeEnds(t *testing.T) {
	take := &Take{recorder: &Recorder{}}
	second := make([]byte, 2*tts.SampleRate)
	for i := range tts.SampleRate {
		binary.NativeEndian.PutUint16(second[2*i:], uint16(i%100))
	}
	for range 299 {
		take.hear(second)
	}
	if take.Err() != nil {
		t.Error(take.Err())
	}
	take.hear(second)
	take.hear(second)
	if take.Elapsed() != 5*time.Minute || tts.CodeOf(take.Err()) != tts.CodeInvalid {
		t.Errorf("%v long, %v", take.Elapsed(), take.Err())
	}
	take = &Take{recorder: &Recorder{}}
	take.hear(second)
	take.deviceStopped()
	if take.Elapsed() != time.Second || tts.CodeOf(take.Err()) != tts.CodeNotFound || tts.HintOf(take.Err()) == "" {
		t.Errorf("%v long, %v", take.Elapsed(), take.Err())
	}
}

func TestOldClipsGo(t *testing.T) {
	dir := t.TempDir()
	r := Simulated(dir)
	r.Keep = 3
	others := []string{"20260101_000000_0123456G.wav", "mine.wav", "20260101_000000_01234567.wav.txt"}
	for i, name := range append(others, "20260101_000000_00000001.wav", "20260101_000000_00000002.wav", "20260101_000000_00000003.wav") {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Unix(int64(1e9+i), 0)); err != nil {
			t.Fatal(err)
		}
	}
	newest, err := record(t, r, "", 300*time.Millisecond).Stop()
	if err != nil {
		t.Fatal(err)
	}
	clips, err := r.Clips()
	want := []string{newest, filepath.Join(dir, "20260101_000000_00000003.wav"), filepath.Join(dir, "20260101_000000_00000002.wav")}
	if err != nil || !slices.Equal(clips, want) {
		t.Errorf("left are %v, %v", clips, err)
	}
	for _, name := range others {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	for text, want := range map[string]int{"": 20, "5": 5, " 7 ": 7, "0": 20, "-3": 20, "many": 20} {
		if got := ParseKeep(text); got != want {
			t.Errorf("%q keeps %d", text, got)
		}
	}
	if name := newName(time.Date(2026, 2, 3, 4, 5, 6, 0, time.Local)); !isClip(name) || !strings.HasPrefix(name, "20260203_040506_") {
		t.Error(fmt.Sprint("a clip is called ", name))
	}
}
