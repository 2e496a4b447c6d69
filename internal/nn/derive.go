package nn

import (
	"slices"

	mlx "ttsui/mlxbridge"
)

// Derive gives what f makes of tensors, computed once when they are read. The tensors themselves are used up: nothing
// of them stays in memory. It is nil when one of them is, which then is among the problems that Check tells.
func (w *Weights) Derive(f func(s *mlx.Scope) mlx.Array, tensors ...mlx.Array) mlx.Array {
	if slices.ContainsFunc(tensors, mlx.Array.IsNil) {
		return mlx.Array{}
	}
	a := w.scope.Within(f)
	if w.scope.Err() != nil {
		return mlx.Array{}
	}
	w.drop(tensors)
	return w.later(a)
}

// join gives tensors of one type one below the other. What lies in one file as it is gets read straight to its place.
func (w *Weights) join(tensors []mlx.Array) mlx.Array {
	first := w.origin[tensors[0]]
	var spans []mlx.Span
	rows := 0
	for _, a := range tensors {
		from, ok := w.origin[a]
		if !ok || from.path != first.path {
			return w.Derive(func(s *mlx.Scope) mlx.Array { return s.Concat(0, tensors...) }, tensors...)
		}
		spans = append(spans, from.span())
		rows += from.tensor.Shape[0]
	}
	shape := append([]int{rows}, first.tensor.Shape[1:]...)
	return w.Derive(func(s *mlx.Scope) mlx.Array {
		return s.Load(first.path, spans, dtypes[first.tensor.DType], shape...)
	}, tensors...)
}

// Skip runs build and drops the tensors that it asks for. They are known to Check, with their shapes, but not read.
// What build makes can't be used.
func (w *Weights) Skip(build func()) {
	n := len(w.pending)
	build()
	w.drop(slices.Clone(w.pending[n:]))
}

func (w *Weights) drop(arrays []mlx.Array) {
	w.pending = slices.DeleteFunc(w.pending, func(a mlx.Array) bool { return slices.Contains(arrays, a) })
	for _, a := range arrays {
		w.scope.Fail(mlx.Free(w.scope.Keep(a)))
	}
}
