package qwen3tts

import (
	"cmp"
	"fmt"

	"ttsui/internal/nn"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

const (
	downsampleKernel = 4
	downsampleStride = 2 // from 25 rows a second to 12.5

	// pieceSamples is how much sound the encoder looks at at once: 2 s. A clip of minutes as a whole would take
	// gigabytes, for the first convolutions at the rate of the samples and for attention.
	pieceSamples = 25 * frameSamples
	encoderBlock = 512 // rows by which the transformer's caches grow
)

// codecEncoder turns samples into codes: convolutions (SEANet) down to 25 rows a second, a transformer, a step down to
// the frame rate and two quantisers. It is the encoder of Mimi. All but the step is causal.
type codecEncoder struct {
	start    *causal // 1→filters, kernel 7
	blocks   []seanetBlock
	end      *causal // channels→hidden, kernel 3
	layers   []encoderLayer
	down     nn.Conv1D // hidden→hidden, kernel 4, stride 2
	semantic quantizer // 1 book
	acoustic quantizer // 15 books
	tap      tap       // tests only
}

func newCodecEncoder(w *nn.Weights, c codecEncoderConfig) *codecEncoder {
	conv := func(layer, in, out, kernel int) nn.Conv1D {
		return w.Conv1D(fmt.Sprintf("encoder.encoder.layers.%d.conv", layer), in, out, kernel, true, nn.Torch)
	}
	const rvq = "encoder.quantizer.%s_residual_vector_quantizer"
	e := &codecEncoder{
		start:    causalConv(conv(0, 1, c.Filters, c.Kernel)),
		down:     w.Conv1D("encoder.downsample.conv", c.Hidden, c.Hidden, downsampleKernel, false, nn.Torch),
		semantic: newQuantizer(w, fmt.Sprintf(rvq, "semantic"), semanticBooks, semanticBooks, c),
		acoustic: newQuantizer(w, fmt.Sprintf(rvq, "acoustic"), codeGroups-semanticBooks, c.Books-semanticBooks, c),
	}
	e.down.Stride = downsampleStride
	channels, layer := c.Filters, 1
	for i := range c.Ratios {
		ratio := c.Ratios[len(c.Ratios)-1-i]
		down := conv(layer+2, channels, 2*channels, 2*ratio)
		down.Stride = ratio
		e.blocks = append(e.blocks, newSEANetBlock(w, layer, channels, c, down))
		channels, layer = 2*channels, layer+3
	}
	e.end = causalConv(conv(layer+1, channels, c.Hidden, c.LastKernel))
	for i := range c.Layers {
		e.layers = append(e.layers, newEncoderLayer(w, fmt.Sprintf("encoder.encoder_transformer.layers.%d", i), c))
	}
	return e
}

// encoderPass is a pass of the encoder over a clip, in steps between which other work may come in.
type encoderPass struct {
	*codecEncoder
	pcm    []float32 // what is still to come
	past   past
	caches []*nn.KVCache // of the transformer's layers
	rows   mlx.Held      // [25 Hz, hidden]: what the transformer gave so far
}

func (e *codecEncoder) newPass(pcm []float32) *encoderPass {
	p := &encoderPass{codecEncoder: e, pcm: pcm, past: past{}}
	for range e.layers {
		p.caches = append(p.caches, &nn.KVCache{Block: encoderBlock})
	}
	return p
}

// step sends the next piece through the convolutions and the transformer, and reports whether there are more.
func (p *encoderPass) step(s *mlx.Scope) (more bool) {
	if len(p.pcm) == 0 {
		s.Fail(tts.Errorf(tts.CodeInvalid, "Use a recording of some seconds of speech.", "the reference audio is empty"))
		return false
	}
	piece := p.pcm[:min(pieceSamples, len(p.pcm))]
	p.pcm = p.pcm[len(piece):]
	x := p.seanet(s, s.Floats(piece, len(piece), 1), p.past)
	for i, l := range p.layers {
		x = l.apply(s, x, p.caches[i])
	}
	s.Hold(&p.rows, s.Concat(0, p.rows.Array(), x))
	s.Eval(append(p.past.state(), p.rows.Array())...)
	return len(p.pcm) > 0 && s.Err() == nil
}

// codes gives the clip's codes [T, 16], Int32, once all steps are done.
func (p *encoderPass) codes(s *mlx.Scope) mlx.Array {
	p.tap.see("codec.features", p.rows.Array())
	x := p.downsample(s, p.rows.Array()) // [T, hidden]
	p.tap.see("codec.downsample", x)
	codes := append(p.semantic.encode(s, x), p.acoustic.encode(s, x)...)
	for i, c := range codes {
		codes[i] = s.Reshape(c, s.Dim(c, 0), 1)
	}
	return s.AsType(s.Concat(1, codes...), mlx.Int32)
}

func (p *encoderPass) free() error {
	err := p.past.free()
	for _, c := range p.caches {
		err = cmp.Or(err, c.Free())
	}
	return cmp.Or(err, p.rows.Free())
}

// seanet maps samples [time, 1] to rows [ceil(time/960), hidden].
func (e *codecEncoder) seanet(s *mlx.Scope, x mlx.Array, p past) mlx.Array {
	x = p.feed(s, e.start, x) // [time, filters]
	for _, b := range e.blocks {
		x = b.apply(s, x, p)
	}
	x = p.feed(s, e.end, s.ELU(x))
	e.tap.see("codec.seanet", x)
	return x
}

// downsample halves the rate. Its padding repeats the first and the last row, unlike that of the other convolutions.
func (e *codecEncoder) downsample(s *mlx.Scope, x mlx.Array) mlx.Array {
	odd := s.Dim(x, 0) % downsampleStride
	return e.down.Apply(s, s.PadEdge(x, 0, downsampleKernel-downsampleStride, odd))
}

// seanetBlock is x + conv₁(elu(conv₃(elu(x)))), then a strided convolution that doubles the channels.
type seanetBlock struct {
	conv1 *causal // c→c/2, kernel 3
	conv2 *causal // c/2→c, kernel 1
	down  *causal // c→2c, kernel 2·stride
}

func newSEANetBlock(w *nn.Weights, layer, channels int, c codecEncoderConfig, down nn.Conv1D) seanetBlock {
	name, inner := fmt.Sprintf("encoder.encoder.layers.%d.block", layer), channels/c.Compress
	return seanetBlock{
		conv1: causalConv(w.Conv1D(name+".1.conv", channels, inner, c.ResidualKernel, true, nn.Torch)),
		conv2: causalConv(w.Conv1D(name+".3.conv", inner, channels, 1, true, nn.Torch)),
		down:  causalConv(down),
	}
}

// apply maps x [time, c] to [ceil(time/stride), 2c].
func (b seanetBlock) apply(s *mlx.Scope, x mlx.Array, p past) mlx.Array {
	y := p.feed(s, b.conv1, s.ELU(x))
	y = p.feed(s, b.conv2, s.ELU(y))
	return p.feed(s, b.down, s.ELU(s.Add(x, y)))
}

// encoderLayer is a transformer layer with LayerNorm, a plain feed-forward block, and a scale on what each half adds:
//
//	x += a ⊙ Attention(LayerNorm(x));  x += m ⊙ W₂·gelu(W₁·LayerNorm(x))
//
// Its attention sees the whole past: the official package ignores the configured window.
type encoderLayer struct {
	attnNorm  nn.LayerNorm // [hidden]
	attn      nn.Attention
	attnScale mlx.Array    // [hidden]
	mlpNorm   nn.LayerNorm // [hidden]
	inner     nn.Linear    // hidden→intermediate
	outer     nn.Linear    // intermediate→hidden
	mlpScale  mlx.Array    // [hidden]
}

func newEncoderLayer(w *nn.Weights, name string, c codecEncoderConfig) encoderLayer {
	return encoderLayer{
		attnNorm:  w.LayerNorm(name+".input_layernorm", c.Hidden, c.NormEps),
		attn:      w.Attention(name+".self_attn", c.attention()),
		attnScale: w.Tensor(name+".self_attn_layer_scale.scale", c.Hidden),
		mlpNorm:   w.LayerNorm(name+".post_attention_layernorm", c.Hidden, c.NormEps),
		inner:     w.Linear(name+".mlp.fc1", c.Hidden, c.Intermediate, false),
		outer:     w.Linear(name+".mlp.fc2", c.Intermediate, c.Hidden, false),
		mlpScale:  w.Tensor(name+".mlp_layer_scale.scale", c.Hidden),
	}
}

func (l encoderLayer) apply(s *mlx.Scope, x mlx.Array, cache nn.Cache) mlx.Array {
	x = s.Add(x, s.Mul(l.attnScale, l.attn.Apply(s, l.attnNorm.Apply(s, x), cache)))
	return s.Add(x, s.Mul(l.mlpScale, l.outer.Apply(s, s.GELU(l.inner.Apply(s, l.mlpNorm.Apply(s, x))))))
}
