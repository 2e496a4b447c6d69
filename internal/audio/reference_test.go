package audio

import (
	"context"
	"encoding/binary"
	"math"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ttsui/internal/tts"
)

// testTone is the signal of the clips in testdata as mono at 24 kHz.
func testTone() []float64 {
	out := make([]float64, tts.SampleRate*3/10)
	for i := range out {
		t := 2 * math.Pi * float64(i) / tts.SampleRate
		out[i] = 0.25*math.Sin(440*t) + 0.125*math.Sin(997*t)
	}
	return out
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadReference(t *testing.T) {
	flac, err := os.ReadFile("testdata/stereo16.flac")
	if err != nil {
		t.Fatal(err)
	}
	var tone []float64
	for i := range 48000 * 3 / 10 {
		at := 2 * math.Pi * float64(i) / 48000
		tone = append(tone, 0.5*math.Sin(440*at), 0.25*math.Sin(997*at))
	}
	wav := wavSpec{tag: tagPCM, channels: 2, bits: 24, rate: 48000}.build(tone)
	tests := []struct {
		name string
		path string
		db   float64 // how near the result is to the signal; what MP3 and Vorbis lose, they lose in ffmpeg as well
	}{
		{"FLAC of 16 bits", "testdata/stereo16.flac", 85},
		{"FLAC of 24 bits", "testdata/mono24.flac", 115},
		{"Ogg Vorbis", "testdata/stereo.ogg", 40},
		{"MP3", "testdata/stereo.mp3", 25},
		{"MP3 with tags", "testdata/tagged.mp3", 25},
		{"WAV of 24 bits", write(t, "clip.wav", wav), 115},
		{"a name that lies", write(t, "clip.mp3", flac), 85},
		{"an ID3 tag in front", write(t, "clip.flac", append([]byte("ID3\x04\x00\x00\x00\x00\x00\x03abc"), flac...)), 85},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReadReference(context.Background(), tt.path)
			if err != nil {
				t.Fatal(err)
			}
			want := testTone()
			if len(got) != len(want) {
				t.Errorf("%d samples, want %d", len(got), len(want))
			}
			if db := snr(got, want, 1000); db < tt.db {
				t.Errorf("%.1f dB, want %.0f", db, tt.db)
			}
		})
	}
}

// A download that broke off gives what is there.
func TestReadReferenceCutOff(t *testing.T) {
	for _, name := range []string{"stereo16.flac", "mono24.flac", "stereo.mp3"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		src, pcm, err := decode(data[:len(data)*96/100])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := resample(context.Background(), pcm, src.rate)
		if whole := len(testTone()); err != nil || len(got) >= whole || len(got) < whole*6/10 {
			t.Errorf("%s: %d samples of %d, %v", name, len(got), whole, err)
		}
		if db := snr(got, testTone(), 1000); db < 25 {
			t.Errorf("%s: %.1f dB", name, db)
		}
	}
}

