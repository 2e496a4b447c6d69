package servicetest

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"ttsui/internal/registry/registrytest"
	"ttsui/internal/tts"
)

func (s Subject) testTakes(t *testing.T) {
	service := s.Open(t, &registrytest.Tones{})
	for _, req := range []tts.Request{s.clone(t), control(t), design(t)} {
		load(t, service, req.ModelID)
		seed, frames := uint64(7), 3
		req.Takes, req.Sampling.Seed, req.Sampling.MaxFrames = 3, &seed, &frames
		var job tts.Job
		req.Watch = func(j tts.Job) { job = j }
		res, err := service.Generate(t.Context(), req)
		if err != nil || len(res.Takes) != 3 {
			t.Fatalf("%s: %+v, %v", req.Mode, res, err)
		}
		first := res
		first.Takes, first.Segments = nil, nil // of a take alone the latter tell nothing new
		if !reflect.DeepEqual(first, res.Takes[0]) {
			t.Errorf("%s: the first take is %+v, the result %+v", req.Mode, res.Takes[0], first)
		}
		for n, take := range res.Takes {
			path := req.OutputPath
			if n > 0 {
				path = fmt.Sprintf("%s-%d.wav", strings.TrimSuffix(path, ".wav"), n+1)
			}
			want := tts.Result{OutputPath: path, Frames: 3, Samples: 3 * tts.FrameSamples, Seed: seed + uint64(n), Truncated: true, Seconds: res.Seconds, FirstAudio: res.FirstAudio}
			if !reflect.DeepEqual(take, want) {
				t.Errorf("%s: take %d is %+v, want %+v", req.Mode, n, take, want)
			}
			if info, err := os.Stat(path); err != nil || info.Size() < int64(2*take.Samples) {
				t.Errorf("%s: the file of take %d: %v, %v", req.Mode, n, info, err)
			}
		}
		if job.State != tts.JobDone || job.Takes != 3 || job.Frames != 9 || job.AudioSeconds != 0.72 || job.Seed == nil || *job.Seed != seed || !job.Truncated ||
			job.FirstAudio == nil || *job.FirstAudio != res.FirstAudio {
			t.Errorf("%s: the job is %+v", req.Mode, job)
		}
	}
}
