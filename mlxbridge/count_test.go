package mlxbridge_test

import (
	"fmt"
	"maps"
	"math"
	"testing"

	mlx "ttsui/mlxbridge"
)

// A graph is counted once, where its computation starts; as for Metal it has the kernels that MLX has there. Counting
// ends with StopCount.
func TestCount(t *testing.T) {
	graph := func(s *mlx.Scope) mlx.Array {
		w := s.Full(1, mlx.Float32, 8)
		x := s.RMSNorm(s.Full(2, mlx.Float32, 3, 8), w, 1e-6) // full is a number, seen as many
		y := s.Transpose(s.Mul(x, x), 1, 0)
		s.Add(y, y) // nobody wants it
		return s.Exp(y)
	}
	want := map[string]int64{"Full": 2, "Broadcast": 2, "RMSNorm": 1, "Multiply": 1, "Transpose": 1, "Exp": 1}
	for _, metal := range []bool{false, true} {
		onMLX(t, func(s *mlx.Scope) error {
			if err := mlx.StartCount(metal); err != nil {
				return err
			}
			y := graph(s)
			s.Eval(y)
			s.Eval(y)
			counts, err := mlx.StopCount()
			if err != nil {
				return err
			}
			if counts.Evaluations != 1 || counts.Nodes != 8 || counts.Kernels != 5 || !maps.Equal(counts.Names, want) {
				return fmt.Errorf("metal %v: %+v, want %v", metal, counts, want)
			}
			e := map[bool]float32{false: math.E, true: 1}[metal]
			if got := s.ReadFloats(y); s.Err() == nil && max(got[0]-e, e-got[0]) > 1e-5 {
				return fmt.Errorf("metal %v: computed %g, want %g", metal, got[0], e)
			}
			s.Eval(graph(s))
			if counts, err = mlx.StopCount(); err != nil || counts.Nodes != 0 {
				return fmt.Errorf("metal %v: counted %d nodes without counting, %v", metal, counts.Nodes, err)
			}
			return nil
		})
	}
}
