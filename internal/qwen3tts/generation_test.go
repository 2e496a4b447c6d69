package qwen3tts

import (
	"os"
	"path/filepath"
	"testing"

	"ttsui/internal/sample"
	"ttsui/internal/tts"
)

// What a generation samples by: the caller's value, else the file's, else the official fall-back; and the talker's
// never stands for the sub-talker's.
func TestSettings(t *testing.T) {
	const (
		none    = ""
		partial = `{"temperature": 0.5, "subtalker_top_k": 7}`
		full    = `{"do_sample": true, "temperature": 0.6, "top_k": 11, "top_p": 0.7, "repetition_penalty": 1.2, "max_new_tokens": 101,
			"subtalker_dosample": true, "subtalker_temperature": 0.8, "subtalker_top_k": 22, "subtalker_top_p": 0.95}`
	)
	fallBack := sample.Params{Temperature: 0.9, TopK: 50, TopP: 1}
	talker, predictor := sample.Params{Temperature: 0.6, TopK: 11, TopP: 0.7}, sample.Params{Temperature: 0.8, TopK: 22, TopP: 0.95}
	asFile := settings{talker: talker, predictor: predictor, penalty: 1.2, seed: 5, maxFrames: 100}
	with := func(r settings, change func(r *settings)) settings { change(&r); return r }
	for name, tt := range map[string]struct {
		file string
		want tts.Sampling
		r    settings
	}{
		"no file": {none, tts.Sampling{}, settings{talker: fallBack, predictor: fallBack, penalty: 1.05, seed: 5, maxFrames: 2047}},
		"a part of a file": {partial, tts.Sampling{}, settings{
			talker:    sample.Params{Temperature: 0.5, TopK: 50, TopP: 1},
			predictor: sample.Params{Temperature: 0.9, TopK: 7, TopP: 1},
			penalty:   1.05, seed: 5, maxFrames: 2047,
		}},
		"a whole file": {full, tts.Sampling{}, asFile},
		"all of the caller's": {full, tts.Sampling{
			Temperature: new(0.3), TopK: new(0), TopP: new(0.4), RepetitionPenalty: new(1.5), Seed: new(uint64(9)), MaxFrames: new(3),
		}, settings{talker: sample.Params{Temperature: 0.3, TopK: 0, TopP: 0.4}, predictor: predictor, penalty: 1.5, seed: 9, maxFrames: 3}},
		"the caller's top-k only":     {full, tts.Sampling{TopK: new(4)}, with(asFile, func(r *settings) { r.talker.TopK = 4 })},
		"the caller's top-p, no file": {none, tts.Sampling{TopP: new(0.5)}, settings{talker: sample.Params{Temperature: 0.9, TopK: 50, TopP: 0.5}, predictor: fallBack, penalty: 1.05, seed: 5, maxFrames: 2047}},
		"the caller is greedy": {full, tts.Sampling{Temperature: new(0.0)}, with(asFile, func(r *settings) {
			r.talker.Temperature, r.predictor.Temperature = 0, 0
		})},
		"a greedy talker": {`{"do_sample": false}`, tts.Sampling{}, settings{
			talker: sample.Params{TopK: 50, TopP: 1}, predictor: fallBack, penalty: 1.05, seed: 5, maxFrames: 2047,
		}},
		"a greedy talker, warmed by the caller": {`{"do_sample": false}`, tts.Sampling{Temperature: new(0.3)}, settings{
			talker: sample.Params{Temperature: 0.3, TopK: 50, TopP: 1}, predictor: fallBack, penalty: 1.05, seed: 5, maxFrames: 2047,
		}},
		"a greedy sub-talker": {`{"subtalker_dosample": false}`, tts.Sampling{}, settings{
			talker: fallBack, predictor: sample.Params{TopK: 50, TopP: 1}, penalty: 1.05, seed: 5, maxFrames: 2047,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.file != none {
				if err := os.WriteFile(filepath.Join(dir, "generation_config.json"), []byte(tt.file), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			g, err := readGenerationConfig(dir)
			if err != nil {
				t.Fatal(err)
			}
			if got := g.settings(tt.want, 5); got != tt.r {
				t.Errorf("got  %+v\nwant %+v", got, tt.r)
			}
		})
	}
}
