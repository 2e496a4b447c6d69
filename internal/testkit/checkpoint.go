package testkit

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"ttsui/internal/safetensors"
)

// Size names the dimensions of a checkpoint.
type Size string

// The sizes. SizeTiny has the dimensions of the golden checkpoints and takes milliseconds. Size512MiB is as tiny but
// for its talker, which makes the main file about that large. SizeThin is as narrow, but as deep as the released ones:
// what is left is the cost of an operation, whatever it computes. The others are the released models' dimensions.
const (
	SizeTiny   Size = "tiny"
	SizeThin   Size = "thin"
	Size512MiB Size = "512MiB"
	Size06B    Size = "0.6B"
	Size17B    Size = "1.7B"
)

// CheckpointSpec says which random checkpoint to write. The zero value is the tiny base model in bf16, in the layout
// of mlx-community, in one file.
type CheckpointSpec struct {
	Size         Size
	Kind         string            // base, custom_voice or voice_design
	Official     bool              // the layout of the official repositories
	DType        safetensors.DType // of the main weights: BF16, F16 or F32; the codec's are F32, as in every release
	Shards       int               // files that the main weights are split into
	TalkerLayers int               // other than the size's own
	Bits         int               // affine quantisation, in groups of 64, as mlx-audio's converter does it; 0 is none
	Mixed        bool              // with Bits: of the code predictor only
	Seed         uint64

	// Sparse leaves the weights out: the files have their true headers and lengths, but a hole for data, which reads
	// as zeros and takes no space.
	Sparse bool
}

// WriteCheckpoint writes a random checkpoint into dir, complete with configuration and tokenizer. A tensor's values
// depend on nothing but the seed, its name and its shape: they are the same in both layouts and in any number of
// files. They are scaled so that activations keep their size; the sound is noise. The row of the end of speech in the
// talker's head is zero, where the best of 3,072 random logits are far above, so that speech ends by its limit only.
//
// The real sizes come with a tokenizer of the real number of tokens and the real ids of those in every prompt, but
// with few merges: a text has more tokens than with the released one.
func WriteCheckpoint(dir string, spec CheckpointSpec) error {
	if err := spec.complete(); err != nil {
		return err
	}
	main, codec, err := spec.configs()
	if err != nil {
		return fmt.Errorf("make the configuration: %w", err)
	}
	var model mainDims
	var speech codecDims
	if err := cmp.Or(main.decode(&model), codec.decode(&speech)); err != nil {
		return fmt.Errorf("read the configuration back: %w", err)
	}
	speechDir := filepath.Join(dir, "speech_tokenizer")
	if err := os.MkdirAll(speechDir, 0o777); err != nil {
		return err
	}
	for path, config := range map[string]object{"config.json": main, "speech_tokenizer/config.json": codec} {
		if err := writeJSON(filepath.Join(dir, path), config); err != nil {
			return err
		}
	}
	if err := spec.writeSmallFiles(dir); err != nil {
		return err
	}
	if err := spec.writeMain(dir, model.tensors(spec.Official)); err != nil {
		return err
	}
	return spec.writeWeights(filepath.Join(speechDir, weightsName), "pt", safetensors.F32, speech.tensors())
}

const weightsName = "model.safetensors"

// complete fills in the defaults and refuses what makes no checkpoint.
func (s *CheckpointSpec) complete() error {
	s.Size = cmp.Or(s.Size, SizeTiny)
	s.Kind = cmp.Or(s.Kind, "base")
	s.DType = cmp.Or(s.DType, safetensors.BF16)
	s.Shards = max(s.Shards, 1)
	switch s.DType {
	case safetensors.BF16, safetensors.F16, safetensors.F32:
		return nil
	}
	return fmt.Errorf("no weights of type %s", s.DType)
}

// writeMain writes the main weights: one file or several with an index, which mlx-community's converter writes
// always.
func (s *CheckpointSpec) writeMain(dir string, tensors []tensor) error {
	format := "mlx"
	if s.Official {
		format = "pt"
	}
	if s.Shards > len(tensors) {
		return fmt.Errorf("%d tensors do not fill %d files", len(tensors), s.Shards)
	}
	index := map[string]string{}
	size := 0
	for i := range s.Shards {
		name := weightsName
		if s.Shards > 1 {
			name = fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, s.Shards)
		}
		part := tensors[i*len(tensors)/s.Shards : (i+1)*len(tensors)/s.Shards]
		for _, t := range part {
			for _, d := range s.data(t, s.DType, nil) {
				index[d.Name] = name
				size += dataLen(d)
			}
		}
		if err := s.writeWeights(filepath.Join(dir, name), format, s.DType, part); err != nil {
			return err
		}
	}
	if s.Official && s.Shards == 1 {
		return nil
	}
	return writeJSON(filepath.Join(dir, weightsName+".index.json"),
		object{"metadata": object{"total_size": size}, "weight_map": index})
}

// writeWeights writes one file of weights.
func (s *CheckpointSpec) writeWeights(path, format string, dtype safetensors.DType, tensors []tensor) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, f.Close()) }()

	out := bufio.NewWriterSize(newHoleWriter(f), blockSize)
	random := newRandom(s.Seed, dtype)
	var list []safetensors.Data
	for _, t := range tensors {
		list = append(list, s.data(t, dtype, random)...)
	}
	err = safetensors.Write(out, map[string]string{"format": format}, list)
	if err := cmp.Or(err, out.Flush()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	end, err := f.Seek(0, io.SeekCurrent)
	return cmp.Or(err, f.Truncate(end))
}

// data is what the file holds of t: itself, or the three parts of its quantisation.
func (s *CheckpointSpec) data(t tensor, dtype safetensors.DType, random *random) []safetensors.Data {
	list := []safetensors.Data{{Name: t.name, DType: dtype, Shape: t.fileShape(), Write: func(w io.Writer) error { return random.write(w, t) }}}
	if s.quantizes(t) {
		list = s.quantized(t, dtype, random)
	}
	if s.Sparse {
		for i := range list {
			list[i].Write = func(w io.Writer) error { return writeZeros(w, dataLen(list[i])) }
		}
	}
	return list
}

// dataLen is the number of bytes.
func dataLen(d safetensors.Data) int { return tensor{shape: d.Shape}.len() * d.DType.Size() }

// object is a JSON object.
type object map[string]any

// decode reads o into a struct.
func (o object) decode(into any) error {
	text, err := json.Marshal(o)
	return cmp.Or(err, json.Unmarshal(text, into))
}

// override replaces what with names, one level of objects after the other.
func (o object) override(with object) {
	for key, value := range with {
		inner, nested := value.(object)
		old, _ := o[key].(map[string]any)
		if nested && old != nil {
			object(old).override(inner)
		} else {
			o[key] = value
		}
	}
}

func readJSON(path string) (o object, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return o, nil
}

func writeJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "    ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o666)
}

// byName sorts tensors as the released files do.
func byName(list []tensor) []tensor {
	slices.SortFunc(list, func(a, b tensor) int { return cmp.Compare(a.name, b.name) })
	return list
}
