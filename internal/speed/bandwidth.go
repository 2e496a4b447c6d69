package speed

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Bandwidth is how many bytes a second the machine's memory gives to one thread that only reads, and to all that it has.
func Bandwidth() (one, all float64, err error) {
	const far = 512 << 20 // more than caches hold
	memory, err := syscall.Mmap(-1, 0, far, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return 0, 0, fmt.Errorf("take memory to read from: %w", err)
	}
	for page := 0; page < far; page += 4096 { // those that were never written to are all the same one
		memory[page] = 2
	}
	one, all = best(memory, 1), best(memory, runtime.NumCPU())
	return one, all, syscall.Munmap(memory)
}

// best is the best of a few passes over memory by so many threads. Nothing in Go reads faster than the search for a byte
// that isn't there: it is made of the widest instructions.
func best(memory []byte, threads int) (rate float64) {
	for range 4 {
		begin := time.Now()
		var all sync.WaitGroup
		for i := range threads {
			all.Go(func() { bytes.IndexByte(memory[i*len(memory)/threads:(i+1)*len(memory)/threads], 1) })
		}
		all.Wait()
		rate = max(rate, float64(len(memory))/time.Since(begin).Seconds())
	}
	return rate
}
