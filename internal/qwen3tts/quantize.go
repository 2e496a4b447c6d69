package qwen3tts

import (
	"cmp"
	"context"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"ttsui/internal/safetensors"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// Quantized is a checkpoint that is to be written anew, with the linear maps of its talker and its code predictor
// quantised. Only what the headers say is in memory.
type Quantized struct {
	dir     string
	cfg     config
	set     *safetensors.Set
	how     tts.Quantization
	torch   bool // the speaker encoder's convolutions have PyTorch's order of axes
	tensors []safetensors.Tensor
	modules map[string]int // bits by the path of each quantised module
}

// Quantize makes the plan of what WriteTo will write. It looks at configuration and headers.
func Quantize(dir string, how tts.Quantization) (*Quantized, error) {
	how, err := how.Complete()
	if err != nil {
		return nil, err
	}
	cfg, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	if cfg.Quantization != nil {
		return nil, tts.Errorf(tts.CodeUnsupported, "Quantise the model that it was made of.", "the model in %s is quantised already", dir)
	}
	set, err := safetensors.OpenSet(dir)
	if err != nil {
		return nil, err
	}
	q := &Quantized{dir: dir, cfg: cfg, set: set, how: how, modules: map[string]int{}}
	if _, t, ok := set.Lookup(firstConvolution); ok && len(t.Shape) == 3 && cfg.mode() == tts.Clone {
		q.torch = t.Shape[1] == cfg.Speaker.MelBands && t.Shape[2] == cfg.Speaker.Kernels[0]
	}
	for _, name := range set.Names() {
		_, t, _ := set.Lookup(name)
		q.plan(t)
	}
	return q, nil
}

// firstConvolution tells the order of axes: it has more bands than its kernel is long.
const firstConvolution = "speaker_encoder.blocks.0.conv.weight"

// plan adds what a tensor becomes.
func (q *Quantized) plan(t safetensors.Tensor) {
	module := strings.TrimSuffix(t.Name, ".weight")
	bits := q.bits(module, t)
	if bits == 0 {
		if q.reorders(t) {
			t.Shape = []int{t.Shape[0], t.Shape[2], t.Shape[1]}
		}
		q.tensors = append(q.tensors, t)
		return
	}
	q.modules[module] = bits
	out, in := t.Shape[0], t.Shape[1]
	groups := in / q.how.GroupSize
	add := func(name string, dtype safetensors.DType, width int) {
		q.tensors = append(q.tensors, safetensors.Tensor{Name: name, DType: dtype, Shape: []int{out, width}, Size: int64(out * width * dtype.Size())})
	}
	add(t.Name, safetensors.U32, in*bits/32)
	add(module+".scales", t.DType, groups)
	add(module+".biases", t.DType, groups)
}

// bits is how many bits a module's weights get, 0 when they stay as they are. But for the heads these are mlx-audio's
// rules, its refusal of rows that are no multiple of 64 among them.
func (q *Quantized) bits(module string, t safetensors.Tensor) int {
	switch {
	case module == t.Name, len(t.Shape) != 2, !strings.HasPrefix(module, "talker."), !isFloat(t.DType):
		return 0
	case t.Shape[1]%64 != 0, t.Shape[1]%q.how.GroupSize != 0:
		return 0
	case strings.Contains(module, "codec_embedding"), strings.Contains(module, "text_embedding"):
		return 0
	case !q.how.Heads && isHead(module):
		return 0
	case q.how.Mixed && q.suffers(module):
		return q.how.Bits + 2
	}
	return q.how.Bits
}

func isFloat(d safetensors.DType) bool {
	return d == safetensors.F32 || d == safetensors.F16 || d == safetensors.BF16
}

func isHead(module string) bool {
	return module == "talker.codec_head" || strings.HasPrefix(module, "talker.code_predictor.lm_head.")
}

var inLayer = regexp.MustCompile(`^talker\.(code_predictor\.)?model\.layers\.(\d+)\.(self_attn\.v_proj|mlp\.down_proj)$`)

// suffers tells the weights whose rounding is heard most, by the rule that mlx-lm has for its mixed conversions: the
// value and down projections of the first and the last eighth of the layers, and of every third in between.
func (q *Quantized) suffers(module string) bool {
	m := inLayer.FindStringSubmatch(module)
	if m == nil {
		return false
	}
	layers := q.cfg.Talker.Layers
	if m[1] != "" {
		layers = q.cfg.Talker.Predictor.Layers
	}
	i, _ := strconv.Atoi(m[2]) // digits
	return i < layers/8 || i >= 7*layers/8 || (i-layers/8)%3 == 2
}

// reorders reports whether a tensor gets the order of axes that mlx-community's checkpoints have.
func (q *Quantized) reorders(t safetensors.Tensor) bool {
	return q.torch && len(t.Shape) == 3 && strings.HasPrefix(t.Name, "speaker_encoder.")
}

// Size is how many bytes WriteTo writes, but for the small files around the weights.
func (q *Quantized) Size() (bytes int64) {
	for _, t := range q.tensors {
		bytes += t.Size
	}
	return bytes
}

// ForecastQuantized is Forecast for what WriteTo will write.
func (l *Loader) ForecastQuantized(q *Quantized) (weights, room uint64, err error) {
	return l.forecast(q.dir, q.cfg, q.set, q.tensors)
}

// quantization is what config.json says of the modules: how most are made, and which differ.
func (q *Quantized) quantization() map[string]any {
	settings := func(bits int) map[string]any {
		return map[string]any{"group_size": q.how.GroupSize, "bits": bits, "mode": "affine"}
	}
	all := settings(q.how.Bits)
	for module, bits := range q.modules {
		if bits != q.how.Bits {
			all[module] = settings(bits)
		}
	}
	return all
}

// config is the copy's config.json: the original's, with the quantisation in the two places where programs look for it.
func (q *Quantized) config() ([]byte, error) {
	fields := map[string]any{}
	var raw map[string]json.RawMessage // whose order is kept
	if err := readJSON(filepath.Join(q.dir, "config.json"), &raw); err != nil {
		return nil, err
	}
	for key, value := range raw {
		fields[key] = value
	}
	fields["quantization"], fields["quantization_config"] = q.quantization(), q.quantization()
	return json.MarshalIndent(fields, "", "    ")
}

// check refuses a checkpoint that can't be loaded, before any work is done for it.
func (q *Quantized) check(ctx context.Context, l *Loader) error {
	m := &Model{thread: l.thread, cfg: q.cfg, weights: mlx.NewScope()}
	err := m.do(ctx, func() error { _, err := m.build(q.dir, q.set, Auto); return err })
	return cmp.Or(err, m.Close())
}
