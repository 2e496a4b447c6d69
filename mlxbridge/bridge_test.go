package mlxbridge_test

import (
	"fmt"
	"slices"
	"testing"

	mlx "ttsui/mlxbridge"
)

func TestOperations(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(s *mlx.Scope) mlx.Array
		want []float32
	}{
		{"add broadcasts", func(s *mlx.Scope) mlx.Array {
			return s.Add(s.Floats([]float32{1, 2, 3, 4}, 2, 2), s.Floats([]float32{10, 20}, 2))
		}, []float32{11, 22, 13, 24}},
		{"linear", func(s *mlx.Scope) mlx.Array {
			return s.Linear(s.Floats([]float32{1, 2}, 1, 2), s.Floats([]float32{3, 4, 5, 6, 7, 8}, 3, 2), s.Floats([]float32{1, 0, -1}, 3))
		}, []float32{12, 17, 22}},
		{"take keeps to the table", func(s *mlx.Scope) mlx.Array {
			return s.Take(s.Floats([]float32{1, 2, 3}, 3, 1), s.Ints([]int32{2, 0, 7, -1}, 4))
		}, []float32{3, 1, 3, 3}},
		{"flip", func(s *mlx.Scope) mlx.Array {
			return s.Flip(s.Floats([]float32{1, 2, 3, 4, 5, 6}, 2, 3), 1)
		}, []float32{3, 2, 1, 6, 5, 4}},
		{"slice update", func(s *mlx.Scope) mlx.Array {
			return s.SliceUpdate(s.Zeros(mlx.Float32, 4), s.Floats([]float32{5, 6}, 2), 1)
		}, []float32{0, 5, 6, 0}},
		{"convolution in panels of another width", func(s *mlx.Scope) mlx.Array {
			return s.Conv1D(s.Floats([]float32{1, 2, 3}, 1, 3, 1), s.Floats([]float32{1, 10, 100, 1000}, 1, 2, 1, 2), s.Floats([]float32{5, 6}, 2), 1, 1, 1)
		}, []float32{206, 2016, 307, 3026}},
		{"elu", func(s *mlx.Scope) mlx.Array { return s.ELU(s.Floats([]float32{-1, 2}, 2)) }, []float32{-0.63212055, 2}},
		{"gelu is exact", func(s *mlx.Scope) mlx.Array { return s.GELU(s.Floats([]float32{-1, 3}, 2)) }, []float32{-0.15865526, 2.99595}},
		{"edge padding", func(s *mlx.Scope) mlx.Array { return s.PadEdge(s.Floats([]float32{1, 2}, 2), 0, 2, 1) }, []float32{1, 1, 1, 2, 2}},
		{"power spectrum", func(s *mlx.Scope) mlx.Array { return s.RFFTPower(s.Floats([]float32{1, 0, -1, 0}, 4)) }, []float32{0, 4, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onMLX(t, func(s *mlx.Scope) error {
				if got := s.ReadFloats(tt.make(s)); !near(got, tt.want, 1e-6) {
					return fmt.Errorf("got %v, want %v", got, tt.want)
				}
				return nil
			})
		})
	}
}

func near(a, b []float32, tol float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return max(x-y, y-x) <= tol })
}

func TestFirstErrorSticks(t *testing.T) {
	err := tryMLX(t, func(s *mlx.Scope) error {
		bad := s.Add(s.Zeros(mlx.Float32, 2), s.Zeros(mlx.Float32, 3))
		if !bad.IsNil() || s.Err() == nil {
			return nil
		}
		s.Eval(s.MatMul(bad, bad))
		return nil
	})
	if err == nil {
		t.Fatal("shapes [2] and [3] were added")
	}
	t.Log(err)
}

// A cache is updated in place: holding the new one frees the old one's handle, so its memory is the result's.
func TestHeldCacheIsUpdatedInPlace(t *testing.T) {
	const size = 1 << 22
	onMLX(t, func(s *mlx.Scope) error {
		var cache mlx.Held
		defer cache.Free()
		s.Hold(&cache, s.Zeros(mlx.Float32, size))
		s.Eval(cache.Array())
		if err := mlx.ResetPeak(); err != nil {
			return err
		}
		for i := range 5 {
			s.Hold(&cache, s.SliceUpdate(cache.Array(), s.Full(1, mlx.Float32, 4), 4*i))
			s.Eval(cache.Array())
		}
		if grown := mlx.Memory().Peak - 4*size; grown > 1<<20 {
			return fmt.Errorf("the cache was copied: peak grew by %d bytes", grown)
		}
		return nil
	})
}
