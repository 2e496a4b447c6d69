package sample_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"ttsui/internal/safetensors"
	"ttsui/internal/sample"
	"ttsui/internal/testkit"
	mlx "ttsui/mlxbridge"
)

// What transformers 4.57.3 keeps and how likely each is, with the official settings of the talker.
func TestGolden(t *testing.T) {
	const vocab, eos = 3072, 2150
	var rows []struct {
		I                 int          `json:"i"`
		History           []int        `json:"history"`
		Temperature       float32      `json:"temperature"`
		TopK              int          `json:"top_k"`
		TopP              float32      `json:"top_p"`
		RepetitionPenalty float32      `json:"repetition_penalty"`
		Greedy            int32        `json:"greedy"`
		KeptCount         int          `json:"kept_count"`
		Kept              [][2]float64 `json:"kept"`
	}
	text, err := os.ReadFile(testkit.Golden("ref_torch", "sampling.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &rows); err != nil || len(rows) == 0 {
		t.Fatal("no rows: ", err)
	}
	file, err := safetensors.Open(testkit.Golden("ref_torch", "sampling.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		t.Run(fmt.Sprint(row.I), func(t *testing.T) {
			logits, err := file.Float32s(fmt.Sprintf("logits_%d", row.I))
			if err != nil {
				t.Fatal(err)
			}
			testkit.MLX(t, func(s *mlx.Scope) error {
				seen := s.Zeros(mlx.Bool, vocab)
				for _, id := range row.History {
					seen = sample.See(s, seen, s.Ints([]int32{int32(id)}, 1))
				}
				l := sample.Penalize(s, s.Floats(logits, 1, vocab), seen, row.RepetitionPenalty)
				l = s.Add(l, sample.Suppress(s, vocab, func(id int) bool {
					return id >= vocab-1024 && id != eos || id == eos && len(row.History) < 2
				}))
				p := sample.Params{Temperature: row.Temperature, TopK: row.TopK, TopP: row.TopP}
				probs := s.ReadFloats(s.Softmax(p.Filter(s, l), 1))
				greedy := s.ReadInts(sample.Params{}.Draw(s, l, 0))
				if s.Err() != nil {
					return nil
				}
				if greedy[0] != row.Greedy {
					return fmt.Errorf("greedy %d, want %d", greedy[0], row.Greedy)
				}
				kept := 0
				for _, p := range probs {
					if p > 0 {
						kept++
					}
				}
				if kept != row.KeptCount {
					return fmt.Errorf("%d kept, want %d", kept, row.KeptCount)
				}
				for _, want := range row.Kept {
					if got := float64(probs[int(want[0])]); math.Abs(got-want[1]) > 1e-5 {
						return fmt.Errorf("token %v has probability %g, want %g", want[0], got, want[1])
					}
				}
				return nil
			})
		})
	}
}

// Drawing follows the probabilities, never draws what was filtered, and repeats with the same seed.
func TestDraw(t *testing.T) {
	logits := []float32{2, 1, 0, -1, float32(math.Inf(-1))}
	p := sample.Params{Temperature: 0.8, TopK: 3, TopP: 1}
	testkit.MLX(t, func(s *mlx.Scope) error {
		want := s.ReadFloats(s.Softmax(p.Filter(s, s.Floats(logits, 5)), 0))
		const draws = 4000
		counts := make([]int, 5)
		for i := range draws {
			step := mlx.NewScope()
			token := p.Draw(step, step.Floats(logits, 1, 5), sample.Key(42, i, 1))
			again := p.Draw(step, step.Floats(logits, 1, 5), sample.Key(42, i, 1))
			a, b := step.ReadInts(token), step.ReadInts(again)
			if err := step.Close(); err != nil {
				return err
			}
			if a[0] != b[0] {
				return fmt.Errorf("draw %d gave %d and %d with one seed", i, a[0], b[0])
			}
			counts[a[0]]++
		}
		for i, n := range counts {
			// Five standard deviations of a binomial count.
			if tol := 5 * math.Sqrt(draws*float64(want[i])*(1-float64(want[i]))); math.Abs(float64(n)-draws*float64(want[i])) > tol {
				return fmt.Errorf("token %d drawn %d times of %d, probability %g", i, n, draws, want[i])
			}
		}
		return nil
	})
}
