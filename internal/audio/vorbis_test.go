package audio

import (
	"bytes"
	"encoding/binary"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"ttsui/internal/tts"
)

// clipPackets gives the packets of stereo.ogg: three headers, then sound.
func clipPackets(t testing.TB) [][]byte {
	t.Helper()
	data, err := os.ReadFile("testdata/stereo.ogg")
	if err != nil {
		t.Fatal(err)
	}
	packets, err := oggPackets(bytes.NewReader(data), 12)
	if err != nil {
		t.Fatal(err)
	}
	return packets
}

// oggFile puts packets on pages of their own, with the right checksums.
func oggFile(packets ...[]byte) []byte {
	var out []byte
	for i, p := range packets {
		page := append([]byte("OggS\x00\x00"), make([]byte, 20)...)
		switch i {
		case 0:
			page[5] = 2 // first
		case len(packets) - 1:
			page[5] = 4 // last
		}
		if i > 2 {
			binary.LittleEndian.PutUint64(page[6:], uint64(1024*(i-2)))
		}
		binary.LittleEndian.PutUint32(page[18:], uint32(i))
		page = append(page, byte(len(p)/255+1))
		page = append(page, bytes.Repeat([]byte{255}, len(p)/255)...)
		page = append(page, byte(len(p)%255))
		page = append(page, p...)
		binary.LittleEndian.PutUint32(page[22:], oggChecksum(page))
		out = append(out, page...)
	}
	return out
}

func oggChecksum(page []byte) uint32 {
	var sum uint32
	for _, b := range page {
		sum ^= uint32(b) << 24
		for range 8 {
			if sum&(1<<31) != 0 {
				sum = sum<<1 ^ 0x04c11db7
			} else {
				sum <<= 1
			}
		}
	}
	return sum
}

// bitString turns fields of value and width into bytes, the lowest bit first.
func bitString(fields ...[2]int) []byte {
	var out []byte
	pos := 0
	for _, f := range fields {
		for i := range f[1] {
			if pos%8 == 0 {
				out = append(out, 0)
			}
			out[pos/8] |= byte(f[0]>>i&1) << (pos % 8)
			pos++
		}
	}
	return out
}

func TestVorbisOfManyChannels(t *testing.T) {
	packets := clipPackets(t)
	packets[0] = slices.Clone(packets[0])
	packets[0][11] = 6
	_, _, err := decode(oggFile(packets...))
	checkError(t, err, tts.CodeUnsupported, "6 channels")
}

func TestVorbisHostile(t *testing.T) {
	packets := clipPackets(t)
	if _, pcm, err := decode(oggFile(packets...)); err != nil || len(pcm) < 5000 {
		t.Fatalf("the clip itself: %d samples, %v", len(pcm), err)
	}
	book := func(dimensions, entries int, rest ...[2]int) []byte {
		head := [][2]int{{0, 8}, {0x564342, 24}, {dimensions, 16}, {entries, 24}}
		return append([]byte("\x05vorbis"), bitString(append(head, rest...)...)...)
	}
	tests := []struct {
		name    string
		packet  int
		content []byte
		want    string
	}{
		{"four billion comments", 1, []byte("\x03vorbis\x00\x00\x00\x00\xff\xff\xff\xff\x01"), "comments are cut off"},
		{"a vendor without end", 1, []byte("\x03vorbis\xff\xff\xff\xff\x00\x00\x00\x00"), "comments are cut off"},
		{"a book of no entries", 2, book(1, 0), "codebook of 0 entries"},
		{"a book of 16 million entries", 2, book(1, 1<<24-1), "codebook of 16777215 entries"},
		{"a book of wide vectors", 2, book(65535, 1000), "1000 entries of 65535 values"},
		{"lengths that never come", 2, book(1, 1000, [2]int{1, 1}), "wrong lengths"},
		{"a code that means nothing", 2, book(1, 4, [2]int{0, 1}, [2]int{1, 1}), "gaps"},
		{"a code with a gap", 2, book(1, 2, [2]int{0, 2}, [2]int{1, 5}, [2]int{1, 5}), "gaps"},
		{"values that are not there", 2, book(1, 2, [2]int{0, 12}, [2]int{2, 4}), "codebook is cut off"},
		{"blocks of 32768", 0, func() []byte {
			p := slices.Clone(packets[0])
			p[28] = 0xFF
			return p
		}(), "block sizes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := slices.Clone(packets)
			p[tt.packet] = tt.content
			_, _, err := decode(oggFile(p...))
			checkError(t, err, tts.CodeCorrupt, tt.want)
		})
	}
}

// FuzzVorbisHeaders holds the law that no headers make the decoder allocate much or loop, whatever their checksums.
func FuzzVorbisHeaders(f *testing.F) {
	packets := clipPackets(f)
	f.Add(packets[0], packets[1], packets[2])
	f.Fuzz(func(t *testing.T, ident, comment, setup []byte) {
		if max(len(ident), len(comment), len(setup)) > 50_000 || !strings.HasPrefix(string(ident), "\x01vorbis") {
			return
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := decode(oggFile(append([][]byte{ident, comment, setup}, packets[3:]...)...))
		runtime.ReadMemStats(&after)
		if err != nil && (tts.CodeOf(err) == tts.CodeInternal || tts.HintOf(err) == "") {
			t.Errorf("error %v of code %q", err, tts.CodeOf(err))
		}
		if cost := after.TotalAlloc - before.TotalAlloc; cost > 128<<20 {
			t.Errorf("the headers cost %d MiB", cost>>20)
		}
	})
}
