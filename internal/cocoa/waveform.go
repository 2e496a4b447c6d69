//go:build darwin || gnustep

package cocoa

import "github.com/progrium/darwinkit/macos/appkit"

// waveform is the picture of a sound.
type waveform struct {
	view  appkit.ImageView
	peaks []float32 // that it shows
}

func newWaveform(label string) *waveform {
	w := &waveform{view: appkit.NewImageViewWithFrame(rect(0, 0, waveWidth, waveHeight))}
	w.view.SetImageScaling(appkit.ImageScaleAxesIndependently)
	setAccessibilityLabel(w.view, label)
	setIdentifier(w.view, label)
	return w
}

func (w *waveform) show(peaks []float32) {
	if !samePeaks(w.peaks, peaks) {
		w.view.SetImage(appkit.NewImageWithData(drawWave(peaks)))
		w.peaks = peaks
	}
}

// samePeaks tells whether two pictures are of one sound: peaks are never changed, only replaced.
func samePeaks(a, b []float32) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
