package qwen3tts

import (
	"slices"
	"strings"

	"ttsui/internal/safetensors"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// Forecast tells how many bytes the checkpoint in dir will need: its weights in the type that they are computed in,
// those halves of the codec that are not in memory yet, and room to load and to speak in. It reads configuration and
// headers, no weights, and needs no turn on the MLX thread. A codec of the same configuration and size as one in
// memory counts as the same here; Load compares them properly.
func (l *Loader) Forecast(dir string) (weights, room uint64, err error) {
	cfg, err := readConfig(dir)
	if err != nil {
		return 0, 0, err
	}
	set, err := safetensors.OpenSet(dir)
	if err != nil {
		return 0, 0, err
	}
	return l.forecast(dir, cfg, set, tensorsOf(set))
}

// forecast is Forecast for the tensors of a checkpoint, those of set or what they will become.
func (l *Loader) forecast(dir string, cfg config, set *safetensors.Set, tensors []safetensors.Tensor) (weights, room uint64, err error) {
	files, err := openCodec(dir)
	if err != nil {
		return 0, 0, err
	}
	dtype := computeType(l.dtype, set)
	main := footprintOf(tensors, func(name string) mlx.DType {
		switch {
		case strings.HasPrefix(name, "speaker_encoder."):
			return mlx.Float32
		case strings.HasPrefix(name, textEmbedding+"."):
			return notLoaded
		}
		return dtype
	})
	decoder, encoder := l.codecs.missing(files, cfg.mode() == tts.Clone)
	codec := footprintOf(tensorsOf(files.set), func(name string) mlx.DType {
		switch inDecoder := strings.HasPrefix(name, "decoder."); {
		case inDecoder && !decoder || !inDecoder && !encoder:
			return notLoaded
		case convolvesInVocoder(name):
			return l.codecs.vocoder
		}
		return mlx.Float32
	})
	return main.weights + codec.weights, max(main.conversion, codec.conversion, cfg.working(dtype)), nil
}

// notLoaded stands for the type of a tensor that isn't read.
const notLoaded = mlx.Bool

// footprint is the memory that weights need.
type footprint struct {
	weights    uint64 // when they are loaded
	conversion uint64 // besides while they are: the largest tensor that changes its type is held in both for a moment
}

// tensorsOf lists a checkpoint's tensors.
func tensorsOf(set *safetensors.Set) (list []safetensors.Tensor) {
	for _, f := range set.Files {
		list = append(list, f.Tensors...)
	}
	return list
}

// footprintOf sums tensors, each float in the type that to gives for it.
func footprintOf(tensors []safetensors.Tensor, to func(name string) mlx.DType) (f footprint) {
	for _, t := range tensors {
		want, size := to(t.Name), uint64(t.Size)
		if want == notLoaded {
			continue
		}
		from, float := map[safetensors.DType]mlx.DType{
			safetensors.F32: mlx.Float32, safetensors.F16: mlx.Float16, safetensors.BF16: mlx.BFloat16,
		}[t.DType]
		if float && from != want {
			f.conversion = max(f.conversion, size)
			size = size / uint64(from.Size()) * uint64(want.Size())
		}
		f.weights += size
	}
	return f
}

// activations is what speaking takes besides the talker's cache, measured on the CPU at the dimensions of the released
// 0.6B models: the codec's calls of 8 frames took 306 MiB, a prompt of 2,000 tokens 334 MiB, the transcribed reference
// of a clone 336 MiB for 15 s and 1.1 GiB for a minute.
const activations = 512 << 20

// working is the memory for a generation of a minute, after a prompt of some sentences, and for what is remembered.
func (c *config) working(dtype mlx.DType) uint64 {
	const positions = 60*tts.SampleRate/tts.FrameSamples + 512
	t := &c.Talker
	cache := 2 * uint64(t.Layers*t.KVHeads*t.HeadDim*dtype.Size()) * positions
	return activations + cache + mostRemembered
}

// missing tells which halves of a codec would have to be loaded.
func (c *codecs) missing(files codecFiles, wantEncoder bool) (decoder, encoder bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	has := func(half func(k *codecCopy) *codecHalf) bool {
		return slices.ContainsFunc(c.copies, func(k *codecCopy) bool { return half(k).users > 0 && k.resembles(files) })
	}
	decoder = !has(func(k *codecCopy) *codecHalf { return &k.decoder })
	encoder = wantEncoder && !has(func(k *codecCopy) *codecHalf { return &k.encoder })
	return decoder, encoder
}
