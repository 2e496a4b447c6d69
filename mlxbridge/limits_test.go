package mlxbridge_test

import (
	"fmt"
	"math"
	"testing"

	mlx "ttsui/mlxbridge"
)

// What would be too large is refused when it is asked for: computing it would crash MLX's CPU backend. Most of it comes
// out of arguments that are harmless one by one.
func TestTooLargeIsRefused(t *testing.T) {
	const big = 1 << 30
	for _, tt := range []struct {
		name string
		make func(s *mlx.Scope) mlx.Array
	}{
		{"more than any memory", func(s *mlx.Scope) mlx.Array { return s.Zeros(mlx.Float32, 1<<23, 1<<23) }},
		{"more bytes than 64 bits count", func(s *mlx.Scope) mlx.Array { return s.Zeros(mlx.Float32, big, big, big) }},
		{"a dimension beyond 32 bits", func(s *mlx.Scope) mlx.Array { return s.Zeros(mlx.Bool, 1<<32+2) }},
		{"an index beyond 32 bits", func(s *mlx.Scope) mlx.Array {
			return s.Slice(s.Zeros(mlx.Bool, 8), []int{1 << 32}, []int{1<<32 + 2})
		}},
		{"an axis beyond 32 bits", func(s *mlx.Scope) mlx.Array { return s.Transpose(s.Zeros(mlx.Bool, 1, 2), 1, 1<<32) }},
		{"a position beyond 32 bits", func(s *mlx.Scope) mlx.Array { return s.RoPE(s.Zeros(mlx.Float32, 1, 1, 1, 2), 2, 1e4, 1<<32) }},
		{"a range of all integers", func(s *mlx.Scope) mlx.Array { return s.Arange(math.MinInt32, math.MaxInt32, mlx.Int32) }},
		{"an outer sum", func(s *mlx.Scope) mlx.Array { return s.Add(s.Zeros(mlx.Bool, big, 1), s.Zeros(mlx.Bool, 1, big)) }},
		{"an outer product", func(s *mlx.Scope) mlx.Array {
			return s.MatMul(s.Zeros(mlx.Float32, 1<<24, 1), s.Zeros(mlx.Float32, 1, 1<<24))
		}},
		{"a length that overflows", func(s *mlx.Scope) mlx.Array {
			a := s.Zeros(mlx.Bool, big)
			return s.Concat(0, a, a, a, a) // 2³² elements, which is 0 in 32 bits
		}},
		{"a padding that overflows", func(s *mlx.Scope) mlx.Array { return s.Pad(s.Zeros(mlx.Bool, 8), 0, math.MaxInt32, 0) }},
		{"rows taken too often", func(s *mlx.Scope) mlx.Array {
			return s.Take(s.Zeros(mlx.Float32, 2, 1<<24), s.Zeros(mlx.Int32, 1<<24))
		}},
		{"too many axes", func(s *mlx.Scope) mlx.Array {
			return s.Take(s.Zeros(mlx.Float32, 1, 1, 1, 1, 1, 1, 1, 1), s.Zeros(mlx.Int32, 1, 1))
		}},
		{"the scores of an attention", func(s *mlx.Scope) mlx.Array {
			long := s.Zeros(mlx.Float32, 1, 1, 1<<24, 1)
			return s.CausalAttention(long, long, long, 1)
		}},
		{"the windows of a convolution", func(s *mlx.Scope) mlx.Array {
			return s.Conv1D(s.Zeros(mlx.Float32, 2, 1<<25, 1), s.Zeros(mlx.Float32, 1, 1<<24, 1), mlx.Array{}, 1, 1, 1)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tryMLX(t, func(s *mlx.Scope) error {
				if a := tt.make(s); s.Err() == nil {
					t.Errorf("an array of %v was made", s.Shape(a))
				}
				return nil
			})
			t.Log(err)
		})
	}
}

// Long graphs are neither built, computed nor freed by recursion: the stack has its end.
func TestLongGraphs(t *testing.T) {
	for _, tt := range []struct {
		name    string
		compute bool
		length  int
	}{{"freed", false, 200_000}, {"computed", true, 20_000}} {
		t.Run(tt.name, func(t *testing.T) {
			onMLX(t, func(s *mlx.Scope) error {
				var sum mlx.Held
				defer sum.Free()
				one := s.Full(1, mlx.Float32, 1)
				s.Hold(&sum, s.Zeros(mlx.Float32, 1))
				for range tt.length {
					s.Hold(&sum, s.Add(sum.Array(), one))
				}
				if !tt.compute {
					return nil
				}
				if got := s.ReadFloats(sum.Array()); s.Err() == nil && got[0] != float32(tt.length) {
					return fmt.Errorf("summed to %v", got)
				}
				return nil
			})
		})
	}
}
