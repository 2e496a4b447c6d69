package audio

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"ttsui/internal/tts"
)

// wavSpec says how build makes a WAV file; its zero value is not valid, see pcm16.
type wavSpec struct {
	tag, channels, bits int
	rate                uint32
	valid               int    // above 0: extensible, with so many valid bits
	before              []byte // chunks in front of fmt
	between             []byte // chunks between fmt and data
	after               []byte // chunks behind data
	riff, size          *uint32
}

func pcm16(rate int) wavSpec { return wavSpec{tag: tagPCM, channels: 1, bits: 16, rate: uint32(rate)} }

// build encodes interleaved samples, each by the definition of its format.
func (s wavSpec) build(samples []float64) []byte {
	var data []byte
	for _, v := range samples {
		data = append(data, s.encode(v)...)
	}
	return s.wrap(data)
}

func (s wavSpec) encode(v float64) []byte {
	le := binary.LittleEndian
	full := math.Ldexp(1, s.bits-1)
	scaled := int64(max(-full, min(full-1, math.Round(v*full))))
	switch {
	case s.tag == tagFloat && s.bits == 32:
		return le.AppendUint32(nil, math.Float32bits(float32(v)))
	case s.tag == tagFloat:
		return le.AppendUint64(nil, math.Float64bits(v))
	case s.bits == 8:
		return []byte{byte(scaled + 128)}
	}
	width := (s.bits + 7) / 8
	return le.AppendUint64(nil, uint64(scaled)<<(8*width-s.bits))[:width]
}

// wrap puts chunks around the bytes of samples.
func (s wavSpec) wrap(data []byte) []byte {
	le := binary.LittleEndian
	width := (s.bits + 7) / 8
	tag := s.tag
	if s.valid > 0 {
		tag = tagExtensible
	}
	f := le.AppendUint16(nil, uint16(tag))
	f = le.AppendUint16(f, uint16(s.channels))
	f = le.AppendUint32(f, s.rate)
	f = le.AppendUint32(f, s.rate*uint32(s.channels*width))
	f = le.AppendUint16(f, uint16(s.channels*width))
	f = le.AppendUint16(f, uint16(s.bits))
	if s.valid > 0 {
		f = le.AppendUint16(f, 22)
		f = le.AppendUint16(f, uint16(s.valid))
		f = le.AppendUint32(f, 0)
		f = le.AppendUint16(f, uint16(s.tag))
		f = append(f, "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"...)
	}
	b := slices.Concat([]byte("RIFF\x00\x00\x00\x00WAVE"), s.before, chunk("fmt ", f), s.between, chunk("data", data), s.after)
	le.PutUint32(b[4:], uint32(len(b)-8))
	if s.riff != nil {
		le.PutUint32(b[4:], *s.riff)
	}
	if s.size != nil {
		le.PutUint32(b[bytes.Index(b, []byte("data"))+4:], *s.size)
	}
	return b
}

func chunk(id string, body []byte) []byte {
	b := append([]byte(id), binary.LittleEndian.AppendUint32(nil, uint32(len(body)))...)
	b = append(b, body...)
	if len(body)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

// decode runs the reader's own path up to the mono samples at the file's rate.
func decode(data []byte) (*source, []float32, error) {
	f, clip := sniff(bytes.NewReader(data), int64(len(data)))
	src, err := f.source(clip)
	if err != nil {
		return nil, nil, err
	}
	pcm, err := src.mono(context.Background())
	return src, pcm, err
}

// wave is half a second of something that is different in every sample and channel.
func wave(rate, channels int) []float64 {
	out := make([]float64, rate/2*channels)
	for i := range out {
		out[i] = 0.9 * math.Sin(float64(i)*0.7+float64(i*i%977))
	}
	return out
}

func mixed(samples []float64, channels int) []float64 {
	out := make([]float64, len(samples)/channels)
	for i := range out {
		for _, v := range samples[i*channels : (i+1)*channels] {
			out[i] += v / float64(channels)
		}
	}
	return out
}

func TestWAVRoundTrip(t *testing.T) {
	junk := chunk("LIST", []byte("INFOodd"))
	tests := []struct {
		name string
		spec wavSpec
	}{
		{"8-bit", wavSpec{tag: tagPCM, channels: 1, bits: 8, rate: 8000}},
		{"12-bit", wavSpec{tag: tagPCM, channels: 1, bits: 12, rate: 16000}},
		{"16-bit", pcm16(22050)},
		{"16-bit stereo", wavSpec{tag: tagPCM, channels: 2, bits: 16, rate: 44100}},
		{"24-bit stereo", wavSpec{tag: tagPCM, channels: 2, bits: 24, rate: 48000}},
		{"32-bit", wavSpec{tag: tagPCM, channels: 1, bits: 32, rate: 96000}},
		{"float32", wavSpec{tag: tagFloat, channels: 1, bits: 32, rate: 192000}},
		{"float64 stereo", wavSpec{tag: tagFloat, channels: 2, bits: 64, rate: 24000}},
		{"extensible 24-bit of 6 channels", wavSpec{tag: tagPCM, channels: 6, bits: 24, rate: 48000, valid: 24}},
		{"extensible float32 of 8 channels", wavSpec{tag: tagFloat, channels: 8, bits: 32, rate: 48000, valid: 32}},
		{"20 bits in 32", wavSpec{tag: tagPCM, channels: 1, bits: 32, rate: 48000, valid: 20}},
		{"unknown and odd chunks", wavSpec{tag: tagPCM, channels: 1, bits: 8, rate: 11025, before: junk, between: junk, after: junk}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := wave(int(tt.spec.rate), tt.spec.channels)
			src, got, err := decode(tt.spec.build(in))
			if err != nil {
				t.Fatal(err)
			}
			if src.rate != int(tt.spec.rate) {
				t.Errorf("rate %d, want %d", src.rate, tt.spec.rate)
			}
			bound := math.Ldexp(1, 1-min(tt.spec.bits, 24)) // one step, or what float32 can hold
			if tt.spec.tag == tagFloat && tt.spec.channels == 1 {
				bound = 0
				for i, v := range in {
					in[i] = float64(float32(v))
				}
			}
			compare(t, got, mixed(in, tt.spec.channels), bound)
		})
	}
}

