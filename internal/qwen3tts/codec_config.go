package qwen3tts

import (
	"errors"
	"fmt"
	"path/filepath"

	"ttsui/internal/tts"
)

const (
	frameSamples  = 1920 // samples of a codec frame: 80 ms at 24 kHz
	codeGroups    = 16   // codes of a frame
	semanticBooks = 1    // of them, the first stand for content and the others for sound
)

// codecConfig is speech_tokenizer/config.json. Fields that a file lacks have the released values.
type codecConfig struct {
	ModelType  string             `json:"model_type"`
	ValidBooks int                `json:"encoder_valid_num_quantizers"`
	InputRate  int                `json:"input_sample_rate"`
	OutputRate int                `json:"output_sample_rate"`
	Decoder    codecDecoderConfig `json:"decoder_config"`
	Encoder    codecEncoderConfig `json:"encoder_config"`
}

// codecStackConfig is the transformer in either half.
type codecStackConfig struct {
	Hidden       int     `json:"hidden_size"`
	Intermediate int     `json:"intermediate_size"`
	Layers       int     `json:"num_hidden_layers"`
	Heads        int     `json:"num_attention_heads"`
	KVHeads      int     `json:"num_key_value_heads"`
	HeadDim      int     `json:"head_dim"`
	RopeTheta    float32 `json:"rope_theta"`
	Activation   string  `json:"hidden_act"`
	Bias         bool    `json:"attention_bias"`
	CodebookSize int     `json:"codebook_size"`
	CodebookDim  int     `json:"codebook_dim"`
	Books        int     `json:"num_quantizers"`
	Semantic     int     `json:"num_semantic_quantizers"`
}

type codecDecoderConfig struct {
	codecStackConfig
	NormEps  float32 `json:"rms_norm_eps"`
	Window   int     `json:"sliding_window"`
	Latent   int     `json:"latent_dim"`
	Channels int     `json:"decoder_dim"`
	Rates    []int   `json:"upsample_rates"`    // of the vocoder blocks
	Ratios   []int   `json:"upsampling_ratios"` // of the steps before them
}

type codecEncoderConfig struct {
	codecStackConfig
	NormEps        float32 `json:"norm_eps"`
	Filters        int     `json:"num_filters"`
	Kernel         int     `json:"kernel_size"`
	LastKernel     int     `json:"last_kernel_size"`
	ResidualKernel int     `json:"residual_kernel_size"`
	Residuals      int     `json:"num_residual_layers"`
	Compress       int     `json:"compress"`
	Ratios         []int   `json:"upsampling_ratios"` // of the strides, the last one first
	Causal         bool    `json:"use_causal_conv"`
	Shortcut       bool    `json:"use_conv_shortcut"`
	PadMode        string  `json:"pad_mode"`
}

func defaultCodecConfig() codecConfig {
	return codecConfig{
		ModelType:  "qwen3_tts_tokenizer_12hz",
		ValidBooks: codeGroups, InputRate: tts.SampleRate, OutputRate: tts.SampleRate,
		Decoder: codecDecoderConfig{
			codecStackConfig: codecStackConfig{
				Hidden: 512, Intermediate: 1024, Layers: 8, Heads: 16, KVHeads: 16, HeadDim: 64, RopeTheta: 10000,
				Activation: "silu", CodebookSize: codecCodes, CodebookDim: 512, Books: codeGroups, Semantic: semanticBooks,
			},
			NormEps: 1e-5, Window: 72, Latent: 1024, Channels: 1536, Rates: []int{8, 5, 4, 3}, Ratios: []int{2, 2},
		},
		Encoder: codecEncoderConfig{
			codecStackConfig: codecStackConfig{
				Hidden: 512, Intermediate: 2048, Layers: 8, Heads: 8, KVHeads: 8, HeadDim: 64, RopeTheta: 10000,
				Activation: "gelu", CodebookSize: codecCodes, CodebookDim: 256, Books: 2 * codeGroups, Semantic: semanticBooks,
			},
			NormEps: 1e-5, Filters: 64, Kernel: 7, LastKernel: 3, ResidualKernel: 3, Residuals: 1, Compress: 2,
			Ratios: []int{8, 6, 5, 4}, Causal: true, PadMode: "constant",
		},
	}
}

// readCodecConfig reads and checks config.json in dir, the checkpoint's speech_tokenizer folder.
func readCodecConfig(dir string) (codecConfig, error) {
	c, path := defaultCodecConfig(), filepath.Join(dir, "config.json")
	if err := readJSON(path, &c); err != nil {
		return codecConfig{}, err
	}
	if err := c.check(); err != nil {
		return codecConfig{}, tts.Errorf(tts.CodeCorrupt, "Check that the folder holds a Qwen3-TTS 12 Hz model, and download it again.",
			"%s: %w", path, err)
	}
	return c, nil
}

