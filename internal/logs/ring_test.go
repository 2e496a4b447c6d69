package logs_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"ttsui/internal/logs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const all = 1 << 30 // no limit

// keptEntries is how many short entries a ring keeps.
const keptEntries = 10_000

// fill appends n entries; every third one is an error.
func fill(r *logs.Ring, n int) {
	for range n {
		level := zerolog.InfoLevel
		if last := r.Newest(zerolog.DebugLevel, 1).Last; last%3 == 2 {
			level = zerolog.ErrorLevel
		}
		r.Append(logs.Entry{Level: level, Message: "m"})
	}
}

func ids(entries []logs.Entry) []uint64 {
	var list []uint64
	for _, e := range entries {
		list = append(list, e.ID)
	}
	return list
}

func TestReadRing(t *testing.T) {
	small, overflown, cleared, clearedLate := logs.NewRing(), logs.NewRing(), logs.NewRing(), logs.NewRing()
	fill(small, 7)
	fill(overflown, keptEntries+100)
	fill(cleared, 5)
	cleared.Clear()
	fill(cleared, 2)
	fill(clearedLate, keptEntries+100)
	clearedLate.Clear()
	fill(clearedLate, keptEntries+3)
	for _, c := range []struct {
		name  string
		ring  *logs.Ring
		after uint64
		level zerolog.Level
		limit int
		ids   []uint64
		last  uint64
		lost  uint64
	}{
		{"empty", logs.NewRing(), 0, zerolog.DebugLevel, all, nil, 0, 0},
		{"empty, from an earlier run", logs.NewRing(), 9, zerolog.DebugLevel, all, nil, 0, 0},
		{"from the start", small, 0, zerolog.DebugLevel, all, []uint64{1, 2, 3, 4, 5, 6, 7}, 7, 0},
		{"from the middle", small, 4, zerolog.DebugLevel, all, []uint64{5, 6, 7}, 7, 0},
		{"nothing new", small, 7, zerolog.DebugLevel, all, nil, 7, 0},
		{"from an earlier run", small, 8, zerolog.DebugLevel, all, []uint64{1, 2, 3, 4, 5, 6, 7}, 7, 0},
		{"limit", small, 2, zerolog.DebugLevel, 2, []uint64{3, 4}, 4, 0},
		{"level", small, 0, zerolog.WarnLevel, all, []uint64{3, 6}, 7, 0},
		{"level and limit", small, 0, zerolog.WarnLevel, 1, []uint64{3}, 3, 0},
		{"too late", overflown, 0, zerolog.DebugLevel, 2, []uint64{101, 102}, 102, 100},
		{"too late by one", overflown, 99, zerolog.DebugLevel, 1, []uint64{101}, 101, 1},
		{"just in time", overflown, 100, zerolog.DebugLevel, 1, []uint64{101}, 101, 0},
		{"cleared is not lost", cleared, 2, zerolog.DebugLevel, all, []uint64{6, 7}, 7, 0},
		{"lost since cleared", clearedLate, 50, zerolog.DebugLevel, 1, []uint64{keptEntries + 104}, keptEntries + 104, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := c.ring.After(c.after, c.level, c.limit)
			if d := cmp.Diff(c.ids, ids(page.Entries)); d != "" || page.Last != c.last || page.Lost != c.lost {
				t.Errorf("last %d, lost %d: %s", page.Last, page.Lost, d)
			}
		})
	}
	newest := small.Newest(zerolog.ErrorLevel, 1)
	if d := cmp.Diff([]uint64{6}, ids(newest.Entries)); d != "" || newest.Last != 7 || newest.Lost != 0 {
		t.Errorf("newest error: %+v", newest)
	}
}

func TestRingIsBounded(t *testing.T) {
	r := logs.NewRing()
	huge := strings.Repeat("é", 40_000)
	for range 2_000 {
		r.Append(logs.Entry{Message: huge})
	}
	size := 0
	entries := r.Newest(zerolog.DebugLevel, all).Entries
	for _, e := range entries {
		size += len(e.Message)
	}
	if size > 4<<20 || size < 4<<20-16<<10 {
		t.Errorf("the ring keeps %d bytes", size)
	}
	short, note, _ := strings.Cut(entries[0].Message, "… ")
	if want := fmt.Sprintf("(%d more bytes)", len(huge)-len(short)); note != want || !strings.HasPrefix(huge, short) || len(entries[0].Message) > 16<<10 {
		t.Errorf("%d bytes and %q, want %q", len(short), note, want)
	}
}

// TestFollowRing: whatever is appended and cleared meanwhile, a reader gets each entry once and in order, or is told
// that it was lost, or it was cleared.
func TestFollowRing(t *testing.T) {
	large := strings.Repeat("m", 16<<10) // so that the ring holds 256 of them
	rapid.Check(t, func(t *rapid.T) {
		r := logs.NewRing()
		var appended, at, cleared uint64
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				n := rapid.SampledFrom([]int{1, 10, 200, 300}).Draw(t, "n")
				for range n {
					r.Append(logs.Entry{Message: large})
				}
				appended += uint64(n)
			},
			"clear": func(*rapid.T) {
				r.Clear()
				cleared = appended
			},
			"read": func(t *rapid.T) {
				from := max(at, cleared)
				page := r.After(at, zerolog.DebugLevel, rapid.SampledFrom([]int{1, 50, all}).Draw(t, "limit"))
				next := from + page.Lost
				for _, e := range page.Entries {
					if next++; e.ID != next {
						t.Fatalf("entry %d, want %d", e.ID, next)
					}
				}
				if page.Last != next || page.Last > appended {
					t.Fatalf("the page ends at %d, want %d of %d", page.Last, next, appended)
				}
				at = page.Last
			},
		})
	})
}

// TestManyWriters: what many goroutines log at once arrives whole, in one order, in every place.
func TestManyWriters(t *testing.T) {
	const writers, each = 8, 500
	var out bytes.Buffer
	l := logs.Open(logs.Config{Level: zerolog.DebugLevel, Out: &out, Dir: t.TempDir()})
	defer l.Close()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				l.Logger.Info().Msgf("writer %d says %d", w, i)
			}
		})
	}
	var followed strings.Builder
	next := make([]int, writers)
	for at := uint64(0); at < writers*each; {
		if err := l.Ring.Wait(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		page := l.Ring.After(at, zerolog.DebugLevel, 100)
		for _, e := range page.Entries {
			fmt.Fprintf(&followed, "%s | INFO | %s\n", e.Timestamp(), e.Message)
			var w, i int
			if _, err := fmt.Sscanf(e.Message, "writer %d says %d", &w, &i); err != nil || next[w] != i {
				t.Fatalf("%q, want number %d: %v", e.Message, next[w], err)
			}
			next[w]++
		}
		at = page.Last
	}
	wg.Wait()
	if followed.String() != out.String() {
		t.Error("the ring and the writer differ")
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	r := logs.NewRing()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := r.Wait(ctx, 0); err != context.DeadlineExceeded {
		t.Errorf("waiting for nothing: %v", err)
	}
}
