package ui

import (
	"math"
	"path/filepath"
	"time"

	"ttsui/internal/tts"
)

// Recorder records clips of a voice. Its methods may take their time, and may be called from any goroutine.
type Recorder interface {
	// Devices lists what can be recorded from.
	Devices() ([]Device, error)

	// Record begins a take from the device with this ID, or from the system's own choice when it is "".
	Record(device string) (Take, error)

	// Latest is the path of the newest clip, "" when there is none.
	Latest() string
}

// Device is something that can be recorded from.
type Device struct{ ID, Name string }

// Take is a recording that runs until Stop or Cancel, one of which is called once and may take its time. The other
// methods return at once.
type Take interface {
	Elapsed() time.Duration
	Level() float64                 // of the loudest sample just now, in [0, 1]
	Err() error                     // why nothing more is heard, nil while it is
	Stop() (path string, err error) // keeps what was heard as a clip
	Cancel()
}

// recorder is what is being recorded, and what was.
type recorder struct {
	take    Take // nil while none runs
	busy    bool // a take is being begun or kept
	unwant  bool // the one that is being begun
	latest  string
	device  string // the ID of the one that the user chose, "" for the system's choice
	devices []Device
	asking  bool // for devices
}

// findRecordings looks for what was recorded before, and for microphones.
func (c *core) findRecordings() {
	start(c, func() (string, error) { return c.config.Recorder.Latest(), nil }, func(latest string, _ error) {
		if c.recorder.latest == "" {
			c.recorder.latest = latest
		}
	})
	c.findDevices()
}

// findDevices looks for microphones. What can't be listed is told by whoever records.
func (c *core) findDevices() {
	if c.recorder.asking {
		return
	}
	c.recorder.asking = true
	start(c, c.config.Recorder.Devices, func(list []Device, err error) {
		c.recorder.asking = false
		if err == nil {
			c.recorder.devices = list
		}
	})
}

// pressRecord begins a recording, or ends it and keeps it.
func (c *core) pressRecord() {
	r := &c.recorder
	switch {
	case r.busy:
	case r.take != nil:
		c.stopRecording()
	default:
		c.record()
	}
}

// record begins a recording. What is played meanwhile would be heard.
func (c *core) record() {
	c.pause()
	r := &c.recorder
	r.busy, r.unwant = true, false
	device := r.device
	start(c, func() (Take, error) { return c.config.Recorder.Record(device) }, func(take Take, err error) {
		r.busy = false
		switch {
		case err != nil:
			if !c.closing {
				c.tell("Nothing can be recorded", problemText(err))
				c.findDevices()
			}
		case c.closing || r.unwant:
			c.run(func() error { take.Cancel(); return nil }, func(error) {})
		default:
			r.take = take
			c.tickRecording(take)
		}
	})
}

// stopRecording ends the recording, if one runs, and keeps it. It becomes the reference where there is none.
func (c *core) stopRecording() {
	r := &c.recorder
	take := r.take
	if take == nil {
		r.unwant = true
		return
	}
	r.take, r.busy = nil, true
	start(c, take.Stop, func(path string, err error) {
		r.busy = false
		switch {
		case c.closing:
		case err != nil:
			c.tell("The recording could not be kept", problemText(err))
		default:
			r.latest = path
			if t := c.tabs[tts.Clone]; t.reference.text == "" {
				t.reference.edit(path)
			}
		}
	})
}

// tickRecording has its length and level shown while it runs. One that hears nothing more is kept, and the user told.
func (c *core) tickRecording(take Take) {
	c.after(tickEvery, func() {
		if c.recorder.take != take {
			return
		}
		if err := take.Err(); err != nil {
			c.stopRecording()
			c.tell("The recording has ended", problemText(err))
			return
		}
		c.tickRecording(take)
	})
}

// useRecorded takes the newest recording as the reference.
func (c *core) useRecorded(t *tab) {
	if c.recorder.latest != "" {
		t.reference.edit(c.recorder.latest)
	}
}

func (c *core) microphones() []Choice {
	list := []Choice{{Title: "System microphone"}}
	for _, d := range c.recorder.devices {
		list = append(list, Choice{ID: d.ID, Title: d.Name})
	}
	return distinct(list)
}

// showRecorder is the recorder as a view gets it. A choice of one microphone is none.
func (c *core) showRecorder(t *tab) RecorderPanel {
	if t.mode != tts.Clone {
		return RecorderPanel{}
	}
	r := &c.recorder
	s := RecorderPanel{
		Record: Button{Title: "Record", Enabled: !r.busy, Tooltip: "Records your voice; 8 to 15 seconds are best"},
		Use:    Button{Title: "Use Recorded", Enabled: r.latest != "" && r.latest != t.reference.text},
	}
	if r.latest != "" {
		s.Latest = "Latest: " + filepath.Base(r.latest)
	}
	if len(r.devices) > 1 {
		s.Device = showChoices("Microphone", c.microphones(), pick(c.microphones(), r.device, ""))
	}
	if r.take != nil {
		s.Recording, s.Level = true, meter(r.take.Level())
		s.Record = Button{Title: "Stop (" + clock(r.take.Elapsed()) + ")", Enabled: true, Tooltip: "Ends the recording and keeps it"}
	}
	return s
}

// meter turns the level of a sample into that of a meter, in [0, 1]: the ear hears in decibels, of which 60 are shown.
func meter(level float64) float64 {
	const decibels = 60
	if !(level > 0) {
		return 0
	}
	return min(max(1+20*math.Log10(level)/decibels, 0), 1)
}
