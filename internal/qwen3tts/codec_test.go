package qwen3tts

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ttsui/internal/testkit"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// withCodec gives f the golden codec on the MLX thread.
func withCodec(t *testing.T, f func(s *mlx.Scope, c *codec) error) {
	t.Helper()
	testkit.MLX(t, func(s *mlx.Scope) error {
		c, err := loadCodec(s, testkit.Golden("checkpoints", "base"), true)
		if err != nil {
			return err
		}
		return f(s, c)
	})
}

// loadCodec reads the codec of the checkpoint in dir, with its encoder or without.
func loadCodec(s *mlx.Scope, dir string, encoder bool) (*codec, error) {
	return loadCodecIn(s, mlx.Float32, dir, encoder)
}

func loadCodecIn(s *mlx.Scope, vocoder mlx.DType, dir string, encoder bool) (*codec, error) {
	files, err := openCodec(dir)
	if err != nil {
		return nil, err
	}
	c, w, err := files.layers(s, vocoder, true, encoder)
	if err != nil {
		return nil, err
	}
	return c, w.Read()
}

// decodeAll decodes codes [n, 16] in pieces of the given sizes, the last of which repeats.
func decodeAll(s *mlx.Scope, d *codecDecoder, codes []int32, pieces ...int) []float32 {
	st := d.newStream()
	defer func() { s.Fail(st.free()) }()
	var pcm []float32
	for len(codes) > 0 {
		n := min(pieces[0], len(codes)/codeGroups)
		if len(pieces) > 1 {
			pieces = pieces[1:]
		}
		piece := codes[:n*codeGroups]
		codes = codes[n*codeGroups:]
		step := mlx.NewScope()
		wave := st.decode(step, step.Ints(piece, n, codeGroups))
		step.Eval(append(st.state(), wave)...)
		pcm = append(pcm, step.ReadFloats(wave)...)
		s.Fail(step.Close())
		if s.Err() != nil {
			return nil
		}
	}
	return pcm
}

