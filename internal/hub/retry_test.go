package hub

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"ttsui/internal/tts"
)

func TestPersist(t *testing.T) {
	down := &passing{err: errCut}
	busy := &passing{err: errCut, after: 50 * time.Second}
	greedy := &passing{err: errCut, after: 48 * time.Hour}
	final := tts.Errorf(tts.CodeDenied, "Ask.", "no")
	type answer struct {
		further bool
		err     error
	}
	cases := map[string]struct {
		answers  []answer
		want     error
		min, max time.Duration // how long it takes
	}{
		"at once":           {[]answer{{}}, nil, 0, 0},
		"the third time":    {[]answer{{false, down}, {false, down}, {}}, nil, 1500 * time.Millisecond, 3 * time.Second},
		"never":             {[]answer{{false, down}, {false, down}, {false, down}, {false, down}}, errCut, 3500 * time.Millisecond, 7 * time.Second},
		"step by step":      {[]answer{{true, down}, {true, down}, {true, down}, {true, down}, {true, down}, {}}, nil, 2500 * time.Millisecond, 5 * time.Second},
		"when it may again": {[]answer{{false, busy}, {}}, nil, 50 * time.Second, 50 * time.Second},
		"not in two days":   {[]answer{{false, greedy}, {}}, nil, longestWait, longestWait},
		"for good":          {[]answer{{false, down}, {false, final}}, final, 500 * time.Millisecond, time.Second},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked, start := 0, time.Now()
				err := Retry{Tries: 4, First: time.Second, Longest: 4 * time.Second}.persist(t.Context(), func() (bool, error) {
					asked++
					return c.answers[asked-1].further, c.answers[asked-1].err
				})
				if !errors.Is(err, c.want) || asked != len(c.answers) {
					t.Errorf("got %v after %d tries, want %v after %d", err, asked, c.want, len(c.answers))
				}
				if took := time.Since(start); took < c.min || took > c.max {
					t.Errorf("took %s, want %s to %s", took, c.min, c.max)
				}
			})
		})
	}
}

func TestPersistIsCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := Retry{Tries: 1000, First: time.Hour, Longest: time.Hour}.persist(ctx, func() (bool, error) { return false, &passing{err: errCut} })
		wantError(t, err, tts.CodeCanceled, "deadline")
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 2, 20, 10, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"1e9":                           0,
		"9999999999999":                 longestWait,
		"Fri, 20 Feb 2026 10:00:30 GMT": 30 * time.Second,
		"Fri, 20 Feb 2026 09:00:00 GMT": 0,
		"soon":                          0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: got %s, want %s", value, got, want)
		}
	}
}

func TestCheckStatusHeedsRetryAfter(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()
	_, err := newTestFetcher(t, server.URL).ask(t.Context(), http.MethodGet, 0, "/", nil)
	var p *passing
	if !errors.As(err, &p) || p.after != 7*time.Second {
		t.Errorf("got %#v, want to come back in 7 s", err)
	}
}

func TestMeter(t *testing.T) {
	m := newMeter([]File{{Name: "a", Size: 1000}, {Name: "b", Size: 1000}})
	start := time.Now()
	at := func(seconds float64) Progress {
		return m.report(start.Add(time.Duration(seconds * float64(time.Second))))
	}
	want := func(seconds float64, want Progress) {
		t.Helper()
		if got := at(seconds); got != want {
			t.Errorf("after %g s: got %+v, want %+v", seconds, got, want)
		}
	}
	m.set(0, 500) // from an earlier run: no sign of speed
	want(0, Progress{Downloading, "a", 500, 2000, 0, 0})
	m.enter(0, Verifying)
	m.enter(1, Waiting)
	want(1, Progress{Verifying, "a", 500, 2000, 0, 0})
	m.enter(1, Downloading)
	m.reach(1, 200)
	want(2, Progress{Downloading, "b", 700, 2000, 100, 13 * time.Second})
	m.set(1, 0) // it was wrong: less is there, and none is shown to have gone
	want(4, Progress{Downloading, "b", 700, 2000, 50, 30 * time.Second})
	want(7, Progress{Downloading, "b", 700, 2000, 0, 0}) // of late nothing came
	m.reach(1, 1000)
	m.reach(1, 900)
	m.reach(0, 1000)
	m.enter(0, "")
	m.enter(1, Waiting)
	want(9, Progress{Waiting, "a", 2000, 2000, 300, 0})
}

func TestSizeText(t *testing.T) {
	for bytes, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1 kB", 999_499: "999 kB", 999_500: "1 MB", 1_834_000_000: "1.83 GB", 18_300_000: "18.3 MB", 5e15: "5e+03 TB",
	} {
		if got := SizeText(bytes); got != want {
			t.Errorf("%d: got %s, want %s", bytes, got, want)
		}
	}
}
