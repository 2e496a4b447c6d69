package tts

import "testing"

func TestIsCopy(t *testing.T) {
	const of = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-bf16"
	for id, want := range map[string]bool{
		"mlx-community/Qwen3-TTS-12Hz-0.6B-Base-8bit":       true,
		"mlx-community/Qwen3-TTS-12Hz-0.6B-Base-mxfp4":      true,
		"mlx-community/Qwen3-TTS-12Hz-0.6B-Base":            false,
		"mlx-community/Qwen3-TTS-12Hz-0.6B-Base-fp32":       false,
		"mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit":       false,
		"mlx-community/Qwen3-TTS-12Hz-0.6B-BaseOther-8bit":  false,
		"mlx-community/Qwen3-TTS-12Hz-0.6B-Base-other-8bit": false,
		of: false,
	} {
		if IsCopy(id, of) != want {
			t.Errorf("%s: %t", id, !want)
		}
		if IsCopy(id, "Qwen/Qwen3-TTS-12Hz-0.6B-Base") != want { // the official one has no such end
			t.Errorf("%s, of the official model: %t", id, !want)
		}
	}
}
