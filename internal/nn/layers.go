package nn

import (
	"slices"
	"strings"

	mlx "ttsui/mlxbridge"
)

// Linear is y = x·Wᵀ + b.
type Linear struct {
	w     mlx.Array      // [out, in], nil when quantised
	quant *mlx.Quantized // [out, in]
	bias  mlx.Array      // [out] or nil
}

// Linear makes the layer from name.weight [out, in] and, when bias is true, name.bias [out]. It is quantised exactly
// when name.scales exists.
func (w *Weights) Linear(name string, in, out int, bias bool) Linear {
	l := Linear{}
	if w.Has(name + ".scales") {
		l.quant = w.quantized(name, in, out)
	} else {
		l.w = w.Tensor(name+".weight", out, in)
	}
	if bias {
		l.bias = w.Tensor(name+".bias", out)
	}
	return l
}

func (w *Weights) quantized(name string, in, out int) *mlx.Quantized {
	q := w.quantization(name, in)
	return &mlx.Quantized{
		W:         w.packed(name+".weight", out, in*q.Bits/32),
		Scales:    w.Tensor(name+".scales", out, in/q.GroupSize),
		Biases:    w.Tensor(name+".biases", out, in/q.GroupSize),
		GroupSize: q.GroupSize,
		Bits:      q.Bits,
	}
}

// quantization gives how a module of so many inputs is quantised.
func (w *Weights) quantization(name string, in int) Quantization {
	q := w.quant
	if own, ok := q.Modules[name]; ok {
		q = own
	}
	if !slices.Contains([]int{16, 32, 64, 128}, q.GroupSize) || !slices.Contains([]int{2, 3, 4, 5, 6, 8}, q.Bits) || in%q.GroupSize != 0 {
		w.problem("%s is quantised, but config.json's quantization (group_size %d, bits %d) doesn't fit its %d inputs", name, q.GroupSize, q.Bits, in)
		q = Quantization{GroupSize: in, Bits: 32}
	}
	return q
}

// Apply maps x [..., in] to [..., out].
func (l Linear) Apply(s *mlx.Scope, x mlx.Array) mlx.Array { return l.project(s, x, mlx.Projection{}) }

// ApplyNormed maps norm(x), x [..., in], to [..., out].
func (l Linear) ApplyNormed(s *mlx.Scope, norm RMSNorm, x mlx.Array) mlx.Array {
	return l.project(s, x, norm.before())
}

// project is l in the company of what p has beside a matrix.
func (l Linear) project(s *mlx.Scope, x mlx.Array, p mlx.Projection) mlx.Array {
	p.W, p.Quant, p.Bias = l.w, l.quant, l.bias
	return s.Project(x, p)
}

// stack is maps of one input, without biases: a single one that gives all results side by side, or, where some are
// quantised in another way than the rest, one after the other.
type stack []Linear

func (w *Weights) stack(parts ...Linear) stack {
	join := func(of func(l Linear) mlx.Array) mlx.Array {
		var tensors []mlx.Array
		for _, l := range parts {
			tensors = append(tensors, of(l))
		}
		return w.join(tensors)
	}
	first := parts[0].quant
	if slices.ContainsFunc(parts, func(l Linear) bool { return !alike(l.quant, first) }) {
		return parts
	}
	if first == nil {
		return stack{{w: join(func(l Linear) mlx.Array { return l.w })}}
	}
	return stack{{quant: &mlx.Quantized{
		W:         join(func(l Linear) mlx.Array { return l.quant.W }),
		Scales:    join(func(l Linear) mlx.Array { return l.quant.Scales }),
		Biases:    join(func(l Linear) mlx.Array { return l.quant.Biases }),
		GroupSize: first.GroupSize,
		Bits:      first.Bits,
	}}}
}

// alike reports whether matrices are quantised in the same way, or neither is.
func alike(a, b *mlx.Quantized) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.GroupSize == b.GroupSize && a.Bits == b.Bits
}

// project maps x [time, in] to all results [time, …] side by side.
func (st stack) project(s *mlx.Scope, x mlx.Array, p mlx.Projection) mlx.Array {
	if len(st) == 1 {
		return st[0].project(s, x, p)
	}
	var results []mlx.Array
	for _, l := range st {
		results = append(results, l.project(s, x, p))
	}
	return s.Concat(1, results...)
}

// Embedding is a table of rows.
type Embedding struct {
	table mlx.Array // [rows, width], nil when quantised
	quant *mlx.Quantized
	Rows  int
}

