package qwen3tts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttsui/internal/safetensors"
	"ttsui/internal/testkit"
	"ttsui/internal/tts"
)

// quantizeInto makes a quantised copy of a checkpoint, complete with what it takes over.
func quantizeInto(t *testing.T, from string, how tts.Quantization) string {
	t.Helper()
	q, err := Quantize(from, how)
	if err != nil {
		t.Fatal(err)
	}
	dir, done := t.TempDir(), int64(0)
	if err := NewLoader(testkit.Thread(t), DTypes{}).WriteQuantized(t.Context(), q, dir, func(n int64) { done = n }); err != nil {
		t.Fatal(err)
	}
	if done != q.Size() {
		t.Errorf("told of %d bytes, planned %d", done, q.Size())
	}
	for _, name := range []string{"vocab.json", "merges.txt", "tokenizer_config.json", "generation_config.json", "speech_tokenizer"} {
		if err := os.Symlink(filepath.Join(from, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// digest is what testdata/quantized.py makes of a file of weights.
func digest(t *testing.T, dir string, heads bool) string {
	t.Helper()
	set, err := safetensors.OpenSet(dir)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	for _, name := range set.Names() {
		if !heads && (strings.Contains(name, "codec_head.") || strings.Contains(name, "lm_head.")) {
			continue
		}
		file, tensor, _ := set.Lookup(name)
		data, err := file.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		shape := strings.ReplaceAll(strings.Trim(fmt.Sprint(tensor.Shape), "[]"), " ", ",")
		fmt.Fprintf(sum, "%s %s %s\n", name, tensor.DType, shape)
		sum.Write(data)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// TestQuantizeAsMLXAudio: where the scheme is the same, every bit is that of mlx-audio's converter: all of them with the
// heads, else all but the heads. The official layout gives the same.
func TestQuantizeAsMLXAudio(t *testing.T) {
	text, err := os.ReadFile(testkit.Golden("quantized.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]struct {
		All      string
		ButHeads string `json:"but_heads"`
	}
	if err := json.Unmarshal(text, &golden); err != nil || len(golden) != 12 {
		t.Fatal(len(golden), err)
	}
	for name, want := range golden {
		var checkpoint string
		var how tts.Quantization
		if _, err := fmt.Sscan(name, &checkpoint, &how.Bits, &how.GroupSize); err != nil {
			t.Fatal(err)
		}
		from := testkit.Golden("checkpoints", checkpoint)
		if got := digest(t, quantizeInto(t, from, how), false); got != want.ButHeads {
			t.Errorf("%s: all but the heads: %s", name, got)
		}
		how.Heads = true
		if got := digest(t, quantizeInto(t, from, how), true); got != want.All {
			t.Errorf("%s: %s", name, got)
		}
		if got := digest(t, quantizeInto(t, testkit.OfficialLayout(t, from), how), true); got != want.All {
			t.Errorf("%s, from the official layout: %s", name, got)
		}
	}
}

// What describes the weights is as mlx-audio has it, too.
func TestQuantizeDescribesAsMLXAudio(t *testing.T) {
	theirs := testkit.Golden("checkpoints", "custom_voice-4bit")
	ours := quantizeInto(t, testkit.Golden("checkpoints", "custom_voice"), tts.Quantization{Bits: 4, Heads: true})
	for _, name := range []string{"config.json", "model.safetensors.index.json"} {
		var got, want map[string]any
		for dir, into := range map[string]*map[string]any{ours: &got, theirs: &want} {
			if err := readJSON(filepath.Join(dir, name), into); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// TestQuantizeMixed: the weights that suffer most get two bits more; the heads stay as they are, and the copy speaks.
func TestQuantizeMixed(t *testing.T) {
	from := testkit.Golden("checkpoints", "custom_voice")
	dir := quantizeInto(t, from, tts.Quantization{Bits: 4, Mixed: true})
	cfg, err := readConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	var wider []string
	for module, own := range cfg.quantization().Modules {
		if own.Bits != 6 || own.GroupSize != 64 {
			t.Errorf("%s has %+v", module, own)
		}
		wider = append(wider, module)
	}
	slices.Sort(wider)
	want := []string{ // of two layers each, the second
		"talker.code_predictor.model.layers.1.mlp.down_proj", "talker.code_predictor.model.layers.1.self_attn.v_proj",
		"talker.model.layers.1.mlp.down_proj", "talker.model.layers.1.self_attn.v_proj",
	}
	if diff := cmp.Diff(want, wider); diff != "" {
		t.Error(diff)
	}
	loadTiny(t, dir)
}

// Weights of every float type can be quantised, and their scales have that type.
func TestQuantizeTypes(t *testing.T) {
	for _, dtype := range []safetensors.DType{safetensors.F32, safetensors.F16, safetensors.BF16} {
		from := t.TempDir()
		if err := testkit.WriteCheckpoint(from, testkit.CheckpointSpec{Kind: "custom_voice", DType: dtype}); err != nil {
			t.Fatal(err)
		}
		dir := quantizeInto(t, from, tts.Quantization{Bits: 8})
		loadTiny(t, dir)
		set, err := safetensors.OpenSet(dir)
		if err != nil {
			t.Fatal(err)
		}
		const module = "talker.model.layers.0.mlp.down_proj"
		if _, scales, _ := set.Lookup(module + ".scales"); scales.DType != dtype {
			t.Errorf("scales of %s weights are %s", dtype, scales.DType)
		}
	}
}

// The rule for deep models is mlx-lm's.
func TestQuantizeMixedLayers(t *testing.T) {
	q := Quantized{cfg: defaultConfig()}
	var got []int
	for i := range q.cfg.Talker.Layers {
		if q.suffers(fmt.Sprintf("talker.model.layers.%d.self_attn.v_proj", i)) {
			got = append(got, i)
		}
	}
	if want := []int{0, 1, 2, 5, 8, 11, 14, 17, 20, 23, 24, 25, 26, 27}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if q.suffers("talker.model.layers.0.self_attn.q_proj") {
		t.Error("the query projection suffers")
	}
}

func TestQuantizeRefuses(t *testing.T) {
	custom := testkit.Golden("checkpoints", "custom_voice")
	for name, c := range map[string]struct {
		dir  string
		how  tts.Quantization
		code tts.Code
		text string
	}{
		"bits":      {custom, tts.Quantization{Bits: 5}, tts.CodeInvalid, "5 bits"},
		"quantised": {testkit.Golden("checkpoints", "custom_voice-4bit"), tts.Quantization{Bits: 4}, tts.CodeUnsupported, "quantised already"},
		"nothing":   {t.TempDir(), tts.Quantization{Bits: 4}, tts.CodeNotFound, "config.json"},
	} {
		_, err := Quantize(c.dir, c.how)
		if tts.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	q, err := Quantize(custom, tts.Quantization{Bits: 4})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	err = NewLoader(testkit.Thread(t), DTypes{}).WriteQuantized(ctx, q, dir, func(done int64) {
		if done > q.Size()/2 {
			cancel()
		}
	})
	if left, _ := os.ReadDir(dir); tts.CodeOf(err) != tts.CodeCanceled || len(left) > 0 {
		t.Errorf("stopped: %v, left %v", err, left)
	}
	err = NewLoader(testkit.Thread(t), DTypes{}).WriteQuantized(t.Context(), q, filepath.Join(dir, "none"), func(int64) {})
	if tts.CodeOf(err) != tts.CodeNotFound {
		t.Errorf("no folder: %v", err)
	}
}

// half is exact for every float16 there is.
func TestHalf(t *testing.T) {
	for want := range uint32(1 << 16) {
		sign, exponent, fraction := want>>15, int(want>>10&31), want&0x3ff
		bits := sign<<31 | uint32(exponent-15+127)<<23 | fraction<<13
		switch {
		case exponent == 31:
			bits = sign<<31 | 0xff<<23 | fraction<<13
		case exponent == 0 && fraction == 0:
			bits = sign << 31
		case exponent == 0:
			for exponent = 1; fraction&0x400 == 0; exponent-- {
				fraction <<= 1
			}
			bits = sign<<31 | uint32(exponent-15+127)<<23 | fraction&0x3ff<<13
		}
		if got := half(bits); uint32(got) != want {
			t.Fatalf("%#x: %#x", want, got)
		}
	}
}
