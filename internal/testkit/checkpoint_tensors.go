package testkit

import (
	"encoding/json"
	"fmt"
	"math"
)

// tensor is one tensor of a checkpoint that is to be written.
type tensor struct {
	name    string
	shape   []int // [out, in, kernel] for a convolution
	spread  spread
	zeroRow int  // 1 + the row that is zero; 0: none
	swapped bool // the file has the last two axes swapped
}

// spread is the normal distribution that values are drawn from.
type spread struct{ mean, std float64 }

// len is the number of elements.
func (t tensor) len() int {
	n := 1
	for _, d := range t.shape {
		n *= d
	}
	return n
}

// fileShape is the shape that the file states.
func (t tensor) fileShape() []int {
	if t.swapped {
		return []int{t.shape[0], t.shape[2], t.shape[1]}
	}
	return t.shape
}

// tensors collects what a model is made of. prefix is in front of every name.
type tensors struct {
	prefix string
	list   *[]tensor
}

// under gives the same collection with a longer prefix.
func (t tensors) under(format string, args ...any) tensors {
	return tensors{t.prefix + fmt.Sprintf(format, args...), t.list}
}

func (t tensors) add(name string, s spread, shape ...int) {
	*t.list = append(*t.list, tensor{name: t.prefix + name, shape: shape, spread: s})
}

// fanIn keeps the size of what flows through a sum of n products, times gain.
func fanIn(n int, gain float64) spread { return spread{std: gain / math.Sqrt(float64(n))} }

// gainOne is for factors that a trained model has near 1; they differ, so that one left out is noticed.
func gainOne() spread { return spread{mean: 1, std: 0.1} }

func (t tensors) weight(name string, out, in int) { t.add(name+".weight", fanIn(in, 1), out, in) }
func (t tensors) bias(name string, n int)         { t.add(name+".bias", spread{std: 0.02}, n) }
func (t tensors) norm(name string, n int)         { t.add(name+".weight", gainOne(), n) }

func (t tensors) linear(name string, out, in int) {
	t.weight(name, out, in)
	t.bias(name, out)
}

func (t tensors) layerNorm(name string, n int) {
	t.norm(name, n)
	t.bias(name, n)
}

// conv is a convolution with bias, [out, in, kernel].
func (t tensors) conv(name string, out, in, kernel int) {
	t.add(name+".weight", fanIn(in*kernel, 1), out, in, kernel)
	t.bias(name, out)
}

// stackDims are the dimensions of a transformer, as a configuration names them.
type stackDims struct {
	Hidden       int `json:"hidden_size"`
	Intermediate int `json:"intermediate_size"`
	Layers       int `json:"num_hidden_layers"`
	Heads        int `json:"num_attention_heads"`
	KVHeads      int `json:"num_key_value_heads"`
	HeadDim      int `json:"head_dim"`
}

// attention adds the projections of one layer.
func (d stackDims) attention(t tensors) {
	t.weight("q_proj", d.Heads*d.HeadDim, d.Hidden)
	t.weight("k_proj", d.KVHeads*d.HeadDim, d.Hidden)
	t.weight("v_proj", d.KVHeads*d.HeadDim, d.Hidden)
	t.weight("o_proj", d.Hidden, d.Heads*d.HeadDim)
}

// gatedMLP adds the feed-forward part of one layer.
func (d stackDims) gatedMLP(t tensors) {
	t.weight("gate_proj", d.Intermediate, d.Hidden)
	t.weight("up_proj", d.Intermediate, d.Hidden)
	t.weight("down_proj", d.Hidden, d.Intermediate)
}

// qwen3 adds a Qwen3 decoder.
func (d stackDims) qwen3(t tensors) {
	for i := range d.Layers {
		layer := t.under("layers.%d.", i)
		d.attention(layer.under("self_attn."))
		layer.norm("self_attn.q_norm", d.HeadDim)
		layer.norm("self_attn.k_norm", d.HeadDim)
		d.gatedMLP(layer.under("mlp."))
		layer.norm("input_layernorm", d.Hidden)
		layer.norm("post_attention_layernorm", d.Hidden)
	}
	t.norm("norm", d.Hidden)
}

