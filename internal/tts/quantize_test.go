package tts

import "testing"

func TestQuantization(t *testing.T) {
	const id = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-bf16"
	for want, q := range map[string]Quantization{
		"local/Qwen3-TTS-12Hz-0.6B-Base-4bit":                 {Bits: 4},
		"local/Qwen3-TTS-12Hz-0.6B-Base-8bit-g32":             {Bits: 8, GroupSize: 32},
		"local/Qwen3-TTS-12Hz-0.6B-Base-6bit-g128-mixed":      {Bits: 6, GroupSize: 128, Mixed: true},
		"local/Qwen3-TTS-12Hz-0.6B-Base-4bit-g32-mixed-heads": {Bits: 4, GroupSize: 32, Mixed: true, Heads: true},
	} {
		whole, err := q.Complete()
		if got := q.CopyID(id); err != nil || got != want || whole.CopyID(id) != want || !ValidModelID(got) {
			t.Errorf("%+v is called %s (%v), want %s", q, got, err, want)
		}
	}
	for _, q := range []Quantization{{}, {Bits: 5}, {Bits: 16}, {Bits: 4, GroupSize: 16}, {Bits: 4, GroupSize: -64}, {Bits: 8, Mixed: true}} {
		if _, err := q.Complete(); CodeOf(err) != CodeInvalid || HintOf(err) == "" {
			t.Errorf("%+v: %v", q, err)
		}
	}
}
