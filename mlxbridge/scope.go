package mlxbridge

// #include "mlxbridge.h"
import "C"

import (
	"slices"
	"unsafe"
)

// Array is a handle to an MLX array: a value to pass around. The zero Array is nil: no array. A handle of a freed
// array stays known as such, so using it is an error, not a crash.
type Array struct{ handle C.mlxb_array }

// IsNil reports whether a is no array.
func (a Array) IsNil() bool { return a.handle == 0 }

// Scope is an arena for the arrays of one piece of work, such as one codec frame. Its methods are MLX's operations.
// The first error sticks: from then on every operation does nothing and gives the nil Array, so a model reads like
// its formulas and the caller asks Err once. Close frees all arrays that the scope made and didn't give away.
type Scope struct {
	owned []Array
	err   error
}

// NewScope makes an empty scope.
func NewScope() *Scope { return &Scope{} }

// Err gives the first error.
func (s *Scope) Err() error { return s.err }

// Fail makes err the scope's error unless it has one already or err is nil.
func (s *Scope) Fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// Close frees the scope's arrays and gives its first error. The scope can be used again afterwards, without error.
func (s *Scope) Close() error {
	err := s.err
	if e := Free(s.owned...); err == nil {
		err = e
	}
	s.owned, s.err = s.owned[:0], nil
	return err
}

// Free frees arrays; nil ones are skipped. Freeing an array twice is an error.
func Free(arrays ...Array) error {
	arrays = slices.DeleteFunc(slices.Clone(arrays), Array.IsNil)
	if len(arrays) == 0 {
		return nil
	}
	p, n := handles(arrays)
	return failure(C.mlxb_free(p, n))
}

// op calls a bridge function that makes one array and takes the array into the scope.
func (s *Scope) op(call func(out *C.mlxb_array) *C.char) Array {
	if s.err != nil {
		return Array{}
	}
	var out C.mlxb_array
	if err := failure(call(&out)); err != nil {
		s.err = err
		return Array{}
	}
	a := Array{out}
	s.owned = append(s.owned, a)
	return a
}

// opN is op for a function that makes n arrays.
func (s *Scope) opN(n int, call func(out *C.mlxb_array) *C.char) []Array {
	all := make([]Array, n)
	if s.err != nil {
		return all
	}
	if err := failure(call((*C.mlxb_array)(unsafe.Pointer(unsafe.SliceData(all))))); err != nil {
		s.err = err
		return all
	}
	s.owned = append(s.owned, all...)
	return all
}

// Keep takes a out of the scope: it now belongs to the caller, who frees it.
func (s *Scope) Keep(a Array) Array {
	for i := len(s.owned) - 1; i >= 0; i-- {
		if s.owned[i] == a {
			s.owned = slices.Delete(s.owned, i, i+1)
			break
		}
	}
	return a
}

// Within runs f in a scope of its own and takes over the array that f gives; all else that f makes is freed at once.
// An error of f becomes the scope's.
func (s *Scope) Within(f func(s *Scope) Array) Array {
	if s.err != nil {
		return Array{}
	}
	inner := NewScope()
	a := f(inner)
	if inner.err == nil {
		inner.Keep(a)
	}
	if err := inner.Close(); err != nil {
		s.err = err
		return Array{}
	}
	if !a.IsNil() {
		s.owned = append(s.owned, a)
	}
	return a
}

// Held is an array that outlives scopes: a weight, a cache, a state carried from step to step. The zero Held holds
// nothing.
type Held struct{ array Array }

// Array gives the held array, nil when there is none.
func (h *Held) Array() Array { return h.array }

// Free frees the held array.
func (h *Held) Free() error {
	a := h.array
	h.array = Array{}
	return Free(a)
}

// Hold moves a from the scope into h and frees what h held. Freeing it at once, before the evaluation, is what lets
// MLX update a cache in place. Nothing changes when the scope has failed.
func (s *Scope) Hold(h *Held, a Array) {
	if s.err != nil || a.IsNil() {
		return
	}
	s.Keep(a)
	if err := h.Free(); err != nil {
		s.Fail(err)
	}
	h.array = a
}