// mainDims are the dimensions in config.json.
type mainDims struct {
	Talker struct {
		stackDims
		Vocab      int `json:"vocab_size"`
		TextVocab  int `json:"text_vocab_size"`
		TextHidden int `json:"text_hidden_size"`
		EOS        int `json:"codec_eos_token_id"`
		Predictor  struct {
			stackDims
			Vocab  int `json:"vocab_size"`
			Groups int `json:"num_code_groups"`
		} `json:"code_predictor_config"`
	} `json:"talker_config"`
	Speaker *speakerDims `json:"speaker_encoder_config"`
}

// tensors lists the main weights by name.
func (d *mainDims) tensors(official bool) []tensor {
	var list []tensor
	talker := tensors{"talker.", &list}
	d.talker(talker)
	d.predictor(talker.under("code_predictor."))
	if d.Speaker != nil {
		first := len(list)
		d.Speaker.tensors(tensors{"speaker_encoder.", &list})
		for i := range list[first:] {
			t := &list[first+i]
			t.swapped = !official && len(t.shape) == 3
		}
	}
	return byName(list)
}

func (d *mainDims) talker(t tensors) {
	k := &d.Talker
	k.qwen3(t.under("model."))
	t.add("model.codec_embedding.weight", spread{std: 0.3}, k.Vocab, k.Hidden)
	t.add("model.text_embedding.weight", spread{std: 1}, k.TextVocab, k.TextHidden)
	t.linear("text_projection.linear_fc1", k.TextHidden, k.TextHidden)
	t.linear("text_projection.linear_fc2", k.Hidden, k.TextHidden)
	t.add("codec_head.weight", fanIn(k.Hidden, 2), k.Vocab, k.Hidden)
	(*t.list)[len(*t.list)-1].zeroRow = k.EOS + 1
}

func (d *mainDims) predictor(t tensors) {
	k := &d.Talker.Predictor
	k.qwen3(t.under("model."))
	for i := range k.Groups - 1 {
		t.add(fmt.Sprintf("model.codec_embedding.%d.weight", i), spread{std: 0.3}, k.Vocab, d.Talker.Hidden)
		t.add(fmt.Sprintf("lm_head.%d.weight", i), fanIn(k.Hidden, 2), k.Vocab, k.Hidden)
	}
	if k.Hidden != d.Talker.Hidden {
		t.linear("small_to_mtp_projection", k.Hidden, d.Talker.Hidden)
	}
}

// speakerDims are the dimensions of the speaker encoder.
type speakerDims struct {
	Out       int   `json:"enc_dim"`
	Mel       int   `json:"mel_dim"`
	Channels  []int `json:"enc_channels"`
	Kernels   []int `json:"enc_kernel_sizes"`
	Attention int   `json:"enc_attention_channels"`
	Scale     int   `json:"enc_res2net_scale"`
	Squeeze   int   `json:"enc_se_channels"`
}

// UnmarshalJSON fills in the values that released files leave out.
func (d *speakerDims) UnmarshalJSON(text []byte) error {
	type plain speakerDims
	p := plain{Mel: 128, Channels: []int{512, 512, 512, 512, 1536}, Kernels: []int{5, 3, 3, 3, 1}, Attention: 128, Scale: 8, Squeeze: 128}
	err := json.Unmarshal(text, &p)
	*d = speakerDims(p)
	return err
}

func (d *speakerDims) tensors(t tensors) {
	last := len(d.Channels) - 1
	t.conv("blocks.0.conv", d.Channels[0], d.Mel, d.Kernels[0])
	for i := 1; i < last; i++ {
		block := t.under("blocks.%d.", i)
		in, out := d.Channels[i-1], d.Channels[i]
		block.conv("tdnn1.conv", out, in, 1)
		for j := range d.Scale - 1 {
			block.conv(fmt.Sprintf("res2net_block.blocks.%d.conv", j), out/d.Scale, out/d.Scale, d.Kernels[i])
		}
		block.conv("tdnn2.conv", out, out, 1)
		block.conv("se_block.conv1", d.Squeeze, out, 1)
		block.conv("se_block.conv2", out, d.Squeeze, 1)
	}
	pooled := d.Channels[last]
	t.conv("mfa.conv", pooled, pooled, d.Kernels[last])
	t.conv("asp.tdnn.conv", d.Attention, 3*pooled, 1)
	t.conv("asp.conv", pooled, d.Attention, 1)
	t.conv("fc", d.Out, 2*pooled, 1)
}
