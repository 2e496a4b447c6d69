package mlxbridge_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	mlx "ttsui/mlxbridge"
)

// weights writes a file of two float32 tensors of n zeros each, and loads them.
func weights(t testing.TB, n int) (path string, load func(s *mlx.Scope) [2]mlx.Array) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "weights")
	if err := os.WriteFile(path, make([]byte, 8*n), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, func(s *mlx.Scope) (tensors [2]mlx.Array) {
		for i := range tensors {
			tensors[i] = s.Load(path, []mlx.Span{{Offset: int64(4 * n * i), Size: int64(4 * n)}}, mlx.Float32, n)
		}
		return tensors
	}
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
			path, load := weights(t, 1<<16)
			err := tryMLX(t, func(s *mlx.Scope) error {
				tensors := load(s)
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
	path, load := weights(t, 100)
	onMLX(t, func(s *mlx.Scope) error {
		tensors := load(s)
		if err := os.Remove(path); err != nil {
			return err
		}
		s.ReadFloats(tensors[1])
		return nil
	})
}

// An array takes the spans of a file in the order in which they are given, whatever threads read which piece.
func TestLoadJoins(t *testing.T) {
	const n = 3 << 20 // several pieces
	numbers := make([]byte, 4*n)
	for i := range n {
		binary.LittleEndian.PutUint32(numbers[4*i:], math.Float32bits(float32(i)))
	}
	path := filepath.Join(t.TempDir(), "weights")
	if err := os.WriteFile(path, numbers, 0o600); err != nil {
		t.Fatal(err)
	}
	spans := []mlx.Span{{Offset: 4 * (n - 5), Size: 20}, {Offset: 0, Size: 8 << 20}, {Offset: 40, Size: 0}, {Offset: 12, Size: 4}}
	var want []float32
	for _, span := range spans {
		for i := range span.Size / 4 {
			want = append(want, float32(span.Offset/4+i))
		}
	}
	onMLX(t, func(s *mlx.Scope) error {
		got := s.ReadFloats(s.Load(path, spans, mlx.Float32, len(want)))
		if s.Err() == nil && !slices.Equal(got, want) {
			t.Error("the numbers are others, or elsewhere")
		}
		return nil
	})
}
