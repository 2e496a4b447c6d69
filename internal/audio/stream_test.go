package audio_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"ttsui/internal/audio"
	"ttsui/internal/tts"
)

// What is streamed holds the samples of the file that would have been written, and a stream that was saved is a clip.
func TestStreamsHoldWhatFilesDo(t *testing.T) {
	pcm := []float32{0, 0.5, -0.5, 1, -1, 2, -2, float32(math.NaN()), 1e-9}
	for len(pcm) < tts.SampleRate {
		pcm = append(pcm, pcm[:9]...)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "file.wav")
	w, err := audio.CreateWAV(path)
	if err != nil {
		t.Fatal(err)
	}
	wav, l16 := audio.WAVStream(), audio.L16Stream()
	streamed, bare := bytes.Clone(wav.Header), bytes.Clone(l16.Header)
	for at := 0; at < len(pcm); at += 1000 {
		chunk := pcm[at:min(at+1000, len(pcm))]
		if err := w.WriteSamples(chunk); err != nil {
			t.Fatal(err)
		}
		streamed, bare = wav.Append(streamed, chunk), l16.Append(bare, chunk)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	unknown := bytes.Clone(file)
	copy(unknown[4:], "\xff\xff\xff\xff")
	copy(unknown[40:], "\xff\xff\xff\xff")
	if !bytes.Equal(streamed, unknown) {
		t.Error("the WAV stream is not the file with sizes of all ones")
	}
	for i := 0; i < len(bare); i += 2 {
		bare[i], bare[i+1] = bare[i+1], bare[i]
	}
	if !bytes.Equal(bare, file[44:]) {
		t.Error("L16 is not the file's samples with their bytes turned round")
	}
	if wav.Type != "audio/wav" || l16.Type != "audio/L16;rate=24000;channels=1" {
		t.Errorf("types %q and %q", wav.Type, l16.Type)
	}
	saved := filepath.Join(dir, "saved.wav")
	if err := os.WriteFile(saved, streamed, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := audio.CheckReference(saved); err != nil {
		t.Error(err)
	}
	if got, err := audio.ReadReference(t.Context(), saved); err != nil || len(got) != len(pcm) {
		t.Errorf("the saved stream has %d samples, %v", len(got), err)
	}
}

// What the head of a clip shows is found without reading the rest, in the same words.
func TestCheckReference(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"empty.wav": "", "text.wav": "no sound in here", "cut.wav": "RIFF\x24\x00\x00\x00WAVE", "none.wav": "missing",
	} {
		path := filepath.Join(dir, name)
		if content != "missing" {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		checked := audio.CheckReference(path)
		_, read := audio.ReadReference(t.Context(), path)
		if checked == nil || read == nil || checked.Error() != read.Error() || tts.CodeOf(checked) != tts.CodeOf(read) || tts.HintOf(checked) == "" {
			t.Errorf("%s: checked %v, read %v", name, checked, read)
		}
	}
}