// check refuses what the layers can't be made of and what this implementation would compute wrongly.
func (c *codecConfig) check() error {
	switch {
	case c.ModelType != "qwen3_tts_tokenizer_12hz":
		return fmt.Errorf("model_type is %q; only the 12 Hz speech tokenizer is supported", c.ModelType)
	case c.ValidBooks != codeGroups || c.Decoder.Books != codeGroups:
		return fmt.Errorf("encoder_valid_num_quantizers %d and decoder_config.num_quantizers %d must be %d", c.ValidBooks, c.Decoder.Books, codeGroups)
	case c.InputRate != tts.SampleRate || c.OutputRate != tts.SampleRate:
		return fmt.Errorf("input_sample_rate %d and output_sample_rate %d must be %d", c.InputRate, c.OutputRate, tts.SampleRate)
	case c.Decoder.CodebookSize != codecCodes:
		return fmt.Errorf("decoder_config.codebook_size is %d, expected %d", c.Decoder.CodebookSize, codecCodes)
	}
	if err := c.Decoder.check(); err != nil {
		return fmt.Errorf("decoder_config: %w", err)
	}
	if err := c.Encoder.check(); err != nil {
		return fmt.Errorf("encoder_config: %w", err)
	}
	return nil
}

func (c *codecDecoderConfig) check() error {
	if err := c.codecStackConfig.check("silu", c.NormEps); err != nil {
		return err
	}
	err := inRange(field{"sliding_window", c.Window, 1 << 12}, field{"latent_dim", c.Latent, 1 << 16}, field{"decoder_dim", c.Channels, 1 << 16})
	if err != nil {
		return err
	}
	if n, err := product("upsample_rates", c.Rates); err != nil {
		return err
	} else if m, err := product("upsampling_ratios", c.Ratios); err != nil {
		return err
	} else if n*m != frameSamples {
		return fmt.Errorf("upsample_rates %v and upsampling_ratios %v multiply to %d, expected %d", c.Rates, c.Ratios, n*m, frameSamples)
	}
	if c.Channels%(1<<len(c.Rates)) != 0 || c.CodebookDim%2 != 0 {
		return fmt.Errorf("decoder_dim %d or codebook_dim %d can't be halved often enough", c.Channels, c.CodebookDim)
	}
	return nil
}

func (c *codecEncoderConfig) check() error {
	if err := c.codecStackConfig.check("gelu", c.NormEps); err != nil {
		return err
	}
	if c.Residuals != 1 || c.Compress != 2 || !c.Causal || c.Shortcut || c.PadMode != "constant" {
		return errors.New("only one residual layer a block, compression 2, causal convolutions without shortcut, padded with zeros, are supported")
	}
	if c.Books < codeGroups {
		return fmt.Errorf("num_quantizers %d is less than %d", c.Books, codeGroups)
	}
	err := inRange(field{"num_filters", c.Filters, 1 << 12}, field{"kernel_size", c.Kernel, 64},
		field{"last_kernel_size", c.LastKernel, 64}, field{"residual_kernel_size", c.ResidualKernel, 64})
	if err != nil {
		return err
	}
	n, err := product("upsampling_ratios", c.Ratios)
	if err == nil && n*downsampleStride != frameSamples {
		err = fmt.Errorf("upsampling_ratios %v multiply to %d, expected %d", c.Ratios, n, frameSamples/downsampleStride)
	}
	if err == nil && c.Filters%c.Compress != 0 {
		err = fmt.Errorf("num_filters %d is odd", c.Filters)
	}
	return err
}

func (c *codecStackConfig) check(activation string, eps float32) error {
	err := inRange(field{"hidden_size", c.Hidden, 1 << 16}, field{"intermediate_size", c.Intermediate, 1 << 18},
		field{"num_hidden_layers", c.Layers, 512}, field{"num_attention_heads", c.Heads, 1024}, field{"num_key_value_heads", c.KVHeads, 1024},
		field{"head_dim", c.HeadDim, 1024}, field{"codebook_size", c.CodebookSize, codecCodes}, field{"codebook_dim", c.CodebookDim, 1 << 16},
		field{"num_quantizers", c.Books, 256})
	switch {
	case err != nil:
		return err
	case c.Heads%c.KVHeads != 0 || c.HeadDim%2 != 0:
		return fmt.Errorf("%d heads of %d don't fit %d key-value heads", c.Heads, c.HeadDim, c.KVHeads)
	case !(eps > 0 && eps < 1) || !(c.RopeTheta > 1):
		return fmt.Errorf("the norm's epsilon %g or rope_theta %g is out of range", eps, c.RopeTheta)
	case c.Activation != activation || c.Bias:
		return fmt.Errorf("hidden_act %q with attention_bias %t is not supported", c.Activation, c.Bias)
	case c.Semantic != semanticBooks:
		return fmt.Errorf("num_semantic_quantizers is %d, expected %d", c.Semantic, semanticBooks)
	}
	return nil
}

// field is a number of a configuration and the most that it may be.
type field struct {
	name        string
	value, most int
}

func inRange(fields ...field) error {
	for _, f := range fields {
		if f.value < 1 || f.value > f.most {
			return fmt.Errorf("%s %d is not in 1…%d", f.name, f.value, f.most)
		}
	}
	return nil
}

// product multiplies the few small factors of a list.
func product(name string, factors []int) (int, error) {
	if len(factors) < 1 || len(factors) > 8 {
		return 0, fmt.Errorf("%s has %d elements", name, len(factors))
	}
	n := 1
	for _, f := range factors {
		if f < 1 || f > 64 {
			return 0, fmt.Errorf("%s: %d is not in 1…64", name, f)
		}
		n *= f
	}
	return n, nil
}
