package voices_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ttsui/internal/audio"
	"ttsui/internal/tts"
	"ttsui/internal/voices"
)

// The environment makes the test binary a program that changes voices: in a folder, with clips from another, by a seed,
// as often as told.
const childEnv = "TTSUI_VOICES_CHILD"

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); job != "" {
		child(strings.Split(job, "|"))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writeClips makes a few short clips that differ.
func writeClips(t *testing.T, dir string) {
	t.Helper()
	for i := range 3 {
		w, err := audio.CreateWAV(clipPath(dir, i))
		if err != nil {
			t.Fatal(err)
		}
		pcm := make([]float32, tts.SampleRate*3/10)
		for j := range pcm {
			pcm[j] = float32(j%(50+10*i)) / 100
		}
		if err := w.WriteSamples(pcm); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

func clipPath(dir string, i int) string { return filepath.Join(dir, fmt.Sprintf("clip%d.wav", i)) }

// model is what a folder should hold.
type model struct {
	clips string
	all   []modelVoice
}

type modelVoice struct {
	name, text string
	clip       int
}

// deed is something that is done to voices.
type deed struct {
	do         string
	name, next string
	text       string
	clip       int
}

// draw draws a deed; few names make many meet.
func draw(intN func(int) int) deed {
	names := []string{"Anna", "Bert", "Carla", "Dän", "Eve 🙂"}
	return deed{
		do:   []string{"save", "save", "rename", "clip", "text", "delete"}[intN(6)],
		name: names[intN(len(names))], next: names[intN(len(names))],
		text: []string{"", "One.", "Zwei <und> drei."}[intN(3)], clip: intN(3),
	}
}

// apply does d to the store.
func (d deed) apply(ctx context.Context, s *voices.Store, clips string) error {
	clip := clipPath(clips, d.clip)
	var err error
	switch d.do {
	case "save":
		_, err = s.SaveVoice(ctx, tts.NewVoice{Name: d.name, RefAudioPath: clip, RefText: d.text})
	case "rename":
		_, err = s.ChangeVoice(ctx, d.name, tts.VoiceChange{Name: &d.next})
	case "clip":
		_, err = s.ChangeVoice(ctx, d.name, tts.VoiceChange{RefAudioPath: &clip})
	case "text":
		_, err = s.ChangeVoice(ctx, d.name, tts.VoiceChange{RefText: &d.text})
	case "delete":
		_, err = s.DeleteVoice(ctx, d.name)
	}
	return err
}

// after is the model when d was done, and the kind of error that d has.
func (m model) after(d deed) (model, tts.Code) {
	m.all = slices.Clone(m.all)
	at := func(name string) int {
		return slices.IndexFunc(m.all, func(v modelVoice) bool { return v.name == name })
	}
	i := at(d.name)
	if d.do == "save" {
		if i >= 0 {
			return m, tts.CodeInvalid
		}
		m.all = append(m.all, modelVoice{d.name, d.text, d.clip})
		return m, ""
	}
	if i < 0 {
		return m, tts.CodeNotFound
	}
	switch d.do {
	case "rename":
		if j := at(d.next); j >= 0 && j != i {
			return m, tts.CodeInvalid
		}
		m.all[i].name = d.next
	case "clip":
		m.all[i].clip = d.clip
	case "text":
		m.all[i].text = d.text
	case "delete":
		m.all = slices.Delete(m.all, i, i+1)
	}
	return m, ""
}

// differs says in what the store is not the model: each voice in its order, with its whole clip.
func (m model) differs(s *voices.Store) error {
	all, err := s.Voices(context.Background())
	if err != nil {
		return err
	}
	if len(all) != len(m.all) {
		return fmt.Errorf("%d voices, want %d", len(all), len(m.all))
	}
	for i, v := range all {
		want := m.all[i]
		clip, err := os.ReadFile(v.AudioPath)
		source, errSource := os.ReadFile(clipPath(m.clips, want.clip))
		if err != nil || errSource != nil || v.Missing || !bytes.Equal(clip, source) || v.Name != want.name || v.RefText != want.text {
			return fmt.Errorf("voice %d is %+v, want %+v: %v", i, v, want, err)
		}
	}
	return nil
}

// end is where a deed is broken off.
type end struct{}

// applyUntil applies d, and breaks off at the step of that number, as a killed process does. It tells whether it did.
func (d deed) applyUntil(step int, s *voices.Store, clips string) (broken bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			broken = p.(end) == end{}
		}
	}()
	s.OnStep(func() {
		if step--; step == 0 {
			panic(end{})
		}
	})
	return false, d.apply(context.Background(), s, clips)
}

// TestVoicesFollowAModel: whatever is done in whatever order, and at whatever step it is broken off, there is what there
// was before or what there should be after, and each voice has its whole clip. Nothing is left over but by what was broken
// off.
func TestVoicesFollowAModel(t *testing.T) {
	clips := t.TempDir()
	if dir, err := os.MkdirTemp("/dev/shm", "ttsui-voices-"); err == nil { // in memory, where there is such a place: a disk takes its time
		defer os.RemoveAll(dir)
		clips = dir
	}
	writeClips(t, clips)
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp(clips, "store")
		if err != nil {
			r.Fatal(err)
		}
		defer os.RemoveAll(dir)
		m, whole := model{clips: clips}, true
		intN := func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "n") }
		for range rapid.IntRange(1, 20).Draw(r, "deeds") {
			d, step := draw(intN), rapid.IntRange(0, 6).Draw(r, "step")
			s := &voices.Store{Dir: dir} // anew, as after a restart
			next, code := m.after(d)
			broken, err := d.applyUntil(step, s, clips)
			if !broken && tts.CodeOf(err) != code {
				r.Fatalf("%+v: %v, want %q", d, err, code)
			}
			whole = whole && !broken
			if errNew := next.differs(s); errNew == nil {
				m = next
			} else if errOld := m.differs(s); !broken || errOld != nil {
				r.Fatalf("after %+v until step %d: %v; %v", d, step, errOld, errNew)
			}
		}
		left, err := os.ReadDir(filepath.Join(dir, "speakers", "audio"))
		if err == nil && (len(left) < len(m.all) || whole && len(left) > len(m.all)) {
			r.Fatalf("%d clips of %d voices", len(left), len(m.all))
		}
	})
}

