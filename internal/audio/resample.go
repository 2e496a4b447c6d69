package audio

import (
	"context"
	"math"

	"ttsui/internal/tts"
)

// The low-pass filter of the resampler: a sinc under a Kaiser window that lets 91 % of the band through, like soxr's
// HQ, and lowers what lies above the band by 110 dB.
const (
	attenuation = 110.0
	passband    = 0.913
	cutoff      = (1 + passband) / 2
	beta        = 0.1102 * (attenuation - 8.7)
	zeroHalf    = (attenuation - 7.95) / (2.285 * math.Pi * (1 - passband)) / 2 // half the filter, in samples of the lower rate
)

// resample brings pcm from rate to tts.SampleRate. Output sample n stands at the time n/24000 of the input, and the
// length is the input's, rounded up to a whole sample.
func resample(ctx context.Context, pcm []float32, rate int) ([]float32, error) {
	if rate == tts.SampleRate {
		return pcm, nil
	}
	bank := newFilterBank(rate, tts.SampleRate)
	out := make([]float32, (int64(len(pcm))*tts.SampleRate+int64(rate)-1)/int64(rate))
	for n := range out {
		if n%4096 == 0 && ctx.Err() != nil {
			return nil, stopped(ctx)
		}
		out[n] = bank.at(pcm, n)
	}
	return out, nil
}

// filterBank holds the low-pass filter at phases between two input samples, one row a phase.
type filterBank struct {
	in, out int // the rates, reduced
	half    int // taps on each side
	phases  int
	rows    [][]float64 // (phases+1, 2*half)
}

func newFilterBank(in, out int) *filterBank {
	const maxCoefficients = 1 << 17 // 1 MiB
	d := gcd(in, out)
	b := &filterBank{in: in / d, out: out / d}
	stretch := max(1, float64(in)/float64(out)) // going down, the filter works at the lower rate
	b.half = int(math.Ceil(zeroHalf * stretch))
	// There are as many phases as the reduced rates have. Where those are too many, rows are interpolated; the
	// longer the filter, the fewer that takes for the same precision.
	b.phases = min(b.out, maxCoefficients/(2*b.half))
	b.rows = make([][]float64, b.phases+1)
	for p := range b.rows {
		b.rows[p] = lowPass(float64(p)/float64(b.phases), b.half, cutoff/stretch)
	}
	return b
}

// lowPass gives the 2*half taps around a point that lies frac of a sample behind tap half−1. Their sum is 1, so that
// a constant stays itself.
func lowPass(frac float64, half int, cut float64) []float64 {
	row := make([]float64, 2*half)
	var sum float64
	for k := range row {
		t := frac + float64(half-1-k)
		row[k] = sinc(cut*t) * kaiser(t/float64(half))
		sum += row[k]
	}
	for k := range row {
		row[k] /= sum
	}
	return row
}

// at is output sample n. Around the clip is silence.
func (b *filterBank) at(pcm []float32, n int) float32 {
	pos := n * b.in
	first := pos/b.out - b.half + 1
	phase := pos % b.out * b.phases
	row, rest := phase/b.out, phase%b.out
	from, to := max(0, -first), min(2*b.half, len(pcm)-first)
	x := pcm[first+from : first+to]
	v := dot(b.rows[row][from:to], x)
	if rest > 0 {
		v += (dot(b.rows[row+1][from:to], x) - v) * float64(rest) / float64(b.out)
	}
	return float32(v)
}

func dot(row []float64, x []float32) float64 {
	var a, b float64 // two sums, as additions wait for each other
	x = x[:len(row)]
	k := 0
	for ; k+1 < len(row); k += 2 {
		a += row[k] * float64(x[k])
		b += row[k+1] * float64(x[k+1])
	}
	if k < len(row) {
		a += row[k] * float64(x[k])
	}
	return a + b
}

func sinc(t float64) float64 {
	if t == 0 {
		return 1
	}
	return math.Sin(math.Pi*t) / (math.Pi * t)
}

// kaiser is the Kaiser window over [−1, 1].
func kaiser(t float64) float64 {
	if t <= -1 || t >= 1 {
		return 0
	}
	return besselI0(beta*math.Sqrt(1-t*t)) / besselI0(beta)
}

// besselI0 is the modified Bessel function of order zero, by its power series.
func besselI0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-17; k++ {
		term *= (x / (2 * k)) * (x / (2 * k))
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
