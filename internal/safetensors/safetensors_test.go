package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ttsui/internal/tts"
)

const golden = "../testkit/testdata/golden"

var ignoreIndex = cmpopts.IgnoreUnexported(File{})

// image is a file with the given header, byte for byte, and n bytes of data.
func image(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

func TestReadAccepts(t *testing.T) {
	cases := []struct {
		name, header string
		data         int
		want         []Tensor // offsets from the start of the data
	}{
		{"nothing", `{}`, 0, nil},
		{"a scalar", `{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`, 4, []Tensor{{"a", F32, []int{}, 0, 4}}},
		{"padding", `{"a":{"dtype":"I8","shape":[3],"data_offsets":[0,3]}}    `, 3, []Tensor{{"a", I8, []int{3}, 0, 3}}},
		{"no elements", `{"a":{"dtype":"U64","shape":[2,0],"data_offsets":[0,0]}}`, 0, []Tensor{{"a", U64, []int{2, 0}, 0, 0}}},
		{"no elements between others, in any order",
			`{"c":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},"b":{"dtype":"F64","shape":[0],"data_offsets":[1,1]},"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}`,
			3, []Tensor{{"a", Bool, []int{1}, 0, 1}, {"b", F64, []int{0}, 1, 0}, {"c", U8, []int{2}, 1, 2}}},
		{"escaped and odd names", `{"\u0061\n":{"data_offsets":[0,2],"shape":[1,1],"dtype":"BF16"},"":{"data_offsets":[2,2],"shape":[0],"dtype":"I64"}}`,
			2, []Tensor{{"a\n", BF16, []int{1, 1}, 0, 2}, {"", I64, []int{0}, 2, 0}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, err := readImage(image(c.header, c.data))
			if err != nil {
				t.Fatal(err)
			}
			for i := range f.Tensors {
				f.Tensors[i].Offset -= int64(prefixSize + len(c.header))
			}
			if diff := cmp.Diff(c.want, f.Tensors); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// abuse is what the format forbids: one file a row, and a part of the answer that shows the right check refused it.
func abuse() map[string]struct {
	file []byte
	want string
} {
	type row = struct {
		file []byte
		want string
	}
	one := func(fields string, data int) []byte { return image(`{"a":{`+fields+`}}`, data) }
	short := image(`{}`, 0)
	huge := binary.LittleEndian.AppendUint64(nil, math.MaxUint64)
	over := append(binary.LittleEndian.AppendUint64(nil, maxHeaderSize+1), '{')
	return map[string]row{
		"empty file":              {nil, "too short"},
		"length cut":              {short[:7], "too short"},
		"header longer than file": {append(binary.LittleEndian.AppendUint64(nil, 100), "{}"...), "ends after 2"},
		"header length negative":  {append(huge, "{}"...), "more than the"},
		"header over the limit":   {over, "more than the"},
		"empty header":            {image(``, 0), "begin with {"},
		"blank first":             {image(` {}`, 0), "begin with {"},
		"array":                   {image(`[]`, 0), "begin with {"},
		"not UTF-8":               {image("{\"\xff\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0), "UTF-8"},
		"not JSON":                {image(`{"a"}`, 0), "header"},
		"comma at the end":        {image(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},}`, 0), "header"},
		"cut JSON":                {image(`{"a":{"dtype":"U8"`, 0), "header"},
		"two documents":           {image(`{}{}`, 0), "follows the closing"},
		"NUL padding":             {image("{}\x00", 0), "follows the closing"},
		"tensor twice": {image(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0),
			"comes twice"},
		"field twice":                {one(`"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]`, 1), "comes twice"},
		"metadata twice":             {image(`{"__metadata__":{},"__metadata__":{}}`, 0), "comes twice"},
		"metadata key twice":         {image(`{"__metadata__":{"k":"1","k":"2"}}`, 0), "comes twice"},
		"metadata not an object":     {image(`{"__metadata__":null}`, 0), "want {"},
		"metadata with a number":     {image(`{"__metadata__":{"k":1}}`, 0), "not a string"},
		"metadata with an object":    {image(`{"__metadata__":{"k":{}}}`, 0), "not a string"},
		"tensor not an object":       {image(`{"a":[]}`, 0), "want {"},
		"unknown field":              {one(`"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":0`, 1), "unknown field"},
		"no dtype":                   {one(`"shape":[1],"data_offsets":[0,1]`, 1), "no dtype"},
		"no shape":                   {one(`"dtype":"U8","data_offsets":[0,1]`, 1), "no shape"},
		"no offsets":                 {one(`"dtype":"U8","shape":[1]`, 1), "0 data_offsets"},
		"one offset":                 {one(`"dtype":"U8","shape":[1],"data_offsets":[1]`, 1), "1 data_offsets"},
		"three offsets":              {one(`"dtype":"U8","shape":[1],"data_offsets":[0,1,1]`, 1), "3 data_offsets"},
		"unknown dtype":              {one(`"dtype":"F4","shape":[2],"data_offsets":[0,1]`, 1), "unknown dtype"},
		"dtype in lower case":        {one(`"dtype":"f32","shape":[1],"data_offsets":[0,4]`, 4), "unknown dtype"},
		"dtype a number":             {one(`"dtype":1,"shape":[1],"data_offsets":[0,1]`, 1), "not a string"},
		"shape a number":             {one(`"dtype":"U8","shape":1,"data_offsets":[0,1]`, 1), "want ["},
		"shape with a string":        {one(`"dtype":"U8","shape":["1"],"data_offsets":[0,1]`, 1), "whole number"},
		"shape negative":             {one(`"dtype":"U8","shape":[-1],"data_offsets":[0,1]`, 1), "whole number"},
		"shape with a fraction":      {one(`"dtype":"U8","shape":[1.0],"data_offsets":[0,1]`, 1), "whole number"},
		"shape with an exponent":     {one(`"dtype":"U8","shape":[1e0],"data_offsets":[0,1]`, 1), "whole number"},
		"shape beyond 64 bits":       {one(`"dtype":"U8","shape":[18446744073709551617],"data_offsets":[0,1]`, 1), "whole number"},
		"shape beyond 63 bits":       {one(`"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,1]`, 1), "whole number"},
		"offsets beyond 63 bits":     {one(`"dtype":"U8","shape":[1],"data_offsets":[9223372036854775808,9223372036854775809]`, 1), "whole number"},
		"shape overflows":            {one(`"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]`, 0), "too large"},
		"shape × dtype overflows":    {one(`"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]`, 0), "too large"},
		"offset negative":            {one(`"dtype":"U8","shape":[1],"data_offsets":[-1,0]`, 1), "whole number"},
		"offset with a fraction":     {one(`"dtype":"U8","shape":[1],"data_offsets":[0,1.0]`, 1), "whole number"},
		"offset null":                {one(`"dtype":"U8","shape":[1],"data_offsets":[null,1]`, 1), "whole number"},
		"offsets reversed":           {one(`"dtype":"U8","shape":[1],"data_offsets":[1,0]`, 1), "needs 1"},
		"span too long":              {one(`"dtype":"F32","shape":[1],"data_offsets":[0,5]`, 5), "needs 4"},
		"span too short":             {one(`"dtype":"F32","shape":[2],"data_offsets":[0,4]`, 4), "needs 8"},
		"scalar without bytes":       {one(`"dtype":"F32","shape":[],"data_offsets":[0,0]`, 0), "needs 4"},
		"outside the file":           {one(`"dtype":"U8","shape":[9],"data_offsets":[0,9]`, 8), "cut off"},
		"far outside the file":       {one(`"dtype":"U8","shape":[1],"data_offsets":[9223372036854775806,9223372036854775807]`, 1), "hole"},
		"trailing bytes":             {one(`"dtype":"U8","shape":[1],"data_offsets":[0,1]`, 2), "1 bytes follow"},
		"data without tensors":       {image(`{}`, 1), "1 bytes follow"},
		"hole in front":              {one(`"dtype":"U8","shape":[1],"data_offsets":[1,2]`, 2), "hole"},
		"empty tensor in the middle": {twoU8(0, 4, 2, 2), "before the tensor"},
		"hole between":               {twoU8(0, 1, 2, 3), "hole"},
		"overlap":                    {twoU8(0, 2, 1, 3), "before the tensor"},
		"same span":                  {twoU8(0, 2, 0, 2), "before the tensor"},
	}
}

func twoU8(a0, a1, b0, b1 int) []byte {
	const entry = `{"dtype":"U8","shape":[%d],"data_offsets":[%d,%d]}`
	return image(fmt.Sprintf(`{"a":`+entry+`,"b":`+entry+`}`, a1-a0, a0, a1, b1-b0, b0, b1), max(a1, b1))
}

func TestAbuse(t *testing.T) {
	for name, c := range abuse() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "abuse.safetensors")
			must(t, os.WriteFile(path, c.file, 0o644))
			f, err := Open(path)
			if f != nil || tts.CodeOf(err) != tts.CodeCorrupt || tts.HintOf(err) == "" {
				t.Fatalf("got %v, %v (%s), want a corrupt file with a hint", f, err, tts.CodeOf(err))
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %q, want %q and the path in it", err, c.want)
			}
		})
	}
}

// Each prefix of a good file is refused: a download that was cut is never taken for whole.
func TestTruncated(t *testing.T) {
	whole := image(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8)
	for n := range whole {
		if _, err := readImage(whole[:n]); err == nil {
			t.Errorf("accepted the first %d of %d bytes", n, len(whole))
		}
	}
}

func TestOpenUnusable(t *testing.T) {
	dir := t.TempDir()
	for path, code := range map[string]tts.Code{
		filepath.Join(dir, "absent"): tts.CodeNotFound,
		dir:                          tts.CodeInvalid,
		os.DevNull:                   tts.CodeInvalid,
	} {
		if _, err := Open(path); tts.CodeOf(err) != code || tts.HintOf(err) == "" {
			t.Errorf("%s: %v (%s), want %s with a hint", path, err, tts.CodeOf(err), code)
		}
	}
}

func TestWriteThenRead(t *testing.T) {
	scalar := math.Float32frombits(0x7fc00001) // a NaN keeps its bits
	tensors := []Data{
		Float32Data("f", []int{2, 2}, []float32{1, -2, math.MaxFloat32, 0.1}),
		Float32Data("scalar", nil, []float32{scalar}),
		RawData("<&\u2028>", BF16, []int{3}, []byte{0x80, 0x3f, 0x00, 0xc0, 0x00, 0x00}),
		RawData("empty", U32, []int{0, 7}, nil),
		RawData("i", I32, []int{2}, []byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}),
	}
	metadata := map[string]string{"format": "mlx", "a\"b": "c"}
	var b bytes.Buffer
	must(t, Write(&b, metadata, tensors))
	path := filepath.Join(t.TempDir(), "link")
	must(t, os.WriteFile(path+".blob", b.Bytes(), 0o644))
	must(t, os.Symlink(path+".blob", path))
	f, err := Open(path)
	must(t, err)
	if diff := cmp.Diff(metadata, f.Metadata); diff != "" {
		t.Error(diff)
	}
	if f.Tensors[0].Offset%8 != 0 {
		t.Errorf("data begins at %d, not at a multiple of 8", f.Tensors[0].Offset)
	}
	for i, want := range tensors {
		if got := f.Tensors[i]; got.Name != want.Name || got.DType != want.DType || !cmp.Equal(got.Shape, want.Shape, cmpopts.EquateEmpty()) {
			t.Errorf("got %v, want %s %s %v", got, want.Name, want.DType, want.Shape)
		}
	}
	floats, err := f.Float32s("<&\u2028>")
	must(t, err)
	if diff := cmp.Diff([]float32{1, -2, 0}, floats); diff != "" {
		t.Error(diff)
	}
	floats, err = f.Float32s("scalar")
	if err != nil || len(floats) != 1 || math.Float32bits(floats[0]) != 0x7fc00001 {
		t.Errorf("scalar %x, %v", floats, err)
	}
	ints, err := f.Int32s("i")
	if err != nil || !cmp.Equal(ints, []int32{1, -1}) {
		t.Errorf("ints %v, %v", ints, err)
	}
	for name, read := range map[string]func() error{
		"absent":    func() error { _, err := f.Bytes("absent"); return err },
		"not float": func() error { _, err := f.Float32s("i"); return err },
		"not int":   func() error { _, err := f.Int32s("f"); return err },
	} {
		if err := read(); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	must(t, os.Truncate(path, 100))
	if _, err := f.Bytes("i"); tts.CodeOf(err) != tts.CodeCorrupt {
		t.Errorf("after the file got shorter: %v", err)
	}
}

func TestWriteRefuses(t *testing.T) {
	fails := errors.New("no more data")
	cases := map[string][]Data{
		"too few bytes":      {RawData("a", U8, []int{2}, []byte{1})},
		"too many bytes":     {RawData("a", U8, []int{2}, []byte{1, 2, 3})},
		"name twice":         {RawData("a", U8, []int{0}, nil), RawData("a", U8, []int{0}, nil)},
		"metadata as name":   {RawData("__metadata__", U8, []int{0}, nil)},
		"name not UTF-8":     {RawData("\xff", U8, []int{0}, nil)},
		"unknown dtype":      {RawData("a", "F4", []int{0}, nil)},
		"negative dimension": {RawData("a", U8, []int{-1}, nil)},
		"too large":          {RawData("a", U8, []int{math.MaxInt}, nil), RawData("b", U8, []int{1}, nil)},
		"data that fails":    {{Name: "a", DType: U8, Shape: []int{0}, Write: func(io.Writer) error { return fails }}},
	}
	for name, tensors := range cases {
		t.Run(name, func(t *testing.T) {
			if err := Write(io.Discard, nil, tensors); err == nil {
				t.Error("written")
			}
		})
	}
}

// Every golden file opens, and one well-known array is what it should be.
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(golden, "ref_*", "*.safetensors"))
	must(t, err)
	if len(paths) < 20 {
		t.Fatalf("%d golden files, want at least 20", len(paths))
	}
	for _, path := range paths {
		f, err := Open(path)
		must(t, err)
		for _, tensor := range f.Tensors {
			if _, err := f.Bytes(tensor.Name); err != nil {
				t.Error(err)
			}
		}
	}
	f, err := Open(filepath.Join(golden, "ref_torch", "clip.safetensors"))
	must(t, err)
	wave, err := f.Float32s("wave")
	if err != nil || len(wave) != 46001 {
		t.Errorf("wave has %d samples, %v", len(wave), err)
	}
}

// What read accepts is disjoint, covers the data, lies inside the file, and survives being written again.
func FuzzRead(f *testing.F) {
	for _, c := range abuse() {
		f.Add(c.file)
	}
	f.Add(image(`{"__metadata__":{"a":"b"},"x":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"y":{"dtype":"I8","shape":[3,1],"data_offsets":[4,7]}}`, 7))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := readImage(data)
		if err != nil {
			if first != nil {
				t.Fatal("a file beside an error")
			}
			return
		}
		end := int64(prefixSize) + int64(binary.LittleEndian.Uint64(data))
		tensors := make([]Data, len(first.Tensors))
		for i, x := range first.Tensors {
			elements := int64(x.DType.Size())
			for _, n := range x.Shape {
				elements *= int64(n)
			}
			if x.Offset != end || x.Size != elements {
				t.Fatalf("%v: want it at %d with %d bytes", x, end, elements)
			}
			end += x.Size
			tensors[i] = RawData(x.Name, x.DType, x.Shape, data[x.Offset:end])
		}
		if end != int64(len(data)) {
			t.Fatalf("tensors end at %d of %d", end, len(data))
		}
		var b bytes.Buffer
		must(t, Write(&b, first.Metadata, tensors))
		second, err := readImage(b.Bytes())
		must(t, err)
		shift := int64(b.Len() - len(data))
		for i := range second.Tensors {
			second.Tensors[i].Offset -= shift
		}
		if diff := cmp.Diff(first, second, ignoreIndex); diff != "" {
			t.Fatal(diff)
		}
		if data, again := data[len(data)-dataSize(first):], b.Bytes()[b.Len()-dataSize(first):]; !bytes.Equal(data, again) {
			t.Fatal("the data changed")
		}
	})
}

func dataSize(f *File) (n int) {
	for _, t := range f.Tensors {
		n += int(t.Size)
	}
	return n
}

func readImage(data []byte) (*File, error) { return read(bytes.NewReader(data), int64(len(data))) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
