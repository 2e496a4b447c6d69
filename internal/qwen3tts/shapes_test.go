package qwen3tts

import (
	"fmt"
	"testing"

	"ttsui/internal/nn"
	"ttsui/internal/safetensors"
	"ttsui/internal/testkit"
	mlx "ttsui/mlxbridge"
)

// The five models of the catalogue at their real dimensions, in both layouts: every tensor that the files have is one
// that the model asks for, in its shape. The files are holes, so nothing is read.
func TestRealDimensions(t *testing.T) {
	for _, spec := range []testkit.CheckpointSpec{
		{Size: testkit.Size06B, Kind: "base"},
		{Size: testkit.Size17B, Kind: "base"},
		{Size: testkit.Size06B, Kind: "custom_voice"},
		{Size: testkit.Size17B, Kind: "custom_voice", Shards: 3},
		{Size: testkit.Size17B, Kind: "voice_design"},
	} {
		for _, official := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s %s official=%v", spec.Size, spec.Kind, official), func(t *testing.T) {
				spec.Sparse, spec.Official = true, official
				dir := t.TempDir()
				if err := testkit.WriteCheckpoint(dir, spec); err != nil {
					t.Fatal(err)
				}
				cfg, err := readConfig(dir)
				if err != nil {
					t.Fatal(err)
				}
				set, err := safetensors.OpenSet(dir)
				if err != nil {
					t.Fatal(err)
				}
				testkit.MLX(t, func(s *mlx.Scope) error {
					m := &Model{thread: testkit.Thread(t), cfg: cfg, weights: s}
					if _, err := m.build(dir, set, Auto); err != nil {
						return err
					}
					if m.dtype != mlx.BFloat16 || nn.FloatType(set) != mlx.BFloat16 {
						return fmt.Errorf("computes in %v", m.dtype)
					}
					if narrow := spec.Size == testkit.Size06B; narrow != (m.predictor.projection == nil) {
						return fmt.Errorf("projection of the predictor: %v", m.predictor.projection)
					}
					return nil
				})
			})
		}
	}
}
