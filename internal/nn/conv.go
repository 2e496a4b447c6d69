package nn

import mlx "ttsui/mlxbridge"

// Conv1D is a convolution over time without padding of its own.
type Conv1D struct {
	w        mlx.Array // [out, k, in/groups], or as ConvWeights has it
	bias     mlx.Array // [out] or nil
	Kernel   int
	Stride   int
	Dilation int
	groups   int
}

// Order says how a checkpoint may store convolution weights.
type Order int

// The orders.
const (
	Torch       Order = iota // [out, in, k] only
	TorchOrMLX               // [out, in, k] or [out, k, in], told apart by the expected shape
	TorchGroups              // [channels, 1, k]: one filter for each channel
)

// Conv1D makes a convolution of stride and dilation 1 from name.weight and, when bias is true, name.bias [out].
func (w *Weights) Conv1D(name string, in, out, kernel int, bias bool, order Order) Conv1D {
	c := Conv1D{Kernel: kernel, Stride: 1, Dilation: 1, groups: 1}
	if order == TorchGroups {
		c.groups, in = in, 1
	}
	allowed := [][]int{{out, in, kernel}}
	if order == TorchOrMLX {
		allowed = append(allowed, []int{out, kernel, in})
	}
	if t := w.tensor(name+".weight", isFloat, allowed...); !t.IsNil() {
		c.w = w.later(w.inOrder(w.convert(t, w.conv), in, kernel, c.groups))
	}
	if bias {
		c.bias = w.Tensor(name+".bias", out)
	}
	return c
}

// inOrder brings [out, in, k], or [out, k, in], to the order in which it is convolved.
func (w *Weights) inOrder(t mlx.Array, in, kernel, groups int) mlx.Array {
	return w.replace(t, w.scope.Within(func(s *mlx.Scope) mlx.Array {
		ordered := t
		if shape := s.Shape(t); s.Err() == nil && (shape[1] != kernel || shape[2] != in || in == kernel) {
			ordered = s.Transpose(t, 0, 2, 1)
		}
		if groups > 1 {
			return s.Contiguous(ordered) // as a view it would be copied anew at every use
		}
		return s.ConvWeights(ordered)
	}))
}

// Apply convolves x [time, in] to [(time−(k−1)·dilation−1)/stride + 1, out].
func (c Conv1D) Apply(s *mlx.Scope, x mlx.Array) mlx.Array {
	shape := s.Shape(x)
	if s.Err() != nil {
		return mlx.Array{}
	}
	y := s.Conv1D(s.Reshape(x, 1, shape[0], shape[1]), c.w, c.bias, c.Stride, c.Dilation, c.groups)
	return s.Reshape(y, s.Dim(y, 1), s.Dim(y, 2))
}

// Span is how many input rows one output row sees: (k−1)·dilation + 1.
func (c Conv1D) Span() int { return (c.Kernel-1)*c.Dilation + 1 }

// ConvTranspose1D is a transposed convolution over time whose kernel is a whole number of strides long. Then
//
//	y[t·stride+j] = Σ_m x[t−m]·w[m·stride+j] + bias
//
// is a convolution over the input rows that gives, for every t, the stride·out values of stride output rows.
type ConvTranspose1D struct {
	w      mlx.Array // [stride·out, taps, in], the oldest row's tap first, as ConvWeights has it
	bias   mlx.Array // [stride·out]
	taps   int
	stride int
	out    int
}

// ConvTranspose1D makes the layer from name.weight, stored [in, out, k], and name.bias [out]. stride divides kernel.
func (w *Weights) ConvTranspose1D(name string, in, out, kernel, stride int) ConvTranspose1D {
	taps := kernel / stride
	weight, bias := w.In(w.conv).Tensor(name+".weight", in, out, kernel), w.Tensor(name+".bias", out)
	return ConvTranspose1D{
		w: w.Derive(func(s *mlx.Scope) mlx.Array {
			split := s.Transpose(s.Reshape(weight, in, out, taps, stride), 3, 1, 2, 0) // [stride, out, taps, in], m = 0 first
			return s.ConvWeights(s.Flip(split, 2))
		}, weight),
		bias: w.Derive(func(s *mlx.Scope) mlx.Array {
			return s.Reshape(s.Add(s.Zeros(w.dtype, stride, out), bias), stride*out)
		}, bias),
		taps:   taps,
		stride: stride,
		out:    out,
	}
}

// Apply convolves x [time, in] to [(time−Span()+1)·stride, out]: the output rows for which all input rows are there.
// Those of a signal's beginning want Span()−1 rows of zeros in front of it.
func (c ConvTranspose1D) Apply(s *mlx.Scope, x mlx.Array) mlx.Array {
	shape := s.Shape(x)
	if s.Err() != nil {
		return mlx.Array{}
	}
	y := s.Conv1D(s.Reshape(x, 1, shape[0], shape[1]), c.w, c.bias, 1, 1, 1) // [1, time−Span()+1, stride·out]
	return s.Reshape(y, s.Dim(y, 1)*c.stride, c.out)
}

// Span is how many input rows one output row sees.
func (c ConvTranspose1D) Span() int { return c.taps }
