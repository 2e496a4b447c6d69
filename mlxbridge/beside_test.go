package mlxbridge_test

import (
	"testing"

	mlx "ttsui/mlxbridge"
)

// TestBeside: what is computed on the other stream is not waited for by what doesn't need it, and is right, wherever it
// is used.
func TestBeside(t *testing.T) {
	onMLX(t, func(s *mlx.Scope) error {
		const n, steps = 512, 40 // about two seconds of MLX's own matrix products
		half := s.Full(1.0/n, mlx.BFloat16, n, n)
		x := s.Full(1, mlx.BFloat16, n, n)
		s.Beside(func() {
			for range steps {
				x = s.MatMul(x, half)
			}
			s.AsyncEval(x)
		})
		if got := s.ReadFloats(s.AddScalar(s.Full(2, mlx.Float32, 3), 1)); s.Err() == nil && !near(got, []float32{3, 3, 3}, 0) {
			t.Errorf("meanwhile: %v", got)
		}
		if s.Ready(x) {
			t.Error("what doesn't need it has waited for it")
		}
		if got := s.ReadFloats(s.Reshape(s.Mul(x, x), n*n)); s.Err() == nil && (got[0] != 1 || got[n*n-1] != 1) {
			t.Errorf("it is %v", got[:3])
		}
		if !s.Ready(x) {
			t.Error("it has been read, and is not ready")
		}
		return s.Err()
	})
}

// TestReadyOfNothing: who asks for no array is told so.
func TestReadyOfNothing(t *testing.T) {
	err := tryMLX(t, func(s *mlx.Scope) error {
		s.Ready(mlx.Array{})
		return s.Err()
	})
	if err == nil {
		t.Error("no array is ready")
	}
}
