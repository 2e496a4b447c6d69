package testkit

import (
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"

	"ttsui/internal/safetensors"
)

// groupSize is how many weights share a scale and an offset.
const groupSize = 64

// quantizable are the modules that mlx-audio's converter quantises.
var quantizable = regexp.MustCompile(`^talker\..*(_proj|linear_fc\d|codec_head|lm_head\.\d+|small_to_mtp_projection)\.weight$`)

func (s *CheckpointSpec) quantizes(t tensor) bool {
	return s.Bits > 0 && quantizable.MatchString(t.name) && (!s.Mixed || strings.Contains(t.name, "code_predictor")) && t.shape[1]%groupSize == 0
}

// quantized is t in MLX's affine form: words of packed numbers q, and for each group a scale and an offset, so that a
// weight is q·scale + offset. The numbers are evenly distributed, with the deviation that t asks for.
func (s *CheckpointSpec) quantized(t tensor, dtype safetensors.DType, random *random) []safetensors.Data {
	rows, columns := t.shape[0], t.shape[1]
	steps := math.Exp2(float64(s.Bits))
	scale := t.spread.std * math.Sqrt(12) / steps
	base := strings.TrimSuffix(t.name, ".weight")
	each := func(value float64) func(w io.Writer) error { // but of the row that is zero
		return func(w io.Writer) error { return constantRows(w, dtype, rows, columns/groupSize, value, t.zeroRow-1) }
	}
	words := columns * s.Bits / 32
	return []safetensors.Data{
		{Name: t.name, DType: safetensors.U32, Shape: []int{rows, words}, Write: func(w io.Writer) error { return random.words(w, t.name, rows, words) }},
		{Name: base + ".scales", DType: dtype, Shape: []int{rows, columns / groupSize}, Write: each(scale)},
		{Name: base + ".biases", DType: dtype, Shape: []int{rows, columns / groupSize}, Write: each(-scale * (steps - 1) / 2)},
	}
}

// constantRows writes a matrix of one value, zero in one row.
func constantRows(w io.Writer, dtype safetensors.DType, rows, columns int, value float64, zero int) error {
	size := dtype.Size()
	row := make([]byte, columns*size)
	for at := 0; at < len(row); at += size {
		bits := encodeFloat(dtype, value)
		for i := range size {
			row[at+i] = byte(bits >> (8 * i))
		}
	}
	for i := range rows {
		out := row
		if i == zero {
			out = make([]byte, len(row))
		}
		if _, err := w.Write(out); err != nil {
			return err
		}
	}
	return nil
}

// words writes random words, a row after the other.
func (r *random) words(w io.Writer, name string, rows, columns int) error {
	hash := fnv.New64a()
	io.WriteString(hash, name)
	source := rand.NewPCG(r.seed, hash.Sum64())
	row := make([]byte, 4*columns)
	for range rows {
		for at := 0; at < len(row); at += 4 {
			bits := source.Uint64()
			row[at], row[at+1], row[at+2], row[at+3] = byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24)
		}
		if _, err := w.Write(row); err != nil {
			return err
		}
	}
	return nil
}
