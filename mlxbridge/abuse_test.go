package mlxbridge_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	mlx "ttsui/mlxbridge"
)

// array stands for an array argument: its type and shape.
type array struct {
	dtype mlx.DType
	shape []int
}

func f32(shape ...int) array { return array{mlx.Float32, shape} }
func u32(shape ...int) array { return array{mlx.Uint32, shape} }

// out stands for a place for results.
type out struct{}

// file stands for the path of a file in the abuser's folder.
type file string

// entries gives arguments with which each function of the header works. TestAbuse replaces them one by one by what it
// has of the same C type that is wrong, or may be.
func entries() map[string][]any {
	const add, sin, sum = 0, 3, 0
	return map[string][]any{
		"mlxb_start":       {0, file("good")},
		"mlxb_stop":        {},
		"mlxb_device":      {[]int32{0}, make([]byte, 64), 64},
		"mlxb_free_error":  {nil},
		"mlxb_live":        {},
		"mlxb_evaluations": {},
		"mlxb_waited":      {},
		"mlxb_inside":      {},
		"mlxb_count":       {1},
		"mlxb_counted":     {make([]int64, 1), make([]int64, 1), make([]byte, 64), 64},
		"mlxb_memory":      {make([]uint64, 1), make([]uint64, 1), make([]uint64, 1)},
		"mlxb_reset_peak":  {},
		"mlxb_clear_cache": {},

		"mlxb_from_data":    {out{}, make([]byte, 24), 24, mlx.Float32, []int{2, 3}, 2},
		"mlxb_full":         {out{}, 1.5, mlx.Float32, []int{2, 3}, 2},
		"mlxb_arange":       {out{}, 3, 9, mlx.Int32},
		"mlxb_load":         {out{}, file("good"), []int64{0, 8}, []int64{8, 16}, 2, mlx.Float32, []int{2, 3}, 2},
		"mlxb_free":         {[]array{f32(2), u32(1)}, 2},
		"mlxb_shape":        {f32(2, 3), make([]int32, 16), 16, []int32{0}, []uint32{0}},
		"mlxb_eval":         {[]array{f32(2), u32(1)}, 2},
		"mlxb_eval_lasting": {[]array{f32(2), u32(1)}, 2},
		"mlxb_async_eval":   {[]array{f32(2), u32(1)}, 2},
		"mlxb_ready":        {[]int32{0}, f32(2)},
		"mlxb_use_stream":   {0},
		"mlxb_read_f32":     {f32(2, 3), make([]float32, maxSize), 6},
		"mlxb_read_i32":     {u32(2, 3), make([]int32, maxSize), 6},

		"mlxb_unary":         {out{}, sin, f32(2, 3)},
		"mlxb_binary":        {out{}, add, f32(2, 3), f32(3)},
		"mlxb_binary_scalar": {out{}, add, f32(2, 3), 0.5},
		"mlxb_where":         {out{}, array{mlx.Bool, []int{3}}, f32(2, 3), f32(1)},
		"mlxb_astype":        {out{}, f32(2, 3), mlx.BFloat16},

		"mlxb_reshape":      {out{}, f32(2, 3), []int{3, 2}, 2},
		"mlxb_transpose":    {out{}, f32(2, 3), []int{1, 0}, 2},
		"mlxb_contiguous":   {out{}, f32(2, 3)},
		"mlxb_flip":         {out{}, f32(2, 3), 1},
		"mlxb_slice":        {out{}, f32(2, 3), []int{0, 1}, []int{2, 3}, 2},
		"mlxb_slice_update": {out{}, f32(2, 3), f32(1, 2), []int{1, 1}, 2},
		"mlxb_concatenate":  {out{}, []array{f32(2, 3), f32(1, 3)}, 2, 0},
		"mlxb_pad":          {out{}, f32(2, 3), 1, 2, 1, 1},
		"mlxb_take":         {out{}, f32(4, 3), u32(5)},

		"mlxb_reduce":     {out{}, sum, f32(2, 3), 1, 1},
		"mlxb_softmax":    {out{}, f32(2, 3), 1},
		"mlxb_rfft_power": {out{}, f32(2, 12)},

		"mlxb_matmul":       {out{}, f32(2, 3), f32(3, 4)},
		"mlxb_project":      {out{}, f32(2, 64), u32(4, 8), f32(4, 2), f32(4, 2), 32, 4, f32(64), 1e-6, nil, f32(2, 2), 1},
		"mlxb_attend":       {out{}, f32(6, 64), f32(8), f32(8), 1e-6, []array{f32(2, 2, 9, 8), f32(2, 2, 7, 8)}, 4, 10000, []int{3, 4}, 2},
		"mlxb_dequantize":   {out{}, u32(3, 8), f32(3, 2), f32(3, 2), 32, 4},
		"mlxb_quantize":     {out{}, f32(3, 64), 32, 4},
		"mlxb_snake":        {out{}, f32(2, 3), f32(3), f32(3)},
		"mlxb_swiglu":       {out{}, f32(2, 3), f32(2, 3)},
		"mlxb_rms_norm":     {out{}, f32(2, 3), f32(3), 1e-6},
		"mlxb_layer_norm":   {out{}, f32(2, 3), f32(3), f32(3), 1e-5},
		"mlxb_rope":         {out{}, f32(1, 2, 5, 8), 8, 10000, 3},
		"mlxb_attention":    {out{}, f32(1, 4, 5, 8), f32(1, 2, 7, 8), f32(1, 2, 7, 8), 0.35, 0, f32(5, 7)},
		"mlxb_conv_weights": {out{}, f32(64, 3, 2)},
		"mlxb_conv1d":       {out{}, f32(2, 9, 4), f32(6, 3, 2), f32(6), 1, 2, 2},

		"mlxb_filter":      {out{}, f32(2, 64), 0.9, 50, 0.8},
		"mlxb_categorical": {out{}, f32(2, 3), uint64(7)},
	}
}

