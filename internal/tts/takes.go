package tts

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
)

// MaxTakes is how many takes of one text can be asked for at once.
const MaxTakes = 8

// Each gives a request for each take that r asks for. Take n, counted from 0, has the seed n after the first one's and
// the file out-2.wav, out-3.wav, … beside out.wav. A request for one take is its own; of several, the first seed is
// drawn when r has none.
func (r Request) Each() []Request {
	if r.Takes < 2 {
		return []Request{r}
	}
	first := uint64(rand.Uint32())
	if r.Sampling.Seed != nil {
		first = *r.Sampling.Seed
	}
	all := make([]Request, r.Takes)
	for n := range all {
		seed := first + uint64(n)
		all[n] = r
		all[n].Takes, all[n].Sampling.Seed = 1, &seed
		if n > 0 {
			ext := filepath.Ext(r.OutputPath)
			all[n].OutputPath = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(r.OutputPath, ext), n+1, ext)
		}
	}
	return all
}

// Each gives the results of all takes.
func (r Result) Each() []Result {
	if len(r.Takes) > 0 {
		return r.Takes
	}
	return []Result{r}
}

// Whole sums up all takes: their frames and samples, and whether one of them was truncated.
func (r Result) Whole() (frames, samples int, truncated bool) {
	for _, take := range r.Each() {
		frames += take.Frames
		samples += take.Samples
		truncated = truncated || take.Truncated
	}
	return frames, samples, truncated
}

func (r *Request) validateTakes() error {
	switch {
	case r.Takes < 0 || r.Takes > MaxTakes:
		return Errorf(CodeInvalid, fmt.Sprintf("Ask for 1 to %d takes.", MaxTakes), "takes %d is out of range", r.Takes)
	case r.Takes > 1 && r.Audio != nil:
		return Errorf(CodeInvalid, "Ask for files, by output_path and an answer in JSON, or for one take.", "several takes can't be sent as one sound")
	case r.Takes > 1 && r.Long():
		return Errorf(CodeInvalid, `Ask for one take, or send "long_text": "off".`, "several takes of a text that is spoken in segments are not made together")
	case r.Takes > 1 && r.Splice != nil:
		return Errorf(CodeInvalid, "Ask for one take.", "several takes can't be put into one place")
	}
	return nil
}
