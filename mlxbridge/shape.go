package mlxbridge

// #include "mlxbridge.h"
import "C"

import "fmt"

// Reshape gives a's elements in row order another shape of the same size.
func (s *Scope) Reshape(a Array, shape ...int) Array {
	dims, rank := ints(shape)
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_reshape(out, a.handle, dims, rank) })
}

// Alias is a second handle to a, which outlives the first.
func (s *Scope) Alias(a Array) Array { return s.Reshape(a, s.Shape(a)...) }

// Transpose reorders the axes: axis i of the result is axis axes[i] of a.
func (s *Scope) Transpose(a Array, axes ...int) Array {
	p, n := ints(axes)
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_transpose(out, a.handle, p, n) })
}

// Contiguous gives the numbers in row order: of a view that isn't, a copy.
func (s *Scope) Contiguous(a Array) Array {
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_contiguous(out, a.handle) })
}

// Slice takes start[i] ≤ index < stop[i] along every axis i.
func (s *Scope) Slice(a Array, start, stop []int) Array {
	if len(start) != len(stop) {
		s.Fail(fmt.Errorf("mlx: slice from %v to %v", start, stop))
	}
	from, rank := ints(start)
	to, _ := ints(stop)
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_slice(out, a.handle, from, to, rank) })
}

// SliceAxis takes start ≤ index < stop along one axis and everything along the others.
func (s *Scope) SliceAxis(a Array, axis, start, stop int) Array {
	to := s.Shape(a)
	if axis < 0 {
		axis += len(to)
	}
	if axis < 0 || axis >= len(to) {
		s.Fail(fmt.Errorf("mlx: slice along axis %d of shape %v", axis, to))
		return Array{}
	}
	from := make([]int, len(to))
	from[axis], to[axis] = start, stop
	return s.Slice(a, from, to)
}

// Flip turns an axis round, the last index first. The result is a view.
func (s *Scope) Flip(a Array, axis int) Array {
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_flip(out, a.handle, cint(axis)) })
}

// SliceUpdate is a with update written at start. MLX does it in place when nothing else uses a: see Scope.Hold.
func (s *Scope) SliceUpdate(a, update Array, start ...int) Array {
	p, rank := ints(start)
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_slice_update(out, a.handle, update.handle, p, rank) })
}

// Concat joins arrays along an axis; nil ones are skipped.
func (s *Scope) Concat(axis int, arrays ...Array) Array {
	var some []Array
	for _, a := range arrays {
		if !a.IsNil() {
			some = append(some, a)
		}
	}
	p, n := handles(some)
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_concatenate(out, p, n, cint(axis)) })
}

// Pad puts low zeros before and high zeros behind along an axis.
func (s *Scope) Pad(a Array, axis, low, high int) Array { return s.pad(a, axis, low, high, false) }

// PadEdge is Pad with the first and the last element instead of zeros.
func (s *Scope) PadEdge(a Array, axis, low, high int) Array { return s.pad(a, axis, low, high, true) }

func (s *Scope) pad(a Array, axis, low, high int, edge bool) Array {
	return s.op(func(out *C.mlxb_array) *C.char {
		return C.mlxb_pad(out, a.handle, cint(axis), cint(low), cint(high), cbool(edge))
	})
}

// Take gathers rows of a's first axis; the result has the shape of indices followed by that of a row. An index out of
// range takes the last row, since the CPU backend would read foreign memory.
func (s *Scope) Take(a, indices Array) Array {
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_take(out, a.handle, indices.handle) })
}

// Sum adds along an axis, which stays with length 1 when keep is true.
func (s *Scope) Sum(a Array, axis int, keep bool) Array { return s.reduce(C.MLXB_SUM, a, axis, keep) }

// Mean averages along an axis.
func (s *Scope) Mean(a Array, axis int, keep bool) Array { return s.reduce(C.MLXB_MEAN, a, axis, keep) }

// ArgMax gives the first index of the largest along an axis, as Uint32.
func (s *Scope) ArgMax(a Array, axis int, keep bool) Array {
	return s.reduce(C.MLXB_ARGMAX, a, axis, keep)
}

// ArgMin gives the first index of the smallest along an axis, as Uint32.
func (s *Scope) ArgMin(a Array, axis int, keep bool) Array {
	return s.reduce(C.MLXB_ARGMIN, a, axis, keep)
}

func (s *Scope) reduce(kind C.mlxb_reduce_op, a Array, axis int, keep bool) Array {
	return s.op(func(out *C.mlxb_array) *C.char {
		return C.mlxb_reduce(out, kind, a.handle, cint(axis), cbool(keep))
	})
}

// Softmax is eᵃ/Σeᵃ along an axis, computed in float32.
func (s *Scope) Softmax(a Array, axis int) Array {
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_softmax(out, a.handle, cint(axis)) })
}

// RFFTPower is the power spectrum |FFT|² over the last axis, n samples → n/2+1 bins.
func (s *Scope) RFFTPower(a Array) Array {
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_rfft_power(out, a.handle) })
}

// Filter divides logits by the temperature, which is above 0, into Float32. Of those along the last axis that are below
// the topK-th largest (0: none are), and not among the likeliest whose probabilities reach topP (1: all are), it makes −∞.
func (s *Scope) Filter(logits Array, temperature float32, topK int, topP float32) Array {
	return s.op(func(out *C.mlxb_array) *C.char {
		return C.mlxb_filter(out, logits.handle, C.float(temperature), cint(topK), C.float(topP))
	})
}

// Categorical draws an index along the last axis with probability softmax(logits), as Uint32. A key gives always the same.
func (s *Scope) Categorical(logits Array, key uint64) Array {
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_categorical(out, logits.handle, C.uint64_t(key)) })
}
