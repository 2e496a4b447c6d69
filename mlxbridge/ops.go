package mlxbridge

// #include <stdlib.h>
// #include "mlxbridge.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// DType is the type of an array's elements.
type DType C.mlxb_dtype

// The element types.
const (
	Bool     DType = C.MLXB_BOOL
	Int32    DType = C.MLXB_INT32
	Uint32   DType = C.MLXB_UINT32
	Float16  DType = C.MLXB_FLOAT16
	BFloat16 DType = C.MLXB_BFLOAT16
	Float32  DType = C.MLXB_FLOAT32
)

// Size is the size of one element in bytes.
func (d DType) Size() int {
	switch d {
	case Bool:
		return 1
	case Float16, BFloat16:
		return 2
	}
	return 4
}

// String is the name of the type.
func (d DType) String() string {
	names := [...]string{"bool", "int32", "uint32", "float16", "bfloat16", "float32"}
	if int(d) < len(names) {
		return names[d]
	}
	return fmt.Sprintf("dtype(%d)", uint32(d))
}

// Floats makes a float32 array of the given shape.
func (s *Scope) Floats(data []float32, shape ...int) Array {
	return s.fromData(unsafe.Pointer(unsafe.SliceData(data)), len(data)*4, Float32, shape)
}

// Ints makes an int32 array of the given shape.
func (s *Scope) Ints(data []int32, shape ...int) Array {
	return s.fromData(unsafe.Pointer(unsafe.SliceData(data)), len(data)*4, Int32, shape)
}

// Raw makes an array of any type from its bytes in memory order.
func (s *Scope) Raw(data []byte, dtype DType, shape ...int) Array {
	return s.fromData(unsafe.Pointer(unsafe.SliceData(data)), len(data), dtype, shape)
}

func (s *Scope) fromData(p unsafe.Pointer, bytes int, dtype DType, shape []int) Array {
	dims, rank := ints(shape)
	return s.op(func(out *C.mlxb_array) *C.char {
		return C.mlxb_from_data(out, p, C.size_t(bytes), C.mlxb_dtype(dtype), dims, rank)
	})
}

// Full makes an array whose elements are all value.
func (s *Scope) Full(value float32, dtype DType, shape ...int) Array {
	dims, rank := ints(shape)
	return s.op(func(out *C.mlxb_array) *C.char {
		return C.mlxb_full(out, C.float(value), C.mlxb_dtype(dtype), dims, rank)
	})
}

// Zeros makes an array of zeros.
func (s *Scope) Zeros(dtype DType, shape ...int) Array { return s.Full(0, dtype, shape...) }

// Arange makes [start, start+1, …, stop−1].
func (s *Scope) Arange(start, stop int, dtype DType) Array {
	return s.op(func(out *C.mlxb_array) *C.char {
		return C.mlxb_arange(out, cint(start), cint(stop), C.mlxb_dtype(dtype))
	})
}

// Span is consecutive bytes of a file.
type Span struct{ Offset, Size int64 }

// Load makes an array whose bytes, in memory order, are those of spans of a file, one behind the other: several tensors
// with one below the other take no more than a single one. The file is opened now, and read when the array is first
// evaluated.
func (s *Scope) Load(path string, spans []Span, dtype DType, shape ...int) Array {
	cpath := C.CString(path)
	defer C.free(unsafe.Pointer(cpath))
	offsets, sizes := make([]C.int64_t, len(spans)), make([]C.int64_t, len(spans))
	for i, span := range spans {
		offsets[i], sizes[i] = C.int64_t(span.Offset), C.int64_t(span.Size)
	}
	dims, rank := ints(shape)
	return s.op(func(out *C.mlxb_array) *C.char {
		return C.mlxb_load(out, cpath, unsafe.SliceData(offsets), unsafe.SliceData(sizes), cint(len(spans)), C.mlxb_dtype(dtype), dims, rank)
	})
}

// Shape gives an array's dimensions, nil when the scope has failed.
func (s *Scope) Shape(a Array) []int {
	shape, _ := s.shape(a)
	return shape
}

// Dim gives the length of axis i, 0 when the scope has failed or a has no such axis; a negative i counts from the end.
func (s *Scope) Dim(a Array, i int) int {
	shape := s.Shape(a)
	if i < 0 {
		i += len(shape)
	}
	if i < 0 || i >= len(shape) {
		s.Fail(fmt.Errorf("mlx: no axis %d in shape %v", i, shape))
		return 0
	}
	return shape[i]
}