// TestAbuse gives each function of the header each wrong argument that there is, one at a time, and computes what comes
// out. Each call must answer, with an error or with an array that can be computed; a crash ends the test binary.
func TestAbuse(t *testing.T) {
	entries, dir := entries(), abuseFiles(t)
	for _, f := range header(t) {
		good, known := entries[f.name]
		if !known {
			t.Errorf("%s has no entry: a function of the bridge is abused before it is used", f.name)
			continue
		}
		delete(entries, f.name)
		t.Run(f.name, func(t *testing.T) {
			onMLX(t, func(s *mlx.Scope) error {
				ab := newAbuser(t, s, dir)
				defer ab.close()
				if text := ab.try(f, good); text != "" {
					return fmt.Errorf("the good call fails: %s", text)
				}
				refused, tried := 0, 0
				for i, p := range f.params {
					for _, bad := range append(ab.bad(f, p), relatives(good[i])...) {
						args := slices.Clone(good)
						args[i] = bad
						tried++
						if ab.try(f, args) != "" {
							refused++
						}
					}
				}
				if testing.Verbose() {
					t.Logf("%d of %d calls were refused", refused, tried)
				}
				return nil
			})
		})
	}
	for name := range entries {
		t.Errorf("%s is not in the header", name)
	}
}

const (
	listSize = 16      // what pointer arguments point to at least, arrays twice as many, so that a false count up to it reads nothing foreign
	maxSize  = 1 << 16 // elements; the largest array that is read back
	maxEval  = 1 << 22 // elements; the largest array that is computed
)

// abuser makes arguments out of what stands for them, and wrong ones.
type abuser struct {
	t     testing.TB
	scope *mlx.Scope
	dir   string
	zoo   []uint64 // handles of arrays of many types, shapes and contents
	dead  []uint64 // nil, freed and foreign handles
	byFn  map[string]function
}

