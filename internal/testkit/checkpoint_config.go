package testkit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// The golden configurations show which fields the files have and hold all ids of the codec's vocabulary; a size
// replaces the dimensions in them.

// specialsMoved is how much higher the added tokens stand in the real vocabulary than in the golden one.
const (
	goldenBase    = 700     // ordinary tokens in the golden vocabulary
	realBase      = 151_643 // and in the real one
	specialsMoved = realBase - goldenBase
)

// configs gives config.json and speech_tokenizer/config.json.
func (s *CheckpointSpec) configs() (main, codec object, err error) {
	if !slices.Contains([]string{"base", "custom_voice", "voice_design"}, s.Kind) {
		return nil, nil, fmt.Errorf("unknown kind %q", s.Kind)
	}
	if main, err = readJSON(Golden("checkpoints", s.Kind, "config.json")); err != nil {
		return nil, nil, err
	}
	if codec, err = readJSON(Golden("speech_tokenizer", "config.json")); err != nil {
		return nil, nil, err
	}
	switch s.Size {
	case SizeTiny:
	case SizeThin:
		main.override(object{"talker_config": object{"num_hidden_layers": 28, "code_predictor_config": object{
			"hidden_size": main["talker_config"].(map[string]any)["hidden_size"], "num_hidden_layers": 5,
			"layer_types": slices.Repeat([]string{"full_attention"}, 5),
		}}})
	case Size512MiB:
		main.override(object{"talker_config": talkerSize(1024, 3072, 17)})
		if s.Kind == "base" {
			main.override(object{"speaker_encoder_config": object{"enc_dim": 1024}})
		}
	case Size06B:
		realSize(main, codec, "0b6", s.Kind, talkerSize(1024, 3072, 28))
	case Size17B:
		realSize(main, codec, "1b7", s.Kind, talkerSize(2048, 6144, 28))
	default:
		return nil, nil, fmt.Errorf("unknown size %q", s.Size)
	}
	if s.Bits > 0 {
		main["quantization"] = object{"group_size": groupSize, "bits": s.Bits, "mode": "affine"}
	}
	if s.TalkerLayers > 0 {
		main.override(object{"talker_config": object{"num_hidden_layers": s.TalkerLayers}})
	}
	return main, codec, nil
}

// talkerSize is a talker of the released width: both have heads of 128, whatever the hidden size.
func talkerSize(hidden, intermediate, layers int) object {
	return object{
		"hidden_size": hidden, "intermediate_size": intermediate, "num_hidden_layers": layers,
		"num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
		"rope_scaling": object{"mrope_section": []int{24, 20, 20}},
	}
}

// realSize gives golden configurations the released dimensions and ids.
func realSize(main, codec object, name, kind string, talker object) {
	talker.override(object{
		"text_vocab_size": 151_936, "text_hidden_size": 2048,
		"code_predictor_config": object{
			"hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 5, "vocab_size": 2048,
			"num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128,
			"layer_types": slices.Repeat([]string{"full_attention"}, 5),
		},
	})
	main.override(object{"tts_model_size": name, "talker_config": talker, "assistant_token_id": assistantID})
	for _, key := range []string{"im_start_token_id", "im_end_token_id", "tts_pad_token_id", "tts_bos_token_id", "tts_eos_token_id"} {
		main[key] = main[key].(float64) + specialsMoved
	}
	if kind == "base" { // the released files say no more than this
		main["speaker_encoder_config"] = object{"enc_dim": talker["hidden_size"], "sample_rate": 24_000}
	}
	codec.override(object{
		"decoder_config": object{
			"latent_dim": 1024, "codebook_dim": 512, "decoder_dim": 1536, "hidden_size": 512, "intermediate_size": 1024,
			"num_hidden_layers": 8, "num_attention_heads": 16, "num_key_value_heads": 16, "head_dim": 64,
		},
		"encoder_config": object{
			"num_filters": 64, "hidden_size": 512, "intermediate_size": 2048, "upsample_groups": 512,
			"num_hidden_layers": 8, "num_attention_heads": 8, "num_key_value_heads": 8, "head_dim": 64,
			"codebook_dim": 256, "codebook_size": 2048, "vector_quantization_hidden_dimension": 256,
		},
	})
}

// Ids of words that every prompt holds, in the real vocabulary.
const (
	assistantID = 77_091
	userID      = 872
)

// writeSmallFiles writes the tokenizer and what else lies in a checkpoint's folders.
func (s *CheckpointSpec) writeSmallFiles(dir string) error {
	golden := Golden("checkpoints", s.Kind)
	for _, name := range []string{"generation_config.json", "preprocessor_config.json", "merges.txt", "vocab.json",
		"tokenizer_config.json", "speech_tokenizer/preprocessor_config.json"} {
		text, err := os.ReadFile(filepath.Join(golden, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
			return err
		}
	}
	if s.Size == SizeTiny || s.Size == SizeThin || s.Size == Size512MiB {
		return nil
	}
	return growTokenizer(dir)
}

// growTokenizer gives the golden tokenizer in dir the real number of tokens: words of every prompt move to their real
// ids, words that no merge makes fill the gaps, and the added tokens follow.
func growTokenizer(dir string) error {
	vocab, err := readJSON(filepath.Join(dir, "vocab.json"))
	if err != nil {
		return err
	}
	vocab.override(object{"assistant": float64(assistantID), "user": float64(userID)})
	var taken [realBase]bool
	for _, id := range vocab {
		taken[int(id.(float64))] = true
	}
	for id, taken := range taken {
		if !taken {
			vocab[fmt.Sprintf("~%d~", id)] = id
		}
	}
	if err := writeJSON(filepath.Join(dir, "vocab.json"), vocab); err != nil {
		return err
	}

	path := filepath.Join(dir, "tokenizer_config.json")
	config, err := readJSON(path)
	if err != nil {
		return err
	}
	added := object{}
	for key, token := range config["added_tokens_decoder"].(map[string]any) {
		id, err := strconv.Atoi(key)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		added[strconv.Itoa(id+specialsMoved)] = token
	}
	config["added_tokens_decoder"] = added
	return writeJSON(path, config)
}
