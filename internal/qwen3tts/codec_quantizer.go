package qwen3tts

import (
	"fmt"

	"ttsui/internal/nn"
	mlx "ttsui/mlxbridge"
)

// A code is the index of a vector in a codebook. A residual quantiser has several codebooks: each one's vector is added
// to those before. The codec has two such quantisers side by side, a semantic one of one book and an acoustic one.

// minUsage stands for the usage of a vector that training never used.
const minUsage = 1e-5

// newCodebook makes vectors [size, dim] of what training left: the sums of what each vector stood for, and how often.
func newCodebook(w *nn.Weights, sum, usage string, size, dim int) mlx.Array {
	total, count := w.Tensor(sum, size, dim), w.Tensor(usage, size)
	return w.Derive(func(s *mlx.Scope) mlx.Array {
		return s.Div(total, s.Reshape(s.MaxScalar(count, minUsage), size, 1))
	}, total, count)
}

// codebooks is the decoder's side of a residual quantiser.
type codebooks struct {
	vectors mlx.Array // [books·size, dim], book after book
	out     nn.Conv1D // dim→width, kernel 1
	books   int
	size    int
}

func newCodebooks(w *nn.Weights, name string, books int, c codecDecoderConfig) codebooks {
	dim := c.CodebookDim / 2
	var parts []mlx.Array
	for i := range books {
		book := fmt.Sprintf("%s.vq.layers.%d._codebook", name, i)
		parts = append(parts, newCodebook(w, book+".embedding_sum", book+".cluster_usage", c.CodebookSize, dim))
	}
	w.Skip(func() { w.Conv1D(name+".input_proj", c.CodebookDim, dim, 1, false, nn.Torch) })
	return codebooks{
		vectors: w.Derive(func(s *mlx.Scope) mlx.Array { return s.Concat(0, parts...) }, parts...),
		out:     w.Conv1D(name+".output_proj", dim, c.CodebookDim, 1, false, nn.Torch),
		books:   books,
		size:    c.CodebookSize,
	}
}

// lookup maps codes [T, books] to the sums of their vectors, projected [T, width].
func (b codebooks) lookup(s *mlx.Scope, codes mlx.Array) mlx.Array {
	first := make([]int32, b.books) // row of each book's vector 0
	for i := range first {
		first[i] = int32(i * b.size)
	}
	rows := s.Take(b.vectors, s.Add(codes, s.Ints(first, b.books))) // [T, books, dim]
	return b.out.Apply(s, s.Sum(rows, 1, false))
}

// quantizer is the encoder's side of a residual quantiser.
type quantizer struct {
	in    nn.Conv1D   // width→dim, kernel 1
	books []mlx.Array // [size, dim] each
	size  int         // codes are below this
}

// newQuantizer makes the first used of all the codebooks under name; the others are not needed.
func newQuantizer(w *nn.Weights, name string, used, all int, c codecEncoderConfig) quantizer {
	q := quantizer{in: w.Conv1D(name+".input_proj", c.Hidden, c.CodebookDim, 1, false, nn.Torch), size: c.CodebookSize}
	vectors := func(i int) mlx.Array {
		book := fmt.Sprintf("%s.layers.%d.codebook", name, i)
		w.Skip(func() { w.Tensor(book+".initialized", 1) })
		return newCodebook(w, book+".embed_sum", book+".cluster_usage", c.CodebookSize, c.CodebookDim)
	}
	for i := range used {
		q.books = append(q.books, vectors(i))
	}
	w.Skip(func() {
		w.Conv1D(name+".output_proj", c.CodebookDim, c.Hidden, 1, false, nn.Torch)
		for i := used; i < all; i++ {
			vectors(i)
		}
	})
	return q
}

// encode maps features x [T, width] to codes, one [T] for each book.
func (q quantizer) encode(s *mlx.Scope, x mlx.Array) []mlx.Array {
	r := q.in.Apply(s, x) // [T, dim], what is left to say
	var codes []mlx.Array
	for _, e := range q.books {
		// |r−e|² is least where r·e − |e|²/2 is largest; the first index wins a tie.
		code := s.ArgMax(s.Linear(r, e, s.MulScalar(s.Sum(s.Square(e), 1, false), -0.5)), 1, false)
		codes = append(codes, code)
		r = s.Sub(r, s.Take(e, code))
	}
	return codes
}
