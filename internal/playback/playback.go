// Package playback lets a result be heard: a file is opened, and then played, paused and wound to any place. So is
// speech that is still being made.
//
// The system's sound is reached through miniaudio, which asks for samples on a thread of its own. What takes time, such
// as starting and stopping a device and reading the samples that it wants next, is done by a goroutine that each Clip has;
// so a Clip answers at once, whatever the device does, and an hour of sound takes no more memory than a second.
package playback

import (
	"encoding/binary"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gen2brain/malgo"

	"ttsui/internal/tts"
)

// Player opens clips on the system's sound. The zero value is ready. It may not be copied.
type Player struct {
	backends []malgo.Backend // what is tried, in this order; all that the system has when empty
	softer   atomic.Uint32   // thousandths of the loudness that are taken away from all clips
}

// SetVolume says how loud all clips are from now on: from 0, silent, to 1, as they were made.
func (p *Player) SetVolume(volume float64) {
	p.softer.Store(uint32(math.Round(1000 * (1 - min(max(volume, 0), 1)))))
}

// gain is what samples are multiplied by. Ears hear about the square root of it.
func (p *Player) gain() float64 {
	volume := 1 - float64(p.softer.Load())/1000
	return volume * volume
}

// Silent is a Player that needs no sound device: its clips pass as time does, unheard.
func Silent() *Player {
	const null = malgo.BackendNull + 1 // malgo's list lacks the custom backend that miniaudio has before this one
	return &Player{backends: []malgo.Backend{null}}
}

// Clip is a sound that can be played. Its methods may be called from any goroutine, none after Close.
type Clip struct {
	player  *Player
	context *malgo.AllocatedContext
	device  *malgo.Device
	turn    chan struct{} // tells the goroutine that playing may have changed
	quit    chan struct{} // closed by Close
	ended   chan struct{} // closed when the goroutine is gone

	mu      sync.Mutex
	sound   *sound
	next    ring // the samples from at on, so far as they were read
	at      int  // the next sample that the device gets
	moves   int  // how often at was set to another place
	playing bool
	wrong   error // why it does not play
	growth
}

// Open reads a result and gets a device ready for it.
func (p *Player) Open(path string) (*Clip, error) {
	s, err := openSound(path)
	if err != nil {
		return nil, err
	}
	return p.ready(&Clip{sound: s})
}

// ready gets a device ready for a clip, or closes its sound.
func (p *Player) ready(c *Clip) (_ *Clip, err error) {
	c.player = p
	c.turn, c.quit, c.ended = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	if c.context, err = malgo.InitContext(p.backends, malgo.ContextConfig{}, nil); err != nil {
		c.sound.close()
		return nil, noSound(err)
	}
	config := malgo.DefaultDeviceConfig(malgo.Playback)
	config.Playback.Format, config.Playback.Channels, config.SampleRate = malgo.FormatS16, 1, tts.SampleRate
	c.device, err = malgo.InitDevice(c.context.Context, config, malgo.DeviceCallbacks{Data: func(out, _ []byte, _ uint32) { c.fill(out) }})
	if err != nil {
		c.freeContext()
		c.sound.close()
		return nil, noSound(err)
	}
	go c.drive()
	return c, nil
}

func noSound(err error) error {
	return tts.Errorf(tts.CodeUnsupported, "Choose a sound output in the system's settings.", "the sound can't be used: %w", err)
}

// Length is how long the clip plays.
func (c *Clip) Length() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return duration(c.sound.samples)
}

// Position is where the clip is.
func (c *Clip) Position() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return duration(c.at)
}

// Playing reports whether the clip plays. It doesn't any more when it has come to its end.
func (c *Clip) Playing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.playing
}

// Play goes on from Position, or from the beginning when that is the end. Whether the device starts is told by Playing
// and Err, a moment later.
func (c *Clip) Play() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = nil
	if c.at >= c.sound.samples && !c.growing {
		c.move(0)
	}
	c.playing = true
	c.wake()
}

// Err is why the clip does not play after the last Play, nil when it does, has, or is about to.
func (c *Clip) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wrong
}

// Pause stops and keeps Position.
func (c *Clip) Pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.playing = false
	c.wake()
}

// Seek goes to a place, while the clip plays, too.
func (c *Clip) Seek(to time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.move(min(max(samples(to), 0), c.sound.samples))
	c.gather()
	c.wake()
}

// move goes to another sample. The caller holds mu.
func (c *Clip) move(to int) {
	c.at = to
	c.moves++
	c.next.clear()
}

// Peaks is the loudest sample of each of n equal parts of the clip, in [0, 1]. In a long one, parts that stand side by side
// may share a few samples.
func (c *Clip) Peaks(n int) []float32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sound.outline.peaks(c.sound.samples, n)
}

// Close stops the clip and frees the device.
func (c *Clip) Close() error {
	c.Finish()
	close(c.quit)
	<-c.ended
	c.device.Uninit()
	c.freeContext()
	c.sound.close()
	return nil
}

func (c *Clip) freeContext() {
	_ = c.context.Uninit() // it fails for what was never made
	c.context.Free()
}

// wake has the goroutine look at playing, and at what is to be read. It never waits.
func (c *Clip) wake() {
	select {
	case c.turn <- struct{}{}:
	default: // it is about to look
	}
}

// drive starts and stops the device as playing says, and reads ahead for it.
func (c *Clip) drive() {
	defer close(c.ended)
	pieces := make([]int16, ringSize/4)
	for started := false; ; {
		select {
		case <-c.quit:
			return
		case <-c.turn:
		}
		c.readAhead(pieces)
		switch play := c.Playing(); {
		case play && !started:
			if err := c.device.Start(); err != nil {
				c.fail(noSound(err))
				continue
			}
			started = true
		case !play && started:
			_ = c.device.Stop() // one that can't be stopped plays silence
			started = false
		}
	}
}

// readAhead fills the ring, piece by piece.
func (c *Clip) readAhead(pieces []int16) {
	for {
		c.mu.Lock()
		from, moves := c.at+c.next.count, c.moves
		piece := pieces[:min(len(pieces), c.next.room(), c.sound.samples-from)]
		c.mu.Unlock()
		if len(piece) == 0 {
			return
		}
		if err := c.sound.read(piece, from); err != nil {
			c.fail(err)
			return
		}
		c.mu.Lock()
		if moves == c.moves { // what the device took meanwhile changes nothing at the end of the ring
			c.next.put(piece)
		}
		c.mu.Unlock()
	}
}

func (c *Clip) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.playing, c.wrong = false, err
}

// fill gives the device its next samples, and silence where there are none. It runs on the device's thread, and so
// does nothing that could take long.
func (c *Clip) fill(out []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, gain := 0, c.player.gain()
	if c.playing && !c.gathering {
		for ; n+width <= len(out); n += width {
			v, ok := c.next.take()
			if !ok {
				break
			}
			binary.NativeEndian.PutUint16(out[n:], uint16(int16(gain*float64(v))))
			c.at++
		}
		switch end := c.at >= c.sound.samples; {
		case end && !c.growing:
			c.playing = false
			c.wake()
		case end && n < len(out):
			c.underruns++
			c.gather()
		case c.next.count < ringSize/2:
			c.wake()
		}
	}
	clear(out[n:])
}

func duration(samples int) time.Duration {
	return time.Duration(samples) * time.Second / tts.SampleRate
}

func samples(d time.Duration) int { return int(d * tts.SampleRate / time.Second) }
