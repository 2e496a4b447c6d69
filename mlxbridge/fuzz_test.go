package mlxbridge_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	mlx "ttsui/mlxbridge"
)

var walks = flag.Uint64("walks", 4, "how many walks TestRandomWalk takes")

// TestRandomWalk builds graphs out of random functions and random arguments, right and wrong, on arrays that earlier
// calls made, freed or left to be computed. Nothing may crash, break the ABI's law or leak.
func TestRandomWalk(t *testing.T) {
	dir := abuseFiles(t)
	for seed := range *walks {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			onMLX(t, func(s *mlx.Scope) error {
				calls := 0
				walk(newAbuser(t, s, dir), rng.IntN, func() bool { calls++; return calls > 3000 })
				return nil
			})
		})
	}
}

// FuzzOperations is TestRandomWalk where the fuzzer takes the steps.
func FuzzOperations(f *testing.F) {
	dir := abuseFiles(f)
	for seed := range byte(4) {
		steps := make([]byte, 400)
		rand.NewChaCha8([32]byte{seed}).Read(steps)
		f.Add(steps)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		pick := func(n int) int {
			if len(steps) == 0 {
				return 0
			}
			b := steps[0]
			steps = steps[1:]
			return int(b) % n
		}
		onMLX(t, func(s *mlx.Scope) error {
			walk(newAbuser(t, s, dir), pick, func() bool { return len(steps) == 0 })
			return nil
		})
	})
}

// The size of a walk's world.
const (
	maxPool   = 40   // arrays that live at a time
	maxPooled = 4096 // elements; larger results are freed at once
	badChance = 12   // one of so many arguments is wrong on purpose
)

// walk makes calls until done says so; pick(n) gives a number below n.
func walk(ab *abuser, pick func(n int) int, done func() bool) {
	defer ab.close()
	entries := entries()
	names := slices.Sorted(maps.Keys(entries))
	var pool []uint64
	for !done() {
		f := ab.byFn[names[pick(len(names))]]
		args := slices.Clone(entries[f.name])
		for i, p := range f.params {
			related := relatives(args[i])
			switch bad := ab.bad(f, p); {
			case pick(badChance) == 0:
				args[i] = bad[pick(len(bad))]
			case len(related) > 0 && pick(4) == 0:
				args[i] = related[pick(len(related))]
			case p.ctype == "mlxb_array" && len(pool) > 0 && pick(2) == 0:
				args[i] = pool[pick(len(pool))]
			case p.ctype == "const mlxb_array*" && len(pool) > 0 && pick(2) == 0:
				args[i] = []uint64{pool[pick(len(pool))], pool[pick(len(pool))]}
			}
		}
		results := make([]uint64, listSize)
		ab.trace(f, args)
		ab.call(f, args, results)
		if pick(3) == 0 {
			ab.compute(f, args, results)
			continue
		}
		pool = append(pool, ab.small(results)...)
		for len(pool) > maxPool {
			i := pick(len(pool))
			ab.byFn["mlxb_free"].call([]uint64{pool[i]}, 1)
			pool = slices.Delete(pool, i, i+1)
		}
	}
	for _, h := range pool { // of which mlxb_free may have freed some
		ab.compute(ab.byFn["mlxb_free"], nil, []uint64{h})
	}
}

// small gives the handles of the arrays that are small enough to go on with, and frees the others.
func (ab *abuser) small(results []uint64) (kept []uint64) {
	for _, h := range results {
		if h == 0 {
			continue
		}
		if size, err := ab.size(h); err == "" && size <= maxPooled {
			kept = append(kept, h)
		} else {
			ab.byFn["mlxb_free"].call([]uint64{h}, 1)
		}
	}
	return kept
}