func compare(t *testing.T, got []float32, want []float64, bound float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d samples, want %d", len(got), len(want))
	}
	for i, v := range got {
		if math.Abs(float64(v)-want[i]) > bound {
			t.Fatalf("sample %d is %v, want %v within %v", i, v, want[i], bound)
		}
	}
}

// The values are from the tables of G.711, scaled from 13 and 14 bits to 16.
func TestCompanded(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    func(byte) float32
		want map[byte]float32
	}{
		{"A-law", aLaw, map[byte]float32{0xD5: 8, 0x55: -8, 0xAA: 32256, 0x2A: -32256, 0x80: 5504}},
		{"mu-law", muLaw, map[byte]float32{0xFF: 0, 0x7F: 0, 0x80: 32124, 0x00: -32124, 0xEF: 132}},
	} {
		for code, want := range tt.want {
			if got := tt.f(code) * 32768; got != want {
				t.Errorf("%s %#x is %v, want %v", tt.name, code, got, want)
			}
		}
	}
	_, pcm, err := decode(wavSpec{tag: tagMuLaw, channels: 1, bits: 8, rate: 8000}.wrap(bytes.Repeat([]byte{0x80, 0x00}, 4000)))
	if err != nil || len(pcm) != 8000 || pcm[0] != -pcm[1] {
		t.Errorf("%d samples, %v", len(pcm), err)
	}
}

func TestWAVSizesThatLie(t *testing.T) {
	n := func(v uint32) *uint32 { return &v }
	samples := wave(24000, 1)
	rf64 := pcm16(24000)
	rf64.before = chunk("ds64", slices.Concat(make([]byte, 8), binary.LittleEndian.AppendUint64(nil, 20000), make([]byte, 12)))
	rf64.size = n(math.MaxUint32)
	list := chunk("LIST", []byte("INFO"))
	tests := []struct {
		name string
		data []byte
		want int
	}{
		{"all ones, from a pipe", wavSpec{tag: tagPCM, channels: 1, bits: 16, rate: 24000, riff: n(math.MaxUint32), size: n(math.MaxUint32)}.build(samples), 12000},
		{"zero, from a recorder that was stopped", wavSpec{tag: tagPCM, channels: 1, bits: 16, rate: 24000, riff: n(0), size: n(0)}.build(samples), 12000},
		{"zero behind a head that was written first", wavSpec{tag: tagPCM, channels: 1, bits: 16, rate: 24000, riff: n(36), size: n(0)}.build(samples), 12000},
		{"really empty, with a chunk behind", wavSpec{tag: tagPCM, channels: 1, bits: 16, rate: 24000, after: list}.build(nil), 0},
		{"cut in the middle of a sample", pcm16(24000).build(samples)[:44+999], 499},
		{"RF64", append([]byte("RF64"), rf64.build(samples)[4:]...), 10000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, pcm, err := decode(tt.data)
			if err != nil || len(pcm) != tt.want {
				t.Fatalf("%d samples, %v; want %d", len(pcm), err, tt.want)
			}
			for i, v := range pcm {
				if math.Abs(float64(v)-samples[i]) > 1.0/32768 {
					t.Fatalf("sample %d is %v, want %v", i, v, samples[i])
				}
			}
		})
	}
}

