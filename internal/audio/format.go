package audio

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"ttsui/internal/tts"
)

// format is a kind of file, known by its first bytes.
type format struct {
	name  string
	match func(head string) bool
	open  func(*io.SectionReader) (*source, error) // nil: not read here
	apple bool                                     // read by way of afconvert
}

// formats lists what is told apart; the first match counts.
var formats = []format{
	{"WAV", riff("RIFF"), openWAV, false},
	{"WAV", riff("RF64"), openWAV, false},
	{"FLAC", at(0, "fLaC"), openFLAC, false},
	{"Ogg Vorbis", at(28, "\x01vorbis"), openOgg, false},
	{"MP3", mpegLayer3, openMP3, false},

	{"MPEG 2.5 MP3", mpeg25Layer3, nil, true},
	{"AAC", adts, nil, true},
	{"MPEG-4", at(4, "ftyp"), nil, true}, // .m4a, .mp4, .3gp, .mov
	{"AIFF", at(8, "AIFF"), nil, true},
	{"AIFF-C", at(8, "AIFC"), nil, true},
	{"CAF", at(0, "caff"), nil, true},
	{"AU", at(0, ".snd"), nil, true},
	{"AMR", at(0, "#!AMR"), nil, true},
	{"Wave64", at(0, "riff\x2e\x91\xcf\x11"), nil, true},

	{"Opus", at(28, "OpusHead"), nil, false},
	{"Speex", at(28, "Speex"), nil, false},
	{"Ogg FLAC", at(28, "\x7fFLAC"), nil, false},
	{"Ogg", at(0, "OggS"), nil, false},
	{"Matroska or WebM", at(0, "\x1a\x45\xdf\xa3"), nil, false},
	{"Windows Media", at(0, "\x30\x26\xb2\x75"), nil, false},
	{"WavPack", at(0, "wvpk"), nil, false},
	{"Monkey's Audio", at(0, "MAC "), nil, false},
	{"big-endian WAV", riff("RIFX"), nil, false},
}

func at(offset int, magic string) func(string) bool {
	return func(head string) bool { return len(head) >= offset && strings.HasPrefix(head[offset:], magic) }
}

func riff(magic string) func(string) bool {
	return func(head string) bool { return at(0, magic)(head) && at(8, "WAVE")(head) }
}

// The head of an MPEG audio frame is 11 bits of sync, 2 of version, 2 of layer, 1 of CRC; 4 of bit rate, 2 of
// sample rate and others.
func mpegLayer3(head string) bool   { return mpegFrame(head, 0xF2) || mpegFrame(head, 0xFA) }
func mpeg25Layer3(head string) bool { return mpegFrame(head, 0xE2) }

func mpegFrame(head string, second byte) bool {
	return len(head) >= 4 && head[0] == 0xFF && head[1]&0xFE == second && head[2]>>4 != 15 && head[2]>>2&3 != 3
}

// adts is raw AAC, which keeps the sync and sets the layer to 0.
func adts(head string) bool { return len(head) >= 4 && head[0] == 0xFF && head[1]&0xF6 == 0xF0 }

// IsAudio tells whether a file of size bytes begins as one of the audio formats in common use does, also ones that
// can't be read here.
func IsAudio(r io.ReaderAt, size int64) bool {
	f, _ := sniff(r, size)
	return f.match != nil || f.open != nil
}

// sniff finds out what a file is, and gives the part of it behind an ID3 tag, which may stand before any format.
func sniff(r io.ReaderAt, size int64) (format, *io.SectionReader) {
	clip := io.NewSectionReader(r, 0, size)
	head := readHead(clip)
	tagged := strings.HasPrefix(head, "ID3") && len(head) >= 10
	if tagged {
		// Four bytes of seven bits each.
		tag := 10 + int64(head[6]&0x7f)<<21 + int64(head[7]&0x7f)<<14 + int64(head[8]&0x7f)<<7 + int64(head[9]&0x7f)
		clip = io.NewSectionReader(r, min(tag, size), size-min(tag, size))
		head = readHead(clip)
	}
	for _, f := range formats {
		if f.match(head) {
			return f, clip
		}
	}
	if tagged {
		return format{name: "MP3", open: openMP3}, clip // with padding behind its tag
	}
	return format{name: http.DetectContentType([]byte(head))}, clip
}

// readHead reads as much as it takes to tell formats apart; a file that can't be read has an empty one.
func readHead(r io.ReaderAt) string {
	head := make([]byte, 512)
	n, _ := r.ReadAt(head, 0)
	return string(head[:n])
}

// errConvert tells that a clip must go through the system's converter.
var errConvert = errors.New("needs conversion")

// source opens clip, or says why that can't be.
func (f format) source(clip *io.SectionReader) (*source, error) {
	switch {
	case f.open != nil:
		return open(f, clip)
	case f.apple && converter != "":
		return nil, errConvert
	case f.match == nil:
		return nil, tts.Errorf(tts.CodeUnsupported, "Choose a WAV, FLAC, MP3 or Ogg Vorbis file.", "it is not audio that can be read, but looks like %s", f.name)
	}
	return nil, tts.Errorf(tts.CodeUnsupported, "Convert it to WAV first, for example: ffmpeg -i in out.wav", "%s audio can't be read here", f.name)
}

// open opens clip with the decoder of its format. The decoders of compressed formats are other people's and
// panic on some broken files.
func open(f format, clip *io.SectionReader) (_ *source, err error) {
	defer recoverTo(&err)
	src, err := f.open(clip)
	if err != nil {
		return nil, corrupt(err)
	}
	src.size = clip.Size()
	read := src.read
	src.read = func(dst []float32) (n int, err error) {
		defer recoverTo(&err)
		return read(dst)
	}
	return src, nil
}

// recoverTo turns a panic into an error.
func recoverTo(err *error) {
	if p := recover(); p != nil {
		*err = corrupt(fmt.Errorf("%v", p))
	}
}
