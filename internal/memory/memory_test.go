package memory_test

import (
	"os"
	"runtime"
	"testing"

	"ttsui/internal/memory"
)

// RSS must see memory that this process touches; a constant or another process's figure would not move.
func TestRSSGrowsWithTouchedMemory(t *testing.T) {
	before, err := memory.RSS()
	if err != nil {
		t.Fatal(err)
	}
	const size = 64 << 20
	block := make([]byte, size)
	for i := 0; i < size; i += os.Getpagesize() {
		block[i] = 1
	}
	after, err := memory.RSS()
	if err != nil {
		t.Fatal(err)
	}
	runtime.KeepAlive(block)
	if after < before+size*3/4 {
		t.Errorf("RSS %d before and %d after touching %d bytes", before, after, size)
	}
}

func TestMachineHasMemory(t *testing.T) {
	rss, err := memory.RSS()
	if err != nil {
		t.Fatal(err)
	}
	available, total, err := memory.Machine()
	if err != nil {
		t.Fatal(err)
	}
	if rss == 0 || available == 0 || total < available || total < rss {
		t.Errorf("RSS %d, available %d of %d", rss, available, total)
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		got, want string
	}{
		{memory.Text(memory.MB(268_749_209)), "256.3 MB"},
		{memory.Text(0), "0.0 MB"},
		{memory.DeltaText(2590.8), "+2590.8 MB"},
		{memory.DeltaText(-12.34), "-12.3 MB"},
		{memory.DeltaText(0), "+0.0 MB"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
