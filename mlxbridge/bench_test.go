package mlxbridge_test

import (
	"testing"

	mlx "ttsui/mlxbridge"
)

// BenchmarkAdd is what an operation costs before it is computed: the way through Go, cgo, the handle table and MLX's
// graph, and the way back when the scope frees it. A frame of speech is about a thousand operations.
func BenchmarkAdd(b *testing.B) {
	onMLX(b, func(s *mlx.Scope) error {
		x, y := s.Full(1, mlx.Float32, 16), s.Full(2, mlx.Float32, 16)
		b.ReportAllocs()
		for b.Loop() {
			frame := mlx.NewScope()
			for range 1000 {
				frame.Add(x, y)
			}
			if err := frame.Close(); err != nil {
				return err
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/operation")
		return nil
	})
}

// BenchmarkShape is a call of the bridge without MLX's part.
func BenchmarkShape(b *testing.B) {
	onMLX(b, func(s *mlx.Scope) error {
		x := s.Full(1, mlx.Float32, 16)
		b.ReportAllocs()
		for b.Loop() {
			s.Shape(x)
		}
		return nil
	})
}
