package qwen3tts

import (
	"math"
	"slices"
	"testing"

	"ttsui/internal/nn"
	"ttsui/internal/safetensors"
	"ttsui/internal/testkit"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// loadSpeaker loads the speaker encoder alone.
func loadSpeaker(s *mlx.Scope, dir string) (*speakerEncoder, error) {
	cfg, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	set, err := safetensors.OpenSet(dir)
	if err != nil {
		return nil, err
	}
	w := nn.NewWeights(s, set, mlx.Float32, nn.Quantization{})
	e := newSpeakerEncoder(w, cfg.Speaker.withDefaults())
	return e, w.Read()
}

func TestMelSpectrogram(t *testing.T) {
	clip := testkit.Golden("ref_torch", "clip.safetensors")
	var mel []float32
	testkit.MLX(t, func(s *mlx.Scope) error {
		mel = s.ReadFloats(melSpectrogram(s, goldenFloats(t, clip, "wave"), 128))
		return nil
	})
	near(t, "mel", mel, goldenFloats(t, clip, "mel"), 1e-3)
}

// Both layouts of the weights give the official package's x-vector, from its mel spectrogram and from our own.
func TestSpeakerEmbedding(t *testing.T) {
	clip := testkit.Golden("ref_torch", "clip.safetensors")
	want, mel, pcm := goldenFloats(t, clip, "speaker_embedding"), goldenFloats(t, clip, "mel"), goldenFloats(t, clip, "wave")
	community := testkit.Golden("checkpoints", "base")
	for layout, dir := range map[string]string{"mlx-community": community, "official": testkit.OfficialLayout(t, community)} {
		t.Run(layout, func(t *testing.T) {
			testkit.MLX(t, func(s *mlx.Scope) error {
				e, err := loadSpeaker(s, dir)
				if err != nil {
					return err
				}
				near(t, "from the golden mel", s.ReadFloats(e.embedMel(s, s.Floats(mel, len(mel)/128, 128))), want, 1e-3)
				near(t, "from our mel", s.ReadFloats(e.embed(s, pcm)), want, 1e-3)
				return nil
			})
		})
	}
}

// However short a clip is, its x-vector is finite; only no sound at all is an error.
func TestSpeakerShortClips(t *testing.T) {
	clip := goldenFloats(t, testkit.Golden("ref_torch", "clip.safetensors"), "wave")
	testkit.MLX(t, func(s *mlx.Scope) error {
		e, err := loadSpeaker(s, testkit.Golden("checkpoints", "base"))
		if err != nil {
			return err
		}
		for _, n := range []int{1, 2, 255, 256, 384, 385, 1023, 1280} {
			if x := s.ReadFloats(e.embed(s, clip[:n])); slices.ContainsFunc(x, func(v float32) bool { return math.IsNaN(float64(v)) }) {
				t.Errorf("%d samples give %v", n, x)
			}
		}
		return nil
	})
	err := testkit.RunMLX(t, func(s *mlx.Scope) error {
		e, err := loadSpeaker(s, testkit.Golden("checkpoints", "base"))
		if err != nil {
			return err
		}
		e.embed(s, nil)
		return nil
	})
	if tts.CodeOf(err) != tts.CodeInvalid {
		t.Errorf("error %v, want one of code %q", err, tts.CodeInvalid)
	}
}

func TestSpeakerMirrored(t *testing.T) {
	for _, c := range []struct {
		n, padding int
		want       []int32
	}{
		{4, 2, []int32{2, 1, 0, 1, 2, 3, 2, 1}},
		{3, 4, []int32{0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2}},
		{2, 1, []int32{1, 0, 1, 0}},
		{1, 2, []int32{0, 0, 0, 0, 0}},
	} {
		if got := mirrored(c.n, c.padding); !slices.Equal(got, c.want) {
			t.Errorf("mirrored(%d, %d) = %v, want %v", c.n, c.padding, got, c.want)
		}
	}
}