func newAbuser(t testing.TB, s *mlx.Scope, dir string) *abuser {
	ab := &abuser{t: t, scope: s, dir: dir, byFn: map[string]function{}}
	for _, f := range header(t) {
		ab.byFn[f.name] = f
	}
	shapes := [][]int{
		{}, {0}, {1}, {2}, {3}, {2, 3}, {3, 2}, {0, 3}, {3, 0}, {1, 1}, {2, 64}, {3, 8}, {2, 0, 4}, {2, 9, 4}, {6, 3, 2}, {1, 1, 1},
		{1, 2, 5, 8}, {1, 0, 5, 8}, {1, 3, 7, 8}, {2, 2, 7, 8}, {1, 2, 0, 8}, {1, 2, 7, 0}, {2, 1, 2, 1, 2, 1, 2, 1}, {1 << 16},
	}
	var zoo []mlx.Array
	for dtype := mlx.Bool; dtype <= mlx.Float32; dtype++ {
		for _, shape := range shapes {
			zoo = append(zoo, randomBits(s, array{dtype, shape}))
		}
		wide := randomBits(s, array{dtype, []int{8, 9, 4}})
		part := s.Slice(wide, []int{1, 0, 1}, []int{3, 9, 3})
		zoo = append(zoo, s.Transpose(wide, 2, 0, 1), part, s.Reshape(part, 4, 9), s.Transpose(s.Reshape(part, 1, 2, 9, 2), 0, 3, 2, 1))
	}
	for _, a := range zoo {
		ab.zoo = append(ab.zoo, mlx.Handle(s.Keep(a)))
	}
	freed := mlx.NewScope()
	gone := mlx.Handle(freed.Zeros(mlx.Float32, 2))
	if err := freed.Close(); err != nil {
		t.Error(err)
	}
	live := ab.zoo[0]
	ab.dead = []uint64{0, gone, 1, 1 << 32, math.MaxUint64, live ^ 1<<63, live + 1<<32, live | 0xffffffff, 0xdeadbeefdeadbeef}
	return ab
}

// close frees the zoo, of which mlxb_free may have freed some, and stops what mlxb_count has begun.
func (ab *abuser) close() {
	ab.byFn["mlxb_count"].call(0)
	for _, h := range ab.zoo {
		ab.byFn["mlxb_free"].call([]uint64{h}, 1)
	}
}

// randomBits makes an array of any bits: NaN, infinities, the smallest, the largest. They are the same each time.
func randomBits(s *mlx.Scope, a array) mlx.Array {
	size := a.dtype.Size()
	for _, n := range a.shape {
		size *= n
	}
	data := make([]byte, size)
	rng := rand.NewChaCha8([32]byte{byte(size)})
	rng.Read(data)
	if n := len(data) / 4; a.dtype == mlx.Float32 && n > 3 {
		for i, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1)} {
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(float32(v)))
		}
	}
	return s.Raw(data, a.dtype, a.shape...)
}

