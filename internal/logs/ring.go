package logs

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/rs/zerolog"
)

// What a Ring keeps at most.
const (
	maxEntries = 10_000
	maxBytes   = 4 << 20 // of messages
	maxMessage = 16 << 10
)

// Ring keeps the newest entries of a log for readers that come and go. It knows no readers: each has the ID of the
// entry that it saw last and asks for what follows, so a slow one costs nothing and delays nobody; one that is too
// slow is told how many entries it lost.
type Ring struct {
	run string

	mu      sync.Mutex
	kept    []Entry       // in the order of their IDs, which have no holes
	bytes   int           // of kept messages
	last    uint64        // ID of the newest entry there ever was
	cleared uint64        // ID of the newest entry that Clear took
	wake    chan struct{} // closed by the next Append; nil while nobody waits
}

// Page is a piece of a log.
type Page struct {
	Entries []Entry // oldest first
	Last    uint64  // the ID after which the next page begins
	Lost    uint64  // how many entries before this page, of any level, were dropped before they were asked for
}

// NewRing makes an empty ring.
func NewRing() *Ring { return &Ring{run: strings.ToLower(rand.Text()[:8])} }

// Run names this ring among all: the IDs of another one's entries say nothing about those in here. It has letters and
// digits only.
func (r *Ring) Run() string { return r.run }

// Append gives e the next ID and keeps it, at the expense of the oldest entries. Of a message that is too long only
// the beginning is kept.
func (r *Ring) Append(e Entry) {
	e.Message = shorten(e.Message)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	e.ID = r.last
	r.kept = append(r.kept, e)
	r.bytes += len(e.Message)
	for len(r.kept) > maxEntries || r.bytes > maxBytes {
		r.bytes -= len(r.kept[0].Message)
		r.kept[0] = Entry{} // for the garbage collector: the array lives on
		r.kept = r.kept[1:]
	}
	if r.wake != nil {
		close(r.wake)
		r.wake = nil
	}
}

// shorten cuts what one entry may not hold, and says how much that was.
func shorten(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	end := maxMessage - 64 // room for the note
	for !utf8.RuneStart(message[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d more bytes)", message[:end], len(message)-end)
}

// After reads what follows the entry with the given ID: the first limit entries of level and above. An ID that was
// never given out is from an earlier run, whose reader gets everything.
func (r *Ring) After(id uint64, level zerolog.Level, limit int) Page {
	r.mu.Lock()
	defer r.mu.Unlock()
	if id > r.last {
		id = 0
	}
	var page Page
	gone := r.last - uint64(len(r.kept))
	if seen := max(id, r.cleared); seen < gone {
		page.Lost = gone - seen
	}
	page.Last = max(id, gone)
	for _, e := range r.kept[page.Last-gone:] {
		if len(page.Entries) == limit {
			break
		}
		if e.Level >= level {
			page.Entries = append(page.Entries, e)
		}
		page.Last = e.ID
	}
	return page
}

// Newest reads the end of the log: the last limit entries of level and above.
func (r *Ring) Newest(level zerolog.Level, limit int) Page {
	r.mu.Lock()
	defer r.mu.Unlock()
	page := Page{Last: r.last}
	for _, e := range slices.Backward(r.kept) {
		if len(page.Entries) == limit {
			break
		}
		if e.Level >= level {
			page.Entries = append(page.Entries, e)
		}
	}
	slices.Reverse(page.Entries)
	return page
}

// Last is the ID of the newest entry there ever was, 0 before the first.
func (r *Ring) Last() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// Wait returns nil when there is an entry after the one with the given ID, and ctx's error when ctx has ended.
func (r *Ring) Wait(ctx context.Context, id uint64) error {
	wake := r.next(id)
	if wake == nil {
		return ctx.Err()
	}
	select {
	case <-wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// next gives what the next Append closes, or nil when there is an entry after id already.
func (r *Ring) next(id uint64) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last > id {
		return nil
	}
	if r.wake == nil {
		r.wake = make(chan struct{})
	}
	return r.wake
}

// Clear forgets the kept entries and returns how many there were. IDs go on, and nobody is told that a cleared entry
// was lost.
func (r *Ring) Clear() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.kept)
	r.kept, r.bytes, r.cleared = nil, 0, r.last
	return n
}
