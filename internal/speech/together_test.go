package speech_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttsui/internal/registry/registrytest"
	"ttsui/internal/tts"
)

// TestTakesThatRunAway: of several takes, those that don't end are stopped and made anew, together, by seeds that no other
// take had; the result says so of each.
func TestTakesThatRunAway(t *testing.T) {
	const bound = 125 + 3*7 // frames of the text below, and a little
	for name, c := range map[string]struct {
		change  func(req *tts.Request)
		endless []uint64 // seeds
		heard   []uint64 // seeds, in their order
		seeds   []uint64 // of the takes
		retries []int    // of the takes
		runs    int      // takes that stand although they ran away
	}{
		"all end":          {func(*tts.Request) {}, nil, []uint64{7, 8, 9}, []uint64{7, 8, 9}, []int{0, 0, 0}, 0},
		"one doesn't":      {func(*tts.Request) {}, []uint64{8}, []uint64{7, 8, 9, 10}, []uint64{7, 10, 9}, []int{0, 1, 0}, 0},
		"two don't":        {func(*tts.Request) {}, []uint64{7, 9, 10}, []uint64{7, 8, 9, 10, 11, 12}, []uint64{12, 8, 11}, []int{2, 0, 1}, 0},
		"one never does":   {func(*tts.Request) {}, []uint64{9, 10, 11}, []uint64{7, 8, 9, 10, 11}, []uint64{7, 8, 11}, []int{0, 0, 2}, 1},
		"it is greedy":     {func(r *tts.Request) { r.Sampling.Temperature = new(0.0) }, []uint64{8}, []uint64{7, 8, 9}, []uint64{7, 8, 9}, []int{0, 0, 0}, 1},
		"the guard is off": {func(r *tts.Request) { r.NoGuard = true }, []uint64{8}, []uint64{7, 8, 9}, []uint64{7, 8, 9}, []int{0, 0, 0}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tones := &registrytest.Tones{}
			h := listenTo(tones, func(u tts.Utterance) int {
				if slices.Contains(c.endless, *u.Sampling.Seed) {
					return 400
				}
				return 5
			})
			s := newStudio(t, tones)
			req := s.request(t, tts.Control)
			req.Text, req.Takes, req.Sampling.Seed = "Goodbye.", 3, new(uint64(7))
			var last tts.Job
			req.Watch = func(j tts.Job) { last = j }
			c.change(&req)
			res, err := s.Generate(t.Context(), req)
			if err != nil || !cmp.Equal(c.heard, h.seeds) || len(res.Takes) != 3 {
				t.Fatalf("seeds %v: %+v, %v", h.seeds, res, err)
			}
			all, runs := 0, 0
			for i, take := range res.Takes {
				want := 5
				if take.Runaway != "" {
					runs++
					want = bound
				} else if slices.Contains(c.endless, take.Seed) {
					want = 400
				}
				if take.Seed != c.seeds[i] || take.Retries != c.retries[i] || take.Frames < want || take.Frames > want+2 {
					t.Errorf("take %d: %+v", i+1, take)
				}
				if n := wavSamples(t, take.OutputPath); n != take.Frames*tts.FrameSamples || n != take.Samples {
					t.Errorf("the file of take %d has %d samples: %+v", i+1, n, take)
				}
				all += take.Retries
			}
			if runs != c.runs || (res.Runaway != "") != (runs > 0) || last.Runaway != res.Runaway || res.Retries != all || last.Retries != all || last.State != tts.JobDone || res.Segments[0].Retries != c.retries[0] {
				t.Errorf("%d ran away: %+v, the record: %+v", runs, res, last)
			}
			if n := strings.Count(s.log.String(), " | WARNING | Take "); n != all+runs {
				t.Errorf("%d warnings, want %d: %s", n, all+runs, s.log.String())
			}
			if left, _ := filepath.Glob(filepath.Join(s.dir, "new", "*")); len(left) != 3 {
				t.Errorf("files: %v", left)
			}
		})
	}
}
