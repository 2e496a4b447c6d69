package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"ttsui/internal/tts"
)

// wavFormat is the fmt chunk of a WAV file, with the tag of an extensible one put in its place.
type wavFormat struct {
	tag      uint16
	channels int
	rate     uint32
	frame    int // bytes of one sample of all channels
	bits     int
}

// Format tags.
const (
	tagPCM        = 1
	tagFloat      = 3
	tagALaw       = 6
	tagMuLaw      = 7
	tagExtensible = 0xFFFE
)

// openWAV finds the samples of a RIFF or RF64 WAVE file.
func openWAV(r *io.SectionReader) (*source, error) {
	format, data, err := findData(r)
	if err != nil {
		return nil, err
	}
	if format == nil {
		return nil, errors.New("WAV without a format before its data")
	}
	width, decode, err := format.decoder()
	if err != nil {
		return nil, err
	}
	frames := data.Size() / int64(format.frame) // a frame that was cut off is dropped
	in := io.NewSectionReader(data, 0, frames*int64(format.frame))
	var raw []byte
	read := func(dst []float32) (int, error) {
		if raw == nil {
			raw = make([]byte, len(dst)*width)
		}
		n, err := io.ReadFull(in, raw[:len(dst)*width])
		n /= width
		for i := range dst[:n] {
			dst[i] = decode(raw[i*width:])
		}
		return n, err
	}
	return &source{rate: int(min(format.rate, math.MaxInt32)), channels: format.channels, frames: frames, read: read}, nil
}

// findData walks the chunks up to the data.
func findData(r *io.SectionReader) (format *wavFormat, data *io.SectionReader, err error) {
	const mostChunks = 10_000 // so that a hostile file doesn't keep us walking
	var head [8]byte
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return nil, nil, errors.New("WAV without data")
	}
	end := 8 + int64(binary.LittleEndian.Uint32(head[4:])) // of the file, as it says
	var wide uint64                                        // the data's size, from the chunk that RF64 has for it
	pos := int64(12)
	for range mostChunks {
		if _, err := r.ReadAt(head[:], pos); err != nil {
			return nil, nil, errors.New("WAV without data")
		}
		pos += 8
		size := int64(binary.LittleEndian.Uint32(head[4:]))
		chunk := io.NewSectionReader(r, pos, min(size, r.Size()-pos))
		switch string(head[:4]) {
		case "ds64":
			var sizes [16]byte
			if _, err := chunk.ReadAt(sizes[:], 0); err != nil {
				return nil, nil, errors.New("WAV sizes are cut off")
			}
			wide = binary.LittleEndian.Uint64(sizes[8:])
		case "fmt ":
			if format, err = parseFormat(chunk); err != nil {
				return nil, nil, err
			}
		case "data":
			return format, io.NewSectionReader(r, pos, dataSize(size, wide, r.Size()-pos, end <= pos)), nil
		}
		pos += size + size&1 // chunks start at even offsets
	}
	return nil, nil, errors.New("WAV of too many chunks")
}

// dataSize is how many of the rest bytes behind the head of a data chunk are samples. A program that writes to a pipe
// leaves a size that is too large, often all ones. One that was stopped leaves zero, in a file that is unfinished: it
// says that it ends where its data begins.
func dataSize(size int64, wide uint64, rest int64, unfinished bool) int64 {
	switch {
	case size == math.MaxUint32 && wide > 0:
		return int64(min(wide, uint64(rest)))
	case size == 0 && unfinished:
		return rest
	}
	return min(size, rest)
}

func parseFormat(chunk *io.SectionReader) (*wavFormat, error) {
	var b [26]byte
	n, _ := chunk.ReadAt(b[:], 0)
	if n < 16 {
		return nil, errors.New("WAV format is cut off")
	}
	f := &wavFormat{
		tag:      binary.LittleEndian.Uint16(b[0:]),
		channels: int(binary.LittleEndian.Uint16(b[2:])),
		rate:     binary.LittleEndian.Uint32(b[4:]),
		frame:    int(binary.LittleEndian.Uint16(b[12:])),
		bits:     int(binary.LittleEndian.Uint16(b[14:])),
	}
	if f.tag == tagExtensible {
		if n < 26 {
			return nil, errors.New("WAV format is cut off")
		}
		f.tag = binary.LittleEndian.Uint16(b[24:])
	}
	if f.channels == 0 || f.frame == 0 {
		return nil, errors.New("WAV of no channels")
	}
	return f, nil
}

// decoder gives the bytes of one sample and the function that reads them. A sample of, say, 12 bits stands in the
// upper bits of two bytes.
func (f *wavFormat) decoder() (width int, decode func([]byte) float32, err error) {
	width = (f.bits + 7) / 8
	decode = sampleDecoder(f.tag, width)
	if decode == nil {
		return 0, nil, tts.Errorf(tts.CodeUnsupported, "Convert it to 16-bit WAV first, for example: ffmpeg -i in.wav out.wav",
			"WAV of %d bits in encoding %#x can't be read", f.bits, f.tag)
	}
	if f.frame != width*f.channels {
		return 0, nil, fmt.Errorf("WAV format contradicts itself: %d channels of %d bits in %d bytes", f.channels, f.bits, f.frame)
	}
	return width, decode, nil
}

func sampleDecoder(tag uint16, width int) func([]byte) float32 {
	le := binary.LittleEndian
	switch {
	case tag == tagPCM && width == 1:
		return func(b []byte) float32 { return (float32(b[0]) - 128) / 128 }
	case tag == tagPCM && width == 2:
		return func(b []byte) float32 { return float32(int16(le.Uint16(b))) / (1 << 15) }
	case tag == tagPCM && width == 3:
		return func(b []byte) float32 {
			return float32(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)>>8) / (1 << 23)
		}
	case tag == tagPCM && width == 4:
		return func(b []byte) float32 { return float32(int32(le.Uint32(b))) / (1 << 31) }
	case tag == tagFloat && width == 4:
		return func(b []byte) float32 { return math.Float32frombits(le.Uint32(b)) }
	case tag == tagFloat && width == 8:
		return func(b []byte) float32 { return float32(math.Float64frombits(le.Uint64(b))) }
	case tag == tagALaw && width == 1:
		return func(b []byte) float32 { return aLaw(b[0]) }
	case tag == tagMuLaw && width == 1:
		return func(b []byte) float32 { return muLaw(b[0]) }
	}
	return nil
}

// aLaw and muLaw expand the two companded codes of ITU-T G.711: a sign, three bits of exponent, four of mantissa.
func aLaw(code byte) float32 {
	code ^= 0x55
	exponent, v := code>>4&7, int(code&0x0F)<<4+8
	if exponent > 0 {
		v = (v + 0x100) << (exponent - 1)
	}
	return signed(v, code&0x80 != 0)
}

func muLaw(code byte) float32 {
	const bias = 0x84
	code = ^code
	v := (int(code&0x0F)<<3+bias)<<(code>>4&7) - bias
	return signed(v, code&0x80 == 0)
}

func signed(v int, positive bool) float32 {
	if !positive {
		v = -v
	}
	return float32(v) / (1 << 15)
}
