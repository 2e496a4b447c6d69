package qwen3tts

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"ttsui/internal/nn"
	"ttsui/internal/tts"
)

// config is config.json. Fields that a file lacks have the values of the released 0.6B models.
type config struct {
	ModelType     string         `json:"model_type"`
	TokenizerType string         `json:"tokenizer_type"`
	Size          string         `json:"tts_model_size"` // 0b6, 1b7
	Type          string         `json:"tts_model_type"` // base, custom_voice, voice_design
	IMStart       int            `json:"im_start_token_id"`
	IMEnd         int            `json:"im_end_token_id"`
	TTSPad        int            `json:"tts_pad_token_id"`
	TTSBos        int            `json:"tts_bos_token_id"`
	TTSEos        int            `json:"tts_eos_token_id"`
	Talker        talkerConfig   `json:"talker_config"`
	Speaker       speakerConfig  `json:"speaker_encoder_config"`
	Quantization  map[string]any `json:"quantization"`
}

// decoderConfig is what the talker and the code predictor have in common: a Qwen3 decoder.
type decoderConfig struct {
	HiddenSize       int     `json:"hidden_size"`
	IntermediateSize int     `json:"intermediate_size"`
	Layers           int     `json:"num_hidden_layers"`
	Heads            int     `json:"num_attention_heads"`
	KVHeads          int     `json:"num_key_value_heads"`
	HeadDim          int     `json:"head_dim"`
	VocabSize        int     `json:"vocab_size"`
	CodeGroups       int     `json:"num_code_groups"`
	NormEps          float32 `json:"rms_norm_eps"`
	RopeTheta        float32 `json:"rope_theta"`
	MaxPositions     int     `json:"max_position_embeddings"`
}

type talkerConfig struct {
	decoderConfig
	TextVocabSize  int                      `json:"text_vocab_size"`
	TextHiddenSize int                      `json:"text_hidden_size"`
	CodecPad       int                      `json:"codec_pad_id"`
	CodecBos       int                      `json:"codec_bos_id"`
	CodecEos       int                      `json:"codec_eos_token_id"`
	CodecThink     int                      `json:"codec_think_id"`
	CodecNoThink   int                      `json:"codec_nothink_id"`
	CodecThinkBos  int                      `json:"codec_think_bos_id"`
	CodecThinkEos  int                      `json:"codec_think_eos_id"`
	Languages      map[string]int           `json:"codec_language_id"`
	Speakers       map[string]firstInt      `json:"spk_id"`
	Dialects       map[string]stringOrFalse `json:"spk_is_dialect"`
	Predictor      decoderConfig            `json:"code_predictor_config"`
}

// firstInt is an int, or a list whose first element counts.
type firstInt int

// UnmarshalJSON implements json.Unmarshaler.
func (f *firstInt) UnmarshalJSON(text []byte) error {
	var list []int
	if json.Unmarshal(text, &list) == nil && len(list) > 0 {
		*f = firstInt(list[0])
		return nil
	}
	return json.Unmarshal(text, (*int)(f))
}

// stringOrFalse is a string, or false for none.
type stringOrFalse string

// UnmarshalJSON implements json.Unmarshaler.
func (s *stringOrFalse) UnmarshalJSON(text []byte) error {
	var no bool
	if json.Unmarshal(text, &no) == nil && !no {
		*s = ""
		return nil
	}
	return json.Unmarshal(text, (*string)(s))
}

// suppressedTail is how many ids at the end of the codec vocabulary stand for no sound: specials, languages, speakers.
const suppressedTail = 1024

// codecCodes is the size of the first codebook; the codec vocabulary starts with it.
const codecCodes = 2048

func defaultConfig() config {
	return config{
		IMStart: 151644, IMEnd: 151645, TTSPad: 151671, TTSBos: 151672, TTSEos: 151673,
		Talker: talkerConfig{
			decoderConfig: decoderConfig{
				HiddenSize: 1024, IntermediateSize: 3072, Layers: 28, Heads: 16, KVHeads: 8, HeadDim: 128,
				VocabSize: 3072, CodeGroups: 16, NormEps: 1e-6, RopeTheta: 1e6, MaxPositions: 32768,
			},
			TextVocabSize: 151936, TextHiddenSize: 2048,
			CodecPad: 2148, CodecBos: 2149, CodecEos: 2150,
			CodecThink: 2154, CodecNoThink: 2155, CodecThinkBos: 2156, CodecThinkEos: 2157,
			Predictor: decoderConfig{
				HiddenSize: 1024, IntermediateSize: 3072, Layers: 5, Heads: 16, KVHeads: 8, HeadDim: 128,
				VocabSize: 2048, CodeGroups: 16, NormEps: 1e-6, RopeTheta: 1e6, MaxPositions: 65536,
			},
		},
	}
}

// readConfig reads and checks config.json in dir.
func readConfig(dir string) (config, error) {
	c := defaultConfig()
	if err := readJSON(filepath.Join(dir, "config.json"), &c); err != nil {
		return config{}, err
	}
	if err := c.check(); err != nil {
		return config{}, tts.Errorf(tts.CodeCorrupt, "Check that the folder holds a Qwen3-TTS 12 Hz model, and download it again.",
			"%s: %w", filepath.Join(dir, "config.json"), err)
	}
	return c, nil
}

// readJSON reads a checkpoint's JSON file into v.
func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return tts.Errorf(tts.CodeNotFound, "The model's folder is incomplete. Download it again.", "%s can't be read: %w", path, err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return tts.Errorf(tts.CodeCorrupt, "Download the model again.", "%s is not what it should be: %w", path, err)
	}
	return nil
}

