package audio

import (
	"encoding/binary"
	"fmt"
	"math"

	"ttsui/internal/tts"
)

// Stream is a way to send mono samples to somebody who listens while more are made. Nobody knows yet how many there
// will be.
type Stream struct {
	Type   string // media type
	Header []byte // what stands before the samples
	order  binary.AppendByteOrder
}

// WAVStream is a 16-bit WAV file whose header gives the largest size there is, as programs that write to a pipe do.
// Players take it that the audio ends where the stream does.
func WAVStream() Stream {
	return Stream{"audio/wav", wavHeader(math.MaxUint32), binary.LittleEndian}
}

// L16Stream is bare 16-bit samples in network byte order, as RFC 2586 has them.
func L16Stream() Stream {
	return Stream{fmt.Sprintf("audio/L16;rate=%d;channels=1", tts.SampleRate), nil, binary.BigEndian}
}

// Append appends the samples to b, rounded as in a WAVFile.
func (s Stream) Append(b []byte, pcm []float32) []byte { return appendInt16s(b, s.order, pcm) }
