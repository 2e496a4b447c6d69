package qwen3tts

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"ttsui/internal/nn"
	mlx "ttsui/mlxbridge"
)

// codecDecoder turns codes into samples: codebooks, a transformer at the frame rate, two steps up to 50 rows a second,
// and a vocoder of four blocks up to the wave. All of it is causal.
type codecDecoder struct {
	first      codebooks // semantic
	rest       codebooks // acoustic
	preConv    *causal   // codebook dim→latent, kernel 3
	pre        codecTransformer
	upsample   []upsampler    // ×2 each
	start      *causal        // latent→channels, kernel 7
	blocks     []vocoderBlock // ×8, ×5, ×4, ×3; each halves the channels
	finalSnake snake
	end        *causal // channels→1, kernel 7
	window     int
	context    int // frames back that the vocoder hears
}

// newCodecDecoder makes the decoder, with the weights of the vocoder's convolutions in the given type: nine tenths of what
// there is to multiply.
func newCodecDecoder(w *nn.Weights, c codecDecoderConfig, vocoder mlx.DType) *codecDecoder {
	v := w.Convolving(vocoder)
	d := &codecDecoder{
		first:   newCodebooks(w, "decoder.quantizer.rvq_first", semanticBooks, c),
		rest:    newCodebooks(w, "decoder.quantizer.rvq_rest", c.Books-semanticBooks, c),
		preConv: causalConv(w.Conv1D("decoder.pre_conv.conv", c.CodebookDim, c.Latent, 3, true, nn.Torch)),
		pre:     newCodecTransformer(w, "decoder.pre_transformer", c),
		start:   causalConv(v.Conv1D("decoder.decoder.0.conv", c.Latent, c.Channels, 7, true, nn.Torch)),
		window:  c.Window,
		context: c.context(),
	}
	for i, ratio := range c.Ratios {
		d.upsample = append(d.upsample, newUpsampler(w, fmt.Sprintf("decoder.upsample.%d", i), c.Latent, ratio))
	}
	channels := c.Channels
	for i, rate := range c.Rates {
		d.blocks = append(d.blocks, newVocoderBlock(v, fmt.Sprintf("decoder.decoder.%d.block", i+1), channels, rate))
		channels /= 2
	}
	n := len(c.Rates) + 1
	d.finalSnake = newSnake(w, fmt.Sprintf("decoder.decoder.%d", n), channels)
	d.end = causalConv(w.Conv1D(fmt.Sprintf("decoder.decoder.%d.conv", n+1), channels, 1, 7, true, nn.Torch))
	return d
}

// convolvesInVocoder tells a weight that newCodecDecoder takes in the vocoder's type, but for the last of them, a row.
func convolvesInVocoder(name string) bool {
	return strings.HasPrefix(name, "decoder.decoder.") && strings.HasSuffix(name, ".conv.weight")
}

// codecStream is a pass of the decoder over frames that come piece by piece: the samples are the same at any cutting.
type codecStream struct {
	*codecDecoder
	past    past
	windows []*nn.WindowCache // of the transformer's layers
	tap     tap               // tests only
}

func (d *codecDecoder) newStream() *codecStream {
	st := &codecStream{codecDecoder: d, past: past{}}
	for range d.pre.layers {
		st.windows = append(st.windows, &nn.WindowCache{Window: d.window})
	}
	return st
}

// state lists the arrays that the stream carries to its next call. Evaluate them together with the samples, or a call's
// working memory lives until the next one.
func (st *codecStream) state() []mlx.Array {
	list := st.past.state()
	for _, c := range st.windows {
		list = append(list, c.State()...)
	}
	return list
}

// continueFrom lets a new stream go on where another is, which stays there.
func (st *codecStream) continueFrom(s *mlx.Scope, from *codecStream) {
	for c, rows := range from.past {
		st.past[c] = &mlx.Held{}
		s.Hold(st.past[c], s.Alias(rows.Array()))
	}
	for i, w := range st.windows {
		w.Continue(s, from.windows[i])
	}
}

// free frees the stream's state, after which it is a new one.
func (st *codecStream) free() error {
	err := st.past.free()
	for _, c := range st.windows {
		err = cmp.Or(err, c.Free())
	}
	return err
}

// decode turns the next codes [T, 16] into samples [T·1920] in [−1, 1].
func (st *codecStream) decode(s *mlx.Scope, codes mlx.Array) mlx.Array {
	return st.wave(s, st.latents(s, codes))
}

