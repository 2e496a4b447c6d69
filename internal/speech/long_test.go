package speech_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttsui/internal/audio"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/textplan"
	"ttsui/internal/tts"
)

// story has three paragraphs of two segments each, and a row of stars.
var story = strings.Repeat("It was a dark and stormy night, and nobody was about. ", 8) + "\n\n* * *\n\n" +
	strings.Repeat("The rain fell in torrents, save when it was checked by the wind! ", 8) + "\n\n" +
	strings.Repeat("Who was it that came up the street at such an hour? ", 8)

// heard is what a model was asked to say.
type heard struct {
	texts []string
	seeds []uint64
}

// listenTo has a studio's models remember what they are asked, and be as long as length says.
func listenTo(tones *registrytest.Tones, length func(u tts.Utterance) int) *heard {
	h := &heard{}
	tones.Length = func(u tts.Utterance) int {
		seed := uint64(0)
		if u.Sampling.Seed != nil {
			seed = *u.Sampling.Seed
		}
		h.texts, h.seeds = append(h.texts, u.Text), append(h.seeds, seed)
		return length(u)
	}
	return h
}

func brief(tts.Utterance) int { return 4 }

func pcmOf(t *testing.T, path string) []int16 {
	t.Helper()
	r, err := audio.OpenResult(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	pcm := make([]int16, r.Samples())
	if err := audio.ReadPCM(r, pcm, 0); err != nil {
		t.Fatal(err)
	}
	return pcm
}

func TestLongTextInSegments(t *testing.T) {
	tones := &registrytest.Tones{}
	h := listenTo(tones, brief)
	s := newStudio(t, tones)
	req := s.request(t, tts.Control)
	req.Text, req.Sampling.Seed = story, new(uint64(5))
	var last tts.Job
	req.Watch = func(j tts.Job) {
		if j.SegmentsDone < last.SegmentsDone || j.TextDone < last.TextDone || j.Frames < last.Frames || j.SegmentsDone > last.SegmentsDone+1 {
			t.Errorf("after %+v came %+v", last, j)
		}
		last = j
	}
	res, err := s.Generate(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	plan := textplan.Split(story, req.Language)
	var spoken []string
	var want []tts.Segment
	at, text := 0, 0
	for _, p := range plan {
		seg := tts.Segment{TextStart: text, TextEnd: text + len(p.Text), Start: at, End: at}
		text = seg.TextEnd
		if p.Speakable() {
			spoken = append(spoken, p.Text)
			seg.Frames, seg.Seed, seg.End = 4, 5, at+4*tts.FrameSamples
		}
		want = append(want, seg)
		at = seg.End + int(p.End.Pause().Seconds()*tts.SampleRate)
	}
	if d := cmp.Diff(want, res.Segments); d != "" || len(want) != 7 {
		t.Error(len(want), d)
	}
	if d := cmp.Diff(spoken, h.texts); d != "" || h.seeds[5] != 5 {
		t.Error(h.seeds, d)
	}
	if res.Samples != at || res.Frames != 24 || res.Seed != 5 || wavSamples(t, req.OutputPath) != at {
		t.Errorf("%d samples, want %d: %+v", wavSamples(t, req.OutputPath), at, res)
	}
	pcm := pcmOf(t, req.OutputPath)
	for i, seg := range res.Segments {
		next := len(pcm)
		if i+1 < len(res.Segments) {
			next = res.Segments[i+1].Start
		}
		if loud(pcm[seg.Start:seg.End]) != (seg.Frames > 0) || loud(pcm[seg.End:next]) {
			t.Errorf("the sound of segment %d is not in its place", i)
		}
	}
	if job, err := s.Job(t.Context(), last.ID); err != nil || job.Segments == nil || !cmp.Equal(*job.Segments, want) {
		t.Errorf("the record: %+v, %v", job, err)
	}
	if last.State != tts.JobDone || last.SegmentsTotal != 7 || last.Segments != nil || last.SegmentsDone != 7 || last.TextDone != len(story) {
		t.Errorf("at the end: %+v", last)
	}
	if strings.Contains(s.log.String(), "stormy") || !strings.Contains(s.log.String(), "Speaking segment 7 of 7...") {
		t.Errorf("the log: %s", s.log.String())
	}
}

func loud(pcm []int16) bool {
	for _, v := range pcm {
		if v != 0 {
			return true
		}
	}
	return false
}

// TestWhenTextIsCut: up to a thousand characters a text stays one prompt, unless asked.
func TestWhenTextIsCut(t *testing.T) {
	tones := &registrytest.Tones{}
	h := listenTo(tones, brief)
	s := newStudio(t, tones)
	for _, c := range []struct {
		text  string
		long  tts.LongText
		parts int
	}{
		{story[:1000], "", 1},
		{story[:1001], tts.LongAuto, 5},
		{story[:1000], tts.LongOn, 5},
		{"Hello. There.", tts.LongOn, 1},
		{story, tts.LongOff, 1},
		{strings.Repeat("哦", 1001), tts.LongAuto, 13},
		{"* * *", tts.LongOff, 1},
	} {
		h.texts = nil
		req := s.request(t, tts.Design)
		req.Text, req.LongText = c.text, c.long
		if _, err := s.Generate(t.Context(), req); err != nil || len(h.texts) != c.parts {
			t.Errorf("%.20q of %d bytes, %q: %d parts, %v", c.text, len(c.text), c.long, len(h.texts), err)
		}
	}
	req := s.request(t, tts.Design)
	req.Text, req.LongText = "* * *", tts.LongOn
	if _, err := s.Generate(t.Context(), req); tts.CodeOf(err) != tts.CodeInvalid {
		t.Errorf("stars are spoken: %v", err)
	}
}

// TestStoppedTextIsKept: of a long text that is stopped or fails, what was finished is kept beside the output, which
// stays as it was.
func TestStoppedTextIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		fail error
		code tts.Code
	}{
		"stopped": {nil, tts.CodeCanceled},
		"failed":  {tts.Errorf(tts.CodeNoMemory, "Close something.", "no memory"), tts.CodeNoMemory},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			tones := &registrytest.Tones{}
			h := listenTo(tones, brief)
			end := 3 // the segment in which it ends
			tones.OnFrame = func(_ context.Context, frame int) error {
				if frame == 2 && len(h.texts) == end {
					if c.fail != nil {
						return c.fail
					}
					cancel()
				}
				return nil
			}
			s := newStudio(t, tones)
			req := s.request(t, tts.Control)
			req.Text, req.OutputPath = story, filepath.Join(s.dir, "out.wav")
			var last tts.Job
			req.Watch = func(j tts.Job) { last = j }
			if err := os.WriteFile(req.OutputPath, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := s.Generate(ctx, req)
			kept := filepath.Join(s.dir, "out.partial.wav")
			if tts.CodeOf(err) != c.code || !strings.Contains(err.Error(), "the beginning, up to segment 3, is kept in "+kept) || tts.HintOf(err) == "" {
				t.Errorf("%v (%s)", err, tts.HintOf(err))
			}
			if old, _ := os.ReadFile(req.OutputPath); string(old) != "precious" {
				t.Errorf("the old file holds %q", old)
			}
			plan := textplan.Split(story, "English")
			pauses := int((plan[0].End.Pause() + plan[1].End.Pause()).Seconds() * tts.SampleRate)
			if n := wavSamples(t, kept); n != 8*tts.FrameSamples+pauses {
				t.Errorf("%d samples are kept, want %d", n, 8*tts.FrameSamples+pauses)
			}
			done := 0
			for _, p := range plan[:3] {
				done += len(p.Text)
			}
			if last.Partial != kept || last.SegmentsDone != 3 || last.TextDone != done || last.Frames != 8 || !last.State.Ended() {
				t.Errorf("the record: %+v", last)
			}
			if job, err := s.Job(t.Context(), last.ID); err != nil || len(*job.Segments) != 3 || (*job.Segments)[2].TextEnd != done {
				t.Errorf("the whole record: %+v, %v", job, err)
			}
			h.texts, end, req.OutputPath = nil, 1, filepath.Join(s.dir, "again.wav")
			if _, err := s.Generate(t.Context(), req); c.fail != nil && (err == nil || strings.Contains(err.Error(), "kept")) {
				t.Error(err)
			}
			if left, _ := filepath.Glob(filepath.Join(s.dir, "again.partial*")); len(left) != 0 {
				t.Errorf("nothing was finished, and %v is left", left)
			}
			cancel()
		})
	}
}

