//go:build darwin || gnustep

package cocoa

import (
	"time"

	"github.com/progrium/darwinkit/macos/appkit"

	"ttsui/internal/tts"
	"ttsui/internal/ui"
)

// resultView is what was made, with the picture of its sound and its player.
type resultView struct {
	name, about, note    *label
	wave                 *waveform
	slider, volume       appkit.Slider
	loudness             *label
	length               time.Duration
	back, play, forward  *button
	time, wrong          *label
	revealButton, saveAs *button
	keepSeed             *button
	freeze               *button
	takes                *takesView
	segments             *segmentsView
}

func newResultView(d *desk, p page, mode tts.Mode) resultView {
	app := d.app
	r := resultView{name: makeLabel("result", false), about: makeLabel("about the result", false), note: makeLabel("note on the result", true),
		time: makeLabel("position", false), wrong: makeLabel("player error", false)}
	r.about.view.SetAlignment(appkit.TextAlignmentRight)
	r.wave = newWaveform("Waveform")
	r.slider = makeSlider("slider", "Position in the sound")
	r.slider.SetContinuous(false) // seeks on release
	onAction(r.slider, func() { app.Seek(time.Duration(r.slider.DoubleValue() * float64(time.Second))) })
	r.loudness, r.volume = makeLabel("volume label", false), makeSlider("volume", "Volume")
	onAction(r.volume, func() { app.SetVolume(r.volume.DoubleValue()) })
	r.back, r.forward = makeButton("back", app.Back), makeButton("forward", app.Forward)
	r.back.about, r.forward.about = "back", "forward"
	r.play = makeButton("play", app.PlayPause)
	r.revealButton = makeButton("show in Finder", d.reveal)
	r.freeze = makeButton("save voice", func() { app.Freeze(mode) })
	r.saveAs = makeButton("save as", func() { d.saveAs(mode) })
	r.keepSeed = makeButton("keep seed", func() { app.KeepSeed(mode) })
	p.add("result.keep", r.keepSeed.view)
	p.add("result.name", r.name.view)
	p.add("result.about", r.about.view)
	p.add("result.note", r.note.view)
	p.add("player.wave", r.wave.view)
	p.add("player.slider", r.slider)
	p.add("player.volume", r.volume)
	p.add("player.volume.label", r.loudness.view)
	p.add("player.back", r.back.view)
	p.add("player.play", r.play.view)
	p.add("player.forward", r.forward.view)
	p.add("player.time", r.time.view)
	p.add("player.error", r.wrong.view)
	p.add("result.reveal", r.revealButton.view)
	p.add("result.save", r.saveAs.view)
	p.add("result.freeze", r.freeze.view)
	r.takes, r.segments = newTakesView(app, p, mode), newSegmentsView(app, p, mode)
	return r
}

// makeSlider makes a slider from 0 to 1.
func makeSlider(name, about string) appkit.Slider {
	s := appkit.NewSliderWithFrame(rect(0, 0, 100, 20))
	setAccessibilityLabel(s, about)
	setIdentifier(s, name)
	s.SetMinValue(0)
	s.SetMaxValue(1)
	return s
}

func (r *resultView) show(t *ui.Tab, p *ui.PlayerPanel) {
	if t.Result != nil {
		r.showResult(t)
	}
	if p.Visible {
		r.showPlayer(p)
	}
}

func (r *resultView) showResult(t *ui.Tab) {
	r.name.show(t.Result.Title+": "+t.Result.Name, ui.Normal)
	r.about.show(t.Result.Length+"  ·  "+t.Result.Size+"  ·  seed "+t.Result.Seed, ui.Quiet)
	r.keepSeed.show(t.KeepSeed)
	r.note.show(t.Result.Note, ui.Caution)
	r.saveAs.show(t.SaveAs)
	r.freeze.show(t.Freeze)
	r.takes.show(&t.Takes)
	r.segments.show(&t.Segments)
	r.revealButton.show(ui.Button{Title: "Show in Finder", Enabled: true})
}

func (r *resultView) showPlayer(p *ui.PlayerPanel) {
	r.back.show(ui.Button{Title: "−" + p.Back.Title, Enabled: p.Back.Enabled, Tooltip: p.Back.Tooltip})
	r.forward.show(ui.Button{Title: "+" + p.Forward.Title, Enabled: p.Forward.Enabled, Tooltip: p.Forward.Tooltip})
	r.play.show(p.Play)
	r.time.show(p.Time, ui.Quiet)
	r.wrong.show(p.Error, ui.Danger)
	r.loudness.show("Volume", ui.Quiet)
	held := appkit.Event_PressedMouseButtons() != 0 // the user may have the knob
	if r.length != p.Length && p.Length > 0 && !(held && p.Growing) {
		r.slider.SetMaxValue(p.Length.Seconds())
		r.length = p.Length
	}
	if !held {
		r.slider.SetDoubleValue(p.Position.Seconds())
		r.volume.SetDoubleValue(p.Volume)
	}
	r.wave.show(p.Peaks)
}