func TestWAVRefused(t *testing.T) {
	spec := func(change func(*wavSpec)) []byte {
		s := pcm16(24000)
		change(&s)
		return s.build(wave(24000, 1))
	}
	tests := []struct {
		name string
		data []byte
		code tts.Code
		want string
	}{
		{"rate 0", spec(func(s *wavSpec) { s.rate = 0 }), tts.CodeUnsupported, "sample rate is 0"},
		{"rate 10^9", spec(func(s *wavSpec) { s.rate = 1e9 }), tts.CodeUnsupported, "sample rate is 1000000000"},
		{"no channels", spec(func(s *wavSpec) { s.channels = 0 }), tts.CodeCorrupt, "no channels"},
		{"9 channels", spec(func(s *wavSpec) { s.channels = 9 }), tts.CodeUnsupported, "9 channels"},
		{"ADPCM", spec(func(s *wavSpec) { s.tag = 2 }), tts.CodeUnsupported, "encoding 0x2"},
		{"64-bit integers", spec(func(s *wavSpec) { s.bits = 64 }), tts.CodeUnsupported, "64 bits"},
		{"no bits", spec(func(s *wavSpec) { s.bits = 0 }), tts.CodeCorrupt, "no channels"},
		{"no data", pcm16(24000).build(nil)[:36], tts.CodeCorrupt, "without data"},
		{"no format", slices.Concat([]byte("RIFF\x00\x00\x00\x00WAVE"), chunk("data", make([]byte, 100))), tts.CodeCorrupt, "without a format"},
		{"short format", slices.Concat([]byte("RIFF\x00\x00\x00\x00WAVE"), chunk("fmt ", make([]byte, 15))), tts.CodeCorrupt, "cut off"},
		{"frames of the wrong size", func() []byte {
			b := spec(func(s *wavSpec) {})
			b[32] = 3
			return b
		}(), tts.CodeCorrupt, "contradicts"},
		{"chunks without end", append([]byte("RIFF\x00\x00\x00\x00WAVE"), bytes.Repeat([]byte("junk\x00\x00\x00\x00"), 20000)...), tts.CodeCorrupt, "too many chunks"},
		{"NaN", wavSpec{tag: tagFloat, channels: 1, bits: 32, rate: 24000}.build([]float64{0, math.NaN()}), tts.CodeCorrupt, "sample 1 is not a finite"},
		{"infinity in one of two channels", wavSpec{tag: tagFloat, channels: 2, bits: 32, rate: 24000}.build([]float64{0, math.Inf(1)}), tts.CodeCorrupt, "sample 0 is not a finite"},
		{"float64 beyond float32", wavSpec{tag: tagFloat, channels: 1, bits: 64, rate: 24000}.build([]float64{1e300}), tts.CodeCorrupt, "finite"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, pcm, err := decode(tt.data)
			checkError(t, err, tt.code, tt.want)
			if pcm != nil {
				t.Errorf("%d samples beside the error", len(pcm))
			}
		})
	}
}

func checkError(t *testing.T, err error, code tts.Code, want string) {
	t.Helper()
	if err == nil || tts.CodeOf(err) != code || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v of code %q, want %q of code %q", err, tts.CodeOf(err), want, code)
	}
	if err != nil && tts.HintOf(err) == "" && code != tts.CodeCanceled {
		t.Errorf("no hint with %v", err)
	}
}

// FuzzDecode holds the laws of decoding for any bytes: an error is made for users and comes alone; samples are
// finite and no more than the limit; a WAV file gives as many as its header and size promise, and costs no more
// memory than 4 times its size and 1 MiB.
func FuzzDecode(f *testing.F) {
	clips, err := filepath.Glob("testdata/*.*")
	if err != nil || len(clips) < 8 {
		f.Fatal(clips, err)
	}
	for _, name := range clips {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(pcm16(24000).build(wave(200, 1)))
	f.Add(wavSpec{tag: tagFloat, channels: 2, bits: 64, rate: 8000, valid: 64}.build(wave(200, 2)))
	f.Add(wavSpec{tag: tagALaw, channels: 8, bits: 8, rate: 192000, between: chunk("x", []byte("y"))}.build(wave(200, 8)))
	f.Fuzz(func(t *testing.T, data []byte) {
		kind, _ := sniff(bytes.NewReader(data), int64(len(data)))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		src, pcm, err := decode(data)
		runtime.ReadMemStats(&after)
		if err != nil {
			if tts.CodeOf(err) == tts.CodeInternal || tts.HintOf(err) == "" || pcm != nil {
				t.Fatalf("%d samples, error %v of code %q", len(pcm), err, tts.CodeOf(err))
			}
		} else if len(pcm) > src.limit() {
			t.Fatalf("%d samples at %d Hz", len(pcm), src.rate)
		}
		for i, v := range pcm {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Fatalf("sample %d is %v", i, v)
			}
		}
		if kind.name != "WAV" {
			return
		}
		if err == nil && int64(len(pcm)) != src.frames {
			t.Errorf("%d samples, but the header promises %d", len(pcm), src.frames)
		}
		if cost := after.TotalAlloc - before.TotalAlloc; cost > uint64(4*len(data)+1<<20) {
			t.Errorf("%d bytes cost %d bytes of memory", len(data), cost)
		}
	})
}
