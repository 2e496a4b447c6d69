package qwen3tts

import (
	"math"

	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// The mel front end's figures. The speaker encoder was trained on exactly these.
const (
	melWindow  = 1024                   // samples of a frame, and of its Fourier transform
	melHop     = 256                    // samples between frames
	melPadding = melWindow/2 - melHop/2 // mirrored samples at either end
	melFloor   = 1e-5
	melTop     = tts.SampleRate / 2 // Hz; bands start at 0
)

// melSpectrogram gives the natural logarithm of the magnitude in mel bands, [max(len(pcm)/256, 1), bands].
func melSpectrogram(s *mlx.Scope, pcm []float32, bands int) mlx.Array {
	padded := make([]float32, 0, len(pcm)+2*melPadding+melWindow)
	for _, i := range mirrored(len(pcm), melPadding) {
		padded = append(padded, pcm[i])
	}
	frames := max((len(padded)-melWindow)/melHop+1, 1)
	const hops = melWindow / melHop
	blocks := frames + hops - 1
	padded = append(padded, make([]float32, melWindow)...)[:blocks*melHop]

	x := s.Floats(padded, blocks, melHop)
	var parts []mlx.Array // frame t is the blocks t, t+1, t+2, t+3
	for i := range hops {
		parts = append(parts, s.SliceAxis(x, 0, i, i+frames))
	}
	x = s.Mul(s.Concat(1, parts...), s.Floats(hann(), melWindow)) // [frames, 1024]
	x = s.Sqrt(s.AddScalar(s.RFFTPower(x), 1e-9))                 // [frames, 513]
	x = s.Linear(x, s.Floats(melFilters(bands), bands, melWindow/2+1), mlx.Array{})
	return s.Log(s.MaxScalar(x, melFloor)) // [frames, bands]
}

// mirrored lists the indices of n elements with padding of the given length at either end, mirrored at the first and
// the last element without repeating it.
func mirrored(n, padding int) []int32 {
	indices := make([]int32, 0, n+2*padding)
	period := max(2*(n-1), 1)
	for i := -padding; i < n+padding; i++ {
		at := ((i % period) + period) % period
		indices = append(indices, int32(min(at, period-at)))
	}
	return indices
}

// hann is the periodic Hann window.
func hann() []float32 {
	w := make([]float32, melWindow)
	for i := range w {
		w[i] = float32(0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/melWindow))
	}
	return w
}

// melFilters is the matrix [bands, 513] of triangles over the Fourier bins, equally spaced on Slaney's mel scale, each
// of area 1.
func melFilters(bands int) []float32 {
	const bins = melWindow/2 + 1
	edges := make([]float64, bands+2) // Hz
	for i := range edges {
		edges[i] = melToHz(hzToMel(melTop) * float64(i) / float64(bands+1))
	}
	m := make([]float32, 0, bands*bins)
	for band := range bands {
		low, middle, high := edges[band], edges[band+1], edges[band+2]
		for bin := range bins {
			f := float64(bin) * tts.SampleRate / melWindow
			height := min((f-low)/(middle-low), (high-f)/(high-middle))
			m = append(m, float32(max(height, 0)*2/(high-low)))
		}
	}
	return m
}

// Slaney's mel scale: linear up to 1 kHz, which is mel 15, and logarithmic above.
const (
	melHz     = 200.0 / 3 // of one mel, in the linear part
	melBreak  = 1000.0    // Hz
	melFactor = 27        // mels of a factor 6.4, in the logarithmic part
)

func hzToMel(f float64) float64 {
	if f < melBreak {
		return f / melHz
	}
	return melBreak/melHz + melFactor*math.Log(f/melBreak)/math.Log(6.4)
}

func melToHz(m float64) float64 {
	if m < melBreak/melHz {
		return m * melHz
	}
	return melBreak * math.Exp((m-melBreak/melHz)*math.Log(6.4)/melFactor)
}