// bad lists arguments for p that are wrong, or may be.
func (ab *abuser) bad(f function, p param) (list []any) {
	switch p.ctype {
	case "mlxb_array":
		return anys(slices.Concat(ab.dead, ab.zoo))
	case "const mlxb_array*":
		list = []any{nil, []array{}, []array{f32(2, 3), f32(2, 4)}, []array{f32(2), f32(0)}, []array{u32(2, 3), f32(2, 3)}, []array{f32(), f32()}}
		for _, h := range ab.dead {
			list = append(list, []uint64{h, ab.zoo[1]}, []uint64{ab.zoo[1], h})
		}
		return append(list, []uint64{ab.zoo[1], ab.zoo[1]})
	case "const int*":
		list = []any{nil}
		for _, a := range []int{math.MinInt32, -1, 0, 1, 2, 3, 7, 1 << 20, 1 << 30, math.MaxInt32} {
			list = append(list, []int{a, a}, []int{1, a}, []int{a, 1}, []int{a, 6})
		}
		return append(list, []int{1 << 16, 1 << 16, 1 << 16, 1 << 16}, []int{3, 2}, []int{6, 1, 1, 1, 1, 1, 1, 1, 1})
	case "int":
		list = anys([]int{math.MinInt32, math.MinInt32 + 1, -2, -1, 0, 1, 2, 3, 4, 5, 7, 8, 9, 16})
		if !isCount(f, p) {
			list = append(list, 33, 64, 1<<16, 1<<30, math.MaxInt32-1, math.MaxInt32)
		}
		return list
	case "float":
		return anys([]float64{0, math.Copysign(0, -1), 1, -1, 1e-45, 3e38, -3e38, math.NaN(), math.Inf(1), math.Inf(-1)})
	case "size_t":
		return anys([]uint64{0, 1, 2, 7, 23, 25, 1<<20 + 1, 1<<40 + 1, 1 << 63, math.MaxUint64})
	case "uint64_t":
		return anys([]uint64{0, 1, 1 << 63, math.MaxUint64})
	case "const char*":
		return []any{
			nil, file(""), file("."), file("missing"), file("garbage"), file("empty"), file("short"), file(strings.Repeat("x", 5000)),
		}
	case "const int64_t*":
		list = []any{nil}
		for _, a := range []int64{math.MinInt64, -1, 0, 1, 7, 8, 9, 24, 25, 1 << 32, math.MaxInt64} {
			list = append(list, []int64{a, a}, []int64{8, a}, []int64{a, 16})
		}
		return list
	case "const void*", "float*", "int32_t*", "int*", "size_t*", "char*", "int64_t*", "mlxb_dtype*", "mlxb_array*":
		return []any{nil}
	case "mlxb_dtype", "mlxb_unary_op", "mlxb_binary_op", "mlxb_reduce_op", "mlxb_counting":
		for op := range 24 {
			list = append(list, op)
		}
		return append(list, 255, 256, math.MaxInt32, uint32(math.MaxUint32))
	}
	ab.t.Errorf("%s: nothing wrong is known for a %s", f.name, p.ctype)
	return nil
}

// relatives lists what is close to a good array: another type, another length of an axis, an axis more or less.
func relatives(good any) (list []any) {
	a, ok := good.(array)
	if !ok {
		return nil
	}
	for dtype := mlx.Bool; dtype <= mlx.Float32; dtype++ {
		list = append(list, array{dtype, a.shape})
	}
	for i, n := range a.shape {
		for _, other := range []int{0, 1, n - 1, n + 1, 2 * n} {
			shape := slices.Clone(a.shape)
			shape[i] = other
			list = append(list, array{a.dtype, shape})
		}
		list = append(list, array{a.dtype, slices.Delete(slices.Clone(a.shape), i, i+1)}, array{a.dtype, slices.Insert(slices.Clone(a.shape), i, 1)})
	}
	return list
}

// isCount reports whether p says how many elements a pointer points to. A false one can't be noticed, so it stays within
// what the pointers of this test point to.
func isCount(f function, p param) bool {
	i := slices.Index(f.params, p)
	return p.name == "rank" || p.name == "capacity" || p.name == "n" && i > 0 && strings.HasSuffix(f.params[i-1].ctype, "*")
}

func anys[E any](list []E) []any {
	all := make([]any, len(list))
	for i, e := range list {
		all[i] = e
	}
	return all
}

// try calls f, computes what comes out and frees it. It gives the error text of f.
func (ab *abuser) try(f function, args []any) string {
	ab.trace(f, args)
	results := make([]uint64, 2*listSize+1)
	text := ab.call(f, args, results)
	ab.compute(f, args, results)
	return text
}

