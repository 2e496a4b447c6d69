// Package safetensors reads and writes the file format of model weights, and refuses what the format forbids.
//
// A file is eight bytes with the length of its header, the header, and the data. The header is a JSON object from a
// tensor's name to its element type, its shape and the span of its bytes in the data. MLX takes what a header says
// on trust, also a span outside the file; so every weight file passes Open first. Whoever gets a File may rely on
// this: every tensor's span lies inside the file, holds exactly what its shape and type need, and together the
// spans cover the data without overlap or hole.
//
// A checkpoint is a folder with one such file, or with several and an index; OpenSet presents both alike.
package safetensors

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"ttsui/internal/tts"
)

// Tensor says what a tensor is and where its bytes are.
type Tensor struct {
	Name   string
	DType  DType
	Shape  []int // empty for a scalar
	Offset int64 // of the first byte, from the start of the file
	Size   int64 // bytes
}

// File is the checked header of a safetensors file.
type File struct {
	Path     string
	Tensors  []Tensor          // in the order of their data
	Metadata map[string]string // nil when the header has none

	byName map[string]int
}

// Lookup finds a tensor by name.
func (f *File) Lookup(name string) (Tensor, bool) {
	i, ok := f.byName[name]
	if !ok {
		return Tensor{}, false
	}
	return f.Tensors[i], true
}

// Open reads and checks the header of the file at path, which may be a link, as in the Hugging Face cache. It reads
// none of the data, however large, and keeps nothing open.
func Open(path string) (*File, error) {
	r, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	f, err := read(r, size)
	if err != nil {
		return nil, corrupt(path, err)
	}
	f.Path = path
	return f, nil
}

// openRegular opens a file of which a size can be asked. It asks before it opens, because opening a pipe waits.
func openRegular(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, unreadable(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, tts.Errorf(tts.CodeInvalid, "Put the model's file in its place.", "%s: not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, unreadable(path, err)
	}
	return f, info.Size(), nil
}

const hintAgain = "Download the file again."

func corrupt(path string, err error) error {
	return tts.Errorf(tts.CodeCorrupt, hintAgain, "%s: %w", path, err)
}

func unreadable(path string, err error) error {
	var onPath *fs.PathError
	if errors.As(err, &onPath) {
		err = onPath.Err
	}
	code, hint := tts.CodeInternal, hintAgain
	switch {
	case errors.Is(err, fs.ErrNotExist):
		code = tts.CodeNotFound
	case errors.Is(err, fs.ErrPermission):
		code, hint = tts.CodeDenied, "Make the file readable for you."
	case errors.Is(err, syscall.ELOOP):
		code = tts.CodeCorrupt
	}
	return tts.Errorf(code, hint, "%s: %w", path, err)
}
