package cocoa

import (
	"bytes"
	"image/png"
	"testing"
)

// TestDrawWave: the picture is as high as the sound is loud, and what isn't sound is clear.
func TestDrawWave(t *testing.T) {
	picture, err := png.Decode(bytes.NewReader(drawWave([]float32{0, 0.5, 1, 2})))
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size.X != waveWidth || size.Y != waveHeight {
		t.Fatalf("the picture is %v", size)
	}
	for part, want := range []int{2, waveHeight / 2, waveHeight, waveHeight} {
		high, x := 0, waveWidth*(2*part+1)/8
		for y := range waveHeight {
			if _, _, _, alpha := picture.At(x, y).RGBA(); alpha > 0 {
				high++
			}
		}
		if high != want {
			t.Errorf("part %d is %d pixels high, want %d", part, high, want)
		}
	}
	if len(drawWave(nil)) == 0 {
		t.Error("no sound has no picture")
	}
}