// context is how many frames back the sound of a frame depends on the latents: 6 rows for each convolution of kernel 7,
// one for each transposed one and 78 for the three dilated ones of a block, each at its rate of rows a frame. The
// transformer sees further. For the released codec it is 9.4, rounded up.
func (c codecDecoderConfig) context() int {
	frames, rate := 0.0, 1.0
	for _, ratio := range c.Ratios {
		rate *= float64(ratio)
		frames += 6 / rate
	}
	frames += 6 / rate
	for _, ratio := range c.Rates {
		frames += 1 / rate
		rate *= float64(ratio)
		frames += 78 / rate
	}
	return int(math.Ceil(frames + 6/rate))
}

// skip lets the stream hear codes [T, 16] without making their sound. What decode gives afterwards is as if they had
// been decoded, once `context` more frames have been.
func (st *codecStream) skip(s *mlx.Scope, codes mlx.Array) { st.latents(s, codes) }

// latents maps codes [T, 16] to rows [T, latent].
func (st *codecStream) latents(s *mlx.Scope, codes mlx.Array) mlx.Array {
	books := semanticBooks + st.rest.books
	if s.Err() == nil && (s.Dim(codes, 0) < 1 || s.Dim(codes, 1) != books) {
		s.Fail(fmt.Errorf("codec: codes of shape %v, expected [T, %d]", s.Shape(codes), books))
		return mlx.Array{}
	}
	x := s.Add(st.first.lookup(s, s.SliceAxis(codes, 1, 0, semanticBooks)),
		st.rest.lookup(s, s.SliceAxis(codes, 1, semanticBooks, books))) // [T, codebook dim]
	st.tap.see("codec.quantizer", x)
	x = st.past.feed(s, st.preConv, x) // [T, latent]
	st.tap.see("codec.pre_conv", x)
	x = st.pre.apply(s, x, st.windows)
	st.tap.see("codec.pre_transformer", x)
	return x
}

// wave maps latents [T, latent] to samples [T·1920].
func (st *codecStream) wave(s *mlx.Scope, x mlx.Array) mlx.Array {
	frames := s.Dim(x, 0)
	for i, u := range st.upsample {
		x = u.apply(s, x, st.past) // [2T, latent], [4T, latent]
		st.tap.see(fmt.Sprintf("codec.upsample.%d", i), x)
	}
	x = st.past.feed(s, st.start, x) // [4T, channels]
	st.tap.see("codec.decoder.0", x)
	for i, b := range st.blocks {
		x = b.apply(s, x, st.past) // [32T, channels/2] … [1920T, channels/16]
		st.tap.see(fmt.Sprintf("codec.decoder.%d", i+1), x)
	}
	x = st.past.feed(s, st.end, st.finalSnake.apply(s, x)) // [1920T, 1]
	return s.MaxScalar(s.MinScalar(s.Reshape(x, frames*frameSamples), 1), -1)
}

// codecTransformer is the decoder's transformer, with a scale on what each half of a layer adds:
//
//	x += a ⊙ Attention(RMSNorm(x));  x += m ⊙ SwiGLU(RMSNorm(x))
type codecTransformer struct {
	in     nn.Linear // latent→hidden
	layers []codecLayer
	norm   nn.RMSNorm // [hidden]
	out    nn.Linear  // hidden→latent
}

type codecLayer struct {
	attnNorm  nn.RMSNorm // [hidden]
	attn      nn.Attention
	attnScale mlx.Array  // [hidden]
	mlpNorm   nn.RMSNorm // [hidden]
	mlp       nn.SwiGLU
	mlpScale  mlx.Array // [hidden]
}

func newCodecTransformer(w *nn.Weights, name string, c codecDecoderConfig) codecTransformer {
	t := codecTransformer{
		in:   w.Linear(name+".input_proj", c.Latent, c.Hidden, true),
		norm: w.RMSNorm(name+".norm", c.Hidden, c.NormEps),
		out:  w.Linear(name+".output_proj", c.Hidden, c.Latent, true),
	}
	for i := range c.Layers {
		p := fmt.Sprintf("%s.layers.%d", name, i)
		t.layers = append(t.layers, codecLayer{
			attnNorm:  w.RMSNorm(p+".input_layernorm", c.Hidden, c.NormEps),
			attn:      w.Attention(p+".self_attn", c.attention()),
			attnScale: w.Tensor(p+".self_attn_layer_scale.scale", c.Hidden),
			mlpNorm:   w.RMSNorm(p+".post_attention_layernorm", c.Hidden, c.NormEps),
			mlp:       w.SwiGLU(p+".mlp", c.Hidden, c.Intermediate),
			mlpScale:  w.Tensor(p+".mlp_layer_scale.scale", c.Hidden),
		})
	}
	return t
}

// attention is the shape of the attention in either half of the codec.
func (c codecStackConfig) attention() nn.AttentionConfig {
	return nn.AttentionConfig{Width: c.Hidden, Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim, Theta: c.RopeTheta}
}

