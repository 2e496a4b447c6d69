package playback

import (
	"encoding/binary"
	"io"
	"os"

	"ttsui/internal/audio"
	"ttsui/internal/tts"
)

// sound is the samples of a clip: mono, 16-bit, little-endian, at tts.SampleRate. They lie in a file, so that an hour of
// them takes no more memory than a second. It may be read while it is written to.
type sound struct {
	file interface {
		io.ReaderAt
		io.Closer
	}
	to      io.WriterAt // of one that grows
	samples int
	outline outline
}

// width is the bytes of a sample.
const width = 2

// openSound opens a result.
func openSound(path string) (*sound, error) {
	r, err := audio.OpenResult(path)
	if err != nil {
		return nil, err
	}
	s := &sound{file: r}
	for pcm := make([]int16, 1<<15); s.samples < r.Samples(); {
		piece := pcm[:min(len(pcm), r.Samples()-s.samples)]
		if err := s.read(piece, s.samples); err != nil {
			s.close()
			return nil, err
		}
		s.extend(piece)
	}
	return s, nil
}

// newSound is a sound that is still to be written. Its file has no name, and is gone when the program is.
func newSound() (*sound, error) {
	f, err := os.CreateTemp("", "ttsui-*.pcm")
	if err != nil {
		return nil, noPlace(err)
	}
	s := &sound{file: f, to: f}
	if err := os.Remove(f.Name()); err != nil {
		s.close()
		return nil, noPlace(err)
	}
	return s, nil
}

func noPlace(err error) error {
	return tts.Errorf(tts.CodeDiskFull, "Make room on the disk that has the system's temporary files.", "it can't be kept while it plays: %w", err)
}

func (s *sound) close() { s.file.Close() } // a result was only read, and the other one is not kept

// write puts samples behind those that are there. They count when extend has said so.
func (s *sound) write(pcm []int16) error {
	raw := make([]byte, 0, len(pcm)*width)
	for _, v := range pcm {
		raw = binary.LittleEndian.AppendUint16(raw, uint16(v))
	}
	if _, err := s.to.WriteAt(raw, int64(s.samples)*width); err != nil {
		return noPlace(err)
	}
	return nil
}

// extend counts samples that were written.
func (s *sound) extend(pcm []int16) {
	s.samples += len(pcm)
	s.outline.add(pcm)
}

// read gives the samples from one on.
func (s *sound) read(pcm []int16, from int) error {
	if err := audio.ReadPCM(s.file, pcm, from); err != nil {
		return tts.Errorf(tts.CodeOf(err), "Open it again.", "the sound can't be read: %w", err)
	}
	return nil
}

// outline is the loudest samples of equal parts of a sound that may become as long as it likes: when there are too many
// parts, each two become one.
type outline struct {
	part    int      // samples in each; the last may lack some
	loudest []uint16 // of each, without its sign
	last    int      // samples in the last
}

const (
	leastPart = 16
	mostParts = 1 << 14
)

func (o *outline) add(pcm []int16) {
	if o.part == 0 {
		o.part, o.last = leastPart, leastPart
	}
	for _, v := range pcm {
		if o.last == o.part {
			o.begin()
		}
		end := len(o.loudest) - 1
		o.loudest[end] = max(o.loudest[end], uint16(max(int(v), -int(v))))
		o.last++
	}
}

// begin makes room for a new part behind the last, which is whole.
func (o *outline) begin() {
	if len(o.loudest) == mostParts {
		for i := range mostParts / 2 {
			o.loudest[i] = max(o.loudest[2*i], o.loudest[2*i+1])
		}
		o.loudest = o.loudest[:mostParts/2]
		o.part *= 2
	}
	o.loudest, o.last = append(o.loudest, 0), 0
}

// peaks is the loudest sample of each of n equal parts of a sound of so many samples, in [0, 1].
func (o *outline) peaks(samples, n int) []float32 {
	peaks := make([]float32, n)
	for i := range peaks {
		start, end := i*samples/n, (i+1)*samples/n
		if start == end {
			continue
		}
		for _, v := range o.loudest[start/o.part : (end-1)/o.part+1] {
			peaks[i] = max(peaks[i], float32(v)/32768)
		}
	}
	return peaks
}
