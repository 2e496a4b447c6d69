package testkit

import "fmt"

// codecDims are the dimensions in speech_tokenizer/config.json.
type codecDims struct {
	Decoder decoderDims `json:"decoder_config"`
	Encoder encoderDims `json:"encoder_config"`
}

type decoderDims struct {
	stackDims
	Latent       int   `json:"latent_dim"`
	CodebookDim  int   `json:"codebook_dim"`
	CodebookSize int   `json:"codebook_size"`
	Channels     int   `json:"decoder_dim"`
	Quantizers   int   `json:"num_quantizers"`
	Rates        []int `json:"upsample_rates"`
	Ratios       []int `json:"upsampling_ratios"`
}

type encoderDims struct {
	stackDims
	Filters        int   `json:"num_filters"`
	Kernel         int   `json:"kernel_size"`
	LastKernel     int   `json:"last_kernel_size"`
	ResidualKernel int   `json:"residual_kernel_size"`
	Ratios         []int `json:"upsampling_ratios"`
	CodebookDim    int   `json:"codebook_dim"`
	CodebookSize   int   `json:"codebook_size"`
	Quantizers     int   `json:"num_quantizers"`
}

// tensors lists the codec's weights by name.
func (d *codecDims) tensors() []tensor {
	var list []tensor
	encoder, decoder := tensors{"encoder.", &list}, tensors{"decoder.", &list}
	d.Encoder.seanet(encoder.under("encoder.layers."))
	d.Encoder.transformer(encoder.under("encoder_transformer."))
	d.Encoder.quantizer(encoder)
	d.Decoder.quantizer(decoder.under("quantizer."))
	d.Decoder.transformer(decoder)
	d.Decoder.upsample(decoder.under("upsample."))
	d.Decoder.vocoder(decoder.under("decoder."))
	return byName(list)
}

// layerScale is for factors that begin small and grow in training.
func layerScale() spread { return spread{mean: 0.1, std: 0.02} }

// usage is how often a codebook's entries were used; all are above the clamp.
func usage() spread { return spread{mean: 2, std: 0.2} }

// seanet adds the convolutions that take the wave to 25 steps a second.
func (d *encoderDims) seanet(t tensors) {
	t.conv("0.conv", d.Filters, 1, d.Kernel)
	c, at := d.Filters, 1
	for i := range d.Ratios {
		ratio := d.Ratios[len(d.Ratios)-1-i]
		block := t.under("%d.block.", at)
		block.conv("1.conv", c/2, c, d.ResidualKernel)
		block.conv("3.conv", c, c/2, 1)
		t.conv(fmt.Sprintf("%d.conv", at+2), 2*c, c, 2*ratio)
		c, at = 2*c, at+3
	}
	t.conv(fmt.Sprintf("%d.conv", at+1), d.Hidden, c, d.LastKernel)
}

func (d *encoderDims) transformer(t tensors) {
	for i := range d.Layers {
		layer := t.under("layers.%d.", i)
		d.attention(layer.under("self_attn."))
		layer.weight("mlp.fc1", d.Intermediate, d.Hidden)
		layer.weight("mlp.fc2", d.Hidden, d.Intermediate)
		layer.layerNorm("input_layernorm", d.Hidden)
		layer.layerNorm("post_attention_layernorm", d.Hidden)
		layer.add("self_attn_layer_scale.scale", layerScale(), d.Hidden)
		layer.add("mlp_layer_scale.scale", layerScale(), d.Hidden)
	}
}

// quantizer adds the step to 12.5 frames a second and the codebooks.
func (d *encoderDims) quantizer(t tensors) {
	t.add("downsample.conv.weight", fanIn(d.Hidden*4, 1), d.Hidden, d.Hidden, 4)
	for name, layers := range map[string]int{"semantic": 1, "acoustic": d.Quantizers - 1} {
		q := t.under("quantizer.%s_residual_vector_quantizer.", name)
		q.add("input_proj.weight", fanIn(d.Hidden, 1), d.CodebookDim, d.Hidden, 1)
		q.add("output_proj.weight", fanIn(d.CodebookDim, 1), d.Hidden, d.CodebookDim, 1)
		for i := range layers {
			book := q.under("layers.%d.codebook.", i)
			book.add("initialized", spread{mean: 1}, 1)
			book.add("cluster_usage", usage(), d.CodebookSize)
			book.add("embed_sum", spread{std: 2}, d.CodebookSize, d.CodebookDim)
		}
	}
}

