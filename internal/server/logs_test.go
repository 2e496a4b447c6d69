package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/r3labs/sse/v2"
	"github.com/rs/zerolog"

	"ttsui/internal/logs"
)

// kept is how many entries a log keeps for clients.
const kept = 10_000

// logged is an entry as a client reads it.
type logged struct {
	ID        uint64 `json:"id"`
	Timestamp string `json:"timestamp"`
	UnixMS    int64  `json:"unix_ms"`
	Level     string `json:"level"`
	Message   string `json:"message"`
}

func (h *logHouse) ask(t testing.TB, path string) (status int, body string) {
	t.Helper()
	conn := h.dial()
	defer conn.Close()
	answer, err := get(conn, path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// fill logs n lines, of which every tenth is an error.
func (h *logHouse) fill(n int) {
	for i := range n {
		level := zerolog.InfoLevel
		if i%10 == 9 {
			level = zerolog.ErrorLevel
		}
		h.Ring.Append(logs.Entry{Level: level, Message: "m"})
	}
}

// mark is the id of an event.
func (h *logHouse) mark(id uint64) string { return fmt.Sprint(h.Ring.Run(), "-", id) }

func TestOneEntryOnTheWire(t *testing.T) {
	h := openLogHouse(t)
	at := time.Date(2024, 1, 15, 10, 30, 45, 123_456_789, time.Local)
	h.Ring.Append(logs.Entry{Time: at, Level: zerolog.WarnLevel, Message: `<slow> "a" \n`})
	entry := fmt.Sprintf(`{"id":1,"timestamp":"2024-01-15 10:30:45,123","unix_ms":%d,"level":"WARNING","message":"<slow> \"a\" \\n"}`, at.UnixMilli())
	if _, body := h.ask(t, "/logs"); body != `{"run":"`+h.Ring.Run()+`","logs":[`+entry+`],"lost":0,"last_id":1}`+"\n" {
		t.Errorf("/logs: %s", body)
	}
	m, err := h.follow(t, "/logs/stream?since=0").next()
	if d := cmp.Diff(message{"", h.mark(1), entry}, m, cmp.AllowUnexported(message{})); d != "" || err != nil {
		t.Error("/logs/stream:", d, err)
	}
}

func TestReadLogs(t *testing.T) {
	h := openLogHouse(t)
	if _, body := h.ask(t, "/logs"); body != `{"run":"`+h.Ring.Run()+`","logs":[],"lost":0,"last_id":0}`+"\n" {
		t.Errorf("before the first entry: %s", body)
	}
	h.fill(kept + 50)
	for _, c := range []struct {
		query             string
		n                 int
		first, last, next uint64
		lost              uint64
	}{
		{"", kept, 51, 10050, 10050, 0},
		{"?limit=3", 3, 10048, 10050, 10050, 0},
		{"?limit=99999999", kept, 51, 10050, 10050, 0},
		{"?level=error", kept / 10, 60, 10050, 10050, 0},
		{"?level=Warning&limit=2", 2, 10040, 10050, 10050, 0},
		{"?level=critical", 0, 0, 0, 10050, 0},
		{"?since=10047", 3, 10048, 10050, 10050, 0},
		{"?since=10050", 0, 0, 0, 10050, 0},
		{"?since=60000", kept, 51, 10050, 10050, 50},
		{"?since=0", kept, 51, 10050, 10050, 50},
		{"?since=" + h.mark(10047), 3, 10048, 10050, 10050, 0},
		{"?since=another-10047", kept, 51, 10050, 10050, 50},
		{"?since=20&limit=2", 2, 51, 52, 52, 30},
		{"?since=51&level=error&limit=2", 2, 60, 70, 70, 0},
	} {
		t.Run(c.query, func(t *testing.T) {
			status, body := h.ask(t, "/logs"+c.query)
			var answer struct {
				Logs   []logged `json:"logs"`
				Lost   uint64   `json:"lost"`
				LastID uint64   `json:"last_id"`
			}
			if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 {
				t.Fatal(status, err)
			}
			var first, last uint64
			if n := len(answer.Logs); n > 0 {
				first, last = answer.Logs[0].ID, answer.Logs[n-1].ID
			}
			if len(answer.Logs) != c.n || first != c.first || last != c.last || answer.LastID != c.next || answer.Lost != c.lost {
				t.Errorf("%d entries, %d to %d, last_id %d, lost %d; want %+v", len(answer.Logs), first, last, answer.LastID, answer.Lost, c)
			}
		})
	}
}

func TestLogsRefuse(t *testing.T) {
	h := openLogHouse(t)
	for path, want := range map[string]string{
		"/logs?level=loud":            `unknown level "loud"`,
		"/logs?since=-1":              `since has to be a whole number from 0 on, or a run before it, not "-1"`,
		"/logs?since=run-":            `since has to be a whole number from 0 on, or a run before it, not "run-"`,
		"/logs?since=run-1-2":         `since has to be a whole number from 0 on, or a run before it, not "run-1-2"`,
		"/logs?limit=0":               `limit has to be a whole number from 1 on, not "0"`,
		"/logs?limit=all":             `limit has to be a whole number from 1 on, not "all"`,
		"/logs?lvl=error":             `unknown parameter "lvl"`,
		"/logs?level=%zz":             `the query can't be read: invalid URL escape "%zz"`,
		"/logs/stream?limit=1":        `unknown parameter "limit"`,
		"/logs/stream?since=tomorrow": `since has to be a whole number from 0 on, or a run before it, not "tomorrow"`,
	} {
		status, body := h.ask(t, path)
		var answer struct{ Detail, Code, Hint string }
		if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 400 {
			t.Errorf("%s: %d, %v", path, status, err)
		}
		if answer.Detail != want || answer.Code != "invalid" || answer.Hint == "" {
			t.Errorf("%s: %+v, want %q", path, answer, want)
		}
	}
	if head, err := get(h.dial(), "/logs/stream", "Last-Event-ID: x"); err != nil || head.StatusCode != 400 {
		t.Errorf("Last-Event-ID x: %v, %v", head, err)
	}
}

func TestClearLogs(t *testing.T) {
	h := openLogHouse(t)
	h.fill(5)
	client := h.follow(t, "/logs/stream?since=4")
	if m, err := client.next(); err != nil || m.id != h.mark(5) { // else the stream may begin after the log was cleared
		t.Fatalf("the stream has %+v, %v", m, err)
	}
	for _, c := range []struct {
		body   string
		status int
		answer string
	}{
		{"", 200, `{"cleared":5}`},
		{"{}", 200, `{"cleared":0}`},
		{`{"level":"debug"}`, 400, `{"detail":"unknown field \"level\"","code":"invalid","hint":"Send {} or nothing."}`},
	} {
		conn := h.dial()
		_, err := fmt.Fprintf(conn, "POST /logs/clear HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
			conn.RemoteAddr(), len(c.body), c.body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(conn)
		if _, answer, _ := strings.Cut(string(text), "\r\n\r\n"); err != nil || answer != c.answer+"\n" ||
			!strings.HasPrefix(string(text), fmt.Sprintf("HTTP/1.1 %d ", c.status)) {
			t.Errorf("%s: %s, %v", c.body, text, err)
		}
	}
	h.fill(1)
	if _, body := h.ask(t, "/logs?since=2"); !strings.Contains(body, `"logs":[{"id":6,`) || !strings.HasSuffix(body, `"lost":0,"last_id":6}`+"\n") {
		t.Errorf("after clearing: %s", body)
	}
	if m, err := client.next(); err != nil || m.id != h.mark(6) {
		t.Errorf("after clearing, the stream has %+v, %v", m, err)
	}
}

// TestStreamResumes: where a stream begins, and what it says about entries that are gone.
func TestStreamResumes(t *testing.T) {
	small, overflown := openLogHouse(t), openLogHouse(t)
	small.fill(20)
	overflown.fill(kept + 50)
	for _, c := range []struct {
		name   string
		house  *logHouse
		path   string
		header []string
		first  message // its data only if it is not an entry
	}{
		{"all that are kept", small, "/logs/stream?since=0", nil, message{id: "1"}},
		{"by the URL", small, "/logs/stream?since=18", nil, message{id: "19"}},
		{"by the header", small, "/logs/stream", []string{"Last-Event-ID: 18"}, message{id: "19"}},
		{"the header counts", small, "/logs/stream?since=3", []string{"Last-Event-ID: 18"}, message{id: "19"}},
		{"an empty header doesn't", small, "/logs/stream?since=3", []string{"Last-Event-ID: "}, message{id: "4"}},
		{"errors", small, "/logs/stream?level=error&since=3", nil, message{id: "10"}},
		{"by the mark", small, "/logs/stream", []string{"Last-Event-ID: " + small.mark(18)}, message{id: "19"}},
		{"an ID from an earlier run", small, "/logs/stream", []string{"Last-Event-ID: 5000"}, message{id: "1"}},
		{"a mark from an earlier run", small, "/logs/stream", []string{"Last-Event-ID: " + overflown.mark(18)}, message{id: "1"}},
		{"a mark in the URL", small, "/logs/stream?since=" + overflown.mark(18), nil, message{id: "1"}},
		{"just in time", overflown, "/logs/stream", []string{"Last-Event-ID: 50"}, message{id: "51"}},
		{"too late by one", overflown, "/logs/stream", []string{"Last-Event-ID: 49"}, message{"lost", "50", `{"lost":1}`}},
		{"far too late", overflown, "/logs/stream?since=0", nil, message{"lost", "50", `{"lost":50}`}},
		{"far too late for errors", overflown, "/logs/stream?since=0&level=error", nil, message{"lost", "59", `{"lost":50}`}},
		{"nothing left", overflown, "/logs/stream?since=0&level=critical", nil, message{"lost", "10050", `{"lost":50}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.house.follow(t, c.path, c.header...).next()
			if got.name == "" {
				got.data = ""
			}
			c.first.id = c.house.Ring.Run() + "-" + c.first.id
			if d := cmp.Diff(c.first, got, cmp.AllowUnexported(message{})); d != "" || err != nil {
				t.Error(d, err)
			}
		})
	}
	t.Run("with the next one", func(t *testing.T) {
		client := small.follow(t, "/logs/stream")
		small.fill(1)
		if m, err := client.next(); err != nil || m.id != small.mark(21) {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

// TestStalledReadersDelayNobody: while three clients take nothing, a fourth gets every line, and the process stays
// small. When the three go on they are told what they lost. Its time passes only when nobody has anything to do, so that
// no machine is too slow for it.
func TestStalledReadersDelayNobody(t *testing.T) { synctest.Test(t, testStalledReaders) }

func testStalledReaders(t *testing.T) {
	const lines, step = 20_000, 1_000
	h := pipeLogHouse(t)
	var stalled [3]*eventReader
	for i := range stalled {
		stalled[i] = h.follow(t, "/logs/stream")
	}
	healthy := h.follow(t, "/logs/stream")
	before, began := heap(), time.Now()
	text := strings.Repeat("x", 1_000)
	for want := uint64(1); want <= lines; want++ {
		if want%step == 1 { // the healthy client is at most this far behind
			for range step {
				h.Logger.Info().Msg(text)
			}
		}
		var e logged
		m, err := healthy.next()
		if err != nil || json.Unmarshal([]byte(m.data), &e) != nil || e.ID != want || e.Message != text {
			t.Fatalf("line %d: %+v, %v", want, m, err)
		}
	}
	if grown := heap() - before; grown > 10<<20 {
		t.Errorf("the heap grew by %d bytes, of which the log keeps 4 MiB", grown)
	}
	if waited := time.Since(began); waited > 0 {
		t.Errorf("the healthy client waited %v", waited)
	}
	for i, client := range stalled {
		var got, lost uint64
		for got+lost < lines {
			m, err := client.next()
			var e struct{ ID, Lost uint64 }
			if err != nil || json.Unmarshal([]byte(m.data), &e) != nil {
				t.Fatalf("stalled client %d after %d lines: %+v, %v", i, got, m, err)
			}
			if lost += e.Lost; m.name == "lost" {
				continue
			}
			if got++; e.ID != got+lost {
				t.Fatalf("stalled client %d has line %d after %d and %d lost ones", i, e.ID, got-1, lost)
			}
		}
		if lost == 0 {
			t.Errorf("client %d did not stall", i)
		}
	}
}

// heap is the size of what lives on the heap.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestLibraryClient: the library's own client reads what its server sends.
func TestLibraryClient(t *testing.T) {
	h := openLogHouse(t)
	h.fill(kept + 3)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	want := "lost" + h.mark(3) + " " + h.mark(4) + " " + h.mark(5)
	client := sse.NewClient("http://" + h.dial().RemoteAddr().String() + "/logs/stream?since=0")
	client.Connection.Transport = transport
	var got []string
	_ = client.SubscribeRawWithContext(ctx, func(e *sse.Event) {
		got = append(got, string(e.Event)+string(e.ID))
		if len(got) == 3 {
			cancel()
		}
	})
	if len(got) < 3 || strings.Join(got[:3], " ") != want {
		t.Errorf("events %q", got)
	}
}

// FuzzOneEvent: whatever is logged is one event, whose JSON has the text with what doesn't print escaped.
func FuzzOneEvent(f *testing.F) {
	for _, s := range []string{"", "plain", "a\n\nevent: lost\ndata: {}\n\n", "\r", "\u2028", "\xff\x00", `{"id":7}`, ": comment", "\x1b[2J"} {
		f.Add(s)
	}
	h := openLogHouse(f)
	client := h.follow(f, "/logs/stream")
	id := uint64(0)
	f.Fuzz(func(t *testing.T, text string) {
		h.Logger.Info().Msg(text)
		h.Logger.Info().Msg("next")
		for _, want := range []string{logs.Escape(text), "next"} {
			id++
			m, err := client.next()
			var e logged
			if err != nil || m.name != "" || m.id != h.mark(id) || json.Unmarshal([]byte(m.data), &e) != nil {
				t.Fatalf("%q became %+v, %v", text, m, err)
			}
			if len(want) < 16<<10 && e.Message != want || e.ID != id || e.Level != "INFO" {
				t.Fatalf("%q became %+v", text, e)
			}
		}
	})
}
