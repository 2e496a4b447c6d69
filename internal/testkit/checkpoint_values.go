package testkit

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"os"

	"ttsui/internal/safetensors"
)

// quantileBits is how many random bits make a value; a 64-bit number then makes five of them.
const quantileBits = 12

// random writes normally distributed tensors at about the speed of memory: it draws from a table of quantiles that
// are already scaled and encoded as the file wants them.
type random struct {
	seed      uint64
	dtype     safetensors.DType
	quantiles [1 << quantileBits]float64 // of the standard normal distribution
}

func newRandom(seed uint64, dtype safetensors.DType) *random {
	r := &random{seed: seed, dtype: dtype}
	for i := range r.quantiles {
		p := (float64(i) + 0.5) / float64(len(r.quantiles))
		r.quantiles[i] = math.Sqrt2 * math.Erfinv(2*p-1)
	}
	return r
}

// write writes the values of t, a row of the first axis after the other, so that no tensor is ever in memory.
func (r *random) write(w io.Writer, t tensor) error {
	var table [1 << quantileBits]uint32
	for i, q := range r.quantiles {
		table[i] = encodeFloat(r.dtype, t.spread.mean+t.spread.std*q)
	}
	name := fnv.New64a()
	io.WriteString(name, t.name)
	source := rand.NewPCG(r.seed, name.Sum64())
	size := r.dtype.Size()

	rows := t.shape[0]
	if len(t.shape) == 1 {
		rows = 1
	}
	row := make([]byte, t.len()/rows*size)
	for i := range rows {
		fill(row, size, &table, source)
		if i+1 == t.zeroRow {
			clear(row)
		}
		out := row
		if t.swapped {
			out = transpose(row, t.shape[1], t.shape[2], size)
		}
		if _, err := w.Write(out); err != nil {
			return err
		}
	}
	return nil
}

// fill fills row with elements of size bytes, drawn from table.
func fill(row []byte, size int, table *[1 << quantileBits]uint32, source *rand.PCG) {
	const mask = 1<<quantileBits - 1
	for len(row) > 0 {
		bits := source.Uint64()
		for k := 0; k < 64/quantileBits && len(row) > 0; k++ {
			value := table[bits&mask]
			if size == 2 {
				binary.LittleEndian.PutUint16(row, uint16(value))
			} else {
				binary.LittleEndian.PutUint32(row, value)
			}
			row = row[size:]
			bits >>= quantileBits
		}
	}
}

// transpose turns a matrix of rows × cols elements of size bytes.
func transpose(m []byte, rows, cols, size int) []byte {
	out := make([]byte, 0, len(m))
	for c := range cols {
		for r := range rows {
			at := (r*cols + c) * size
			out = append(out, m[at:at+size]...)
		}
	}
	return out
}

// encodeFloat rounds v to dtype, to the nearest, and gives its bits.
func encodeFloat(dtype safetensors.DType, v float64) uint32 {
	single := math.Float32bits(float32(v))
	switch dtype {
	case safetensors.BF16: // the upper half of a float32
		return (single + 0x7fff + single>>16&1) >> 16
	case safetensors.F16:
		return single>>31<<15 | halfMagnitude(math.Abs(v))
	}
	return single
}

// halfMagnitude gives the bits of a float16 that is not negative: below 2^-14 counted in steps of 2^-24, above with
// 11 significant bits, whose carry runs into the exponent as it should.
func halfMagnitude(v float64) uint32 {
	if v < 1.0/(1<<14) {
		return uint32(math.RoundToEven(v * (1 << 24)))
	}
	fraction, exponent := math.Frexp(v)
	return uint32(exponent+13)<<10 + uint32(math.RoundToEven(fraction*(1<<11)))
}

// blockSize is how much is written at once.
const blockSize = 1 << 20

// holeWriter writes to a new file, but leaves a hole for a block of zeros.
type holeWriter struct {
	f     *os.File
	zeros []byte
}

func newHoleWriter(f *os.File) holeWriter { return holeWriter{f, make([]byte, blockSize)} }

func (h holeWriter) Write(p []byte) (int, error) {
	if len(p) > len(h.zeros) || !bytes.Equal(p, h.zeros[:len(p)]) {
		return h.f.Write(p)
	}
	_, err := h.f.Seek(int64(len(p)), io.SeekCurrent)
	return len(p), err
}

// writeZeros writes n zero bytes.
func writeZeros(w io.Writer, n int) error {
	block := make([]byte, min(n, blockSize))
	for n > 0 {
		k, err := w.Write(block[:min(n, len(block))])
		if err != nil {
			return err
		}
		n -= k
	}
	return nil
}
