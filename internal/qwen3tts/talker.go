package qwen3tts

import (
	"ttsui/internal/nn"
	mlx "ttsui/mlxbridge"
)

// talker reads text and past frames and gives the first code of the next frame.
type talker struct {
	textEmbedding  nn.Table     // [text vocab, text hidden]
	textFC1        nn.Linear    // text hidden → text hidden, bias
	textFC2        nn.Linear    // text hidden → H, bias
	codecEmbedding nn.Embedding // [vocab, H]
	decoder        decoder
	head           nn.Linear // H → vocab
}

// textEmbedding is the tensor of which only rows are read.
const textEmbedding = "talker.model.text_embedding"

func newTalker(w *nn.Weights, c talkerConfig) talker {
	return talker{
		textEmbedding:  w.Table(textEmbedding, c.TextVocabSize, c.TextHiddenSize),
		textFC1:        w.Linear("talker.text_projection.linear_fc1", c.TextHiddenSize, c.TextHiddenSize, true),
		textFC2:        w.Linear("talker.text_projection.linear_fc2", c.TextHiddenSize, c.HiddenSize, true),
		codecEmbedding: w.Embedding("talker.model.codec_embedding", c.VocabSize, c.HiddenSize),
		decoder:        newDecoder(w, "talker.model", c.decoderConfig),
		head:           w.Linear("talker.codec_head", c.HiddenSize, c.VocabSize, false),
	}
}

// text embeds ids [n] of the text vocabulary as rows [n, H].
func (t *talker) text(s *mlx.Scope, ids []int) mlx.Array {
	x := t.textEmbedding.Lookup(s, ids) // [n, text hidden]
	return t.textFC2.Apply(s, s.SiLU(t.textFC1.Apply(s, x)))
}

// codec embeds ids [n] of the codec vocabulary as rows [n, H].
func (t *talker) codec(s *mlx.Scope, ids mlx.Array) mlx.Array { return t.codecEmbedding.Lookup(s, ids) }

// forward sends rows x [batch·time, H] that follow what the sequences' caches hold through the decoder and gives each
// sequence's last output, [batch, H].
func (t *talker) forward(s *mlx.Scope, x mlx.Array, past ...caches) mlx.Array {
	return t.decoder.norm.Apply(s, t.decoder.forward(s, x, past...))
}

// logits gives the first codes' logits [B, vocab] (Float32) at hidden states h [B, H].
func (t *talker) logits(s *mlx.Scope, h mlx.Array) mlx.Array {
	return s.AsType(t.head.Apply(s, h), mlx.Float32)
}
