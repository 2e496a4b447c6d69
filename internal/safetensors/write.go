package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"unicode/utf8"
)

// Data is a tensor to be written.
type Data struct {
	Name  string
	DType DType
	Shape []int

	// Write writes the tensor's bytes: exactly as many as DType and Shape say. It is called once, when the tensors
	// in front have been written, so that a file larger than memory can be made.
	Write func(w io.Writer) error
}

// RawData is a tensor whose bytes are in memory.
func RawData(name string, dtype DType, shape []int, data []byte) Data {
	return Data{Name: name, DType: dtype, Shape: shape, Write: func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}}
}

// Float32Data is an F32 tensor.
func Float32Data(name string, shape []int, values []float32) Data {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return RawData(name, F32, shape, data)
}

// Write writes a file with tensors in the order given. metadata may be nil.
func Write(w io.Writer, metadata map[string]string, tensors []Data) error {
	header, sizes, err := makeHeader(metadata, tensors)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for i, t := range tensors {
		exact := &exactWriter{w: w, left: sizes[i]}
		if err := t.Write(exact); err != nil {
			return inTensor(t.Name, err)
		}
		if exact.left != 0 {
			return inTensor(t.Name, fmt.Errorf("%d of %d bytes were not written", exact.left, sizes[i]))
		}
	}
	return nil
}

// makeHeader gives the length and the header, padded so that the data begins at a multiple of 8, and the tensors'
// sizes.
func makeHeader(metadata map[string]string, tensors []Data) (header []byte, sizes []int64, err error) {
	seen := make(map[string]bool)
	b := bytes.NewBuffer(make([]byte, prefixSize))
	b.WriteByte('{')
	if metadata != nil {
		if err := writeMetadata(b, metadata); err != nil {
			return nil, nil, err
		}
	}
	var end int64
	for _, t := range tensors {
		size, err := byteSize(t.DType, t.Shape)
		switch {
		case err != nil:
			return nil, nil, inTensor(t.Name, err)
		case size > math.MaxInt64-end:
			return nil, nil, inTensor(t.Name, errors.New("makes the file too large"))
		case seen[t.Name] || t.Name == metadataKey || !utf8.ValidString(t.Name):
			return nil, nil, inTensor(t.Name, errors.New("the name is taken or not UTF-8"))
		}
		seen[t.Name] = true
		writeEntry(b, t.Name, entry{t.DType, append([]int{}, t.Shape...), [2]int64{end, end + size}})
		sizes = append(sizes, size)
		end += size
	}
	b.WriteByte('}')
	for b.Len()%prefixSize != 0 {
		b.WriteByte(' ')
	}
	n := b.Len() - prefixSize
	if n > maxHeaderSize {
		return nil, nil, fmt.Errorf("the header has %d bytes, more than the %d allowed", n, maxHeaderSize)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(n))
	return b.Bytes(), sizes, nil
}

// entry is what the header says of one tensor.
type entry struct {
	DType   DType    `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

func writeMetadata(b *bytes.Buffer, metadata map[string]string) error {
	for key, value := range metadata {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return fmt.Errorf("metadata %.200q is not UTF-8", key)
		}
	}
	writeEntry(b, metadataKey, metadata)
	return nil
}

// writeEntry appends "name": value to an object that has just been opened or ends in a value.
func writeEntry(b *bytes.Buffer, name string, value any) {
	if b.Len() > prefixSize+1 {
		b.WriteByte(',')
	}
	b.Write(encode(name))
	b.WriteByte(':')
	b.Write(encode(value))
}

func encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // strings, integers and maps of strings can be encoded
	}
	return text
}

// exactWriter refuses what goes beyond a tensor's size, before it could shift the tensors behind.
type exactWriter struct {
	w    io.Writer
	left int64
}

func (e *exactWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > e.left {
		return 0, fmt.Errorf("%d bytes too many", int64(len(p))-e.left)
	}
	n, err := e.w.Write(p)
	e.left -= int64(n)
	return n, err
}
