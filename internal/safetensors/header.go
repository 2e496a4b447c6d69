package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

const (
	prefixSize    = 8           // bytes of the header's length
	maxHeaderSize = 100_000_000 // the format's own limit
	metadataKey   = "__metadata__"
)

// read parses and checks the header of a file of size bytes.
func read(r io.Reader, size int64) (*File, error) {
	header, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	f := &File{byName: make(map[string]int)}
	if err := f.parse(header); err != nil {
		return nil, err
	}
	slices.SortFunc(f.Tensors, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Size, b.Size), cmp.Compare(a.Name, b.Name))
	})
	dataStart := int64(prefixSize + len(header))
	if err := checkCover(f.Tensors, size-dataStart); err != nil {
		return nil, err
	}
	for i := range f.Tensors {
		f.Tensors[i].Offset += dataStart
		f.byName[f.Tensors[i].Name] = i
	}
	return f, nil
}

// readHeader reads the length and the bytes of the header. It allocates no more than the file holds.
func readHeader(r io.Reader, size int64) ([]byte, error) {
	if size < prefixSize {
		return nil, fmt.Errorf("has %d bytes, too short for a safetensors file", size)
	}
	var prefix [prefixSize]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, fmt.Errorf("read the length of the header: %w", err)
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	if n > maxHeaderSize {
		return nil, fmt.Errorf("the header has %d bytes, more than the %d allowed", n, maxHeaderSize)
	}
	if int64(n) > size-prefixSize {
		return nil, fmt.Errorf("the header has %d bytes, but the file ends after %d", n, size-prefixSize)
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	if n == 0 || header[0] != '{' {
		return nil, errors.New("the header does not begin with {")
	}
	if !utf8.Valid(header) {
		return nil, errors.New("the header is not UTF-8")
	}
	return header, nil
}

// checkCover demands that the spans of tensors, which are in the order of their data, fill the data exactly.
func checkCover(tensors []Tensor, dataSize int64) error {
	var end int64
	for _, t := range tensors {
		switch {
		case t.Offset < end:
			return inTensor(t.Name, fmt.Errorf("begins at byte %d of the data, before the tensor in front of it ends at %d", t.Offset, end))
		case t.Offset > end:
			return inTensor(t.Name, fmt.Errorf("begins at byte %d of the data and leaves a hole after %d", t.Offset, end))
		}
		end += t.Size
	}
	switch {
	case end > dataSize:
		return fmt.Errorf("the tensors need %d bytes of data, but the file holds %d: it is cut off", end, dataSize)
	case end < dataSize:
		return fmt.Errorf("%d bytes follow the last tensor", dataSize-end)
	}
	return nil
}

// parse fills f with what the header says, offsets counted from the start of the data.
func (f *File) parse(header []byte) error {
	err := readDocument(header, func(dec *json.Decoder, name string) error {
		if name == metadataKey {
			return f.parseMetadata(dec)
		}
		t, err := parseTensor(dec)
		if err != nil {
			return inTensor(name, err)
		}
		t.Name = name
		f.Tensors = append(f.Tensors, t)
		return nil
	})
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	return nil
}

func (f *File) parseMetadata(dec *json.Decoder) error {
	f.Metadata = make(map[string]string)
	err := readObject(dec, func(key string) (err error) {
		f.Metadata[key], err = readString(dec)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", metadataKey, err)
	}
	return nil
}

func parseTensor(dec *json.Decoder) (t Tensor, err error) {
	var span []int
	err = readObject(dec, func(field string) (err error) {
		var name string
		switch field {
		case "dtype":
			name, err = readString(dec)
			t.DType = DType(name)
		case "shape":
			t.Shape, err = readInts(dec)
		case "data_offsets":
			span, err = readInts(dec)
		default:
			err = errors.New("unknown field")
		}
		if err != nil {
			return fmt.Errorf("%.40q: %w", field, err)
		}
		return nil
	})
	if err != nil {
		return t, err
	}
	return t, t.setSpan(span)
}

// setSpan checks the fields of a tensor against each other. Fields that the header lacks are still zero.
func (t *Tensor) setSpan(span []int) error {
	switch {
	case t.DType == "":
		return errors.New("has no dtype")
	case t.Shape == nil:
		return errors.New("has no shape")
	case len(span) != 2:
		return fmt.Errorf("has %d data_offsets, want 2", len(span))
	}
	want, err := byteSize(t.DType, t.Shape)
	if err != nil {
		return err
	}
	if have := int64(span[1]) - int64(span[0]); have != want {
		return fmt.Errorf("data_offsets %v span %d bytes, but shape %v of %s needs %d", span, have, t.Shape, t.DType, want)
	}
	t.Offset, t.Size = int64(span[0]), want
	return nil
}

func inTensor(name string, err error) error { return fmt.Errorf("tensor %.200q: %w", name, err) }

// readDocument reads a text that is one JSON object. It goes by tokens and not by values, because only they show a
// key that comes twice.
func readDocument(text []byte, value func(dec *json.Decoder, key string) error) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	err := readObject(dec, func(key string) error { return value(dec, key) })
	if err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("something follows the closing }")
	}
	return nil
}

// readObject reads an object whose keys are all different; value reads what stands behind a key.
func readObject(dec *json.Decoder, value func(key string) error) error {
	if err := expect(dec, '{'); err != nil {
		return err
	}
	seen := make(map[string]struct{})
	for dec.More() {
		key, err := readString(dec)
		if err != nil {
			return err
		}
		if _, twice := seen[key]; twice {
			return fmt.Errorf("the key %.200q comes twice", key)
		}
		seen[key] = struct{}{}
		if err := value(key); err != nil {
			return err
		}
	}
	return expect(dec, '}')
}

// readInts reads an array of integers that are not negative. The result is never nil.
func readInts(dec *json.Decoder) ([]int, error) {
	if err := expect(dec, '['); err != nil {
		return nil, err
	}
	list := []int{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		number, _ := token.(json.Number)
		n, err := strconv.ParseUint(number.String(), 10, strconv.IntSize-1)
		if err != nil {
			return nil, fmt.Errorf("%.40v is not a whole number from 0 to %d", token, uint64(1)<<(strconv.IntSize-1)-1)
		}
		list = append(list, int(n))
	}
	return list, expect(dec, ']')
}

func readString(dec *json.Decoder) (string, error) {
	token, err := dec.Token()
	if err != nil {
		return "", err
	}
	s, ok := token.(string)
	if !ok {
		return "", fmt.Errorf("%.40v is not a string", token)
	}
	return s, nil
}

func expect(dec *json.Decoder, want json.Delim) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("found %.40v, want %v", token, want)
	}
	return nil
}
