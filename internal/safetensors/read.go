package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"ttsui/internal/tts"
)

// Bytes reads the data of a tensor into memory. It is meant for small tensors; MLX reads the large ones itself.
func (f *File) Bytes(name string) ([]byte, error) {
	t, ok := f.Lookup(name)
	if !ok {
		return nil, tts.Errorf(tts.CodeNotFound, "", "%s: no tensor %.200q", f.Path, name)
	}
	r, err := f.open(t)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data := make([]byte, t.Size)
	if _, err := r.ReadAt(data, t.Offset); err != nil {
		return nil, unreadable(f.Path, err)
	}
	return data, nil
}

// open opens the file to read t, which has to be there still.
func (f *File) open(t Tensor) (*os.File, error) {
	r, size, err := openRegular(f.Path)
	if err != nil {
		return nil, err
	}
	if t.Offset+t.Size > size {
		_ = r.Close() // nothing was written
		return nil, shortened(f.Path, t)
	}
	return r, nil
}

// Rows is a tensor of two axes that stays in its open file.
type Rows struct {
	Tensor
	path string
	file *os.File
	size int64 // bytes of a row
}

// OpenRows opens the file to read rows of t, a tensor of two axes. It stays readable when its name is gone.
func (f *File) OpenRows(t Tensor) (*Rows, error) {
	file, err := f.open(t)
	if err != nil {
		return nil, err
	}
	return &Rows{t, f.Path, file, int64(t.Shape[1] * t.DType.Size())}, nil
}

// Read gives the bytes of rows, one behind the other; each is in [0, Shape[0]).
func (r *Rows) Read(rows []int) ([]byte, error) {
	data := make([]byte, r.size*int64(len(rows)))
	for i, row := range rows {
		if row < 0 || row >= r.Shape[0] {
			return nil, fmt.Errorf("%s: tensor %.200q has no row %d", r.path, r.Name, row)
		}
		_, err := r.file.ReadAt(data[int64(i)*r.size:][:r.size], r.Offset+int64(row)*r.size)
		switch {
		case errors.Is(err, io.EOF):
			return nil, shortened(r.path, r.Tensor)
		case err != nil: // it was there before
			return nil, tts.Errorf(tts.CodeNotFound, "See whether the disk with the model is still there, then load the model anew.",
				"%s can't be read any more: %w", r.path, err)
		}
	}
	return data, nil
}

// Close closes the file. Of a nil Rows there is nothing to close.
func (r *Rows) Close() error {
	if r == nil {
		return nil
	}
	return r.file.Close()
}

func shortened(path string, t Tensor) error {
	return corrupt(path, fmt.Errorf("%w after it was opened: it got shorter", inTensor(t.Name, io.ErrUnexpectedEOF)))
}

// CopyRange writes a part of a tensor's bytes to w: size of them, from the byte first on.
func (f *File) CopyRange(w io.Writer, t Tensor, first, size int64) error {
	r, err := os.Open(f.Path)
	if err != nil {
		return unreadable(f.Path, err)
	}
	defer r.Close()
	part := io.NewSectionReader(r, t.Offset+first, size)
	n, err := io.Copy(w, part)
	if err == nil && n < size {
		return shortened(f.Path, t)
	}
	return err
}

// Float32s reads a tensor of F32 or BF16; the shape is in Lookup's answer.
func (f *File) Float32s(name string) ([]float32, error) {
	data, err := f.Bytes(name)
	if err != nil {
		return nil, err
	}
	t, _ := f.Lookup(name)
	values := make([]float32, len(data)/max(t.DType.Size(), 1))
	switch t.DType {
	case F32:
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
	case BF16: // the upper half of a float32
		for i := range values {
			values[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(data[2*i:])) << 16)
		}
	default:
		return nil, wrongType(f.Path, t, "F32 or BF16")
	}
	return values, nil
}

// Int32s reads a tensor of I32.
func (f *File) Int32s(name string) ([]int32, error) {
	data, err := f.Bytes(name)
	if err != nil {
		return nil, err
	}
	if t, _ := f.Lookup(name); t.DType != I32 {
		return nil, wrongType(f.Path, t, "I32")
	}
	values := make([]int32, len(data)/4)
	for i := range values {
		values[i] = int32(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return values, nil
}

func wrongType(path string, t Tensor, want string) error {
	return tts.Errorf(tts.CodeCorrupt, hintAgain, "%s: tensor %.200q is %s, want %s", path, t.Name, t.DType, want)
}
