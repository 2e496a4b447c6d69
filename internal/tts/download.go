package tts

import "fmt"

// Phase is what a model that is loading is at.
type Phase string

// The phases of a load. All but the last are of models that aren't on this machine yet.
const (
	PhaseDownloading Phase = "downloading" // its files are fetched
	PhaseVerifying   Phase = "verifying"   // what is on the disk is compared with its checksums
	PhaseLoading     Phase = "loading"     // it is read into memory
)

// Download is how far the download of a model is. Pointers are nil while a value is unknown.
type Download struct {
	BytesDone  int64    `json:"bytes_done"`  // never falls during one load
	BytesTotal int64    `json:"bytes_total"` // of all files, with those that were there before
	Rate       *float64 `json:"rate,omitempty"`
	ETASeconds *float64 `json:"eta_seconds,omitempty"`
}

// Amount is how much there is, as people read it, in decimal units as disks and networks have them: "1.2 of 2.5 GB".
func (d Download) Amount() string {
	size, unit, digits := 1.0, "B", 0
	for _, next := range []struct {
		size   float64
		unit   string
		digits int
	}{{1e3, "kB", 0}, {1e6, "MB", 0}, {1e9, "GB", 1}} {
		if float64(d.BytesTotal) >= next.size {
			size, unit, digits = next.size, next.unit, next.digits
		}
	}
	return fmt.Sprintf("%.*f of %.*f %s", digits, float64(d.BytesDone)/size, digits, float64(d.BytesTotal)/size, unit)
}

// Percent is how much there is, rounded down.
func (d Download) Percent() int { return int(d.BytesDone * 100 / max(d.BytesTotal, 1)) }
