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

// forward maps rows x [batch·time, hidden], as many of each sequence as of the others, that follow what the sequences'
// caches hold, to each sequence's last row, [batch, hidden], before the final norm.
func (d *decoder) forward(s *mlx.Scope, x mlx.Array, past ...caches) mlx.Array {
	for i, l := range d.layers {
		x = l.attn.Residual(s, x, l.attnNorm, layer(past, i)...)
		x = l.mlp.Residual(s, x, l.mlpNorm)
	}
	return lastRows(s, x, len(past))
}

// lastRows gives the last row of each sequence, [batch, width], of rows x [batch·time, width].
func lastRows(s *mlx.Scope, x mlx.Array, batch int) mlx.Array {
	rows, width := s.Dim(x, 0), s.Dim(x, 1)
	if s.Err() != nil || rows == batch {
		return x
	}
	each := rows / batch * width
	return s.SliceAxis(s.Reshape(x, batch, each), 1, each-width, each)
}

// layer gives each sequence's cache of one layer.
func layer(past []caches, i int) []*nn.KVCache {
	of := make([]*nn.KVCache, len(past))
	for b := range past {
		of[b] = past[b][i]
	}
	return of
}

// caches remembers the keys and values of one sequence in each layer.
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

// state lists the arrays that the caches hold.
func (c caches) state() []mlx.Array {
	var list []mlx.Array
	for _, k := range c {
		list = append(list, k.State())
	}
	return list
}

// continueFrom lets empty caches begin with the rows of others.
func (c caches) continueFrom(s *mlx.Scope, from caches) {
	for i, k := range c {
		k.Continue(s, from[i])
	}
}

func (c caches) free() error {
	var first error
	for _, k := range c {
		first = cmp.Or(first, k.Free())
	}
	return first
}
