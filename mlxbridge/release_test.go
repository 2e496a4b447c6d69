package mlxbridge_test

import (
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

func rss(t testing.TB) int64 {
	t.Helper()
	bytes, err := memory.RSS()
	if err != nil {
		t.Fatal(err)
	}
	return int64(bytes)
}
