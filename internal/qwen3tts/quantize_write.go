package qwen3tts

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"

	"ttsui/internal/atomicfile"
	"ttsui/internal/safetensors"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// WriteQuantized writes the weights, their index and the configuration into dir. It holds a few megabytes at a time,
// however large the model is, and takes the MLX thread for moments only. Tell hears of the bytes of weights that are
// written. An error, the end of ctx among them, may leave some of the files.
func (l *Loader) WriteQuantized(ctx context.Context, q *Quantized, dir string, tell func(done int64)) error {
	if err := q.check(ctx, l); err != nil {
		return err
	}
	w := &quantizedWriter{Quantized: q, ctx: ctx, thread: l.thread, tell: tell}
	if err := w.weights(filepath.Join(dir, "model.safetensors")); err != nil {
		return err
	}
	if err := w.index(filepath.Join(dir, "model.safetensors.index.json")); err != nil {
		return err
	}
	text, err := q.config()
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(dir, "config.json"), text)
}

// quantizedWriter is a copy on its way to the disk.
type quantizedWriter struct {
	*Quantized
	ctx    context.Context
	thread *mlx.Thread
	tell   func(done int64)

	done           int64
	scales, biases []byte // of the module whose weights were written last
}

// weights writes the tensors one after the other.
func (w *quantizedWriter) weights(path string) error {
	out, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer out.Abort()
	var list []safetensors.Data
	for _, t := range w.tensors {
		list = append(list, safetensors.Data{Name: t.Name, DType: t.DType, Shape: t.Shape, Write: func(to io.Writer) error {
			return w.tensor(counted{w, to}, t.Name)
		}})
	}
	buffered := bufio.NewWriterSize(out, 1<<20)
	err = safetensors.Write(buffered, map[string]string{"format": "mlx"}, list)
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return w.explain(path, err)
	}
	if err := w.thread.Do(context.Background(), func() { err = mlx.ClearCache() }); err != nil {
		return err
	}
	return out.Commit()
}

// explain keeps what is an error for users in it.
func (w *quantizedWriter) explain(path string, err error) error {
	var known *tts.Error
	switch {
	case w.ctx.Err() != nil:
		return canceled(w.ctx)
	case errors.As(err, &known):
		return known
	}
	return tts.Errorf(tts.CodeInternal, "This is a bug in TTSUI.", "write %s: %w", path, err)
}

// counted tells how much is written, and stops when ctx ends.
type counted struct {
	*quantizedWriter
	to io.Writer
}

// Write implements io.Writer.
func (c counted) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.to.Write(p)
	c.done += int64(n)
	c.tell(c.done)
	return n, err
}

// tensor writes one tensor: one of the three that a quantised module has, or a copy of the original's.
func (w *quantizedWriter) tensor(to io.Writer, name string) error {
	file, t, ok := w.set.Lookup(name)
	if !ok { // the scales or biases of the module before
		data := w.scales
		if filepath.Ext(name) == ".biases" {
			data = w.biases
		}
		_, err := to.Write(data)
		return err
	}
	if bits := w.modules[strings.TrimSuffix(name, ".weight")]; bits > 0 {
		return w.quantize(to, file, t, bits)
	}
	if !w.reorders(t) {
		return file.CopyRange(to, t, 0, t.Size)
	}
	data, err := file.Bytes(name)
	if err != nil {
		return err
	}
	_, err = to.Write(swapAxes(data, t.Shape, t.DType.Size()))
	return err
}

// swapAxes brings [out, a, b] to [out, b, a].
func swapAxes(data []byte, shape []int, size int) []byte {
	swapped := make([]byte, 0, len(data))
	a, b := shape[1], shape[2]
	for o := range shape[0] {
		for j := range b {
			for i := range a {
				at := ((o*a+i)*b + j) * size
				swapped = append(swapped, data[at:at+size]...)
			}
		}
	}
	return swapped
}

// rowsBytes is how much of a matrix is quantised at a time: its rows don't know of each other.
const rowsBytes = 4 << 20

// quantize writes the packed weights of a matrix [out, in], and keeps its scales and biases for what follows.
func (w *quantizedWriter) quantize(to io.Writer, file *safetensors.File, t safetensors.Tensor, bits int) error {
	w.scales, w.biases = nil, nil
	row := int64(t.Shape[1] * t.DType.Size())
	step := max(rowsBytes/row, 1)
	for first := int64(0); first < int64(t.Shape[0]); first += step {
		rows := min(step, int64(t.Shape[0])-first)
		var data bytes.Buffer
		if err := file.CopyRange(&data, t, first*row, rows*row); err != nil {
			return err
		}
		var packed []int32
		err := on(w.ctx, w.thread, func() error {
			s := mlx.NewScope()
			q := s.Quantize(s.Raw(data.Bytes(), mlxTypes[t.DType], int(rows), t.Shape[1]), w.how.GroupSize, bits)
			packed = s.ReadInts(q.W)
			w.scales = appendFloats(w.scales, t.DType, s.ReadFloats(q.Scales))
			w.biases = appendFloats(w.biases, t.DType, s.ReadFloats(q.Biases))
			return cmp.Or(s.Err(), s.Close())
		})
		if err != nil {
			return err
		}
		if err := binary.Write(to, binary.LittleEndian, packed); err != nil {
			return err
		}
	}
	return nil
}

var mlxTypes = map[safetensors.DType]mlx.DType{safetensors.F32: mlx.Float32, safetensors.F16: mlx.Float16, safetensors.BF16: mlx.BFloat16}

// appendFloats appends values of the type dtype, which float32 holds exactly.
func appendFloats(data []byte, dtype safetensors.DType, values []float32) []byte {
	for _, v := range values {
		bits := math.Float32bits(v)
		switch dtype {
		case safetensors.F32:
			data = binary.LittleEndian.AppendUint32(data, bits)
		case safetensors.BF16:
			data = binary.LittleEndian.AppendUint16(data, uint16(bits>>16))
		default:
			data = binary.LittleEndian.AppendUint16(data, half(bits))
		}
	}
	return data
}

// half gives the bits of a float16 by those of the float32 that has the same value.
func half(bits uint32) uint16 {
	sign, exponent, fraction := uint16(bits>>16)&0x8000, int(bits>>23&0xff)-127+15, bits&0x7fffff
	switch {
	case exponent >= 31: // infinite or none
		return sign | 0x7c00 | uint16(fraction>>13)
	case exponent > 0:
		return sign | uint16(exponent)<<10 | uint16(fraction>>13)
	}
	return sign | uint16((fraction|0x800000)>>min(14-exponent, 31)) // without a leading one
}

// index writes which file has which tensor: there is only one.
func (w *quantizedWriter) index(path string) error {
	names := map[string]string{}
	for _, t := range w.tensors {
		names[t.Name] = "model.safetensors"
	}
	text, err := json.MarshalIndent(map[string]any{"metadata": map[string]any{"total_size": w.Size()}, "weight_map": names}, "", "    ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return atomicfile.WriteFile(path, text)
}
