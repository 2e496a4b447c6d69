package mlxbridge_test

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	mlx "ttsui/mlxbridge"
)

// function is one function of mlxbridge.h.
type function struct {
	name   string
	params []param
	raw    reflect.Value
}

// param is a parameter as the header has it: "const int*" and "shape".
type param struct{ ctype, name string }

// header reads the functions from mlxbridge.h.
func header(t testing.TB) (functions []function) {
	t.Helper()
	text, err := os.ReadFile("mlxbridge.h")
	if err != nil {
		t.Fatal(err)
	}
	raw := mlx.RawFunctions()
	prototype := regexp.MustCompile(`(?m)^[\w*]+ (mlxb_\w+)\((.*?)\);`)
	for _, m := range prototype.FindAllStringSubmatch(string(text), -1) {
		f := function{name: m[1], raw: reflect.ValueOf(raw[m[1]])}
		if !f.raw.IsValid() {
			t.Errorf("RawFunctions lacks %s", f.name)
			continue
		}
		for _, p := range strings.Split(m[2], ", ") {
			if at := strings.LastIndexByte(p, ' '); at >= 0 {
				f.params = append(f.params, param{p[:at], p[at+1:]})
			}
		}
		functions = append(functions, f)
	}
	if all := regexp.MustCompile(`mlxb_\w+\(`).FindAll(text, -1); len(all) != len(functions) {
		t.Fatalf("understood %d functions of the header's %d", len(functions), len(all))
	}
	return functions
}

// call calls f with Go values for its parameters: numbers, slices for pointers, nil for NULL. It gives the error text.
func (f function) call(args ...any) string {
	if len(args) != len(f.params) {
		return fmt.Sprintf("BUG: %s wants %d arguments, got %d", f.name, len(f.params), len(args))
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	in := make([]reflect.Value, len(args))
	for i, arg := range args {
		in[i] = cvalue(&pin, f.raw.Type().In(i), arg)
	}
	out := f.raw.Call(in)
	if len(out) == 0 || out[0].Kind() != reflect.Pointer || out[0].IsNil() {
		return ""
	}
	text := out[0].UnsafePointer()
	message := gostring(text)
	reflect.ValueOf(mlx.RawFunctions()["mlxb_free_error"]).Call(out)
	return message
}

// cvalue makes the C value of type t that stands for arg.
func cvalue(pin *runtime.Pinner, t reflect.Type, arg any) reflect.Value {
	v := reflect.ValueOf(arg)
	switch {
	case arg == nil:
		return reflect.Zero(t)
	case v.Kind() != reflect.Slice:
		return v.Convert(t)
	}
	p := v.UnsafePointer()
	pin.Pin(p)
	if t.Kind() == reflect.UnsafePointer {
		return reflect.ValueOf(p)
	}
	return reflect.NewAt(t.Elem(), p)
}

func cstring(s string) []byte { return append([]byte(s), 0) }

func gostring(p unsafe.Pointer) string {
	n := 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(p), n))
}
