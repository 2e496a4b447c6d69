package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ttsui/internal/tts"
)

const (
	singleName = "model.safetensors"
	indexName  = "model.safetensors.index.json"
)

// Set is the weights of a checkpoint folder: the tensors of one file or of several, under one roof.
type Set struct {
	Files  []*File // in the order of their names
	byName map[string]*File
}

// OpenSet opens the weights in dir: the files that model.safetensors.index.json names, or model.safetensors when
// there is no index. The index says which files belong to the checkpoint, and each tensor that it lists must be in
// the file it names; what else these files hold counts too, as a file's own header is what MLX goes by. No two
// files may hold the same name.
func OpenSet(dir string) (*Set, error) {
	names := []string{singleName}
	index, err := readIndex(filepath.Join(dir, indexName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Join(dir, singleName)); errors.Is(err, fs.ErrNotExist) {
			return nil, tts.Errorf(tts.CodeNotFound, "Download the model again.",
				"%s: neither %s nor %s is there", dir, singleName, indexName)
		}
	case err != nil:
		return nil, err
	default:
		names = slices.Sorted(maps.Keys(index))
	}
	s := &Set{byName: make(map[string]*File)}
	for _, name := range names {
		if err := s.add(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	if err := s.checkIndex(dir, index); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Set) add(path string) error {
	f, err := Open(path)
	if err != nil {
		return err
	}
	for _, t := range f.Tensors {
		if other, taken := s.byName[t.Name]; taken {
			return corrupt(path, inTensor(t.Name, fmt.Errorf("is also in %s", filepath.Base(other.Path))))
		}
		s.byName[t.Name] = f
	}
	s.Files = append(s.Files, f)
	return nil
}

func (s *Set) checkIndex(dir string, index map[string][]string) error {
	for _, f := range s.Files {
		for _, name := range index[filepath.Base(f.Path)] {
			if s.byName[name] != f {
				return corrupt(f.Path, inTensor(name, fmt.Errorf("is missing, although %s lists it", filepath.Join(dir, indexName))))
			}
		}
	}
	return nil
}

// Lookup finds a tensor by name, and the file that holds it.
func (s *Set) Lookup(name string) (*File, Tensor, bool) {
	f, ok := s.byName[name]
	if !ok {
		return nil, Tensor{}, false
	}
	t, _ := f.Lookup(name)
	return f, t, true
}

// Names lists all tensors in alphabetical order.
func (s *Set) Names() []string { return slices.Sorted(maps.Keys(s.byName)) }

// readIndex gives the names of tensors by the file that should hold them.
func readIndex(path string) (map[string][]string, error) {
	r, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if size > maxHeaderSize {
		return nil, corrupt(path, fmt.Errorf("has %d bytes, too many for an index", size))
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, unreadable(path, err)
	}
	index, err := parseIndex(text)
	if err != nil {
		return nil, corrupt(path, err)
	}
	return index, nil
}

func parseIndex(text []byte) (map[string][]string, error) {
	var index map[string][]string
	err := readDocument(text, func(dec *json.Decoder, key string) (err error) {
		if key == "weight_map" {
			index, err = parseWeightMap(dec)
			return err
		}
		var skipped json.RawMessage
		return dec.Decode(&skipped)
	})
	if err == nil && len(index) == 0 {
		err = errors.New("has no weight_map")
	}
	return index, err
}

func parseWeightMap(dec *json.Decoder) (map[string][]string, error) {
	index := make(map[string][]string)
	err := readObject(dec, func(tensor string) error {
		file, err := readString(dec)
		if err != nil {
			return inTensor(tensor, err)
		}
		if !plainName(file) {
			return inTensor(tensor, fmt.Errorf("%.200q is not the name of a weight file in the same folder", file))
		}
		index[file] = append(index[file], tensor)
		return nil
	})
	return index, err
}

// plainName reports whether file can only be a file beside the index, on any system.
func plainName(file string) bool {
	return strings.HasSuffix(file, ".safetensors") && !strings.ContainsAny(file, "/\\:\x00") && file[0] != '.'
}