// TestKilled: a process that is killed at any moment leaves what was before its last deed, or what is after it.
func TestKilled(t *testing.T) {
	clips := t.TempDir()
	writeClips(t, clips)
	for round := range 20 {
		dir := filepath.Join(t.TempDir(), "clone")
		seed := uint64(round)
		done := killAfter(t, dir, clips, seed, 1+rand.IntN(10))
		m, rng := model{clips: clips}, rand.New(rand.NewPCG(seed, 1))
		for range done {
			m, _ = m.after(draw(rng.IntN))
		}
		s := &voices.Store{Dir: dir}
		errOld := m.differs(s)
		next, _ := m.after(draw(rng.IntN))
		if errNew := next.differs(s); errOld != nil && errNew != nil {
			t.Errorf("round %d, killed after %d deeds: %v; %v", round, done, errOld, errNew)
		}
		if _, err := s.SaveVoice(t.Context(), tts.NewVoice{Name: "After", RefAudioPath: clipPath(clips, 0)}); err != nil {
			t.Errorf("round %d: afterwards %v", round, err)
		}
	}
}

// killAfter runs a child, kills it a moment after it has done so many deeds, and tells how many it says it has done.
func killAfter(t *testing.T, dir, clips string, seed uint64, deeds int) (done int) {
	t.Helper()
	cmd, out := startChild(t, dir, clips, strconv.FormatUint(seed, 10), "forever")
	lines := bufio.NewReader(out)
	for ; done < deeds; done++ {
		if _, err := lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	_ = cmd.Process.Kill()
	rest, err := io.ReadAll(lines) // what it said before it died
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed: the error is the wanted one
	return done + bytes.Count(rest, []byte("\n"))
}

// TestProcessesTakeTurns: several that save at the same time lose nothing of each other's.
func TestProcessesTakeTurns(t *testing.T) {
	clips := t.TempDir()
	writeClips(t, clips)
	dir := filepath.Join(t.TempDir(), "clone")
	const children, each = 3, 10
	var running []*exec.Cmd
	for i := range children {
		cmd, _ := startChild(t, dir, clips, fmt.Sprint("p", i), strconv.Itoa(each))
		running = append(running, cmd)
	}
	for _, cmd := range running {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	if all := list(t, &voices.Store{Dir: dir}); len(all) != children*each {
		t.Errorf("%d voices of %d", len(all), children*each)
	}
}

func startChild(t *testing.T, job ...string) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(job, "|"))
	cmd.Stderr = os.Stderr
	if job[3] != "forever" {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, nil
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// child does deeds for ever and says after each that it is done, or saves some voices.
func child(job []string) {
	dir, clips, name := job[0], job[1], job[2]
	s := &voices.Store{Dir: dir}
	if n, err := strconv.Atoi(job[3]); err == nil {
		for i := range n {
			if _, err := s.SaveVoice(context.Background(), tts.NewVoice{Name: fmt.Sprint(name, " ", i), RefAudioPath: clipPath(clips, i%3)}); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		return
	}
	seed, _ := strconv.ParseUint(name, 10, 64)
	for rng := rand.New(rand.NewPCG(seed, 1)); ; {
		_ = draw(rng.IntN).apply(context.Background(), s, clips) // what may fail, does
		if _, err := fmt.Println("done"); err != nil {
			return
		}
	}
}
