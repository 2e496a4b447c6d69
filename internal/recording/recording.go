// Package recording takes down what a microphone hears, as clips of a voice.
//
// A Recorder keeps its clips in a folder, the newest of them. As in playback, the system's sound is reached through
// miniaudio. A Take is a recording that runs: how long it is and how loud can be asked at any time, and Stop makes a file
// of it.
package recording

import (
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gen2brain/malgo"

	"ttsui/internal/tts"
)

// Limits of a take.
const (
	longest  = 5 * 60 * tts.SampleRate // samples: a longer clip can't be a reference
	shortest = tts.SampleRate / 4
	metered  = tts.SampleRate / 10 // what a level is measured over
)

// Recorder records clips into the folder Dir, which is made when the first is kept. The other fields may stay zero. Its
// methods may be called from any goroutine; what asks the system may take its time.
type Recorder struct {
	Dir  string
	Keep int // clips that are kept; 20 when 0

	backends  []malgo.Backend // what is tried, in this order; all that the system has when empty
	simulated bool            // a tone is heard, whatever the device gives
}

// Simulated is a Recorder that needs no sound device: as time passes it hears a tone.
func Simulated(dir string) *Recorder {
	r := deaf(dir)
	r.simulated = true
	return r
}

// deaf is a Recorder whose device gives nothing but silence.
func deaf(dir string) *Recorder {
	const null = malgo.BackendNull + 1 // malgo's list lacks the custom backend that miniaudio has before this one
	return &Recorder{Dir: dir, backends: []malgo.Backend{null}}
}

// Device is something that can be recorded from.
type Device struct {
	ID      string // for Record
	Name    string // for people
	Default bool   // what the system's settings say
}

// Devices lists what there is to record from.
func (r *Recorder) Devices() ([]Device, error) {
	context, err := malgo.InitContext(r.backends, malgo.ContextConfig{}, nil)
	if err != nil {
		return nil, noMicrophone(err)
	}
	defer freeContext(context)
	infos, err := context.Devices(malgo.Capture)
	if err != nil {
		return nil, noMicrophone(err)
	}
	var list []Device
	for _, info := range infos {
		list = append(list, Device{ID: info.ID.String(), Name: strings.ToValidUTF8(info.Name(), "?"), Default: info.IsDefault != 0})
	}
	return list, nil
}

// Level is how loud the last tenth of a second was, in [0, 1].
type Level struct{ Peak, RMS float64 }

// Take is a recording that runs until Stop or Cancel, one of which has to be called once. The other methods may be called
// from any goroutine, and answer at once.
type Take struct {
	recorder *Recorder
	context  *malgo.AllocatedContext
	device   *malgo.Device

	mu   sync.Mutex
	pcm  []int16
	lost bool // the device stopped by itself
	over bool // so that a device's own end is told from ours
}

// Record starts a take from the device with this ID, or from the system's own choice when it is "". The system may ask
// the user for permission first.
func (r *Recorder) Record(device string) (*Take, error) {
	t := &Take{recorder: r}
	var err error
	if t.context, err = malgo.InitContext(r.backends, malgo.ContextConfig{}, nil); err != nil {
		return nil, noMicrophone(err)
	}
	if err := t.start(device); err != nil {
		t.free()
		return nil, err
	}
	return t, nil
}

func (t *Take) start(device string) error {
	config := malgo.DefaultDeviceConfig(malgo.Capture)
	config.Capture.Format, config.Capture.Channels, config.SampleRate = malgo.FormatS16, 1, tts.SampleRate
	if device != "" {
		infos, err := t.context.Devices(malgo.Capture)
		if err != nil {
			return noMicrophone(err)
		}
		i := slices.IndexFunc(infos, func(info malgo.DeviceInfo) bool { return info.ID.String() == device })
		if i < 0 {
			return tts.Errorf(tts.CodeNotFound, "Connect it again, or choose another one.", "the microphone that was chosen isn't there")
		}
		config.Capture.DeviceID = infos[i].ID.Pointer() // some bytes that nobody frees
	}
	var err error
	t.device, err = malgo.InitDevice(t.context.Context, config, malgo.DeviceCallbacks{
		Data: func(_, in []byte, _ uint32) { t.hear(in) },
		Stop: t.deviceStopped,
	})
	if err == nil {
		err = t.device.Start()
	}
	if err != nil {
		return noMicrophone(err)
	}
	return nil
}

// hear takes samples from the device. It runs on the device's thread.
func (t *Take) hear(in []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for ; len(in) >= 2 && len(t.pcm) < longest; in = in[2:] {
		v := int16(binary.NativeEndian.Uint16(in))
		if t.recorder.simulated {
			v = int16(3000 * math.Sin(2*math.Pi*220*float64(len(t.pcm))/tts.SampleRate))
		}
		t.pcm = append(t.pcm, v)
	}
}

func (t *Take) deviceStopped() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lost = t.lost || !t.over
}

// Elapsed is how long the take is. It grows no more after five minutes.
func (t *Take) Elapsed() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Duration(len(t.pcm)) * time.Second / tts.SampleRate
}

// Level is how loud it is now.
func (t *Take) Level() Level {
	t.mu.Lock()
	defer t.mu.Unlock()
	return levelOf(t.pcm[max(0, len(t.pcm)-metered):])
}

func levelOf(pcm []int16) (l Level) {
	var sum float64
	for _, s := range pcm {
		v := float64(s) / 32768
		l.Peak = max(l.Peak, math.Abs(v))
		sum += v * v
	}
	l.RMS = math.Sqrt(sum / float64(max(len(pcm), 1)))
	return l
}

// Err tells that the take hears nothing more: its device is gone, or it is as long as it can be. What there is can be kept
// by Stop.
func (t *Take) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.lost:
		return tts.Errorf(tts.CodeNotFound, "Connect it again, or choose another one.", "the microphone stopped")
	case len(t.pcm) >= longest:
		return tts.Errorf(tts.CodeInvalid, "Stop; 8 to 15 seconds are best.", "the recording is as long as it can be: five minutes")
	}
	return nil
}

// Cancel ends the take and keeps nothing.
func (t *Take) Cancel() { t.end() }

// end frees the device and gives what was heard.
func (t *Take) end() []int16 {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	t.free() // it waits for the device's thread, which may want the lock
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pcm
}

func (t *Take) free() {
	if t.device != nil {
		t.device.Uninit()
	}
	freeContext(t.context)
}

func freeContext(c *malgo.AllocatedContext) {
	_ = c.Uninit() // it fails for what was never made
	c.Free()
}

// noMicrophone says why there is nothing to record from.
func noMicrophone(err error) error {
	if errors.Is(err, malgo.ErrAccessDenied) {
		return tts.Errorf(tts.CodeDenied, allowHint(runtime.GOOS), "the microphone may not be used: %w", err)
	}
	return tts.Errorf(tts.CodeUnsupported, "Connect a microphone, or choose one in the system's settings. "+allowHint(runtime.GOOS),
		"there is no microphone that can be used: %w", err)
}

// allowHint says how a program gets to use the microphone. A Mac gives one that may not nothing but zeros.
func allowHint(system string) string {
	if system == "darwin" {
		return "Allow TTSUI to use the microphone in System Settings › Privacy & Security › Microphone, then record again."
	}
	return "Check that a microphone is connected, that it isn't muted, and that you may use it."
}
