package mlxbridge_test

import (
	"cmp"
	"testing"

	"ttsui/internal/memory"
	mlx "ttsui/mlxbridge"
)

// Weights that are freed are gone: MLX's active memory is what it was, to the byte, and the system has its pages back.
func TestUnloadReleases(t *testing.T) {
	const cycles, warm, tensor, slack = 20, 5, 32 << 20, 16 << 20
	_, load := weights(t, tensor/4)
	onMLX(t, func(s *mlx.Scope) error { return mlx.ClearCache() })
	start, live, first := mlx.Memory().Active, mlx.Live(), int64(0)
	for cycle := range cycles {
		var loaded uint64
		onMLX(t, func(s *mlx.Scope) error {
			var held [2]mlx.Held
			for i, a := range load(s) {
				s.Hold(&held[i], a)
			}
			s.Eval(held[0].Array(), held[1].Array())
			s.ReadFloats(s.Sum(s.Add(held[0].Array(), held[1].Array()), 0, false))
			loaded = mlx.Memory().Active - start
			for i := range held {
				s.Fail(held[i].Free())
			}
			return s.Close()
		})
		onMLX(t, func(s *mlx.Scope) error { return mlx.ClearCache() })
		if loaded < 2*tensor {
			t.Fatalf("cycle %d: only %d bytes were loaded", cycle, loaded)
		}
		if got := mlx.Memory(); got.Active != start || got.Cache != 0 || mlx.Live() != live {
			t.Fatalf("cycle %d: %+v and %d arrays are left, at first %d bytes and %d", cycle, got, mlx.Live(), start, live)
		}
		if cycle == warm { // by then the address sanitizer has put aside as much freed memory as it ever does
			first = rss(t)
		}
	}
	if grown := rss(t) - first; grown > slack {
		t.Errorf("%d cycles left %d MiB with the process", cycles-warm, grown>>20)
	}
}

// As on Metal, too, nothing is left of an attention once its arrays are freed and the cache is given back: the angles by
// which heads are turned are kept from layer to layer without a handle.
func TestAttentionReleases(t *testing.T) {
	const dim, rows = 64, 500
	for _, metal := range []bool{false, true} {
		attend := func(*mlx.Scope) error {
			if err := mlx.StartCount(metal); err != nil {
				return err
			}
			s := mlx.NewScope()
			norm, cache := s.Full(1, mlx.Float32, dim), s.Zeros(mlx.Float32, 2, 1, rows, dim)
			y, _ := s.Attend(s.Zeros(mlx.Float32, rows, 3*dim), mlx.Attender{Heads: 1, QNorm: norm, KNorm: norm, Eps: 1e-6, Theta: 1e4}, mlx.KV{Cache: cache})
			s.Eval(y)
			err := s.Close()
			counts, e := mlx.StopCount()
			if metal && counts.Names["Heads"] != 1 {
				t.Errorf("metal %t: %v", metal, counts.Names)
			}
			return cmp.Or(err, e, mlx.ClearCache())
		}
		start := mlx.Memory().Active
		if onMLX(t, attend); mlx.Memory().Active != start {
			t.Errorf("metal %t: MLX holds %d bytes, %d before", metal, mlx.Memory().Active, start)
		}
	}
}

// MLX gives an array that fits a buffer which was freed, if that has less than twice its size, and counts all of it. So the
// same arrays may take more at one time than at another, by less than they are large; and once they are freed, all is gone.
func TestFreedBufferIsUsedAgain(t *testing.T) {
	const was = 6144
	hold := func(size int) (mlx.Array, uint64) {
		before, s := mlx.Memory().Active, mlx.NewScope()
		a := s.Zeros(mlx.Float32, size/4)
		s.Eval(a)
		s.Keep(a)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		return a, mlx.Memory().Active - before
	}
	for size, want := range map[int]uint64{was: was, 3456: was, was / 2: was / 2, was + 4: was + 4} {
		onMLX(t, func(*mlx.Scope) error {
			if err := mlx.ClearCache(); err != nil {
				return err
			}
			start := mlx.Memory().Active
			first, _ := hold(was)
			if err := mlx.Free(first); err != nil {
				return err
			}
			second, took := hold(size)
			if took != want {
				t.Errorf("after one of %d bytes, an array of %d takes %d, want %d", was, size, took, want)
			}
			err := mlx.Free(second)
			if now := mlx.Memory().Active; now != start {
				t.Errorf("MLX holds %d bytes after an array of %d, %d before", now, size, start)
			}
			return err
		})
	}
}

func rss(t testing.TB) int64 {
	t.Helper()
	bytes, err := memory.RSS()
	if err != nil {
		t.Fatal(err)
	}
	return int64(bytes)
}
