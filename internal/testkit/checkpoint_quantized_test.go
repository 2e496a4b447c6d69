package testkit

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ttsui/internal/safetensors"
	mlx "ttsui/mlxbridge"
)

// A quantised checkpoint is MLX's own form: what it gives back has the deviation that was asked for, and the zero row.
func TestWriteCheckpointQuantized(t *testing.T) {
	for _, bits := range []int{4, 8} {
		for _, mixed := range []bool{false, true} {
			dir := write(t, CheckpointSpec{Kind: "custom_voice", Bits: bits, Mixed: mixed})
			all := shapes(t, dir)
			speech := write(t, CheckpointSpec{Kind: "custom_voice"})
			if diff := cmp.Diff(shapes(t, filepath.Join(speech, "speech_tokenizer")), shapes(t, filepath.Join(dir, "speech_tokenizer"))); diff != "" {
				t.Errorf("the codec is quantised: -want +got\n%s", diff)
			}
			for name, want := range map[string]bool{
				"talker.codec_head.scales":                             !mixed,
				"talker.model.layers.1.mlp.down_proj.biases":           !mixed,
				"talker.code_predictor.lm_head.14.scales":              true,
				"talker.code_predictor.model.codec_embedding.0.scales": false,
			} {
				if _, got := all[name]; got != want {
					t.Errorf("%d bits, mixed %v: %s is there: %v", bits, mixed, name, got)
				}
			}
			if mixed {
				continue
			}
			MLX(t, func(s *mlx.Scope) error {
				set, err := safetensors.OpenSet(dir)
				if err != nil {
					return err
				}
				part := func(name string, dtype mlx.DType) mlx.Array {
					_, t, _ := set.Lookup("talker.codec_head." + name)
					return s.Load(filepath.Join(dir, weightsName), []mlx.Span{{Offset: t.Offset, Size: t.Size}}, dtype, t.Shape...)
				}
				w := s.Dequantize(mlx.Quantized{
					W: part("weight", mlx.Uint32), Scales: part("scales", mlx.BFloat16), Biases: part("biases", mlx.BFloat16), GroupSize: groupSize, Bits: bits,
				})
				const eos, width = 2150, 128
				zero := s.ReadFloats(s.SliceAxis(w, 0, eos, eos+1))
				deviation := 0.0
				for i, v := range s.ReadFloats(w) {
					deviation += float64(v) * float64(v) / (3072 * width)
					if i < width && s.Err() == nil && zero[i] != 0 {
						return fmt.Errorf("%d bits: the row of the end holds %g", bits, zero[i])
					}
				}
				if want := 2 / math.Sqrt(width); math.Abs(math.Sqrt(deviation)/want-1) > 0.02 {
					return fmt.Errorf("%d bits: deviation %g, want %g", bits, math.Sqrt(deviation), want)
				}
				return nil
			})
		}
	}
}
