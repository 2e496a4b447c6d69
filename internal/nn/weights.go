// Package nn holds the layers that models are built of, over mlxbridge: linear maps plain and quantised, embeddings,
// norms, convolutions, attention with its caches. A layer is a value that knows its weights; it chooses which bridge
// operation serves them. Layers are made from Weights, which checks every tensor's name and shape on the way.
//
// Activations are [rows, channels]. The rows are those of one sequence, or of several, one below the other: only
// Attention knows the difference.
package nn

import (
	"fmt"
	"slices"
	"strings"

	"ttsui/internal/safetensors"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// Weights gives a checkpoint's tensors to the layers that are made of them. Asking for a tensor marks it as used and
// compares its shape; what is missing, mis-shaped or left over is told by Check, all at once. Nothing is read from
// disk before Read.
type Weights struct {
	*reading
	dtype mlx.DType // of floats
	conv  mlx.DType // of those that convolve
}

// reading is what the views of one checkpoint share.
type reading struct {
	set      *safetensors.Set
	scope    *mlx.Scope // owns the arrays that layers hold
	quant    Quantization
	origin   map[mlx.Array]origin // of arrays that are as the file has them
	used     map[string]bool
	problems []string
	pending  []mlx.Array // what Read will evaluate
}

// origin is where an array comes from.
type origin struct {
	path   string
	tensor safetensors.Tensor
}

func (o origin) span() mlx.Span { return mlx.Span{Offset: o.tensor.Offset, Size: o.tensor.Size} }

// Quantization is the "quantization" part of config.json: affine groups along a row. The zero value is none.
type Quantization struct {
	GroupSize int                     `json:"group_size"`
	Bits      int                     `json:"bits"`
	Modules   map[string]Quantization `json:"-"` // modules that differ, by their path
}

// NewWeights starts reading a checkpoint. Arrays belong to scope; floats are converted to dtype.
func NewWeights(scope *mlx.Scope, set *safetensors.Set, dtype mlx.DType, quant Quantization) *Weights {
	return &Weights{&reading{set: set, scope: scope, quant: quant, origin: map[mlx.Array]origin{}, used: map[string]bool{}}, dtype, dtype}
}

// In gives a view of the same checkpoint whose floats are converted to another dtype.
func (w *Weights) In(dtype mlx.DType) *Weights { return &Weights{w.reading, dtype, dtype} }

// Convolving gives a view in which the weights of convolutions alone, not their biases, are converted to dtype.
func (w *Weights) Convolving(dtype mlx.DType) *Weights { return &Weights{w.reading, w.dtype, dtype} }

// Has reports whether the checkpoint holds a tensor.
func (w *Weights) Has(name string) bool {
	_, _, ok := w.set.Lookup(name)
	return ok
}

// Tensor gives a tensor of floats of exactly this shape, in the weights' dtype.
func (w *Weights) Tensor(name string, shape ...int) mlx.Array {
	return w.later(w.convert(w.tensor(name, isFloat, shape), w.dtype))
}

// packed gives a tensor of quantised elements, as words of 32 bits.
func (w *Weights) packed(name string, shape ...int) mlx.Array {
	return w.later(w.tensor(name, isPacked, shape))
}

func isFloat(d mlx.DType) bool  { return d == mlx.Float32 || d == mlx.Float16 || d == mlx.BFloat16 }
func isPacked(d mlx.DType) bool { return d == mlx.Uint32 }

// tensor gives a tensor as the file has it, to be read when it is evaluated. It is nil when there is a problem.
func (w *Weights) tensor(name string, fits func(mlx.DType) bool, allowed ...[]int) mlx.Array {
	file, t, ok := w.find(name, fits, allowed...)
	if !ok {
		return mlx.Array{}
	}
	from := origin{file.Path, t}
	a := w.scope.Load(from.path, []mlx.Span{from.span()}, dtypes[t.DType], t.Shape...)
	w.origin[a] = from
	return a
}

// find looks a tensor up and compares its type and its shape with those allowed.
func (w *Weights) find(name string, fits func(mlx.DType) bool, allowed ...[]int) (*safetensors.File, safetensors.Tensor, bool) {
	file, t, ok := w.set.Lookup(name)
	w.used[name] = true
	switch {
	case !ok:
		w.problem("%s is missing, expected %v", name, allowed[0])
	case !slices.ContainsFunc(allowed, func(s []int) bool { return slices.Equal(s, t.Shape) }):
		w.problem("%s has shape %v, expected %v", name, t.Shape, allowed[0])
	case !fits(dtypes[t.DType]):
		w.problem("%s holds elements of type %s, which no layer of this model has there", name, t.DType)
	default:
		return file, t, true
	}
	return nil, t, false
}

// dtypes maps the file's types to the bridge's: those that weights have. The zero value, Bool, stands for all others.
var dtypes = map[safetensors.DType]mlx.DType{
	safetensors.F32:  mlx.Float32,
	safetensors.F16:  mlx.Float16,
	safetensors.BF16: mlx.BFloat16,
	safetensors.U32:  mlx.Uint32,
}

// FloatType gives the type of the checkpoint's floats: that of its first 16-bit tensor, else Float32.
func FloatType(set *safetensors.Set) mlx.DType {
	for _, name := range set.Names() {
		if _, t, _ := set.Lookup(name); t.DType == safetensors.BF16 || t.DType == safetensors.F16 {
			return dtypes[t.DType]
		}
	}
	return mlx.Float32
}

// convert brings floats to dtype and frees the file's form, so that reading never holds both.
func (w *Weights) convert(a mlx.Array, dtype mlx.DType) mlx.Array {
	if a.IsNil() || w.scope.DType(a) == dtype {
		return a
	}
	return w.replace(a, w.scope.AsType(a, dtype))
}

// replace frees old once next stands for it; the graph keeps what it needs.
func (w *Weights) replace(old, next mlx.Array) mlx.Array {
	if w.scope.Err() == nil {
		w.scope.Fail(mlx.Free(w.scope.Keep(old)))
	}
	return next
}

func (w *Weights) later(a mlx.Array) mlx.Array {
	if !a.IsNil() {
		w.pending = append(w.pending, a)
	}
	return a
}

func (w *Weights) problem(format string, args ...any) {
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

// Ignore marks tensors as known and unused: those that match.
func (w *Weights) Ignore(match func(name string) bool) {
	for _, name := range w.set.Names() {
		if match(name) {
			w.used[name] = true
		}
	}
}

// Check tells every tensor that was missing, mis-shaped or never asked for, as one *tts.Error of CodeCorrupt.
func (w *Weights) Check(dir string) error {
	problems := w.problems
	for _, name := range w.set.Names() {
		if !w.used[name] {
			_, t, _ := w.set.Lookup(name)
			problems = append(problems, fmt.Sprintf("%s %v does not belong to this model", name, t.Shape))
		}
	}
	if len(problems) == 0 {
		return nil
	}
	const most = 5
	text := strings.Join(problems[:min(most, len(problems))], "; ")
	if more := len(problems) - most; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return tts.Errorf(tts.CodeCorrupt, "The files of this model don't belong together, or this is another model. Download it again.",
		"the checkpoint in %s does not fit its config.json: %s", dir, text)
}

// Read brings all tensors that were asked for into memory.
func (w *Weights) Read() error {
	for {
		if more, err := w.ReadSome(); err != nil || !more {
			return err
		}
	}
}

// readPiece is how many bytes ReadSome reads about: a moment's work.
const readPiece = 64 << 20

// ReadSome brings the next tensors into memory and reports whether there are more, so that other work may come in
// between. While one is brought into its form the next ones are read.
func (w *Weights) ReadSome() (more bool, err error) {
	n := 0
	for read := 0; read < readPiece && n < len(w.pending); n++ {
		size := w.scope.DType(w.pending[n]).Size()
		for _, d := range w.scope.Shape(w.pending[n]) {
			size *= d
		}
		read += size
	}
	w.scope.EvalLasting(w.pending[:n]...)
	w.pending = w.pending[n:]
	return len(w.pending) > 0 && w.scope.Err() == nil, w.scope.Err()
}