// Embedding makes the table from name.weight [rows, width], quantised exactly when name.scales exists.
func (w *Weights) Embedding(name string, rows, width int) Embedding {
	if w.Has(name + ".scales") {
		return Embedding{quant: w.quantized(name, width, rows), Rows: rows}
	}
	return Embedding{table: w.Tensor(name+".weight", rows, width), Rows: rows}
}

// Lookup gives the rows [n, width] of ids [n], integers in [0, Rows).
func (e Embedding) Lookup(s *mlx.Scope, ids mlx.Array) mlx.Array {
	if e.quant == nil {
		return s.Take(e.table, ids)
	}
	rows := *e.quant
	rows.W, rows.Scales, rows.Biases = s.Take(rows.W, ids), s.Take(rows.Scales, ids), s.Take(rows.Biases, ids)
	return s.Dequantize(rows)
}

// RMSNorm is x/√(mean(x²)+eps)·w over the last axis.
type RMSNorm struct {
	w   mlx.Array // [width]
	eps float32
}

// RMSNorm makes the layer from name.weight [width].
func (w *Weights) RMSNorm(name string, width int, eps float32) RMSNorm {
	return RMSNorm{w.Tensor(name+".weight", width), eps}
}

// Apply normalises x [..., width].
func (n RMSNorm) Apply(s *mlx.Scope, x mlx.Array) mlx.Array { return s.RMSNorm(x, n.w, n.eps) }

// before is a projection whose input n normalises.
func (n RMSNorm) before() mlx.Projection { return mlx.Projection{Norm: n.w, Eps: n.eps} }

// LayerNorm is (x−mean)/√(var+eps)·w + b over the last axis.
type LayerNorm struct {
	w, b mlx.Array // [width]
	eps  float32
}

// LayerNorm makes the layer from name.weight and name.bias [width].
func (w *Weights) LayerNorm(name string, width int, eps float32) LayerNorm {
	return LayerNorm{w.Tensor(name+".weight", width), w.Tensor(name+".bias", width), eps}
}

// Apply normalises x [..., width].
func (n LayerNorm) Apply(s *mlx.Scope, x mlx.Array) mlx.Array { return s.LayerNorm(x, n.w, n.b, n.eps) }

// SwiGLU is the gated feed-forward block down(silu(gate(x))·up(x)).
type SwiGLU struct {
	gateUp stack
	down   Linear
}

// SwiGLU makes the block from name.{gate,up,down}_proj, without biases.
func (w *Weights) SwiGLU(name string, width, inner int) SwiGLU {
	gate, up := w.Linear(name+".gate_proj", width, inner, false), w.Linear(name+".up_proj", width, inner, false)
	return SwiGLU{gateUp: w.stack(gate, up), down: w.Linear(name+".down_proj", inner, width, false)}
}

// Apply maps x [time, width] to [time, width].
func (m SwiGLU) Apply(s *mlx.Scope, x mlx.Array) mlx.Array {
	return m.down.Apply(s, m.inner(s, x, mlx.Projection{}))
}

// Residual gives x + m(norm(x)) for x [time, width].
func (m SwiGLU) Residual(s *mlx.Scope, x mlx.Array, norm RMSNorm) mlx.Array {
	return m.down.project(s, m.inner(s, x, norm.before()), mlx.Projection{Add: x})
}

// inner gives silu(gate(x))·up(x) [time, inner].
func (m SwiGLU) inner(s *mlx.Scope, x mlx.Array, p mlx.Projection) mlx.Array {
	if len(m.gateUp) == 1 {
		p.Gated = true
		return m.gateUp[0].project(s, x, p)
	}
	return s.SwiGLU(m.gateUp[0].project(s, x, p), m.gateUp[1].project(s, x, p))
}

// ParseQuantization reads config.json's "quantization" object, whose keys are the settings and, for modules that
// differ, their paths.
func ParseQuantization(object map[string]any) Quantization {
	number := func(m map[string]any, key string) int {
		f, _ := m[key].(float64)
		return int(f)
	}
	q := Quantization{GroupSize: number(object, "group_size"), Bits: number(object, "bits"), Modules: map[string]Quantization{}}
	for path, value := range object {
		if own, ok := value.(map[string]any); ok && strings.Contains(path, ".") {
			q.Modules[path] = Quantization{GroupSize: number(own, "group_size"), Bits: number(own, "bits")}
		}
	}
	return q
}