// trace says with -v what will be called, so that the last line before a crash tells what crashed.
func (ab *abuser) trace(f function, args []any) {
	if !testing.Verbose() {
		return
	}
	short := slices.Clone(args)
	for i, arg := range args {
		if v := reflect.ValueOf(arg); v.Kind() == reflect.Slice && v.Len() > listSize {
			short[i] = fmt.Sprintf("%T of %d", arg, v.Len())
		}
	}
	ab.t.Logf("%s%v", f.name, short)
}

// call calls f with results as the place for its results, and holds it to the ABI's law: a function that fails says
// which one it is and leaves no array behind.
func (ab *abuser) call(f function, args []any, results []uint64) string {
	s := mlx.NewScope()
	made := make([]any, len(args))
	for i, arg := range args {
		made[i] = ab.argument(s, arg, results)
	}
	if err := s.Err(); err != nil {
		ab.t.Errorf("%s: %v", f.name, err)
	}
	before := mlx.Live()
	text := f.call(made...)
	if text != "" && !strings.HasPrefix(text, strings.TrimPrefix(f.name, "mlxb_")+": ") {
		ab.t.Errorf("%s%v: the error names another function: %s", f.name, args, text)
	}
	if text != "" && f.name != "mlxb_free" && (mlx.Live() != before || slices.Max(results) != 0) {
		ab.t.Errorf("%s%v: failed and left an array: %s", f.name, args, text)
	}
	if f.name == "mlxb_stop" { // the thread is this test's
		if text := ab.byFn["mlxb_start"].call(0, nil); text != "" {
			ab.t.Error(text)
		}
	}
	if err := s.Close(); err != nil && f.name != "mlxb_free" {
		ab.t.Error(err)
	}
	return text
}

// argument makes the argument that arg stands for. Lists are longer than the counts that are tried.
func (ab *abuser) argument(s *mlx.Scope, arg any, results []uint64) any {
	switch v := arg.(type) {
	case out:
		return results
	case array:
		return mlx.Handle(randomBits(s, v))
	case []array:
		handles := make([]uint64, 2*listSize)
		for i, a := range v {
			handles[i] = mlx.Handle(randomBits(s, a))
		}
		return handles
	case []uint64:
		return append(slices.Clone(v), make([]uint64, 2*listSize)...)
	case []int:
		ints := make([]int32, listSize)
		for i, n := range v {
			ints[i] = int32(n)
		}
		return ints
	case []int64:
		return append(slices.Clone(v), make([]int64, listSize)...)
	case file:
		return cstring(filepath.Join(ab.dir, string(v)))
	}
	return arg
}

// compute evaluates and reads the results, unless they are large, and frees them. That may fail, but not crash.
func (ab *abuser) compute(f function, args []any, results []uint64) {
	for _, h := range results {
		if h == 0 {
			continue
		}
		size, text := ab.size(h)
		if text == "" && size <= maxEval {
			text = ab.byFn["mlxb_eval"].call([]uint64{h}, 1)
		}
		if text == "" && size <= maxSize {
			ab.byFn["mlxb_read_f32"].call(h, make([]float32, maxSize), size)
		}
		if text := ab.byFn["mlxb_free"].call([]uint64{h}, 1); text != "" && f.name != "mlxb_free" {
			ab.t.Errorf("%s: %v", f.name, text)
		}
	}
}

// size asks for an array's shape, and gives the count of its elements or the error text.
func (ab *abuser) size(h uint64) (int, string) {
	shape, rank, dtype := make([]int32, listSize), make([]int32, 1), make([]uint32, 1)
	text := ab.byFn["mlxb_shape"].call(h, shape, listSize, rank, dtype)
	size := 1
	for _, n := range shape[:rank[0]] {
		size *= int(n)
	}
	return size, text
}

// abuseFiles writes files to load from, and others.
func abuseFiles(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"good":    make([]byte, 24),
		"garbage": []byte(strings.Repeat("\x07garbage", 100)),
		"empty":   nil,
		"short":   make([]byte, 23),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
