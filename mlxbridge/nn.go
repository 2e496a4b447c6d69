package mlxbridge

// #include "mlxbridge.h"
import "C"

// MatMul is the matrix product over the last two axes.
func (s *Scope) MatMul(a, b Array) Array {
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_matmul(out, a.handle, b.handle) })
}

// Projection is a linear map with what stands before and after it, as one operation: Add + f(norm(x)·wᵀ + Bias). All but
// the matrix may be left out.
type Projection struct {
	W     Array      // [out, in], nil when quantised
	Quant *Quantized // [out, in], or nil
	Bias  Array      // [out]
	Norm  Array      // [in]: x is x/√(mean(x²)+Eps)·Norm
	Eps   float32
	Add   Array // of the result's shape
	Gated bool  // the matrix is the rows of a gate and then as many others, of up; f is silu(gate)·up
}

// Project maps x [..., in] to [..., out], or when gated to [..., out/2].
func (s *Scope) Project(x Array, p Projection) Array {
	q := Quantized{W: p.W}
	if p.Quant != nil {
		q = *p.Quant
	}
	return s.op(func(out *C.mlxb_array) *C.char {
		return C.mlxb_project(out, x.handle, q.W.handle, q.Scales.handle, q.Biases.handle, cint(q.GroupSize), cint(q.Bits),
			p.Norm.handle, C.float(p.Eps), p.Bias.handle, p.Add.handle, cbool(p.Gated))
	})
}

// Linear is x·wᵀ + bias, w [out, in]; bias [out] may be nil.
func (s *Scope) Linear(x, w, bias Array) Array { return s.Project(x, Projection{W: w, Bias: bias}) }

// Quantized is a matrix [out, in] in affine quantisation: element = scale·q + bias, one scale and one bias for each
// group of GroupSize elements along a row.
type Quantized struct {
	W, Scales, Biases Array // Uint32 [out, in·Bits/32], [out, in/GroupSize], [out, in/GroupSize]
	GroupSize, Bits   int   // 16, 32, 64 or 128; 2, 3, 4, 5, 6 or 8
}

// Dequantize gives the matrix [out, in] in the type of its scales.
func (s *Scope) Dequantize(q Quantized) Array {
	return s.op(func(out *C.mlxb_array) *C.char {
		return C.mlxb_dequantize(out, q.W.handle, q.Scales.handle, q.Biases.handle, cint(q.GroupSize), cint(q.Bits))
	})
}

// Quantize makes the affine quantisation of w [out, in].
func (s *Scope) Quantize(w Array, groupSize, bits int) Quantized {
	parts := s.opN(3, func(out *C.mlxb_array) *C.char { return C.mlxb_quantize(out, w.handle, cint(groupSize), cint(bits)) })
	return Quantized{parts[0], parts[1], parts[2], groupSize, bits}
}

// Snake is x + sin²(x·rate)·gain, x [time, channels], rate and gain [channels].
func (s *Scope) Snake(x, rate, gain Array) Array {
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_snake(out, x.handle, rate.handle, gain.handle) })
}

// SwiGLU is silu(gate)·up, of the same shape.
func (s *Scope) SwiGLU(gate, up Array) Array {
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_swiglu(out, gate.handle, up.handle) })
}

// RMSNorm is x/√(mean(x²)+eps)·w over the last axis.
func (s *Scope) RMSNorm(x, w Array, eps float32) Array {
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_rms_norm(out, x.handle, w.handle, C.float(eps)) })
}

// LayerNorm is (x−mean)/√(var+eps)·w + b over the last axis.
func (s *Scope) LayerNorm(x, w, b Array, eps float32) Array {
	return s.op(func(out *C.mlxb_array) *C.char {
		return C.mlxb_layer_norm(out, x.handle, w.handle, b.handle, C.float(eps))
	})
}

// RoPE turns the pairs (j, j+dims/2) of x [batch, heads, time, dims] by the angle (offset+t)·theta^(−2j/dims).
func (s *Scope) RoPE(x Array, dims int, theta float32, offset int) Array {
	return s.op(func(out *C.mlxb_array) *C.char {
		return C.mlxb_rope(out, x.handle, cint(dims), C.float(theta), cint(offset))
	})
}

// Attender is what an attention with caches is made of, beside its rows.
type Attender struct {
	Heads        int     // of the queries; a multiple of those of the caches
	QNorm, KNorm Array   // [dim]: RMSNorm of each head's query and key; nil for none
	Eps          float32 // of the norms
	Theta        float32 // base of the rotary angles
}

// KV is a sequence's cache [2, kv heads, room, dim], its keys and its values, and the position of its next row.
type KV struct {
	Cache Array
	At    int
}

// Attend lets new rows qkv [sequences·time, (heads + 2·kv heads)·dim], which are queries, keys and values side by side, the
// rows of one sequence below those of another, attend to themselves and to the past of their sequence, causally. It gives
// y [sequences·time, heads·dim] and each sequence's cache with the new rows, which is made in place when nobody else holds
// the past: Hold it before the evaluation.
func (s *Scope) Attend(qkv Array, a Attender, past ...KV) (y Array, next []KV) {
	var caches []Array
	var at []int
	for _, p := range past {
		caches, at = append(caches, p.Cache), append(at, p.At)
	}
	c, _ := handles(caches)
	p, n := ints(at)
	all := s.opN(1+len(past), func(out *C.mlxb_array) *C.char {
		return C.mlxb_attend(out, qkv.handle, a.QNorm.handle, a.KNorm.handle, C.float(a.Eps), c, cint(a.Heads), C.float(a.Theta), p, n)
	})
	time := s.Dim(qkv, 0) / max(len(past), 1)
	for i, p := range past {
		next = append(next, KV{all[1+i], p.At + time})
	}
	return all[0], next
}

// Attention is softmax(scale·q·kᵀ + mask)·v. q [batch, heads, time, dim], k and v [batch, kv heads, positions, dim]
// with kv heads dividing heads: query head h uses kv head h/(heads/kv heads). mask broadcasts to [batch, heads, time,
// positions] and may be nil.
func (s *Scope) Attention(q, k, v Array, scale float32, mask Array) Array {
	return s.attention(q, k, v, scale, false, mask)
}

// CausalAttention is Attention in which the queries are the last positions and see only those up to their own.
func (s *Scope) CausalAttention(q, k, v Array, scale float32) Array {
	return s.attention(q, k, v, scale, true, Array{})
}

func (s *Scope) attention(q, k, v Array, scale float32, causal bool, mask Array) Array {
	return s.op(func(out *C.mlxb_array) *C.char {
		return C.mlxb_attention(out, q.handle, k.handle, v.handle, C.float(scale), cbool(causal), mask.handle)
	})
}

// ConvWeights brings the weights w [out…, k, in] of a convolution without groups into the form in which Conv1D reads them
// best on this machine, which only Conv1D knows. Its outputs are those of all the axes in front. w may be a view.
func (s *Scope) ConvWeights(w Array) Array {
	return s.op(func(out *C.mlxb_array) *C.char { return C.mlxb_conv_weights(out, w.handle) })
}

// Conv1D is the convolution of x [batch, time, in] with w [out, k, in/groups], or what ConvWeights made of it, without
// padding, plus bias [out], which may be nil. Weights in BFloat16 may round a Float32 x to as much before it is multiplied.
func (s *Scope) Conv1D(x, w, bias Array, stride, dilation, groups int) Array {
	return s.op(func(out *C.mlxb_array) *C.char {
		return C.mlxb_conv1d(out, x.handle, w.handle, bias.handle, cint(stride), cint(dilation), cint(groups))
	})
}