// DType gives the type of an array's elements.
func (s *Scope) DType(a Array) DType {
	_, dtype := s.shape(a)
	return dtype
}

func (s *Scope) shape(a Array) ([]int, DType) {
	if s.err != nil {
		return nil, 0
	}
	var dims [8]C.int
	var rank C.int
	var dtype C.mlxb_dtype
	if err := failure(C.mlxb_shape(a.handle, &dims[0], C.int(len(dims)), &rank, &dtype)); err != nil {
		s.err = err
		return nil, 0
	}
	shape := make([]int, rank)
	for i := range shape {
		shape[i] = int(dims[i])
	}
	return shape, DType(dtype)
}

// Eval computes the arrays and everything they depend on, and waits.
func (s *Scope) Eval(arrays ...Array) {
	s.evaluate(arrays, func(p *C.mlxb_array, n C.int) *C.char { return C.mlxb_eval(p, n) })
}

// EvalLasting is Eval for arrays that will be kept for long, such as weights: their memory goes back to the system when
// they are freed, whatever was made around them.
func (s *Scope) EvalLasting(arrays ...Array) {
	s.evaluate(arrays, func(p *C.mlxb_array, n C.int) *C.char { return C.mlxb_eval_lasting(p, n) })
}

// Beside has what f makes computed on a stream of its own: beside what is made outside of it, as far as neither needs
// the other.
func (s *Scope) Beside(f func()) {
	s.Fail(failure(C.mlxb_use_stream(1)))
	defer func() { s.Fail(failure(C.mlxb_use_stream(0))) }()
	f()
}

// Ready reports whether an array has been computed, so that nobody has to wait for it.
func (s *Scope) Ready(a Array) bool {
	var ready C.int
	s.Fail(failure(C.mlxb_ready(&ready, a.handle)))
	return ready != 0
}

// AsyncEval starts computing the arrays and returns at once; a later Eval or read waits for them.
func (s *Scope) AsyncEval(arrays ...Array) {
	s.evaluate(arrays, func(p *C.mlxb_array, n C.int) *C.char { return C.mlxb_async_eval(p, n) })
}

func (s *Scope) evaluate(arrays []Array, call func(*C.mlxb_array, C.int) *C.char) {
	if s.err == nil && len(arrays) > 0 {
		s.err = failure(call(handles(arrays)))
	}
}

// ReadFloats evaluates an array and gives its elements in row order.
func (s *Scope) ReadFloats(a Array) []float32 {
	data := make([]float32, s.size(a))
	if s.err == nil {
		s.Fail(failure(C.mlxb_read_f32(a.handle, (*C.float)(unsafe.Pointer(unsafe.SliceData(data))), C.size_t(len(data)))))
	}
	return data
}

// ReadInts evaluates an array and gives its elements in row order.
func (s *Scope) ReadInts(a Array) []int32 {
	data := make([]int32, s.size(a))
	if s.err == nil {
		s.Fail(failure(C.mlxb_read_i32(a.handle, (*C.int32_t)(unsafe.Pointer(unsafe.SliceData(data))), C.size_t(len(data)))))
	}
	return data
}

func (s *Scope) size(a Array) int {
	size := 1
	for _, n := range s.Shape(a) {
		size *= n
	}
	if s.err != nil {
		return 0
	}
	return size
}

// The element-wise operations.

// Abs is |a|.
func (s *Scope) Abs(a Array) Array { return s.unary(C.MLXB_ABS, a) }

// Exp is eᵃ.
func (s *Scope) Exp(a Array) Array { return s.unary(C.MLXB_EXP, a) }

// Log is the natural logarithm.
func (s *Scope) Log(a Array) Array { return s.unary(C.MLXB_LOG, a) }

// Sin is the sine.
func (s *Scope) Sin(a Array) Array { return s.unary(C.MLXB_SIN, a) }

// Square is a².
func (s *Scope) Square(a Array) Array { return s.unary(C.MLXB_SQUARE, a) }

// Sqrt is the square root.
func (s *Scope) Sqrt(a Array) Array { return s.unary(C.MLXB_SQRT, a) }

// Rsqrt is 1/√a.
func (s *Scope) Rsqrt(a Array) Array { return s.unary(C.MLXB_RSQRT, a) }

