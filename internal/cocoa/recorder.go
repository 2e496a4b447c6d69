//go:build darwin || gnustep

package cocoa

import (
	"github.com/progrium/darwinkit/macos/appkit"

	"ttsui/internal/ui"
)

// recorder is the line that records a clip.
type recorder struct {
	record, use *button
	level       appkit.LevelIndicator
	latest      *label
	device      *menu
	shown       float64 // by level
}

func newRecorder(app *ui.App, p page) *recorder {
	r := &recorder{record: makeButton("record", app.Record), use: makeButton("use recorded", app.UseRecorded),
		latest: makeLabel("latest recording", false), device: makeMenu("Microphone", app.ChooseMicrophone)}
	r.level = appkit.NewLevelIndicatorWithFrame(rect(0, 0, 100, 16))
	setContinuous(r.level)
	r.level.SetMaxValue(1)
	r.level.SetWarningValue(0.9) // 6 dB below full scale
	r.level.SetCriticalValue(0.98)
	setAccessibilityLabel(r.level, "Level of the recording")
	setIdentifier(r.level, "level")
	p.add("record", r.record.view)
	p.add("record.use", r.use.view)
	p.add("record.level", r.level)
	p.add("record.latest", r.latest.view)
	p.add("record.device", r.device.view)
	return r
}

func (r *recorder) show(s ui.RecorderPanel) {
	role := ui.Normal
	if s.Recording {
		role = ui.Danger
	}
	r.record.showAs(s.Record, role)
	if s.Level != r.shown {
		r.level.SetDoubleValue(s.Level)
	}
	r.use.show(s.Use)
	r.latest.show(s.Latest, ui.Quiet)
	r.device.show(s.Device)
	r.shown = s.Level
}
