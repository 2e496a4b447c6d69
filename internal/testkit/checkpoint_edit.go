package testkit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ttsui/internal/safetensors"
)

// Ways to break files, for Breakages.

// linkTree makes to a folder with the same files as from. Whoever changes a file must put a new one in its place.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		twin := filepath.Join(to, path[len(from):])
		if d.IsDir() {
			return os.MkdirAll(twin, 0o777)
		}
		return os.Link(path, twin)
	})
}

// replaceFile puts a new file in the place of an old one.
func replaceFile(path string, text []byte) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o666)
}

func replaceBy(text string) func(path string) error {
	return func(path string) error { return replaceFile(path, []byte(text)) }
}

func replaceByFolder(path string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.Mkdir(path, 0o777)
}

func replaceByCircle(path string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.Symlink(filepath.Base(path), path)
}

// edited gives a function that replaces a file by what edit makes of its content.
func edited(edit func(text []byte) []byte) func(path string) error {
	return func(path string) error {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return replaceFile(path, edit(text))
	}
}

func lieAboutHeader(n uint64) func(path string) error {
	return edited(func(text []byte) []byte {
		return append(binary.LittleEndian.AppendUint64(nil, n), text[8:]...)
	})
}

// replaceInHeader replaces text by text of the same length.
func replaceInHeader(old, by string) func(path string) error {
	return edited(func(text []byte) []byte { return bytes.Replace(text, []byte(old), []byte(by), 1) })
}

// repeatTensor gives a tensor the name of another one, as no honest writer does.
func repeatTensor(path string) error {
	f, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	for i, a := range f.Tensors {
		for _, b := range f.Tensors[i+1:] {
			if len(a.Name) == len(b.Name) {
				return replaceInHeader(`"`+b.Name+`"`, `"`+a.Name+`"`)(path)
			}
		}
	}
	return fmt.Errorf("%s has no two names of the same length", path)
}

func editJSON(path string, change func(o object)) error {
	o, err := readJSON(path)
	if err != nil {
		return err
	}
	change(o)
	if err := os.Remove(path); err != nil {
		return err
	}
	return writeJSON(path, o)
}

// setJSON sets one value of a file in dir; path names it by keys with dots between them.
func setJSON(dir, file, path string, value any) error {
	return editJSON(filepath.Join(dir, file), func(o object) {
		keys := strings.Split(path, ".")
		for _, key := range keys[:len(keys)-1] {
			o = o[key].(map[string]any)
		}
		o[keys[len(keys)-1]] = value
	})
}

// editTensors rewrites the tensors of a file, and an index that fits.
func editTensors(dir, file string, edit func(all []safetensors.Data) []safetensors.Data) error {
	path := filepath.Join(dir, file)
	f, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	var all []safetensors.Data
	for _, t := range f.Tensors {
		data, err := f.Bytes(t.Name)
		if err != nil {
			return err
		}
		all = append(all, safetensors.RawData(t.Name, t.DType, t.Shape, data))
	}
	all = edit(all)
	var out bytes.Buffer
	if err := safetensors.Write(&out, f.Metadata, all); err != nil {
		return err
	}
	if err := replaceFile(path, out.Bytes()); err != nil || file != weightsName {
		return err
	}
	index := map[string]any{}
	for _, t := range all {
		index[t.Name] = weightsName
	}
	return editJSON(filepath.Join(dir, indexName), func(o object) { maps.Copy(o, object{"weight_map": index}) })
}

func find(all []safetensors.Data, name string) *safetensors.Data {
	return &all[slices.IndexFunc(all, func(t safetensors.Data) bool { return t.Name == name })]
}

func zeroTensor(name string, dtype safetensors.DType, first int, rest ...int) safetensors.Data {
	shape := append([]int{first}, rest...)
	return safetensors.RawData(name, dtype, shape, make([]byte, tensor{shape: shape}.len()*dtype.Size()))
}
