package tts_test

import (
	"testing"

	"ttsui/internal/tts"
)

// Without a seed of its own a request for takes has one drawn, from which they count.
func TestTakesWithoutASeed(t *testing.T) {
	req := tts.Request{OutputPath: "/tmp/a.b/out.WAV", Takes: 3}
	all, again := req.Each(), req.Each()
	for n, path := range []string{"/tmp/a.b/out.WAV", "/tmp/a.b/out-2.WAV", "/tmp/a.b/out-3.WAV"} {
		if r := all[n]; r.OutputPath != path || *r.Sampling.Seed != *all[0].Sampling.Seed+uint64(n) || r.Takes != 1 {
			t.Errorf("take %d: %s with seed %d", n, r.OutputPath, *r.Sampling.Seed)
		}
	}
	if *all[0].Sampling.Seed == *again[0].Sampling.Seed {
		t.Error("two requests have the same seed")
	}
	if one := (tts.Request{}).Each(); len(one) != 1 || one[0].Sampling.Seed != nil {
		t.Errorf("one take is %+v", one)
	}
}
