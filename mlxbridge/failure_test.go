package mlxbridge_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	mlx "ttsui/mlxbridge"
)

// weights writes a file with the float32 tensors "a" and "b" of n zeros each, and gives its path.
func weights(t testing.TB, n int) string {
	t.Helper()
	header := fmt.Sprintf(`{"a":{"dtype":"F32","shape":[%d],"data_offsets":[0,%d]},"b":{"dtype":"F32","shape":[%d],"data_offsets":[%d,%d]}}`,
		n, 4*n, n, 4*n, 8*n)
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	if err := os.WriteFile(path, safetensors(header, 8*n), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What fails while it is computed fails on MLX's own threads: the error comes back to who waits for it, once, and MLX
// computes the next thing as if nothing had been.
func TestFailureWhileComputing(t *testing.T) {
	for _, tt := range []struct {
		name string
		use  func(s *mlx.Scope, a, b mlx.Array)
	}{
		{"Eval", func(s *mlx.Scope, a, b mlx.Array) { s.Eval(a, b) }},
		{"ReadFloats", func(s *mlx.Scope, a, b mlx.Array) { s.ReadFloats(b) }},
		{"ReadInts", func(s *mlx.Scope, a, b mlx.Array) { s.ReadInts(b) }},
		{"what depends on it", func(s *mlx.Scope, a, b mlx.Array) { s.Eval(s.Sum(s.Add(s.Exp(a), b), 0, false)) }},
		{"AsyncEval, then Eval", func(s *mlx.Scope, a, b mlx.Array) {
			c := s.Add(a, b)
			s.AsyncEval(c)
			s.Eval(c)
		}},
		{"AsyncEval, then ReadFloats", func(s *mlx.Scope, a, b mlx.Array) {
			c := s.Add(a, b)
			s.AsyncEval(c)
			s.ReadFloats(c)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := weights(t, 1<<16)
			err := tryMLX(t, func(s *mlx.Scope) error {
				tensors := s.Load(path, []string{"a", "b"})
				if err := os.Truncate(path, 4<<16+100); err != nil { // in the middle of b
					return err
				}
				if tt.use(s, tensors[0], tensors[1]); s.Err() == nil {
					t.Error("half a file was read without an error")
				}
				return nil
			})
			if err == nil || !strings.Contains(err.Error(), "read") {
				t.Errorf("the error is %v", err)
			}
			onMLX(t, func(s *mlx.Scope) error {
				if got := s.ReadFloats(s.Add(s.Full(1, mlx.Float32, 3), s.Full(2, mlx.Float32, 3))); s.Err() == nil && got[2] != 3 {
					t.Errorf("afterwards 1 + 2 is %v", got[2])
				}
				return nil
			})
		})
	}
}

// An open file stays readable when its name is gone, as files do.
func TestDeletedFileIsRead(t *testing.T) {
	path := weights(t, 100)
	onMLX(t, func(s *mlx.Scope) error {
		tensors := s.Load(path, []string{"b"})
		if err := os.Remove(path); err != nil {
			return err
		}
		s.ReadFloats(tensors[0])
		return nil
	})
}
