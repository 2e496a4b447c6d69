package qwen3tts

import (
	"bytes"
	"context"
	"io"
	"os"
	"reflect"
	"slices"
	"sync"

	"ttsui/internal/nn"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// codecs lends codecs to the models of one loader. Those whose speech_tokenizer folders hold the same share one copy,
// half by half: the decoder, which all need, and the encoder, which only some do.
type codecs struct {
	thread  *mlx.Thread
	vocoder mlx.DType     // of the weights of the vocoder's convolutions
	turn    chan struct{} // who puts a token in compares and loads until it takes it out

	mu     sync.Mutex // guards what follows, and the halves of the copies
	copies []*codecCopy
}

// codecCopy is a codec in memory. One without users is empty, and is forgotten by the next who looks.
type codecCopy struct {
	config  codecConfig
	files   []weightsFile
	decoder codecHalf
	encoder codecHalf
}

// codecHalf is a decoder or an encoder in memory.
type codecHalf struct {
	layers  *codec     // of which only this half is there
	weights *mlx.Scope // owns its arrays
	users   int
}

func newCodecs(thread *mlx.Thread, vocoder mlx.DType) *codecs {
	return &codecs{thread: thread, vocoder: vocoder, turn: make(chan struct{}, 1)}
}

// loan is a codec that a model uses.
type loan struct {
	codec
	from   *codecs
	halves []*codecHalf
}

// borrow gives the codec of the checkpoint in dir, with its encoder or without. It loads what is not in memory.
func (c *codecs) borrow(ctx context.Context, dir string, encoder bool) (*loan, error) {
	files, err := openCodec(dir)
	if err != nil {
		return nil, err
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, canceled(ctx)
	}
	held, err := c.find(ctx, files)
	if err != nil {
		return nil, err
	}
	k := &loan{from: c}
	err = c.join(ctx, k, &held.decoder, func(s *mlx.Scope) (*codec, *nn.Weights, error) { return files.layers(s, c.vocoder, true, false) })
	if err == nil && encoder {
		err = c.join(ctx, k, &held.encoder, func(s *mlx.Scope) (*codec, *nn.Weights, error) { return files.layers(s, c.vocoder, false, true) })
	}
	if err != nil {
		_ = on(context.Background(), c.thread, k.giveBack) // the first error is the one to tell
		return nil, err
	}
	k.decoder = held.decoder.layers.decoder
	if encoder {
		k.encoder = held.encoder.layers.encoder
	}
	return k, nil
}

// find gives the copy of what files hold, a new and empty one when there is none. The caller has the turn.
func (c *codecs) find(ctx context.Context, files codecFiles) (*codecCopy, error) {
	c.mu.Lock()
	c.copies = slices.DeleteFunc(c.copies, func(k *codecCopy) bool { return k.decoder.users+k.encoder.users == 0 })
	copies := slices.Clone(c.copies)
	c.mu.Unlock()

	for _, k := range copies {
		same, err := k.holds(ctx, files)
		if err != nil || same {
			return k, err
		}
	}
	k := &codecCopy{config: files.config, files: files.weights}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.copies = append(c.copies, k)
	return k, nil
}

// join makes the loan one more user of half, which it loads when it isn't in memory. The caller has the turn.
func (c *codecs) join(ctx context.Context, k *loan, half *codecHalf, build func(*mlx.Scope) (*codec, *nn.Weights, error)) error {
	c.mu.Lock()
	held := half.users > 0
	if held {
		half.users++
	}
	c.mu.Unlock()
	if !held {
		scope := mlx.NewScope()
		layers, err := readLayers(ctx, c.thread, scope, build)
		if err != nil {
			_ = on(context.Background(), c.thread, scope.Close) // the first error is the one to tell
			return err
		}
		c.mu.Lock()
		*half = codecHalf{layers: layers, weights: scope, users: 1}
		c.mu.Unlock()
	}
	k.halves = append(k.halves, half)
	return nil
}

// readLayers makes layers and reads their weights, in pieces.
func readLayers(ctx context.Context, thread *mlx.Thread, scope *mlx.Scope, build func(*mlx.Scope) (*codec, *nn.Weights, error)) (layers *codec, err error) {
	var w *nn.Weights
	if err := on(ctx, thread, func() error { layers, w, err = build(scope); return err }); err != nil {
		return nil, err
	}
	return layers, readAll(ctx, thread, w)
}

// giveBack ends the loan and frees what nobody uses any more. It runs on the MLX thread.
func (k *loan) giveBack() (err error) {
	for _, half := range k.halves {
		k.from.mu.Lock()
		half.users--
		var unused *mlx.Scope
		if half.users == 0 {
			unused = half.weights
			*half = codecHalf{}
		}
		k.from.mu.Unlock()
		if unused == nil {
			continue
		}
		if e := unused.Close(); err == nil {
			err = e
		}
	}
	k.halves = nil
	return err
}

// weightsFile is a file as it was when it was read.
type weightsFile struct {
	path string
	info os.FileInfo
}

func statWeights(path string) (weightsFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return weightsFile{}, tts.Errorf(tts.CodeNotFound, "Download the model again.", "%s can't be read: %w", path, err)
	}
	return weightsFile{path, info}, nil
}

// holds reports whether the copy was made from a codec of this configuration and these weights: the same files, or
// others of the same bytes, as two repositories in the Hugging Face cache have them. Comparing reads both files, once
// for each model that is loaded beside another: about as long as loading the codec would take, for its memory saved.
func (k *codecCopy) holds(ctx context.Context, files codecFiles) (bool, error) {
	if !k.resembles(files) {
		return false, nil
	}
	for i, f := range k.files {
		other := files.weights[i]
		if f.isStill(other) {
			continue
		}
		if now, err := statWeights(f.path); err != nil || !f.isStill(now) {
			return false, nil // it has been replaced since, so nobody knows what it held
		}
		if same, err := sameBytes(ctx, f.path, other.path); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// resembles compares what is known without reading weights.
func (k *codecCopy) resembles(files codecFiles) bool {
	return reflect.DeepEqual(k.config, files.config) &&
		slices.EqualFunc(k.files, files.weights, func(a, b weightsFile) bool { return a.info.Size() == b.info.Size() })
}

// isStill reports whether g is the same file as f, and unchanged.
func (f weightsFile) isStill(g weightsFile) bool {
	return os.SameFile(f.info, g.info) && f.info.Size() == g.info.Size() && f.info.ModTime().Equal(g.info.ModTime())
}

// sameBytes compares two files. A file that can't be read is like no other: loading it will say why. It looks at ctx for
// every megabyte.
func sameBytes(ctx context.Context, a, b string) (bool, error) {
	fa, errA := os.Open(a)
	fb, errB := os.Open(b)
	if errA == nil {
		defer fa.Close()
	}
	if errB == nil {
		defer fb.Close()
	}
	if errA != nil || errB != nil {
		return false, nil
	}
	bufA, bufB := make([]byte, 1<<20), make([]byte, 1<<20)
	for ctx.Err() == nil {
		n, errA := io.ReadFull(fa, bufA)
		m, errB := io.ReadFull(fb, bufB)
		switch {
		case !bytes.Equal(bufA[:n], bufB[:m]):
			return false, nil
		case errA == io.EOF || errA == io.ErrUnexpectedEOF:
			return errB == io.EOF || errB == io.ErrUnexpectedEOF, nil
		case errA != nil || errB != nil:
			return false, nil
		}
	}
	return false, canceled(ctx)
}