func (t codecTransformer) apply(s *mlx.Scope, x mlx.Array, windows []*nn.WindowCache) mlx.Array {
	x = t.in.Apply(s, x) // [T, hidden]
	for i, l := range t.layers {
		x = s.Add(x, s.Mul(l.attnScale, l.attn.Apply(s, l.attnNorm.Apply(s, x), windows[i])))
		x = s.Add(x, s.Mul(l.mlpScale, l.mlp.Apply(s, l.mlpNorm.Apply(s, x))))
	}
	return t.out.Apply(s, t.norm.Apply(s, x)) // [T, latent]
}

// upsampler is a transposed convolution and a ConvNeXt block: x + gamma ⊙ W₂·gelu(W₁·LayerNorm(depthwise(x))).
type upsampler struct {
	up        *causal // kernel = stride
	depthwise *causal // kernel 7
	norm      nn.LayerNorm
	inner     nn.Linear // latent→4·latent
	outer     nn.Linear // 4·latent→latent
	gamma     mlx.Array // [latent]
}

func newUpsampler(w *nn.Weights, name string, latent, ratio int) upsampler {
	return upsampler{
		up:        causalTranspose(w.ConvTranspose1D(name+".0.conv", latent, latent, ratio, ratio)),
		depthwise: causalConv(w.Conv1D(name+".1.dwconv.conv", latent, latent, 7, true, nn.TorchGroups)),
		norm:      w.LayerNorm(name+".1.norm", latent, 1e-6),
		inner:     w.Linear(name+".1.pwconv1", latent, 4*latent, true),
		outer:     w.Linear(name+".1.pwconv2", 4*latent, latent, true),
		gamma:     w.Tensor(name+".1.gamma", latent),
	}
}

// apply maps x [time, latent] to [ratio·time, latent].
func (u upsampler) apply(s *mlx.Scope, x mlx.Array, p past) mlx.Array {
	x = p.feed(s, u.up, x)
	y := u.norm.Apply(s, p.feed(s, u.depthwise, x))
	y = u.outer.Apply(s, s.GELU(u.inner.Apply(s, y)))
	return s.Add(x, s.Mul(u.gamma, y))
}

// vocoderBlock raises the rate and halves the channels, then refines.
type vocoderBlock struct {
	snake snake
	up    *causal // channels→channels/2, kernel = 2·stride
	units []residualUnit
}

// residualUnit is x + conv₁(snake(conv₇(snake(x)))).
type residualUnit struct {
	snake1 snake
	conv1  *causal // kernel 7, dilated
	snake2 snake
	conv2  *causal // kernel 1
}

func newVocoderBlock(w *nn.Weights, name string, channels, rate int) vocoderBlock {
	out := channels / 2
	b := vocoderBlock{
		snake: newSnake(w, name+".0", channels),
		up:    causalTranspose(w.ConvTranspose1D(name+".1.conv", channels, out, 2*rate, rate)),
	}
	for i, dilation := range []int{1, 3, 9} {
		p := fmt.Sprintf("%s.%d", name, i+2)
		wide := w.Conv1D(p+".conv1.conv", out, out, 7, true, nn.Torch)
		wide.Dilation = dilation
		b.units = append(b.units, residualUnit{
			snake1: newSnake(w, p+".act1", out),
			conv1:  causalConv(wide),
			snake2: newSnake(w, p+".act2", out),
			conv2:  causalConv(w.Conv1D(p+".conv2.conv", out, out, 1, true, nn.Torch)),
		})
	}
	return b
}

// apply maps x [time, channels] to [rate·time, channels/2].
func (b vocoderBlock) apply(s *mlx.Scope, x mlx.Array, p past) mlx.Array {
	x = p.feed(s, b.up, b.snake.apply(s, x))
	for _, u := range b.units {
		y := p.feed(s, u.conv1, u.snake1.apply(s, x))
		y = p.feed(s, u.conv2, u.snake2.apply(s, y))
		x = s.Add(x, y)
	}
	return x
}

// snake is the activation x + sin²(x·e^α)/(e^β + 1e-9), with α and β for each channel.
type snake struct {
	rate mlx.Array // e^α [channels]
	gain mlx.Array // 1/(e^β + 1e-9) [channels]
}

func newSnake(w *nn.Weights, name string, channels int) snake {
	alpha, beta := w.Tensor(name+".alpha", channels), w.Tensor(name+".beta", channels)
	return snake{
		rate: w.Derive(func(s *mlx.Scope) mlx.Array { return s.Exp(alpha) }, alpha),
		gain: w.Derive(func(s *mlx.Scope) mlx.Array {
			return s.Div(s.Full(1, mlx.Float32, channels), s.AddScalar(s.Exp(beta), 1e-9))
		}, beta),
	}
}

func (k snake) apply(s *mlx.Scope, x mlx.Array) mlx.Array {
	return s.Snake(x, k.rate, k.gain)
}