func goldenInts(t *testing.T, path, name string) []int32 {
	t.Helper()
	x, err := goldenFile(t, path).Int32s(name)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// collect is a tap that reads what it is shown.
func collect(seen map[string][]float32) tap {
	return func(name string, a mlx.Array) {
		s := mlx.NewScope()
		seen[name] = append(seen[name], s.ReadFloats(a)...)
		_ = s.Close() // a failed reading gives zeros, which equal nothing
	}
}

func TestCodecDecoderIntermediates(t *testing.T) {
	path := testkit.Golden("ref_torch", "codec_decode.safetensors")
	codes := goldenInts(t, path, "short_codes")
	seen := map[string][]float32{}
	withCodec(t, func(s *mlx.Scope, c *codec) error {
		st := c.decoder.newStream()
		st.tap = collect(seen)
		seen["wave"] = s.ReadFloats(st.decode(s, s.Ints(codes, len(codes)/codeGroups, codeGroups)))
		return st.free()
	})
	for golden, name := range map[string]string{
		"short_1_quantizer": "codec.quantizer", "short_2_pre_conv": "codec.pre_conv", "short_3_pre_transformer": "codec.pre_transformer",
		"short_4_upsample_0": "codec.upsample.0", "short_4_upsample_1": "codec.upsample.1",
		"short_5_decoder_0": "codec.decoder.0", "short_5_decoder_1": "codec.decoder.1", "short_5_decoder_2": "codec.decoder.2",
		"short_5_decoder_3": "codec.decoder.3", "short_5_decoder_4": "codec.decoder.4",
	} {
		want := goldenFloats(t, path, golden)
		got := seen[name]
		near(t, golden, got[:min(len(got), len(want))], want, 1e-4) // of long ones the beginning is stored
	}
	near(t, "short_wave", seen["wave"], goldenFloats(t, path, "short_wave"), 1e-5)
}

func TestCodecDecoderOnePass(t *testing.T) {
	path := testkit.Golden("ref_torch", "codec_decode.safetensors")
	codes := goldenInts(t, path, "long_codes")
	var pcm []float32
	withCodec(t, func(s *mlx.Scope, c *codec) error {
		pcm = decodeAll(s, c.decoder, codes, len(codes)/codeGroups)
		return nil
	})
	if want := len(codes) / codeGroups * frameSamples; len(pcm) != want {
		t.Fatalf("%d samples, want %d", len(pcm), want)
	}
	var sparse []float32
	for i := 0; i < len(pcm); i += 16 {
		sparse = append(sparse, pcm[i])
	}
	near(t, "every 16th sample", sparse, goldenFloats(t, path, "long_full_every_16"), 1e-5)
	near(t, "frames 70 to 79, where the window begins to matter", pcm[70*frameSamples:80*frameSamples], goldenFloats(t, path, "long_full_70_80"), 1e-5)
	near(t, "frames 298 to 303", pcm[298*frameSamples:304*frameSamples], goldenFloats(t, path, "long_full_298_304"), 1e-5)
}

// A stream that has skipped frames, and then decoded as many as the vocoder looks back, goes on as if it had decoded
// all; after fewer it doesn't.
func TestCodecStreamSkips(t *testing.T) {
	const skipped, frames = 80, 110
	codes := goldenInts(t, testkit.Golden("ref_torch", "codec_decode.safetensors"), "long_codes")[:frames*codeGroups]
	after := func(context int) (got, want []float32) {
		withCodec(t, func(s *mlx.Scope, c *codec) error {
			want = decodeAll(s, c.decoder, codes, frames)[(skipped+context)*frameSamples:]
			st := c.decoder.newStream()
			defer func() { s.Fail(st.free()) }()
			all := s.Ints(codes, frames, codeGroups)
			st.skip(s, s.SliceAxis(all, 0, 0, skipped))
			st.decode(s, s.SliceAxis(all, 0, skipped, skipped+context))
			got = s.ReadFloats(st.decode(s, s.SliceAxis(all, 0, skipped+context, frames)))
			return nil
		})
		return got, want
	}
	const context = 10 // of the released rates
	got, want := after(context)
	near(t, "wave", got, want, 1e-6)
	if got, want := after(context - 1); slices.Equal(got, want) {
		t.Error("a frame less makes no difference: the context is too large")
	}
	withCodec(t, func(s *mlx.Scope, c *codec) error {
		if c.decoder.context != context {
			return fmt.Errorf("context %d, want %d", c.decoder.context, context)
		}
		return nil
	})
}

// A stream gives the samples of one pass, however the frames are cut into pieces, also beyond the window of 72 frames.
func TestCodecStreamEqualsOnePass(t *testing.T) {
	const frames = 110
	codes := goldenInts(t, testkit.Golden("ref_torch", "codec_decode.safetensors"), "long_codes")[:frames*codeGroups]
	var whole []float32
	withCodec(t, func(s *mlx.Scope, c *codec) error {
		whole = decodeAll(s, c.decoder, codes, frames)
		return nil
	})
	stream := func(pieces ...int) (pcm []float32) {
		withCodec(t, func(s *mlx.Scope, c *codec) error {
			pcm = decodeAll(s, c.decoder, codes, pieces...)
			return nil
		})
		return pcm
	}
	for _, pieces := range [][]int{{1}, {2}, {4}, {1, 2, 4, 8}, {7}, {72, 38}, {71, 1, 1, 37}, {90, 3, 17}, {2, 40, 1, 61, 6}} {
		t.Run(fmt.Sprint(pieces), func(t *testing.T) { near(t, "wave", stream(pieces...), whole, 1e-5) })
	}
}

// A vocoder that convolves in 16 bits says the same, 40 dB above what it loses, in half the memory for its convolutions.
func TestVocoderIn16Bits(t *testing.T) {
	const first, last, end = 70, 80, 90
	path := testkit.Golden("ref_torch", "codec_decode.safetensors")
	codes, want := goldenInts(t, path, "long_codes")[:end*codeGroups], goldenFloats(t, path, "long_full_70_80")
	dir := testkit.Golden("checkpoints", "base")
	bytes := map[mlx.DType]uint64{}
	for _, dtype := range []mlx.DType{mlx.Float32, mlx.BFloat16} {
		bytes[dtype] = held(t, func(s *mlx.Scope) error {
			_, err := loadCodecIn(s, dtype, dir, false)
			return err
		})
	}
	var halved uint64
	for _, tensor := range goldenFile(t, filepath.Join(dir, "speech_tokenizer", "model.safetensors")).Tensors {
		if convolvesInVocoder(tensor.Name) {
			halved += uint64(tensor.Size) / 2
		}
	}
	// On a GPU each tensor takes whole pages.
	if saved := bytes[mlx.Float32] - bytes[mlx.BFloat16]; !testkit.GPU() && (saved < halved*8/10 || saved > halved*12/10) {
		t.Errorf("%d bytes are saved, want about %d", saved, halved)
	}
	for _, pieces := range [][]int{{end}, {4}, {1}} {
		testkit.MLX(t, func(s *mlx.Scope) error {
			c, err := loadCodecIn(s, mlx.BFloat16, dir, false)
			if err != nil {
				return err
			}
			got := decodeAll(s, c.decoder, codes, pieces...)[first*frameSamples : last*frameSamples]
			var signal, noise float64
			for i, w := range want {
				signal += float64(w) * float64(w)
				noise += math.Pow(float64(got[i]-w), 2)
			}
			if db := 10 * math.Log10(signal/noise); !(db > 40 && db < 90) {
				t.Errorf("in pieces of %v: the sound is %.1f dB above the error", pieces, db)
			} else {
				t.Logf("in pieces of %v: %.1f dB", pieces, db)
			}
			return nil
		})
	}
}

func TestCodecEncoder(t *testing.T) {
	path := testkit.Golden("ref_torch", "clip.safetensors")
	pcm := goldenFloats(t, path, "wave")
	seen := map[string][]float32{}
	var codes []int32
	withCodec(t, func(s *mlx.Scope, c *codec) error {
		c.encoder.tap = collect(seen)
		codes = s.ReadInts(encode(s, c.encoder, pcm))
		return nil
	})
	for golden, name := range map[string]string{
		"enc_seanet": "codec.seanet", "enc_transformer": "codec.features", "enc_downsample": "codec.downsample",
	} {
		near(t, golden, seen[name], goldenFloats(t, path, golden), 1e-4)
	}
	if want := goldenInts(t, path, "codes"); !slices.Equal(codes, want) {
		t.Errorf("codes %v, want %v", codes, want)
	}
}

// 13 s are several of the pieces that the encoder works in, the last one of odd length.
func TestCodecEncoderLongClip(t *testing.T) {
	var want struct {
		Frames int    `json:"long_clip_frames"`
		SHA256 string `json:"long_clip_codes_sha256"`
	}
	text, err := os.ReadFile(testkit.Golden("ref_torch", "codec.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	clip := goldenFloats(t, testkit.Golden("ref_torch", "clip.safetensors"), "wave")
	pcm := slices.Repeat(clip, 8)[:13*tts.SampleRate+77]
	var codes []int32
	withCodec(t, func(s *mlx.Scope, c *codec) error {
		codes = s.ReadInts(encode(s, c.encoder, pcm))
		return nil
	})
	if len(codes) != want.Frames*codeGroups {
		t.Fatalf("%d codes, want %d frames", len(codes), want.Frames)
	}
	sum := sha256.New()
	if err := binary.Write(sum, binary.LittleEndian, codes); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want.SHA256 {
		t.Errorf("the codes' SHA-256 is %s, want %s", got, want.SHA256)
	}
}

// Every length gives its frames: the ends of pieces and strides have no seam.
func TestCodecEncoderLengths(t *testing.T) {
	clip := slices.Repeat(goldenFloats(t, testkit.Golden("ref_torch", "clip.safetensors"), "wave"), 3)
	for _, n := range []int{1, 7, 959, 960, 961, 1920, 1921, pieceSamples - 1, pieceSamples, pieceSamples + 1} {
		withCodec(t, func(s *mlx.Scope, c *codec) error {
			frames := s.Dim(encode(s, c.encoder, clip[:n]), 0)
			if want := (n + frameSamples - 1) / frameSamples; frames != want {
				t.Errorf("%d samples give %d frames, want %d", n, frames, want)
			}
			return nil
		})
	}
}

// encode turns samples into codes [ceil(len(pcm)/1920), 16], all steps in one go.
func encode(s *mlx.Scope, e *codecEncoder, pcm []float32) mlx.Array {
	pass := e.newPass(pcm)
	defer func() { s.Fail(pass.free()) }()
	for more := true; more; {
		step := mlx.NewScope()
		more = pass.step(step)
		s.Fail(step.Close())
	}
	return pass.codes(s)
}
