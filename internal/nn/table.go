package nn

import (
	"cmp"

	"ttsui/internal/safetensors"
	mlx "ttsui/mlxbridge"
)

// Table is an embedding that stays in its file. A text needs a few rows of a large vocabulary, and the table of a text
// vocabulary is a third of a model's bytes: its rows are read when they are asked for.
type Table struct {
	rows           *safetensors.Rows // [rows, width], or packed when quantised
	scales, biases *safetensors.Rows // nil unless quantised
	quant          mlx.Quantized     // its settings
	dtype          mlx.DType         // of what Lookup gives
}

// Table makes the table from name.weight [rows, width], quantised exactly when name.scales exists. It must be closed,
// also when there were problems.
func (w *Weights) Table(name string, rows, width int) Table {
	if !w.Has(name + ".scales") {
		return Table{rows: w.rows(name+".weight", isFloat, rows, width), dtype: w.dtype}
	}
	q := w.quantization(name, width)
	return Table{
		rows:   w.rows(name+".weight", isPacked, rows, width*q.Bits/32),
		scales: w.rows(name+".scales", isFloat, rows, width/q.GroupSize),
		biases: w.rows(name+".biases", isFloat, rows, width/q.GroupSize),
		quant:  mlx.Quantized{GroupSize: q.GroupSize, Bits: q.Bits},
		dtype:  w.dtype,
	}
}

// rows opens a tensor, nil when there is a problem.
func (w *Weights) rows(name string, fits func(mlx.DType) bool, shape ...int) *safetensors.Rows {
	file, t, ok := w.find(name, fits, shape)
	if !ok {
		return nil
	}
	rows, err := file.OpenRows(t)
	w.scope.Fail(err)
	return rows
}

// Lookup gives the rows [n, width] of ids, each in [0, rows). An error of the file becomes the scope's.
func (t Table) Lookup(s *mlx.Scope, ids []int) mlx.Array {
	if t.scales == nil {
		return s.AsType(take(s, t.rows, ids), t.dtype)
	}
	q := t.quant
	q.W = take(s, t.rows, ids)
	q.Scales, q.Biases = s.AsType(take(s, t.scales, ids), t.dtype), s.AsType(take(s, t.biases, ids), t.dtype)
	return s.Dequantize(q)
}

// take reads rows [n, …] as the file has them.
func take(s *mlx.Scope, rows *safetensors.Rows, ids []int) mlx.Array {
	data, err := rows.Read(ids)
	if err != nil {
		s.Fail(err)
		return mlx.Array{}
	}
	return s.Raw(data, dtypes[rows.DType], len(ids), rows.Shape[1])
}

// Close closes the table's file.
func (t Table) Close() error { return cmp.Or(t.rows.Close(), t.scales.Close(), t.biases.Close()) }
