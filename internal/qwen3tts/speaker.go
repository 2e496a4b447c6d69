package qwen3tts

import (
	"errors"
	"fmt"

	"ttsui/internal/nn"
	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// speakerConfig is config.json's speaker_encoder_config. The released files hold enc_dim and sample_rate only.
type speakerConfig struct {
	Dim               int   `json:"enc_dim"`
	SampleRate        int   `json:"sample_rate"`
	MelBands          int   `json:"mel_dim"`
	Channels          []int `json:"enc_channels"` // of the first layer, of each block, and of all blocks together
	Kernels           []int `json:"enc_kernel_sizes"`
	Dilations         []int `json:"enc_dilations"`
	AttentionChannels int   `json:"enc_attention_channels"`
	Scale             int   `json:"enc_res2net_scale"`
	SqueezeChannels   int   `json:"enc_se_channels"`
}

// withDefaults fills in what the file leaves out.
func (c speakerConfig) withDefaults() speakerConfig {
	for field, value := range map[*int]int{
		&c.Dim: 1024, &c.SampleRate: tts.SampleRate, &c.MelBands: 128, &c.AttentionChannels: 128, &c.Scale: 8, &c.SqueezeChannels: 128,
	} {
		if *field == 0 {
			*field = value
		}
	}
	for field, value := range map[*[]int][]int{
		&c.Channels: {512, 512, 512, 512, 1536}, &c.Kernels: {5, 3, 3, 3, 1}, &c.Dilations: {1, 2, 3, 4, 1},
	} {
		if *field == nil {
			*field = value
		}
	}
	return c
}

// check refuses what the layers can't be made of. It wants a configuration with defaults.
func (c speakerConfig) check() error {
	err := inRange(field{"enc_dim", c.Dim, 1 << 16}, field{"mel_dim", c.MelBands, 1 << 10}, field{"enc_attention_channels", c.AttentionChannels, 1 << 16},
		field{"enc_res2net_scale", c.Scale, 64}, field{"enc_se_channels", c.SqueezeChannels, 1 << 16})
	if err != nil {
		return err
	}
	if c.SampleRate != tts.SampleRate {
		return fmt.Errorf("sample_rate is %d, expected %d", c.SampleRate, tts.SampleRate)
	}
	n := len(c.Channels)
	if n < 3 || n > 16 || len(c.Kernels) != n || len(c.Dilations) != n {
		return errors.New("enc_channels, enc_kernel_sizes and enc_dilations must be equally long, 3 to 16")
	}
	for i := range n {
		err := inRange(field{"enc_channels", c.Channels[i], 1 << 16}, field{"enc_kernel_sizes", c.Kernels[i], 31}, field{"enc_dilations", c.Dilations[i], 64})
		if err != nil {
			return err
		}
		if (c.Kernels[i]-1)*c.Dilations[i]%2 != 0 {
			return fmt.Errorf("enc_kernel_sizes %v can't be centred", c.Kernels)
		}
		if i < n-1 && (c.Channels[i] != c.Channels[0] || c.Channels[i]%c.Scale != 0) {
			return fmt.Errorf("enc_channels %v must be equal but for the last, and multiples of %d", c.Channels, c.Scale)
		}
	}
	if c.Channels[n-1] != (n-2)*c.Channels[0] {
		return fmt.Errorf("enc_channels %v: the last must be the sum of the blocks'", c.Channels)
	}
	return nil
}

// speakerEncoder makes a voice's x-vector of a recording: an ECAPA-TDNN over a mel spectrogram. It computes in float32.
type speakerEncoder struct {
	bands  int
	first  tdnn // mel→C, kernel 5
	blocks []speakerBlock
	mix    tdnn      // 3C→3C, kernel 1
	pool   tdnn      // 9C→attention channels, kernel 1
	weigh  nn.Conv1D // attention channels→3C, kernel 1
	out    nn.Conv1D // 6C→dim, kernel 1
}

// newSpeakerEncoder makes the encoder of a checked configuration.
func newSpeakerEncoder(w *nn.Weights, c speakerConfig) *speakerEncoder {
	const name = "speaker_encoder"
	last := len(c.Channels) - 1
	all := c.Channels[last]
	e := &speakerEncoder{
		bands: c.MelBands,
		first: newTDNN(w, name+".blocks.0.conv", c.MelBands, c.Channels[0], c.Kernels[0], c.Dilations[0]),
		mix:   newTDNN(w, name+".mfa.conv", all, all, c.Kernels[last], c.Dilations[last]),
		pool:  newTDNN(w, name+".asp.tdnn.conv", 3*all, c.AttentionChannels, 1, 1),
		weigh: w.Conv1D(name+".asp.conv", c.AttentionChannels, all, 1, true, nn.TorchOrMLX),
		out:   w.Conv1D(name+".fc", 2*all, c.Dim, 1, true, nn.TorchOrMLX),
	}
	for i := 1; i < last; i++ {
		e.blocks = append(e.blocks, newSpeakerBlock(w, fmt.Sprintf("%s.blocks.%d", name, i), c.Channels[i], c.Kernels[i], c.Dilations[i], c))
	}
	return e
}

// embed gives the x-vector [dim] of a recording.
func (e *speakerEncoder) embed(s *mlx.Scope, pcm []float32) mlx.Array {
	if len(pcm) == 0 {
		s.Fail(tts.Errorf(tts.CodeInvalid, "Use a recording of some seconds of speech.", "the reference audio is empty"))
		return mlx.Array{}
	}
	return e.embedMel(s, melSpectrogram(s, pcm, e.bands))
}

// embedMel gives the x-vector [dim] of a mel spectrogram [T, bands].
func (e *speakerEncoder) embedMel(s *mlx.Scope, mel mlx.Array) mlx.Array {
	x := e.first.apply(s, mel) // [T, C]
	var outputs []mlx.Array
	for _, b := range e.blocks {
		x = b.apply(s, x)
		outputs = append(outputs, x)
	}
	m := e.mix.apply(s, s.Concat(1, outputs...)) // [T, 3C]

	// Attentive statistics: mean and deviation over time, then again with weights that see the first ones.
	even := s.Full(1/float32(max(s.Dim(m, 0), 1)), mlx.Float32, 1, 1)
	mean, deviation := statistics(s, m, even)
	zero := s.MulScalar(m, 0)
	seen := s.Concat(1, m, s.Add(zero, mean), s.Add(zero, deviation)) // [T, 9C]
	weights := s.Softmax(e.weigh.Apply(s, s.Tanh(e.pool.apply(s, seen))), 0)
	mean, deviation = statistics(s, m, weights)
	y := e.out.Apply(s, s.Concat(1, mean, deviation)) // [1, dim]
	return s.Reshape(y, s.Dim(y, 1))
}

// statistics gives mean and standard deviation [1, width] over time of x [T, width] with the given weights, which
// add up to 1 over time.
func statistics(s *mlx.Scope, x, weights mlx.Array) (mean, deviation mlx.Array) {
	mean = s.Sum(s.Mul(x, weights), 0, true)
	variance := s.Sum(s.Mul(weights, s.Square(s.Sub(x, mean))), 0, true)
	return mean, s.Sqrt(s.MaxScalar(variance, 1e-12))
}

// tdnn is a convolution that keeps the length, by mirrored padding, and relu.
type tdnn struct{ conv nn.Conv1D }

func newTDNN(w *nn.Weights, name string, in, out, kernel, dilation int) tdnn {
	c := w.Conv1D(name, in, out, kernel, true, nn.TorchOrMLX)
	c.Dilation = dilation
	return tdnn{c}
}

// apply maps x [T, in] to [T, out].
func (t tdnn) apply(s *mlx.Scope, x mlx.Array) mlx.Array {
	if padding := (t.conv.Span() - 1) / 2; padding > 0 {
		rows := mirrored(s.Dim(x, 0), padding)
		x = s.Take(x, s.Ints(rows, len(rows)))
	}
	return s.ReLU(t.conv.Apply(s, x))
}

// speakerBlock is a Res2Net with squeeze and excitation, and a way around.
type speakerBlock struct {
	in      tdnn      // C→C, kernel 1
	parts   []tdnn    // C/8→C/8, kernel 3, dilated; all groups of channels but the first
	out     tdnn      // C→C, kernel 1
	squeeze nn.Conv1D // C→squeeze channels, kernel 1
	excite  nn.Conv1D // squeeze channels→C, kernel 1
}

func newSpeakerBlock(w *nn.Weights, name string, channels, kernel, dilation int, c speakerConfig) speakerBlock {
	b := speakerBlock{
		in:      newTDNN(w, name+".tdnn1.conv", channels, channels, 1, 1),
		out:     newTDNN(w, name+".tdnn2.conv", channels, channels, 1, 1),
		squeeze: w.Conv1D(name+".se_block.conv1", channels, c.SqueezeChannels, 1, true, nn.TorchOrMLX),
		excite:  w.Conv1D(name+".se_block.conv2", c.SqueezeChannels, channels, 1, true, nn.TorchOrMLX),
	}
	for i := range c.Scale - 1 {
		group := channels / c.Scale
		b.parts = append(b.parts, newTDNN(w, fmt.Sprintf("%s.res2net_block.blocks.%d.conv", name, i), group, group, kernel, dilation))
	}
	return b
}

// apply maps x [T, C] to [T, C].
func (b speakerBlock) apply(s *mlx.Scope, x mlx.Array) mlx.Array {
	h := b.res2net(s, b.in.apply(s, x))
	h = b.out.apply(s, h)
	gate := s.ReLU(b.squeeze.Apply(s, s.Mean(h, 0, true)))
	gate = s.Sigmoid(b.excite.Apply(s, gate)) // [1, C]
	return s.Add(s.Mul(h, gate), x)
}

// res2net sends groups of channels through one layer each, adding to each the result of the one before.
func (b speakerBlock) res2net(s *mlx.Scope, x mlx.Array) mlx.Array {
	width := s.Dim(x, 1) / (len(b.parts) + 1)
	group := func(i int) mlx.Array { return s.SliceAxis(x, 1, i*width, (i+1)*width) }
	results := []mlx.Array{group(0)}
	for i, part := range b.parts {
		y := group(i + 1)
		if i > 0 {
			y = s.Add(y, results[i])
		}
		results = append(results, part.apply(s, y))
	}
	return s.Concat(1, results...)
}
