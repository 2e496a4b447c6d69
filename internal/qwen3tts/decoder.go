package qwen3tts

import (
	"cmp"
	"fmt"

	"ttsui/internal/nn"
	mlx "ttsui/mlxbridge"
)

// decoder is the Qwen3 decoder that talker and code predictor are: pre-norm blocks and a final norm.
//
//	x += Attention(RMSNorm(x));  x += SwiGLU(RMSNorm(x))
type decoder struct {
	layers []decoderLayer
	norm   nn.RMSNorm // [hidden]
}

type decoderLayer struct {
	attnNorm nn.RMSNorm // [hidden]
	attn     nn.Attention
	mlpNorm  nn.RMSNorm // [hidden]
	mlp      nn.SwiGLU
}

func newDecoder(w *nn.Weights, name string, c decoderConfig) decoder {
	d := decoder{norm: w.RMSNorm(name+".norm", c.HiddenSize, c.NormEps)}
	for i := range c.Layers {
		p := fmt.Sprintf("%s.layers.%d", name, i)
		d.layers = append(d.layers, decoderLayer{
			attnNorm: w.RMSNorm(p+".input_layernorm", c.HiddenSize, c.NormEps),
			attn: w.Attention(p+".self_attn", nn.AttentionConfig{
				Width: c.HiddenSize, Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim,
				Theta: c.RopeTheta, QKNorm: true, NormEps: c.NormEps,
			}),
			mlpNorm: w.RMSNorm(p+".post_attention_layernorm", c.HiddenSize, c.NormEps),
			mlp:     w.SwiGLU(p+".mlp", c.HiddenSize, c.IntermediateSize),
		})
	}
	return d
}

// forward maps rows x [time, hidden] that follow what the caches hold to the last row's [1, hidden], before the final
// norm.
func (d *decoder) forward(s *mlx.Scope, x mlx.Array, past caches) mlx.Array {
	for i, l := range d.layers {
		x = l.attn.Residual(s, x, l.attnNorm, past[i])
		x = l.mlp.Residual(s, x, l.mlpNorm)
	}
	time := s.Dim(x, 0)
	return s.SliceAxis(x, 0, time-1, time)
}

// caches remembers the keys and values of each layer.
type caches []*nn.KVCache

func (d *decoder) newCaches(block int) caches {
	past := make(caches, len(d.layers))
	for i := range past {
		past[i] = &nn.KVCache{Block: block}
	}
	return past
}

func (c caches) reset() {
	for _, k := range c {
		k.Reset()
	}
}

func (c caches) free() error {
	var first error
	for _, k := range c {
		first = cmp.Or(first, k.Free())
	}
	return first
}
