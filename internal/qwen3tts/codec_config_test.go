package qwen3tts

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ttsui/internal/testkit"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// The released codec's tensors, by name and shape, are exactly those that the default configuration asks for.
func TestCodecRealShapes(t *testing.T) {
	dir := t.TempDir()
	if err := testkit.WriteCheckpoint(dir, testkit.CheckpointSpec{Size: testkit.Size06B, Sparse: true}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "speech_tokenizer", "config.json"), []byte("{}"), 0o666); err != nil {
		t.Fatal(err)
	}
	files, err := openCodec(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, half := range []struct{ decoder, encoder bool }{{true, true}, {true, false}, {false, true}} {
		testkit.MLX(t, func(s *mlx.Scope) error {
			_, _, err := files.layers(s, mlx.Float32, half.decoder, half.encoder)
			return err
		})
	}
}

// What a mode does not need is not in memory: neither the encoder nor what training left to compute codebooks from.
func TestCodecMemory(t *testing.T) {
	if testkit.GPU() {
		t.Skip("there each tensor takes whole pages")
	}
	dir := testkit.Golden("checkpoints", "base")
	f := goldenFile(t, filepath.Join(dir, "speech_tokenizer", "model.safetensors"))
	for _, encoder := range []bool{true, false} {
		var need uint64
		for _, tensor := range f.Tensors {
			if !unneeded.MatchString(tensor.Name) && (encoder || strings.HasPrefix(tensor.Name, "decoder.")) {
				need += uint64(tensor.Size)
			}
		}
		got := held(t, func(s *mlx.Scope) error {
			_, err := loadCodec(s, dir, encoder)
			return err
		})
		if got < need*9/10 || got > need*11/10 {
			t.Errorf("encoder %t: %d bytes in memory, want about %d", encoder, got, need)
		}
	}
}

// held is how many bytes load leaves with MLX, the least of some times: MLX may give an array a larger buffer that was freed
// before, in this load or by others, and then counts all of it.
func held(t *testing.T, load func(s *mlx.Scope) error) (least uint64) {
	t.Helper()
	least = math.MaxUint64
	for range 4 {
		testkit.MLX(t, func(s *mlx.Scope) error {
			err := mlx.ClearCache()
			before := mlx.Memory().Active
			err = cmp.Or(err, load(s), mlx.ClearCache())
			least = min(least, mlx.Memory().Active-before)
			return err
		})
	}
	return least
}

// unneeded is what is read and not kept, or not read at all.
var unneeded = regexp.MustCompile(`cluster_usage|initialized|^decoder\.quantizer\..*input_proj|^encoder\..*output_proj|acoustic.*layers\.(1[5-9]|2\d|30)\.`)

func TestCodecConfigRefuses(t *testing.T) {
	for name, change := range map[string]string{
		"another codec":         `{"model_type": "qwen3_tts_tokenizer_25hz"}`,
		"8 codebooks":           `{"decoder_config": {"num_quantizers": 8}}`,
		"another rate":          `{"output_sample_rate": 16000}`,
		"a wrong product":       `{"decoder_config": {"upsample_rates": [8, 5, 4]}}`,
		"a rate of 0":           `{"decoder_config": {"upsample_rates": [0, 5, 4, 3]}}`,
		"no rates":              `{"decoder_config": {"upsample_rates": null}}`,
		"a thousand rates":      `{"encoder_config": {"upsampling_ratios": [` + strings.Repeat("1,", 999) + `1]}}`,
		"no heads":              `{"decoder_config": {"num_attention_heads": 0}}`,
		"no key-value heads":    `{"encoder_config": {"num_key_value_heads": 0}}`,
		"an odd head":           `{"encoder_config": {"head_dim": 63}}`,
		"absurd layers":         `{"decoder_config": {"num_hidden_layers": 1000000000}}`,
		"a negative window":     `{"decoder_config": {"sliding_window": -1}}`,
		"another activation":    `{"encoder_config": {"hidden_act": "relu"}}`,
		"another padding":       `{"encoder_config": {"pad_mode": "reflect"}}`,
		"an epsilon of 0":       `{"decoder_config": {"rms_norm_eps": 0}}`,
		"a huge codebook":       `{"encoder_config": {"codebook_size": 2049}}`,
		"too few encoder books": `{"encoder_config": {"num_quantizers": 15}}`,
		"words for numbers":     `{"decoder_config": {"latent_dim": "many"}}`,
		"no JSON":               `{`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(change), 0o666); err != nil {
				t.Fatal(err)
			}
			_, err := readCodecConfig(dir)
			if tts.CodeOf(err) != tts.CodeCorrupt || tts.HintOf(err) == "" || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %v, want one of code %q that names the file and has a hint", err, tts.CodeCorrupt)
			}
		})
	}
}

func TestSpeakerConfigRefuses(t *testing.T) {
	for name, change := range map[string]string{
		"a scale of -1":    `{"enc_res2net_scale": -1}`,
		"an odd scale":     `{"enc_res2net_scale": 7}`,
		"no layers":        `{"enc_channels": []}`,
		"a missing kernel": `{"enc_kernel_sizes": [5, 3, 3, 3]}`,
		"an even kernel":   `{"enc_kernel_sizes": [4, 3, 3, 3, 1]}`,
		"unequal blocks":   `{"enc_channels": [512, 256, 512, 512, 1280]}`,
		"a wrong sum":      `{"enc_channels": [512, 512, 512, 512, 512]}`,
		"another rate":     `{"sample_rate": 16000}`,
		"absurd bands":     `{"mel_dim": 1000000000}`,
	} {
		t.Run(name, func(t *testing.T) {
			var c speakerConfig
			if err := json.Unmarshal([]byte(change), &c); err != nil {
				t.Fatal(err)
			}
			if err := c.withDefaults().check(); err == nil {
				t.Error("accepted")
			}
		})
	}
	if err := (speakerConfig{}).withDefaults().check(); err != nil {
		t.Error(err)
	}
}
