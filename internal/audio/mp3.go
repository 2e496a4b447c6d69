package audio

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/hajimehoshi/go-mp3"
)

// openMP3 opens an MPEG-1 or MPEG-2 layer 3 stream.
func openMP3(r *io.SectionReader) (*source, error) {
	const channels, width = 2, 2 // the decoder makes 16-bit stereo of everything
	data, err := whole(r)
	if err != nil {
		return nil, err
	}
	start, length, trimmed := mp3Span(data)
	dec, err := mp3.NewDecoder(data)
	if errors.Is(err, io.EOF) {
		return nil, errors.New("MP3 without a whole frame")
	}
	if err != nil {
		return nil, err
	}
	frames, in := dec.Length()/(channels*width), io.Reader(dec)
	if trimmed {
		// A clip that ends in here has no samples, which the reader will say.
		_, _ = io.CopyN(io.Discard, dec, start*channels*width)
		frames = min(length, max(0, frames-start))
		in = io.LimitReader(dec, frames*channels*width)
	}
	var raw []byte
	read := func(dst []float32) (int, error) {
		if raw == nil {
			raw = make([]byte, len(dst)*width)
		}
		n, err := io.ReadFull(in, raw[:len(dst)*width])
		n /= width
		for i := range dst[:n] {
			dst[i] = float32(int16(binary.LittleEndian.Uint16(raw[i*width:]))) / (1 << 15)
		}
		return n, err
	}
	return &source{rate: dec.SampleRate(), channels: channels, frames: frames, read: read}, nil
}

// mp3Span tells which part of the decoded samples is the clip. Encoders put silence around it, and those that follow
// LAME say how much in the first frame, which otherwise is silent.
func mp3Span(r io.ReaderAt) (start, length int64, ok bool) {
	const decoderDelay = 529 // samples, of any decoder
	var b [192]byte
	if n, _ := r.ReadAt(b[:], 0); n < len(b) {
		return 0, 0, false
	}
	side, perFrame := 32, int64(1152)
	mono, mpeg1 := b[3]>>6 == 3, b[1]&0x08 != 0
	switch {
	case mpeg1 && mono:
		side = 17
	case !mpeg1 && mono:
		side, perFrame = 9, 576
	case !mpeg1:
		side, perFrame = 17, 576
	}
	tag := b[4+side:]
	if id := string(tag[:4]); id != "Xing" && id != "Info" {
		return 0, 0, false
	}
	const allFields = 15 // the four in front of LAME's own
	if flags := binary.BigEndian.Uint32(tag[4:]); flags&allFields != allFields {
		return 0, 0, false
	}
	frames := int64(binary.BigEndian.Uint32(tag[8:]))
	lame := tag[8+4+4+100+4:]
	delay := int64(lame[21])<<4 | int64(lame[22])>>4
	padding := int64(lame[22]&0x0F)<<8 | int64(lame[23])
	length = frames*perFrame - delay - padding
	return perFrame + delay + decoderDelay, length, lame[0] != 0 && length > 0
}