// Sigmoid is 1/(1+e⁻ᵃ).
func (s *Scope) Sigmoid(a Array) Array { return s.unary(C.MLXB_SIGMOID, a) }

// Tanh is the hyperbolic tangent.
func (s *Scope) Tanh(a Array) Array { return s.unary(C.MLXB_TANH, a) }

// SiLU is a·sigmoid(a).
func (s *Scope) SiLU(a Array) Array { return s.unary(C.MLXB_SILU, a) }

// GELU is a·Φ(a), exact by the error function.
func (s *Scope) GELU(a Array) Array { return s.unary(C.MLXB_GELU, a) }

// ELU is a where it is positive, else eᵃ−1.
func (s *Scope) ELU(a Array) Array { return s.unary(C.MLXB_ELU, a) }

// ReLU is max(a, 0).
func (s *Scope) ReLU(a Array) Array { return s.unary(C.MLXB_RELU, a) }

func (s *Scope) unary(kind C.mlxb_unary_op, a Array) Array {
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_unary(out, kind, a.handle) })
}

// Add is a + b; shapes broadcast here and in all binary operations.
func (s *Scope) Add(a, b Array) Array { return s.binary(C.MLXB_ADD, a, b) }

// Sub is a − b.
func (s *Scope) Sub(a, b Array) Array { return s.binary(C.MLXB_SUB, a, b) }

// Mul is a · b.
func (s *Scope) Mul(a, b Array) Array { return s.binary(C.MLXB_MUL, a, b) }

// Div is a / b.
func (s *Scope) Div(a, b Array) Array { return s.binary(C.MLXB_DIV, a, b) }

// Maximum is the larger of a and b.
func (s *Scope) Maximum(a, b Array) Array { return s.binary(C.MLXB_MAXIMUM, a, b) }

// Equal is a = b, as Bool.
func (s *Scope) Equal(a, b Array) Array { return s.binary(C.MLXB_EQUAL, a, b) }

// Greater is a > b, as Bool.
func (s *Scope) Greater(a, b Array) Array { return s.binary(C.MLXB_GREATER, a, b) }

// LessEqual is a ≤ b, as Bool.
func (s *Scope) LessEqual(a, b Array) Array { return s.binary(C.MLXB_LESS_EQUAL, a, b) }

// Or is the logical or.
func (s *Scope) Or(a, b Array) Array { return s.binary(C.MLXB_OR, a, b) }

func (s *Scope) binary(kind C.mlxb_binary_op, a, b Array) Array {
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_binary(out, kind, a.handle, b.handle) })
}

// AddScalar is a + b in a's type.
func (s *Scope) AddScalar(a Array, b float32) Array { return s.scalar(C.MLXB_ADD, a, b) }

// MulScalar is a · b in a's type.
func (s *Scope) MulScalar(a Array, b float32) Array { return s.scalar(C.MLXB_MUL, a, b) }

// DivScalar is a / b in a's type.
func (s *Scope) DivScalar(a Array, b float32) Array { return s.scalar(C.MLXB_DIV, a, b) }

// MaxScalar is the larger of a and b.
func (s *Scope) MaxScalar(a Array, b float32) Array { return s.scalar(C.MLXB_MAXIMUM, a, b) }

// MinScalar is the smaller of a and b.
func (s *Scope) MinScalar(a Array, b float32) Array { return s.scalar(C.MLXB_MINIMUM, a, b) }

// GreaterScalar is a > b, as Bool.
func (s *Scope) GreaterScalar(a Array, b float32) Array { return s.scalar(C.MLXB_GREATER, a, b) }

// LessEqualScalar is a ≤ b, as Bool.
func (s *Scope) LessEqualScalar(a Array, b float32) Array { return s.scalar(C.MLXB_LESS_EQUAL, a, b) }

func (s *Scope) scalar(kind C.mlxb_binary_op, a Array, b float32) Array {
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_binary_scalar(out, kind, a.handle, C.float(b)) })
}

// Where takes a where cond holds, else b.
func (s *Scope) Where(cond, a, b Array) Array {
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_where(out, cond.handle, a.handle, b.handle) })
}

// AsType converts the elements; an array that has the type already comes back as it is.
func (s *Scope) AsType(a Array, dtype DType) Array {
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_astype(out, a.handle, C.mlxb_dtype(dtype)) })
}
