package cocoa

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
)

// The size of the picture of a sound, in pixels; the window stretches it.
const (
	waveWidth  = 800
	waveHeight = 96
)

// drawWave draws the loudness of a sound over time, as a PNG with a clear background: it stands on light and dark.
func drawWave(peaks []float32) []byte {
	picture := image.NewNRGBA(image.Rect(0, 0, waveWidth, waveHeight))
	blue := color.NRGBA{R: 0x3B, G: 0x82, B: 0xD6, A: 0xFF}
	for x := range waveWidth {
		half := 1
		if len(peaks) > 0 {
			half = max(1, int(peaks[x*len(peaks)/waveWidth]*waveHeight/2))
		}
		for y := max(0, waveHeight/2-half); y < min(waveHeight, waveHeight/2+half); y++ {
			picture.SetNRGBA(x, y, blue)
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, picture) // memory takes what it gets
	return b.Bytes()
}
