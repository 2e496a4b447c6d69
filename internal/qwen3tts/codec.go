package qwen3tts

import (
	"path/filepath"

	"ttsui/internal/nn"
	"ttsui/internal/safetensors"
	mlx "ttsui/mlxbridge"
)

// codec turns sound into frames of 16 codes, 12.5 a second, and back. It computes in float32; the vocoder of its decoder
// may convolve in 16 bits. Its layers hold no state of a generation, so that models share them.
type codec struct {
	decoder *codecDecoder
	encoder *codecEncoder // nil when it was not asked for
}

// codecFiles is a checkpoint's speech_tokenizer folder, before anything of it is read.
type codecFiles struct {
	dir     string
	config  codecConfig
	set     *safetensors.Set
	weights []weightsFile // the set's files
}

func openCodec(dir string) (f codecFiles, err error) {
	f.dir = filepath.Join(dir, "speech_tokenizer")
	if f.config, err = readCodecConfig(f.dir); err != nil {
		return f, err
	}
	if f.set, err = safetensors.OpenSet(f.dir); err != nil {
		return f, err
	}
	for _, file := range f.set.Files {
		w, err := statWeights(file.Path)
		if err != nil {
			return f, err
		}
		f.weights = append(f.weights, w)
	}
	return f, nil
}

// layers makes those of the codec's halves that are asked for; their weights are read afterwards, and belong to scope.
// What is not needed is checked all the same.
func (f codecFiles) layers(scope *mlx.Scope, vocoder mlx.DType, decoder, encoder bool) (*codec, *nn.Weights, error) {
	w, c := nn.NewWeights(scope, f.set, mlx.Float32, nn.Quantization{}), &codec{}
	if decoder {
		c.decoder = newCodecDecoder(w, f.config.Decoder, vocoder)
	} else {
		w.Skip(func() { newCodecDecoder(w, f.config.Decoder, vocoder) })
	}
	if encoder {
		c.encoder = newCodecEncoder(w, f.config.Encoder)
	} else {
		w.Skip(func() { newCodecEncoder(w, f.config.Encoder) })
	}
	if err := scope.Err(); err != nil {
		return nil, nil, err
	}
	return c, w, w.Check(f.dir)
}