// TestSegmentAnew: one segment is spoken anew and put in its place; all else is as it was.
func TestSegmentAnew(t *testing.T) {
	tones := &registrytest.Tones{}
	listenTo(tones, brief)
	s := newStudio(t, tones)
	req := s.request(t, tts.Control)
	req.Text, req.Sampling.Seed = story, new(uint64(1))
	first, err := s.Generate(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	before, old := pcmOf(t, req.OutputPath), first.Segments[3]
	tones.Length = func(tts.Utterance) int { return 6 }
	req.Text, req.Sampling.Seed = story[old.TextStart:old.TextEnd], new(uint64(2))
	req.Splice = &tts.Splice{Path: req.OutputPath, Start: old.Start, End: old.End}
	again, err := s.Generate(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	after := pcmOf(t, req.OutputPath)
	anew := again.Segments[0]
	if len(again.Segments) != 1 || anew.Start != old.Start || anew.End != old.Start+6*tts.FrameSamples || again.Samples != len(after) {
		t.Errorf("%+v", again)
	}
	if !cmp.Equal(after[:anew.Start], before[:old.Start]) || !cmp.Equal(after[anew.End:], before[old.End:]) {
		t.Error("what is around the segment has changed")
	}
	if cmp.Equal(after[anew.Start:anew.Start+1000], before[old.Start:old.Start+1000]) {
		t.Error("the segment is the old one")
	}
	req.Splice.End = len(after) + 1
	if _, err := s.Generate(t.Context(), req); tts.CodeOf(err) != tts.CodeInvalid {
		t.Errorf("beyond the end: %v", err)
	}
	req.Splice.Path = filepath.Join(s.dir, "none.wav")
	if _, err := s.Generate(t.Context(), req); tts.CodeOf(err) != tts.CodeNotFound {
		t.Errorf("into nothing: %v", err)
	}
	if !cmp.Equal(after, pcmOf(t, req.OutputPath)) {
		t.Error("a splice that is refused changes the file")
	}
}

// TestLongTextTakesNoMemory: however long the speech is, no more of it is in memory.
func TestLongTextTakesNoMemory(t *testing.T) {
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var early, most uint64
	tones := &registrytest.Tones{}
	h := listenTo(tones, func(tts.Utterance) int { return 100 })
	tones.OnFrame = func(_ context.Context, frame int) error {
		if n := len(h.texts); frame == 50 && n%8 == 3 {
			most = max(most, live())
			if early == 0 {
				early = most
			}
			most = max(most, live())
		}
		return nil
	}
	s := newStudio(t, tones)
	req := s.request(t, tts.Control)
	req.Text = strings.Repeat(strings.TrimSpace(story)+"\n\n", 15)
	res, err := s.Generate(t.Context(), req)
	if err != nil || len(res.Segments) < 90 || res.AudioSeconds() < 700 {
		t.Fatalf("%d segments, %.0f seconds, %v", len(res.Segments), res.AudioSeconds(), err)
	}
	if most > early+1<<20 {
		t.Errorf("of %d bytes of sound, %d are in memory", 2*res.Samples, most-early)
	}
}

// TestRunaway: a take that doesn't end is stopped and made anew, by another seed, and the result says so.
func TestRunaway(t *testing.T) {
	const bound = 125 + 3*7 // frames of the text below, and a little
	errGone := errors.New("gone")
	for name, c := range map[string]struct {
		change  func(req *tts.Request)
		ends    uint64 // the first seed whose take ends
		seeds   []uint64
		retries int
		frames  int
		runaway tts.Runaway
	}{
		"the first take ends":     {func(*tts.Request) {}, 7, []uint64{7}, 0, 5, ""},
		"the second take ends":    {func(*tts.Request) {}, 8, []uint64{7, 8}, 1, 5, ""},
		"the third take ends":     {func(*tts.Request) {}, 9, []uint64{7, 8, 9}, 2, 5, ""},
		"no take ends":            {func(*tts.Request) {}, 99, []uint64{7, 8, 9}, 2, bound, tts.RunawayTooLong},
		"the guard is off":        {func(r *tts.Request) { r.NoGuard = true }, 99, []uint64{7}, 0, 400, ""},
		"it is greedy":            {func(r *tts.Request) { r.Sampling.Temperature = new(0.0) }, 99, []uint64{7}, 0, bound, tts.RunawayTooLong},
		"somebody listens":        {func(r *tts.Request) { r.Audio = &listener{} }, 8, []uint64{7}, 0, bound, tts.RunawayTooLong},
		"the limit comes before":  {func(r *tts.Request) { r.Sampling.MaxFrames = new(50) }, 99, []uint64{7}, 0, 50, ""},
		"somebody goes away then": {func(r *tts.Request) { r.Audio = &listener{err: errGone} }, 8, []uint64{7}, 0, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tones := &registrytest.Tones{}
			h := listenTo(tones, func(u tts.Utterance) int {
				if *u.Sampling.Seed < c.ends {
					return 400
				}
				return 5
			})
			s := newStudio(t, tones)
			req := s.request(t, tts.Control)
			req.Text, req.Sampling.Seed = "Goodbye.", new(uint64(7))
			var last tts.Job
			req.Watch = func(j tts.Job) { last = j }
			c.change(&req)
			res, err := s.Generate(t.Context(), req)
			if d := cmp.Diff(c.seeds, h.seeds); d != "" {
				t.Error("seeds:", d)
			}
			if c.frames == 0 {
				if !errors.Is(err, errGone) {
					t.Error(err)
				}
				return
			}
			if err != nil || res.Retries != c.retries || res.Runaway != c.runaway || res.Seed != c.seeds[len(c.seeds)-1] || res.Frames < c.frames || res.Frames > c.frames+2 {
				t.Errorf("%+v, %v", res, err)
			}
			if n := wavSamples(t, req.OutputPath); n != res.Frames*tts.FrameSamples || n != res.Samples || n != res.Segments[0].End {
				t.Errorf("the file has %d samples: %+v", n, res)
			}
			if last.Retries != c.retries || last.Runaway != c.runaway || last.State != tts.JobDone {
				t.Errorf("the record: %+v", last)
			}
			want := c.retries
			if c.runaway != "" {
				want++
			}
			if n := strings.Count(s.log.String(), " | WARNING | A take ran away (too_long)"); n != want {
				t.Errorf("%d warnings, want %d: %s", n, want, s.log.String())
			}
			if l, ok := req.Audio.(*listener); ok && l.samples < res.Samples {
				t.Errorf("heard %d samples of %d", l.samples, res.Samples)
			}
		})
	}
}

// TestRunawayIsCut: of a take that stands although it ran away, only what was well is kept in the file, also when the
// rest was heard; what comes after it stands right behind.
func TestRunawayIsCut(t *testing.T) {
	tones := &registrytest.Tones{End: func(frame int) float64 {
		if frame == 30 {
			return 0.9
		}
		return 0
	}}
	said := ""
	tones.Length = func(u tts.Utterance) int {
		if said = u.Text; strings.HasPrefix(u.Text, "Goodbye.") {
			return 400
		}
		return 5
	}
	s := newStudio(t, tones)
	req := s.request(t, tts.Control)
	req.Text = "Goodbye."
	res, err := s.Generate(t.Context(), req)
	if err != nil || res.Frames != 30 || res.Runaway != tts.RunawayTooLong || wavSamples(t, req.OutputPath) != 30*tts.FrameSamples {
		t.Errorf("%+v, %v", res, err)
	}
	out := &listener{}
	req.Audio, req.OutputPath = out, ""
	if res, err := s.Generate(t.Context(), req); err != nil || res.Samples != out.samples || res.Frames*tts.FrameSamples != res.Samples || res.Runaway == "" {
		t.Errorf("heard %d samples of %+v, %v", out.samples, res, err)
	}
	out = &listener{}
	req = s.request(t, tts.Control)
	req.Audio, req.Text, req.LongText = out, "Goodbye.\n\nWell.", tts.LongOn
	res, err = s.Generate(t.Context(), req)
	if err != nil || said != "Well." || len(res.Segments) != 2 || res.Frames != 35 || res.Segments[0].End != 30*tts.FrameSamples ||
		res.Segments[1].Start >= 60*tts.FrameSamples || wavSamples(t, req.OutputPath) != res.Samples || out.samples <= res.Samples+50*tts.FrameSamples {
		t.Errorf("heard %d samples of %+v, %v", out.samples, res, err)
	}
}

// TestSeedIsChained: the seed that a segment got, or was well with, is that of the next ones. The result has the first's.
func TestSeedIsChained(t *testing.T) {
	for bad, want := range map[int][]uint64{ // by the call that runs away; Tones takes 1 where no seed is given
		-1: {0, 1, 1, 1, 1, 1},
		0:  {0, 2, 2, 2, 2, 2, 2},
		2:  {0, 1, 1, 2, 2, 2, 2},
	} {
		tones := &registrytest.Tones{}
		var h *heard
		h = listenTo(tones, func(tts.Utterance) int {
			if len(h.texts)-1 == bad {
				return 5000
			}
			return 4
		})
		s := newStudio(t, tones)
		req := s.request(t, tts.Control)
		req.Text = story
		if res, err := s.Generate(t.Context(), req); err != nil || !cmp.Equal(h.seeds, want) || res.Seed != want[1] || res.Segments[6].Seed != want[len(want)-1] {
			t.Errorf("%v, %+v, %v", h.seeds, res, err)
		}
	}
}