// quantizer adds the codebooks that the decoder reads codes with.
func (d *decoderDims) quantizer(t tensors) {
	inner := d.CodebookDim / 2
	for name, layers := range map[string]int{"first": 1, "rest": d.Quantizers - 1} {
		q := t.under("rvq_%s.", name)
		q.add("input_proj.weight", fanIn(d.CodebookDim, 1), inner, d.CodebookDim, 1)
		q.add("output_proj.weight", fanIn(inner, 1), d.CodebookDim, inner, 1)
		for i := range layers {
			book := q.under("vq.layers.%d._codebook.", i)
			book.add("cluster_usage", usage(), d.CodebookSize)
			book.add("embedding_sum", spread{std: 1}, d.CodebookSize, inner)
		}
	}
}

func (d *decoderDims) transformer(t tensors) {
	t.conv("pre_conv.conv", d.Latent, d.CodebookDim, 3)
	t = t.under("pre_transformer.")
	t.linear("input_proj", d.Hidden, d.Latent)
	for i := range d.Layers {
		layer := t.under("layers.%d.", i)
		d.attention(layer.under("self_attn."))
		d.gatedMLP(layer.under("mlp."))
		layer.norm("input_layernorm", d.Hidden)
		layer.norm("post_attention_layernorm", d.Hidden)
		layer.add("self_attn_layer_scale.scale", layerScale(), d.Hidden)
		layer.add("mlp_layer_scale.scale", layerScale(), d.Hidden)
	}
	t.norm("norm", d.Hidden)
	t.linear("output_proj", d.Latent, d.Hidden)
}

// upsample adds the steps from 12.5 to 50 a second.
func (d *decoderDims) upsample(t tensors) {
	c := d.Latent
	for i, ratio := range d.Ratios {
		t.add(fmt.Sprintf("%d.0.conv.weight", i), fanIn(c, 1), c, c, ratio) // transposed: [in, out, kernel]
		t.bias(fmt.Sprintf("%d.0.conv", i), c)
		next := t.under("%d.1.", i)
		next.conv("dwconv.conv", c, 1, 7)
		next.layerNorm("norm", c)
		next.linear("pwconv1", 4*c, c)
		next.linear("pwconv2", c, 4*c)
		next.add("gamma", layerScale(), c)
	}
}

// vocoder adds the steps to the wave. Snake activations and residuals raise what passes; the gains below 1 hold it.
func (d *decoderDims) vocoder(t tensors) {
	c := d.Channels
	t.conv("0.conv", c, d.Latent, 7)
	for i, rate := range d.Rates {
		block := t.under("%d.block.", i+1)
		out := c / 2
		block.snake("0.", c)
		block.add("1.conv.weight", fanIn(2*c, 0.6), c, out, 2*rate) // transposed: [in, out, kernel]
		block.bias("1.conv", out)
		for j := 2; j <= 4; j++ {
			unit := block.under("%d.", j)
			unit.snake("act1.", out)
			unit.conv("conv1.conv", out, out, 7)
			unit.snake("act2.", out)
			unit.add("conv2.conv.weight", fanIn(out, 0.25), out, out, 1)
			unit.bias("conv2.conv", out)
		}
		c = out
	}
	n := len(d.Rates) + 1
	t.snake(fmt.Sprintf("%d.", n), c)
	t.add(fmt.Sprintf("%d.conv.weight", n+1), fanIn(7*c, 0.2), 1, c, 7)
	t.bias(fmt.Sprintf("%d.conv", n+1), 1)
}

// snake adds an activation's parameters, which are logarithms.
func (t tensors) snake(prefix string, n int) {
	t.add(prefix+"alpha", spread{std: 0.1}, n)
	t.add(prefix+"beta", spread{mean: 0.5, std: 0.1}, n)
}
