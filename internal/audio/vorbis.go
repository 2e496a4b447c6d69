package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"

	"ttsui/internal/tts"
)

// checkVorbis reads the three headers of a Vorbis stream before the decoder does. The decoder trusts the counts in
// them: a hostile file of a few hundred bytes would make it allocate gigabytes or loop for ever, and neither can be
// stopped from outside. What passes costs it some tens of MiB at most.
func checkVorbis(r io.Reader) error {
	packets, err := oggPackets(r, 3)
	if err != nil {
		return fmt.Errorf("ogg headers: %w", err)
	}
	ident, comment, setup := packets[0], packets[1], packets[2]
	const magic = 7 // bytes of type and name in front of each
	if len(ident) < 30 || len(comment) < magic || len(setup) < magic {
		return errors.New("vorbis headers are cut off")
	}
	if channels := ident[11]; channels > 2 {
		// The decoder fails on the multichannel files of libvorbis at 44.1 and 48 kHz.
		return tts.Errorf(tts.CodeUnsupported, "Convert it to mono WAV first, for example: ffmpeg -i in.ogg -ac 1 out.wav",
			"Ogg Vorbis of %d channels can't be read", channels)
	}
	if small, large := ident[28]&0x0F, ident[28]>>4; small < 6 || large > 13 || small > large {
		return errors.New("vorbis of forbidden block sizes")
	}
	if err := checkComments(comment[magic:]); err != nil {
		return err
	}
	return checkCodebooks(&bitReader{data: setup[magic:]})
}

// oggPackets gives the first n packets of an Ogg file.
func oggPackets(r io.Reader, n int) ([][]byte, error) {
	var packets [][]byte
	var packet []byte
	for {
		var head [27]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, err
		}
		sizes := make([]byte, head[26])
		if _, err := io.ReadFull(r, sizes); err != nil {
			return nil, err
		}
		for _, size := range sizes {
			part := make([]byte, size)
			if _, err := io.ReadFull(r, part); err != nil {
				return nil, err
			}
			packet = append(packet, part...)
			if size == 255 { // goes on
				continue
			}
			if packets = append(packets, packet); len(packets) == n {
				return packets, nil
			}
			packet = nil
		}
	}
}

// checkComments refuses more comments than there can be.
func checkComments(b []byte) error {
	if len(b) >= 4 {
		vendor := uint64(binary.LittleEndian.Uint32(b))
		if rest := uint64(len(b)) - 4; vendor+4 <= rest {
			b = b[4+vendor:]
			if count := uint64(binary.LittleEndian.Uint32(b)); count <= uint64(len(b)-4)/4 {
				return nil
			}
		}
	}
	return errors.New("vorbis comments are cut off")
}

// checkCodebooks walks the codebooks at the start of a setup header.
func checkCodebooks(r *bitReader) error {
	// The books of libvorbis hold some ten thousand entries together.
	const mostEntries, mostValues = 1 << 17, 1 << 22
	var allEntries, allValues int
	for range r.read(8) + 1 {
		if r.read(24) != 0x564342 {
			return errors.New("vorbis codebook without its mark")
		}
		dimensions, entries := int(r.read(16)), int(r.read(24))
		allEntries += entries
		allValues += entries * dimensions
		if entries == 0 || dimensions == 0 || allEntries > mostEntries || allValues > mostValues {
			return fmt.Errorf("vorbis codebook of %d entries of %d values", entries, dimensions)
		}
		if err := checkCode(r, entries); err != nil {
			return err
		}
		if err := skipValues(r, entries, dimensions); err != nil {
			return err
		}
	}
	return nil
}

// checkCode reads the lengths of a codebook's Huffman code, which must leave no sequence of bits without a meaning.
// Only a code of one word may.
func checkCode(r *bitReader, entries int) error {
	var space uint64 // that the words take up, in units of 2^-32
	words := 0
	add := func(n int, length uint32) {
		words += n
		space += uint64(n) << (32 - length)
	}
	if ordered := r.read(1) == 1; ordered {
		length := r.read(5) + 1
		for done := 0; done < entries; length++ {
			n := int(r.read(bits.Len(uint(entries - done))))
			if done += n; done > entries || length > 32 {
				return errors.New("vorbis code of wrong lengths")
			}
			add(n, length)
		}
	} else {
		sparse := r.read(1) == 1
		for range entries {
			if !sparse || r.read(1) == 1 {
				add(1, r.read(5)+1)
			}
		}
	}
	if words == 0 || words > 1 && space != 1<<32 {
		return errors.New("vorbis code with gaps")
	}
	return nil
}

// skipValues passes over the vectors that a codebook's entries stand for.
func skipValues(r *bitReader, entries, dimensions int) error {
	kind := r.read(4)
	if kind == 0 {
		return nil
	}
	r.read(32) // least value
	r.read(32) // step
	width := int(r.read(4)) + 1
	r.read(1)
	count := entries * dimensions
	if kind == 1 { // as many as fill a lattice
		count = int(math.Floor(math.Pow(float64(entries), 1/float64(dimensions))))
	}
	r.pos += count * width
	if r.pos > 8*len(r.data) {
		return errors.New("vorbis codebook is cut off")
	}
	return nil
}

// bitReader reads numbers whose lowest bit comes first. Behind the end are zeros.
type bitReader struct {
	data []byte
	pos  int // in bits
}

func (r *bitReader) read(n int) uint32 {
	var v uint32
	for i := range n {
		if at := r.pos / 8; at < len(r.data) {
			v |= uint32(r.data[at]>>(r.pos%8)&1) << i
		}
		r.pos++
	}
	return v
}
