package qwen3tts

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"ttsui/internal/safetensors"
	"ttsui/internal/testkit"
	mlx "ttsui/mlxbridge"
)

// mlx-audio's own 4-bit conversion speaks as it does in mlx-audio.
func TestQuantizedByMLXAudio(t *testing.T) {
	const id = "c8_vivian_auto_instruct_q4"
	c := goldenCases(t, "ref_mlx")[id]
	m := loadTiny(t, testkit.Golden("checkpoints", c.Checkpoint))
	tr := traceGeneration(t, m, c.request(t))
	path := testkit.Golden("ref_mlx", id+".safetensors")
	near(t, "prefill", tr.seen["prefill"][0], goldenFloats(t, path, "prefill_embeds"), 1e-5)
	codes, err := goldenFile(t, path).Int32s("codes")
	if err != nil {
		t.Fatal(err)
	}
	if got := integers(tr.seen["frame"][:tr.result.Frames]); !slices.Equal(got, codes) {
		t.Errorf("codes differ:\n got %v\nwant %v", got, codes)
	}
	near(t, "wave", tr.pcm, goldenFloats(t, path, "wave"), 1e-5)
}

// For every width, a quantised checkpoint computes what one with the same weights in float32 computes. The embeddings
// are quantised too: converters differ in what they leave.
func TestQuantizedEqualsItsFloats(t *testing.T) {
	for _, bits := range []int{2, 3, 4, 5, 6, 8} {
		t.Run(fmt.Sprint(bits), func(t *testing.T) {
			quantized, floats := t.TempDir(), t.TempDir()
			quantize(t, testkit.Golden("checkpoints", "custom_voice"), quantized, floats, quantization{32, bits}, nil)
			compareQuantized(t, quantized, floats)
		})
	}
}

// A module may have settings of its own, as mixed conversions give them to those that suffer most.
func TestQuantizedModulesThatDiffer(t *testing.T) {
	quantized, floats := t.TempDir(), t.TempDir()
	quantize(t, testkit.Golden("checkpoints", "custom_voice"), quantized, floats, quantization{32, 4}, map[string]quantization{
		"talker.model.layers.0.mlp.down_proj": {32, 8}, "talker.model.text_embedding": {64, 4}, "talker.codec_head": {64, 6},
	})
	compareQuantized(t, quantized, floats)
}

// compareQuantized wants two checkpoints to compute the same.
func compareQuantized(t *testing.T, quantized, floats string) {
	t.Helper()
	u := goldenCases(t, "ref_torch")["c1_ryan_english"].request(t)
	got := traceGeneration(t, loadTiny(t, quantized), u)
	want := traceGeneration(t, loadTiny(t, floats), u)
	near(t, "prefill", got.seen["prefill"][0], want.seen["prefill"][0], 1e-5)
	near(t, "talker logits", got.seen["talker.logits"][0], want.seen["talker.logits"][0], 1e-3)
	near(t, "predictor logits", slices.Concat(got.seen["predictor.logits"][:1]...), slices.Concat(want.seen["predictor.logits"][:1]...), 1e-3)
}

var quantizable = regexp.MustCompile(`(_proj|linear_fc\d|codec_head|lm_head\.\d+|small_to_mtp_projection|embedding(\.\d+)?)\.weight$`)

type quantization struct {
	GroupSize int `json:"group_size"`
	Bits      int `json:"bits"`
}

// quantize writes two checkpoints: one quantised, with settings of their own for some modules, and one whose floats are
// what the quantised ones stand for.
func quantize(t *testing.T, from, quantized, floats string, most quantization, own map[string]quantization) {
	t.Helper()
	set, err := safetensors.OpenSet(from)
	if err != nil {
		t.Fatal(err)
	}
	var q, f []safetensors.Data
	testkit.MLX(t, func(s *mlx.Scope) error {
		for _, name := range set.Names() {
			file, tensor, _ := set.Lookup(name)
			numbers, err := file.Float32s(name)
			if err != nil {
				return err
			}
			w := s.Floats(numbers, tensor.Shape...)
			if !quantizable.MatchString(name) {
				data := safetensors.Float32Data(name, tensor.Shape, s.ReadFloats(w))
				q, f = append(q, data), append(f, data)
				continue
			}
			base := name[:len(name)-len(".weight")]
			how, ok := own[base]
			if !ok {
				how = most
			}
			parts := s.Quantize(w, how.GroupSize, how.Bits)
			var packed []byte
			for _, word := range s.ReadInts(parts.W) {
				packed = binary.LittleEndian.AppendUint32(packed, uint32(word))
			}
			q = append(q, safetensors.RawData(name, safetensors.U32, s.Shape(parts.W), packed),
				safetensors.Float32Data(base+".scales", s.Shape(parts.Scales), s.ReadFloats(parts.Scales)),
				safetensors.Float32Data(base+".biases", s.Shape(parts.Biases), s.ReadFloats(parts.Biases)))
			f = append(f, safetensors.Float32Data(name, tensor.Shape, s.ReadFloats(s.Dequantize(parts))))
		}
		return nil
	})
	settings := map[string]any{"group_size": most.GroupSize, "bits": most.Bits, "mode": "affine"}
	for module, how := range own {
		settings[module] = how
	}
	copyCheckpoint(t, from, quantized, q, settings)
	copyCheckpoint(t, from, floats, f, nil)
}

// copyCheckpoint links a checkpoint's files and puts other weights into it.
func copyCheckpoint(t *testing.T, from, to string, weights []safetensors.Data, quantization map[string]any) {
	t.Helper()
	for _, name := range []string{"vocab.json", "merges.txt", "tokenizer_config.json", "generation_config.json", "speech_tokenizer"} {
		if err := os.Symlink(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(from, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cfg map[string]any
	if err := json.Unmarshal(text, &cfg); err != nil {
		t.Fatal(err)
	}
	if quantization != nil {
		cfg["quantization"] = quantization
	}
	if text, err = json.Marshal(cfg); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, "config.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(to, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if err := safetensors.Write(out, map[string]string{"format": "mlx"}, weights); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
