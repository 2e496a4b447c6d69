package qwen3tts

import (
	"fmt"

	"ttsui/internal/nn"
	mlx "ttsui/mlxbridge"
)

// predictor gives codes 1…15 of a frame, one after the other, from the talker's hidden state and code 0.
type predictor struct {
	embeddings []nn.Embedding // 15 of [codes, H]: the talker's width; index is code number − 1
	projection *nn.Linear     // H → predictor's hidden, bias; nil where the widths are equal
	decoder    decoder
	heads      []nn.Linear // 15 of predictor's hidden → codes; index is code number − 1
}

// projectionName is absent from models whose talker has the predictor's width.
const projectionName = "talker.code_predictor.small_to_mtp_projection"

func newPredictor(w *nn.Weights, c talkerConfig) predictor {
	p := predictor{decoder: newDecoder(w, "talker.code_predictor.model", c.Predictor)}
	for g := range c.CodeGroups - 1 {
		p.embeddings = append(p.embeddings, w.Embedding(fmt.Sprintf("talker.code_predictor.model.codec_embedding.%d", g), c.Predictor.VocabSize, c.HiddenSize))
		p.heads = append(p.heads, w.Linear(fmt.Sprintf("talker.code_predictor.lm_head.%d", g), c.Predictor.HiddenSize, c.Predictor.VocabSize, false))
	}
	if c.HiddenSize != c.Predictor.HiddenSize || w.Has(projectionName+".weight") {
		l := w.Linear(projectionName, c.HiddenSize, c.Predictor.HiddenSize, true)
		p.projection = &l
	}
	return p
}

func (p *predictor) project(s *mlx.Scope, x mlx.Array) mlx.Array {
	if p.projection == nil {
		return x
	}
	return p.projection.Apply(s, x)
}

// predict draws codes 1…15 of the next frame of B sequences. h [B, H] are the talker's hidden states that gave codes 0,
// row0 [B, H] the codes' embeddings by the talker's table; draw makes codes [B] of logits [B, codes], those of number n
// in the frame. It gives the fifteen codes, each [B], and the sums of their embeddings with row0: the codec side [B, H]
// of the talker's next rows.
func (p *predictor) predict(s *mlx.Scope, h, row0 mlx.Array, past []caches, draw func(n int, logits mlx.Array) mlx.Array, tap tap) (codes []mlx.Array, sum mlx.Array) {
	for _, c := range past {
		c.reset()
	}
	batch, width := len(past), s.Dim(h, 1)
	rows := []mlx.Array{row0}                                          // of all sixteen codes, [B, H] each
	x := p.project(s, s.Reshape(s.Concat(1, h, row0), 2*batch, width)) // positions 0 and 1 of each sequence
	for g := range p.heads {
		y := p.decoder.forward(s, x, past...)             // [B, hidden]
		l := p.heads[g].ApplyNormed(s, p.decoder.norm, y) // [B, codes]
		tap.see("predictor.logits", l)
		code := draw(g+1, l) // [B]
		codes = append(codes, code)
		row := p.embeddings[g].Lookup(s, code) // [B, H]
		rows = append(rows, row)
		x = p.project(s, row)
	}
	// Summed at once: one by one, bfloat16 would be rounded fifteen times.
	return codes, s.Sum(s.Reshape(s.Concat(1, rows...), batch, len(rows), width), 1, false)
}

// embed gives the codec side [T, H] of whole frames [T, 16]: the sum of their sixteen embeddings.
func (p *predictor) embed(s *mlx.Scope, t *talker, frames mlx.Array) mlx.Array {
	column := func(g int) mlx.Array { return s.SliceAxis(frames, 1, g, g+1) } // [T, 1]
	rows := []mlx.Array{t.codec(s, column(0))}                                // [T, 1, H] each
	for g, e := range p.embeddings {
		rows = append(rows, e.Lookup(s, column(g+1)))
	}
	return s.Sum(s.Concat(1, rows...), 1, false)
}

// tap lets tests see what passes inside; nil sees nothing.
type tap func(name string, a mlx.Array)

func (t tap) see(name string, a mlx.Array) {
	if t != nil {
		t(name, a)
	}
}
