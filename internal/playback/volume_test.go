package playback

import (
	"encoding/binary"
	"testing"
)

// All clips of a player are as loud as it says, those that play already, too.
func TestVolume(t *testing.T) {
	p := Silent()
	c := &Clip{player: p, sound: &sound{samples: 10}, playing: true, turn: make(chan struct{}, 1)}
	c.next.put([]int16{1000, -32768, 32767, 1000, -32768, 32767, 1000, -32768, 32767})
	for _, test := range []struct {
		volume float64
		want   [3]int16
	}{{1, [3]int16{1000, -32768, 32767}}, {0.5, [3]int16{250, -8192, 8191}}, {-3, [3]int16{}}} {
		p.SetVolume(test.volume)
		out := make([]byte, 6)
		c.fill(out)
		for i, want := range test.want {
			if got := int16(binary.NativeEndian.Uint16(out[2*i:])); got != want {
				t.Errorf("at %g sample %d is %d, want %d", test.volume, i, got, want)
			}
		}
	}
}
