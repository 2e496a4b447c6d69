package playback

// ring is samples that were read ahead. Its place is fixed, so that the device's thread, which takes them, never waits for
// memory.
type ring struct {
	pcm   [ringSize]int16
	first int // the oldest
	count int
}

// ringSize is how much is read ahead: two and a half seconds, so that a disk may be slow now and then.
const ringSize = 60_000

// put adds samples for which there is room.
func (r *ring) put(pcm []int16) {
	at := (r.first + r.count) % ringSize
	n := copy(r.pcm[at:], pcm)
	copy(r.pcm[:], pcm[n:])
	r.count += len(pcm)
}

// take gives the oldest one, when there is one.
func (r *ring) take() (int16, bool) {
	if r.count == 0 {
		return 0, false
	}
	v := r.pcm[r.first]
	r.first = (r.first + 1) % ringSize
	r.count--
	return v, true
}

func (r *ring) clear() { r.first, r.count = 0, 0 }

func (r *ring) room() int { return ringSize - r.count }
