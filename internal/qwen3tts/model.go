package qwen3tts

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"ttsui/internal/nn"
	"ttsui/internal/safetensors"
	"ttsui/internal/tokenizer"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// Model is a loaded checkpoint. Its methods may be called from any goroutine; they do their work on the MLX thread in
// small pieces, so that models, and generations of one model, share it.
type Model struct {
	thread    *mlx.Thread
	cfg       config
	gen       generationConfig
	dtype     mlx.DType // of the talker and the predictor
	tokenizer *tokenizer.Tokenizer
	weights   *mlx.Scope // owns all arrays
	talker    talker
	predictor predictor
	speaker   *speakerEncoder // Base models only
	codec     *loan
	memory    memory
	identity  string // of what it hears in a clip
}

// DType is the type to compute in.
type DType string

// The types. The speaker encoder and the codec's encoder always compute in float32.
const (
	Auto     DType = "auto"     // the checkpoint's own
	Float32  DType = "float32"  // exact enough to repeat the official package's codes
	BFloat16 DType = "bfloat16" // half the memory
	Float16  DType = "float16"  // as little, finer, and for smaller numbers only
)

// Loader loads models onto one MLX thread. They share what they have in common: the codec.
type Loader struct {
	thread *mlx.Thread
	dtype  DType
	codecs *codecs
}

// DTypes says what to compute in. The zero value is Auto and Float32.
type DTypes struct {
	Model DType // the talker and the code predictor
	Codec DType // the convolutions of the codec's vocoder: Float32 or BFloat16
}

// ParseDTypes gives the types of these names, or an *tts.Error of CodeInvalid.
func ParseDTypes(model, codec string) (DTypes, error) {
	d := DTypes{Model: DType(model), Codec: DType(codec)}
	if !slices.Contains([]DType{"", Auto, Float32, BFloat16, Float16}, d.Model) {
		return d, tts.Errorf(tts.CodeInvalid, "Use auto, float32, bfloat16 or float16.", "unknown dtype %q", model)
	}
	if !slices.Contains([]DType{"", Float32, BFloat16}, d.Codec) {
		return d, tts.Errorf(tts.CodeInvalid, "Use float32 or bfloat16.", "unknown dtype %q of the codec", codec)
	}
	return d, nil
}

// NewLoader makes a loader of models that compute in these types.
func NewLoader(thread *mlx.Thread, dtypes DTypes) *Loader {
	vocoder := mlx.Float32
	if dtypes.Codec == BFloat16 {
		vocoder = mlx.BFloat16
	}
	return &Loader{thread: thread, dtype: dtypes.Model, codecs: newCodecs(thread, vocoder)}
}

// Load reads the checkpoint in dir. Every error leaves nothing in memory, the end of ctx among them; what is wrong with
// a file is an *tts.Error that names it. Several models may be loaded at a time.
func (l *Loader) Load(ctx context.Context, dir string) (*Model, error) {
	m := &Model{thread: l.thread, weights: mlx.NewScope(), memory: memory{most: mostRemembered}}
	if err := m.load(ctx, dir, l.dtype, l.codecs); err != nil {
		_ = m.Close() // the first error is the one to tell
		return nil, err
	}
	return m, nil
}

func (m *Model) load(ctx context.Context, dir string, dtype DType, codecs *codecs) (err error) {
	if m.cfg, err = readConfig(dir); err != nil {
		return err
	}
	if m.gen, err = readGenerationConfig(dir); err != nil {
		return err
	}
	set, err := safetensors.OpenSet(dir)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	vocabulary := beside(func() (err error) {
		if m.tokenizer, err = tokenizer.Load(dir); err != nil {
			stop()
		}
		return err
	})
	err = m.read(ctx, dir, set, dtype, codecs)
	if err := cmp.Or(vocabulary(), err); err != nil {
		return err
	}
	if most := int(m.tokenizer.MaxID()); most >= m.cfg.Talker.TextVocabSize {
		return tts.Errorf(tts.CodeCorrupt, "Download the model again.",
			"%s: the tokenizer's id %d is outside the text vocabulary of %d", dir, most, m.cfg.Talker.TextVocabSize)
	}
	if e := m.codec.encoder; e != nil && e.acoustic.size > m.cfg.Talker.Predictor.VocabSize {
		return tts.Errorf(tts.CodeCorrupt, "The files of this model don't belong together. Download it again.",
			"%s: the codec's codebook_size %d is beyond the code predictor's vocab_size %d", dir, e.acoustic.size, m.cfg.Talker.Predictor.VocabSize)
	}
	return nil
}

