package playback

import (
	"errors"
	"io"
	"runtime"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ttsui/internal/tts"
)

// TestRing: what was put in comes out, in its order.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, want, next := &ring{}, []int16{}, int16(0)
		for range rapid.IntRange(1, 30).Draw(t, "turns") {
			pcm := make([]int16, rapid.IntRange(0, r.room()).Draw(t, "put"))
			for i := range pcm {
				pcm[i], next = next, next+1
			}
			r.put(pcm)
			want = append(want, pcm...)
			for range rapid.IntRange(0, ringSize).Draw(t, "take") {
				v, ok := r.take()
				if ok != (len(want) > 0) || ok && v != want[0] {
					t.Fatalf("%d, %t; %d are left", v, ok, len(want))
				}
				if !ok {
					break
				}
				want = want[1:]
			}
			if r.count != len(want) || r.room() != ringSize-len(want) {
				t.Fatalf("%d and room for %d, want %d", r.count, r.room(), len(want))
			}
		}
	})
}

// TestOutline: however a sound comes, each of its samples is seen in its place or at most a part beside it, and nothing
// else is.
func TestOutline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		samples := rapid.IntRange(1, 2_000_000).Draw(t, "samples")
		piece := rapid.IntRange(1, 100_000).Draw(t, "piece")
		loud := rapid.IntRange(0, samples-1).Draw(t, "loud")
		n := rapid.IntRange(1, 800).Draw(t, "peaks")
		pcm := make([]int16, samples)
		pcm[loud] = -32768
		var o outline
		for part := range slices.Chunk(pcm, piece) {
			o.add(part)
		}
		if len(o.loudest) > mostParts {
			t.Fatalf("%d parts", len(o.loudest))
		}
		near := func(i int) bool { return i*samples/n < loud+o.part && loud-o.part < (i+1)*samples/n }
		for i, v := range o.peaks(samples, n) {
			inside := i*samples/n <= loud && loud < (i+1)*samples/n
			if inside && v != 1 || v != 0 && !near(i) {
				t.Fatalf("peak %d of %d is %v; sample %d of %d is loud, in parts of %d", i, n, v, loud, samples, o.part)
			}
		}
	})
}

// growing begins a clip of which nothing is there yet.
func growing(t *testing.T) *Clip {
	t.Helper()
	c, err := Silent().Live(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// TestMemoryIsFlat: an hour that is made while it plays takes no more memory than its first minute, nor does it when it is
// wound and seen.
func TestMemoryIsFlat(t *testing.T) {
	c := growing(t)
	c.Play()
	used := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	minute, second := uint64(0), make([]float32, tts.SampleRate)
	for i := range 3600 {
		if err := c.WriteSamples(second); err != nil {
			t.Fatal(err)
		}
		if i == 60 {
			minute = used()
		}
	}
	c.Finish()
	c.Seek(59 * time.Minute)
	c.Peaks(400)
	if more := int64(used()) - int64(minute); c.Length() != time.Hour || more > 1<<20 {
		t.Errorf("%v takes %d bytes more than a minute", c.Length(), more)
	}
}

type full struct{}

func (full) WriteAt([]byte, int64) (int, error) { return 0, errors.New("it is full") }

// TestNoPlaceForSound: speech that finds no place is made all the same; what was kept of it can be played.
func TestNoPlaceForSound(t *testing.T) {
	c := growing(t)
	c.Play()
	second := make([]float32, tts.SampleRate)
	errs := []error{c.WriteSamples(second)}
	c.sound.to = full{}
	errs = append(errs, c.WriteSamples(second))
	c.sound.to = c.sound.file.(io.WriterAt)
	if err := errors.Join(append(errs, c.WriteSamples(second))...); err != nil {
		t.Errorf("it is not made: %v", err)
	}
	if err := c.Err(); tts.CodeOf(err) != tts.CodeDiskFull || tts.HintOf(err) == "" || c.Playing() || c.Waiting() || c.Length() != time.Second {
		t.Errorf("%v; playing %t, waiting %t, %v", err, c.Playing(), c.Waiting(), c.Length())
	}
	if c.Play(); c.Err() != nil || !c.Playing() {
		t.Errorf("it can't be played: %v", c.Err())
	}
}

// TestSoundThatGoes: a result whose file becomes shorter while it is open says so, when it comes there.
func TestSoundThatGoes(t *testing.T) {
	c := growing(t)
	if err := c.WriteSamples(make([]float32, tts.SampleRate)); err != nil {
		t.Fatal(err)
	}
	c.Finish()
	if err := c.sound.file.(interface{ Truncate(int64) error }).Truncate(1000); err != nil {
		t.Fatal(err)
	}
	c.Seek(500 * time.Millisecond)
	c.Play()
	for range 2000 {
		if c.Err() != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if c.Err() == nil || c.Playing() {
		t.Errorf("%v, playing %t", c.Err(), c.Playing())
	}
}
