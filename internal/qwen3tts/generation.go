package qwen3tts

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"ttsui/internal/sample"
	"ttsui/internal/tts"
)

// generationConfig is generation_config.json: how the model's makers sample. Fields that the file lacks have the
// official package's fall-backs.
type generationConfig struct {
	DoSample          bool    `json:"do_sample"`
	Temperature       float32 `json:"temperature"`
	TopK              int     `json:"top_k"`
	TopP              float32 `json:"top_p"`
	RepetitionPenalty float32 `json:"repetition_penalty"`
	SubDoSample       bool    `json:"subtalker_dosample"`
	SubTemperature    float32 `json:"subtalker_temperature"`
	SubTopK           int     `json:"subtalker_top_k"`
	SubTopP           float32 `json:"subtalker_top_p"`
	MaxNewTokens      int     `json:"max_new_tokens"` // draws of the first code: one more than frames
}

// readGenerationConfig reads generation_config.json in dir, which may be absent.
func readGenerationConfig(dir string) (generationConfig, error) {
	g := generationConfig{
		DoSample: true, Temperature: 0.9, TopK: 50, TopP: 1, RepetitionPenalty: 1.05,
		SubDoSample: true, SubTemperature: 0.9, SubTopK: 50, SubTopP: 1, MaxNewTokens: 2048,
	}
	path := filepath.Join(dir, "generation_config.json")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return g, nil
	}
	if err := readJSON(path, &g); err != nil {
		return g, err
	}
	positive := func(x float32) bool { return x > 0 && x < 1e4 }
	if !positive(g.Temperature) || !positive(g.SubTemperature) || !positive(g.TopP) || !positive(g.SubTopP) ||
		!positive(g.RepetitionPenalty) || g.TopK < 0 || g.SubTopK < 0 || g.MaxNewTokens < 2 {
		return g, tts.Errorf(tts.CodeCorrupt, "Download the model again.", "%s holds a value that can't be sampled with", path)
	}
	return g, nil
}

// coldest is the temperature below which speech is greedy: logits divided by less may leave the range of a float.
const coldest = 1e-4

// settings is how one utterance is sampled.
type settings struct {
	talker    sample.Params
	predictor sample.Params
	penalty   float32
	seed      uint64
	maxFrames int
}

// settings merges the caller's wishes with the model's: the caller's value, else the file's, else the official
// fall-back. The caller's temperature, top-k and top-p are the talker's, as in the official package; but a temperature
// of 0 asks for the likeliest speech, so it makes the predictor greedy too.
func (g generationConfig) settings(want tts.Sampling, seed uint64) settings {
	r := settings{
		talker:    sample.Params{Temperature: g.Temperature, TopK: g.TopK, TopP: g.TopP},
		predictor: sample.Params{Temperature: g.SubTemperature, TopK: g.SubTopK, TopP: g.SubTopP},
		penalty:   g.RepetitionPenalty,
		seed:      seed,
		maxFrames: g.MaxNewTokens - 1,
	}
	if !g.DoSample {
		r.talker.Temperature = 0
	}
	if !g.SubDoSample {
		r.predictor.Temperature = 0
	}
	if want.Temperature != nil {
		r.talker.Temperature = float32(*want.Temperature)
		if *want.Temperature < coldest {
			r.predictor.Temperature = 0
		}
	}
	for _, p := range []*sample.Params{&r.talker, &r.predictor} {
		if p.Temperature < coldest {
			p.Temperature = 0
		}
	}
	if want.TopK != nil {
		r.talker.TopK = *want.TopK
	}
	if want.TopP != nil {
		r.talker.TopP = float32(*want.TopP)
	}
	if want.RepetitionPenalty != nil {
		r.penalty = float32(*want.RepetitionPenalty)
	}
	if want.Seed != nil {
		r.seed = *want.Seed
	}
	if want.MaxFrames != nil {
		r.maxFrames = *want.MaxFrames
	}
	return r
}
