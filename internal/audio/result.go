package audio

import (
	"encoding/binary"
	"io"
	"path/filepath"

	"ttsui/internal/tts"
)

// ReadResult reads a file that CreateWAV wrote: 16-bit mono samples at tts.SampleRate, for those who play it. Every
// error is an *tts.Error that names the file.
func ReadResult(path string) ([]int16, error) {
	pcm, err := readResult(path)
	if err != nil {
		return nil, tts.Errorf(tts.CodeOf(err), tts.HintOf(err), "%q: %w", filepath.Base(path), err)
	}
	return pcm, nil
}

func readResult(path string) ([]int16, error) {
	const most = tts.MaxFrames * tts.FrameSamples * wavWidth // bytes of the longest generation
	f, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	kind, clip := sniff(f, size)
	if kind.name != "WAV" {
		return nil, notOurs()
	}
	format, data, err := findData(clip)
	if err != nil || format == nil || *format != resultFormat() || data.Size() > most {
		return nil, notOurs()
	}
	raw := make([]byte, data.Size()/wavWidth*wavWidth)
	if _, err := io.ReadFull(data, raw); err != nil {
		return nil, explain(err)
	}
	pcm := make([]int16, len(raw)/wavWidth)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(raw[i*wavWidth:]))
	}
	return pcm, nil
}

// resultFormat is what CreateWAV writes.
func resultFormat() wavFormat {
	return wavFormat{tag: tagPCM, channels: 1, rate: tts.SampleRate, frame: wavWidth, bits: 8 * wavWidth}
}

func notOurs() error {
	return tts.Errorf(tts.CodeUnsupported, "Open it with another player.", "it is not a WAV file of TTSUI's")
}