// beside runs f beside what its caller does until it asks for f's error. A panic of f is the caller's then, as if it had
// called f itself.
func beside(f func() error) (wait func() error) {
	var err error
	var broken any
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				broken = fmt.Sprintf("%v\n%s", v, debug.Stack())
			}
		}()
		err = f()
	}()
	return func() error {
		<-done
		if broken != nil {
			panic(broken)
		}
		return err
	}
}

// read reads the weights, the codec's too.
func (m *Model) read(ctx context.Context, dir string, set *safetensors.Set, dtype DType, codecs *codecs) error {
	var w *nn.Weights
	if err := m.do(ctx, func() (err error) { w, err = m.build(dir, set, dtype); return err }); err != nil {
		return err
	}
	if err := readAll(ctx, m.thread, w); err != nil {
		return err
	}
	codec, err := codecs.borrow(ctx, dir, m.cfg.mode() == tts.Clone)
	m.codec = codec
	return err
}

// readAll reads weights in pieces, so that other models can speak meanwhile.
func readAll(ctx context.Context, thread *mlx.Thread, w *nn.Weights) error {
	for more := true; more; {
		if err := on(ctx, thread, func() (err error) { more, err = w.ReadSome(); return err }); err != nil {
			return err
		}
	}
	return nil
}

// build makes the layers; their weights are read afterwards.
func (m *Model) build(dir string, set *safetensors.Set, dtype DType) (w *nn.Weights, err error) {
	m.identity = identity(dir, m.thread.Device())
	m.dtype = computeType(dtype, set)
	w = nn.NewWeights(m.weights, set, m.dtype, m.cfg.quantization())
	m.talker = newTalker(w, m.cfg.Talker)
	m.predictor = newPredictor(w, m.cfg.Talker)
	if m.cfg.mode() == tts.Clone {
		m.speaker = newSpeakerEncoder(w.In(mlx.Float32), m.cfg.Speaker)
	}
	if err := m.weights.Err(); err != nil {
		return nil, err
	}
	return w, w.Check(dir)
}

// do runs f on the MLX thread, unless the caller has gone.
func (m *Model) do(ctx context.Context, f func() error) error { return on(ctx, m.thread, f) }

// on runs f on the MLX thread, unless ctx has ended.
func on(ctx context.Context, thread *mlx.Thread, f func() error) (err error) {
	if e := thread.Do(ctx, func() { err = f() }); e != nil {
		if ctx.Err() != nil {
			return canceled(ctx)
		}
		return e
	}
	return err
}

func canceled(ctx context.Context) error {
	return &tts.Error{Code: tts.CodeCanceled, Message: "canceled", Err: context.Cause(ctx)}
}

// computeType decides what the talker and the predictor compute in.
func computeType(want DType, set *safetensors.Set) mlx.DType {
	switch want {
	case Float32:
		return mlx.Float32
	case BFloat16:
		return mlx.BFloat16
	case Float16:
		return mlx.Float16
	}
	return nn.FloatType(set)
}

// Close frees the model's memory and gives it back to the system.
func (m *Model) Close() error {
	return m.do(context.Background(), func() error {
		err := cmp.Or(m.weights.Close(), m.memory.free(), m.talker.textEmbedding.Close())
		if m.codec != nil {
			err = cmp.Or(err, m.codec.giveBack())
		}
		return cmp.Or(err, mlx.ClearCache())
	})
}

// Mode is the one mode that the model serves.
func (m *Model) Mode() tts.Mode { return m.cfg.mode() }