// check refuses what no model can be made of. It fills in what the file leaves out of the speaker encoder.
func (c *config) check() error {
	t := &c.Talker
	switch {
	case c.ModelType != "qwen3_tts":
		return fmt.Errorf("model_type is %q; this is not a Qwen3-TTS model", c.ModelType)
	case c.TokenizerType != "" && c.TokenizerType != "qwen3_tts_tokenizer_12hz":
		return fmt.Errorf("tokenizer_type is %q; only the 12 Hz models are supported", c.TokenizerType)
	case c.mode() == "":
		return fmt.Errorf("tts_model_type %q is not base, custom_voice or voice_design", c.Type)
	case t.CodeGroups != 16 || t.Predictor.CodeGroups != 16:
		return fmt.Errorf("num_code_groups is %d and %d, expected 16", t.CodeGroups, t.Predictor.CodeGroups)
	case t.VocabSize < codecCodes+suppressedTail || t.VocabSize > 1<<20:
		return fmt.Errorf("vocab_size %d can't hold the codec's 2048 codes and 1024 special ids", t.VocabSize)
	case t.Predictor.VocabSize < 1 || t.Predictor.VocabSize > codecCodes:
		return fmt.Errorf("the code predictor's vocab_size %d is not in 1…%d", t.Predictor.VocabSize, codecCodes)
	}
	if err := inRange(field{"text_vocab_size", t.TextVocabSize, 1 << 24}, field{"text_hidden_size", t.TextHiddenSize, 1 << 16}); err != nil {
		return err
	}
	if err := t.decoderConfig.check("talker_config"); err != nil {
		return err
	}
	if err := t.Predictor.check("code_predictor_config"); err != nil {
		return err
	}
	if c.mode() == tts.Clone {
		c.Speaker = c.Speaker.withDefaults()
		if err := c.Speaker.check(); err != nil {
			return fmt.Errorf("speaker_encoder_config: %w", err)
		}
		if c.Speaker.Dim != t.HiddenSize {
			return fmt.Errorf("speaker_encoder_config: enc_dim %d is not the talker's hidden_size %d", c.Speaker.Dim, t.HiddenSize)
		}
	}
	return c.checkIDs()
}

// check refuses shapes that no model has, before anything is computed from them.
func (d *decoderConfig) check(name string) error {
	err := inRange(
		field{"hidden_size", d.HiddenSize, 1 << 16}, field{"intermediate_size", d.IntermediateSize, 1 << 18}, field{"num_hidden_layers", d.Layers, 512},
		field{"num_attention_heads", d.Heads, 1024}, field{"num_key_value_heads", d.KVHeads, 1024}, field{"head_dim", d.HeadDim, 1024},
		field{"max_position_embeddings", d.MaxPositions, 1 << 24})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if d.Heads%d.KVHeads != 0 || d.HeadDim%2 != 0 {
		return fmt.Errorf("%s: %d heads of %d don't fit %d key-value heads", name, d.Heads, d.HeadDim, d.KVHeads)
	}
	if !(d.NormEps > 0 && d.NormEps < 1) || !(d.RopeTheta > 1) {
		return fmt.Errorf("%s: rms_norm_eps %g or rope_theta %g is out of range", name, d.NormEps, d.RopeTheta)
	}
	return nil
}

func (c *config) checkIDs() error {
	t := &c.Talker
	for name, id := range map[string]int{
		"im_start_token_id": c.IMStart, "im_end_token_id": c.IMEnd,
		"tts_pad_token_id": c.TTSPad, "tts_bos_token_id": c.TTSBos, "tts_eos_token_id": c.TTSEos,
	} {
		if id < 0 || id >= t.TextVocabSize {
			return fmt.Errorf("%s %d is outside text_vocab_size %d", name, id, t.TextVocabSize)
		}
	}
	codec := map[string]int{
		"codec_pad_id": t.CodecPad, "codec_bos_id": t.CodecBos, "codec_eos_token_id": t.CodecEos, "codec_think_id": t.CodecThink,
		"codec_nothink_id": t.CodecNoThink, "codec_think_bos_id": t.CodecThinkBos, "codec_think_eos_id": t.CodecThinkEos,
	}
	for name, id := range t.Languages {
		codec["codec_language_id "+name] = id
	}
	for name, id := range t.Speakers {
		codec["spk_id "+name] = int(id)
	}
	for name, id := range codec {
		if id < 0 || id >= t.VocabSize {
			return fmt.Errorf("%s %d is outside the codec vocabulary of %d", name, id, t.VocabSize)
		}
	}
	return nil
}

// mode is the one mode that a model of this type serves, "" for an unknown type.
func (c *config) mode() tts.Mode {
	return map[string]tts.Mode{"base": tts.Clone, "custom_voice": tts.Control, "voice_design": tts.Design}[c.Type]
}

// takesInstruct reports whether an instruct reaches the model: the small CustomVoice model drops it, as the official
// package does.
func (c *config) takesInstruct() bool { return c.Type != "custom_voice" || c.Size != "0b6" }

// language gives the codec id of the language to speak, or ok false for Auto. A dialect speaker's dialect takes the
// place of Chinese and of Auto.
func (c *config) language(name, speaker string) (id int, ok bool, err error) {
	lang := strings.ToLower(strings.TrimSpace(name))
	if lang == "" {
		lang = "auto"
	}
	if dialect := string(c.Talker.Dialects[speaker]); dialect != "" && (lang == "auto" || lang == "chinese") {
		lang = dialect
	}
	if lang == "auto" {
		return 0, false, nil
	}
	id, ok = c.Talker.Languages[lang]
	if !ok {
		return 0, false, tts.Errorf(tts.CodeInvalid, "Choose Auto or another language.", "this model does not speak %q", lang)
	}
	return id, true, nil
}

func (c *config) quantization() nn.Quantization { return nn.ParseQuantization(c.Quantization) }