func TestReadReferenceRefused(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "pipe.wav")
	if err := syscall.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	short, err := os.MkdirTemp("", "s") // a socket's path has little room
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(short)
	socket := filepath.Join(short, "s.wav")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	large := write(t, "large.wav", pcm16(24000).build(sine(440, 24000, 0.5)))
	if err := os.Truncate(large, maxFile+1); err != nil {
		t.Fatal(err)
	}
	flac, err := os.ReadFile("testdata/stereo16.flac")
	if err != nil {
		t.Fatal(err)
	}
	longFLAC := slices.Clone(flac)
	binary.BigEndian.PutUint32(longFLAC[22:], 22050*600) // the low half of the number of samples
	wav := func(samples []float64) string { return write(t, "clip.wav", pcm16(24000).build(samples)) }
	float := wavSpec{tag: tagFloat, channels: 1, bits: 32, rate: 24000}

	tests := []struct {
		name, path string
		code       tts.Code
		want       string
	}{
		{"missing", filepath.Join(dir, "none.wav"), tts.CodeNotFound, "no such file"},
		{"a file for a folder", filepath.Join(large, "clip.wav"), tts.CodeInvalid, "not a directory"},
		{"name too long", filepath.Join(dir, strings.Repeat("a", 300)), tts.CodeInvalid, "too long"},
		{"NUL in the name", dir + "/a\x00.wav", tts.CodeInvalid, "invalid"},
		{"folder", dir, tts.CodeInvalid, "folder"},
		{"device", "/dev/zero", tts.CodeInvalid, "regular"},
		{"pipe", fifo, tts.CodeInvalid, "regular"},
		{"socket", socket, tts.CodeInvalid, ""},
		{"too large", large, tts.CodeInvalid, "too large: 512 MiB"},
		{"empty", write(t, "empty.wav", nil), tts.CodeInvalid, "empty"},
		{"one byte", write(t, "a", []byte("R")), tts.CodeUnsupported, "text/plain"},
		{"text", write(t, "text.wav", []byte("no audio at all\n")), tts.CodeUnsupported, "text/plain"},
		{"picture", write(t, "a.mp3", []byte("\x89PNG\r\n\x1a\n0123456789")), tts.CodeUnsupported, "image/png"},
		{"zeros", write(t, "a.raw", make([]byte, 4096)), tts.CodeUnsupported, "octet-stream"},
		{"Opus", "testdata/opus.ogg", tts.CodeUnsupported, "Opus audio can't be read"},
		{"no samples", wav(nil), tts.CodeInvalid, "no samples"},
		{"20 ms", wav(sine(440, 24000, 0.5)[:480]), tts.CodeInvalid, "too short: 20 ms"},
		{"silent", wav(make([]float64, 24000)), tts.CodeInvalid, "silent"},
		{"10 minutes", wav(make([]float64, 600*24000)), tts.CodeInvalid, "limit is 5 minutes"},
		{"10 minutes of FLAC", write(t, "a.flac", longFLAC), tts.CodeInvalid, "limit is 5 minutes"},
		{"integers as floats", write(t, "a.wav", float.build(sine(440, 24000, 32000))), tts.CodeCorrupt, "3.2e+04"},
		{"FLAC with a wrong bit", write(t, "a.flac", flip(t, "testdata/stereo16.flac")), tts.CodeCorrupt, "broken"},
		{"FLAC without a stream", write(t, "a.flac", flac[:20]), tts.CodeCorrupt, "FLAC header"},
		{"MP3 without a frame", write(t, "a.mp3", []byte("\xff\xfb\x90\x64")), tts.CodeCorrupt, "MP3"},
		{"Ogg with a wrong bit", write(t, "a.ogg", flip(t, "testdata/stereo.ogg")), tts.CodeCorrupt, "checksum"},
	}
	if runtime.GOOS != "darwin" {
		tests = append(tests, struct {
			name, path string
			code       tts.Code
			want       string
		}{"m4a", "testdata/aac.m4a", tts.CodeUnsupported, "MPEG-4 audio can't be read here"})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pcm, err := ReadReference(context.Background(), tt.path)
			checkError(t, err, tt.code, tt.want)
			if name := strconv.Quote(filepath.Base(tt.path)); err != nil && !strings.Contains(err.Error(), name) {
				t.Errorf("%v does not name %s", err, name)
			}
			if pcm != nil {
				t.Errorf("%d samples beside the error", len(pcm))
			}
		})
	}
}

// flip gives a file with one bit of its last quarter changed.
func flip(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)*3/4] ^= 1
	return data
}

// A stream whose header doesn't tell its length is given up at the limit.
func TestReadReferenceWithoutLength(t *testing.T) {
	reads := 0
	src := &source{rate: 8000, channels: 1, frames: -1, read: func(dst []float32) (int, error) {
		reads += len(dst)
		return len(dst), nil
	}}
	_, err := src.mono(context.Background())
	checkError(t, err, tts.CodeInvalid, "limit is 5 minutes")
	if most := src.limit() + 4096; reads > most {
		t.Errorf("%d samples were read, expected at most %d", reads, most)
	}
}

func TestReadReferenceStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := ReadReference(ctx, "testdata/stereo.ogg")
	checkError(t, err, tts.CodeCanceled, "stopped")
}

// Anything can be behind afconvert; here it is a script that looks at its arguments.
func TestConvert(t *testing.T) {
	tool := func(body string) string {
		path := write(t, "convert", []byte("#!/bin/sh\n"+body))
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ctx := context.Background()
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	clip := write(t, "-clip.m4a", pcm16(48000).build(sine(440, 48000, 0.5)))

	got, err := readConverted(ctx, tool(`[ "$1 $2 $3 $4" = "-f WAVE -d LEF32" ] && cp "$5" "$6"`), "MPEG-4", clip)
	if err != nil || snr(got, sine(440, 24000, 0.5), 1000) < 80 {
		t.Errorf("%d samples, %v", len(got), err)
	}
	_, err = readConverted(ctx, tool("echo no such codec >&2; exit 1"), "MPEG-4", clip)
	checkError(t, err, tts.CodeCorrupt, "could not be converted: no such codec")
	_, err = readConverted(ctx, tool(`head -c 600000000 /dev/zero > "$6"`), "MPEG-4", clip)
	checkError(t, err, tts.CodeCorrupt, "could not be converted")
	_, err = readConverted(ctx, tool("exit 0"), "MPEG-4", clip)
	checkError(t, err, tts.CodeNotFound, "no such file")

	ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err = readConverted(ctx, tool("exec sleep 60"), "MPEG-4", clip)
	checkError(t, err, tts.CodeTimeout, "took too long")
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
