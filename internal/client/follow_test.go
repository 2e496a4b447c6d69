package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"ttsui/internal/client"
	"ttsui/internal/logs"
	"ttsui/internal/server"
	"ttsui/internal/tts"
)

const pipeAddr = "127.0.0.1:8765"

// wire is a network of pipes with a server at its end, whose time can be the test's. It can be cut, and the server can
// be away.
type wire struct {
	ring   *logs.Ring
	server *server.Server
	served chan error
	conns  chan net.Conn
	done   chan struct{}

	mu    sync.Mutex
	away  error // what dialing gives instead of a connection
	deaf  bool  // connections are made and nobody reads them
	open  []net.Conn
	dials []time.Time
}

// pipe passes for a connection of TCP.
type pipe struct{ net.Conn }

func (pipe) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8765} }

func (p pipe) RemoteAddr() net.Addr { return p.LocalAddr() }

func (w *wire) Accept() (net.Conn, error) {
	select {
	case conn := <-w.conns:
		return conn, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error {
	close(w.done)
	return nil
}

func (w *wire) Addr() net.Addr { return pipe{}.LocalAddr() }

func (w *wire) dial(context.Context, string, string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dials = append(w.dials, time.Now())
	if w.away != nil {
		return nil, w.away
	}
	ours, theirs := net.Pipe()
	w.open = append(w.open, ours)
	if w.deaf {
		return pipe{ours}, nil
	}
	w.conns <- pipe{theirs}
	return pipe{ours}, nil
}

func (w *wire) set(away error, deaf bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away, w.deaf = away, deaf
}

// cut breaks every connection.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, conn := range w.open {
		conn.Close()
	}
	w.open = nil
}

// onWire runs f in a bubble of its own time, with a server and its client.
func onWire(t *testing.T, f func(t *testing.T, w *wire, c *client.Client)) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{conns: make(chan net.Conn)}
		w.start()
		c := dial(t, pipeAddr, client.Options{})
		c.DialBy(w.dial)
		f(t, w, c)
		c.Close()
		w.stop(t)
	})
}

func (w *wire) start() {
	w.ring, w.done, w.served = logs.NewRing(), make(chan struct{}), make(chan error, 1)
	w.server = server.New(server.Config{Log: zerolog.Nop(), Logs: w.ring})
	go func() { w.served <- w.server.Serve(w) }()
}

func (w *wire) stop(t *testing.T) {
	w.cut()
	if err := errors.Join(w.server.Shutdown(context.Background()), <-w.served); err != nil {
		t.Error(err)
	}
}

func (w *wire) log(n int) {
	for i := range n {
		w.ring.Append(logs.Entry{Level: zerolog.InfoLevel, Message: fmt.Sprint("entry ", i)})
	}
}

var errRefused = &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}

// TestFollowMissesAndRepeatsNothing cuts the connection again and again, also while the server is away.
func TestFollowMissesAndRepeatsNothing(t *testing.T) {
	onWire(t, func(t *testing.T, w *wire, c *client.Client) {
		w.log(7) // before anybody listens
		ctx, cancel := context.WithCancel(t.Context())
		var ids []uint64
		breaks := 0
		followed := make(chan error, 1)
		go func() {
			followed <- c.FollowLogs(ctx, tts.LogQuery{}, func(e tts.LogEvent) {
				switch {
				case e.Entry != nil:
					ids = append(ids, e.Entry.ID)
				case e.Err != nil:
					breaks++
				default:
					t.Errorf("lost %d", e.Lost)
				}
			})
		}()
		synctest.Wait() // the stream stands
		for i := range 5 {
			w.log(20)
			if i%2 == 1 {
				w.set(errRefused, false)
			}
			w.cut()
			w.log(3)
			time.Sleep(30 * time.Second) // of the bubble: longer than any wait between tries
			w.set(nil, false)
			time.Sleep(30 * time.Second)
		}
		cancel()
		if err := <-followed; tts.CodeOf(err) != tts.CodeCanceled {
			t.Error(err)
		}
		want := []uint64{}
		for i := range uint64(5 * 23) {
			want = append(want, 8+i)
		}
		if d := cmp.Diff(want, ids); d != "" || breaks < 5 {
			t.Errorf("%d breaks; %s", breaks, d)
		}
	})
}

// TestFollowTellsRunsApart: when the server was started anew and has logged more than before, its entries are all told,
// though their IDs were seen before.
func TestFollowTellsRunsApart(t *testing.T) {
	onWire(t, func(t *testing.T, w *wire, c *client.Client) {
		w.log(20)
		page, err := c.Logs(t.Context(), tts.LogQuery{})
		if err != nil || page.Run != w.ring.Run() {
			t.Fatalf("the run is %q, %v", page.Run, err)
		}
		var told []string
		want := []string{"entry 10", "entry 11", "entry 12", "entry 13", "entry 14", "entry 15", "entry 16", "entry 17", "entry 18", "entry 19"}
		ctx, cancel := context.WithCancel(t.Context())
		followed := make(chan error, 1)
		since := uint64(10)
		go func() {
			followed <- c.FollowLogs(ctx, tts.LogQuery{Since: &since, Run: page.Run}, func(e tts.LogEvent) {
				switch {
				case e.Entry != nil:
					told = append(told, e.Entry.Message)
				case e.Err == nil:
					told = append(told, fmt.Sprint(e.Run, e.Lost))
				}
			})
		}()
		for range 2 {
			synctest.Wait()
			w.set(errRefused, false)
			w.stop(t)
			w.start()
			w.log(30)
			w.set(nil, false)
			time.Sleep(time.Minute) // of the bubble: longer than any wait between tries
			want = append(want, w.ring.Run()+"0")
			for i := range 30 {
				want = append(want, fmt.Sprint("entry ", i))
			}
		}
		cancel()
		if err := <-followed; tts.CodeOf(err) != tts.CodeCanceled {
			t.Error(err)
		}
		if d := cmp.Diff(want, told); d != "" {
			t.Error(d)
		}
		again, err := c.Logs(t.Context(), tts.LogQuery{Since: &page.LastID, Run: page.Run})
		if err != nil || len(again.Logs) != 30 {
			t.Errorf("what follows the end of an earlier run: %d entries, %v", len(again.Logs), err)
		}
	})
}

func TestFollowSaysWhatIsLost(t *testing.T) {
	onWire(t, func(t *testing.T, w *wire, c *client.Client) {
		w.log(10_050) // 50 more than are kept
		ctx, cancel := context.WithCancel(t.Context())
		var lost, first uint64
		since := uint64(0)
		_ = c.FollowLogs(ctx, tts.LogQuery{Since: &since}, func(e tts.LogEvent) {
			if e.Entry != nil {
				first = e.Entry.ID
				cancel()
			}
			lost += e.Lost
		})
		if lost != 50 || first != 51 {
			t.Errorf("lost %d, and %d is the first", lost, first)
		}
	})
}

// TestFollowNoticesSilence has a connection that stands and brings nothing, as after a machine fell asleep.
func TestFollowNoticesSilence(t *testing.T) {
	onWire(t, func(t *testing.T, w *wire, c *client.Client) {
		w.set(nil, true)
		began, since := time.Now(), uint64(0)
		ctx, cancel := context.WithCancel(t.Context())
		_ = c.FollowLogs(ctx, tts.LogQuery{Since: &since}, func(e tts.LogEvent) {
			if took := time.Since(began); tts.CodeOf(e.Err) != tts.CodeTimeout || took != 45*time.Second {
				t.Errorf("after %s: %v", took, e.Err)
			}
			cancel()
		})
		w.set(nil, false)
		quiet, stop := context.WithTimeout(t.Context(), time.Hour) // the server's signs of life are enough
		defer stop()
		_ = c.FollowLogs(quiet, tts.LogQuery{Since: &since}, func(e tts.LogEvent) { t.Errorf("a quiet log: %+v", e) })
	})
}

func TestFollowEndsWhenRefused(t *testing.T) {
	onWire(t, func(t *testing.T, w *wire, c *client.Client) {
		err := c.FollowLogs(t.Context(), tts.LogQuery{Level: "loud"}, func(e tts.LogEvent) { t.Errorf("%+v", e) })
		if tts.CodeOf(err) != tts.CodeInvalid || tts.HintOf(err) == "" {
			t.Error(err)
		}
	})
}

// TestFollowBacksOff looks at the times between tries: they grow to a bound, and no two clients try together.
func TestFollowBacksOff(t *testing.T) {
	onWire(t, func(t *testing.T, w *wire, c *client.Client) {
		w.set(errRefused, false)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		since := uint64(0)
		_ = c.FollowLogs(ctx, tts.LogQuery{Since: &since}, func(tts.LogEvent) {})
		distinct := map[time.Duration]bool{}
		for i := 1; i < len(w.dials); i++ {
			wait := w.dials[i].Sub(w.dials[i-1])
			distinct[wait] = true
			longest := min(250*time.Millisecond<<min(i-1, 10), 10*time.Second)
			if wait < longest/2 || wait > longest {
				t.Errorf("wait %d is %s, want %s at most and half of it at least", i, wait, longest)
			}
		}
		if n := len(w.dials); n < 60 || n > 140 || len(distinct) < n/2 {
			t.Errorf("%d tries in ten minutes, after %d different waits", n, len(distinct))
		}
	})
}

// TestMonitor has a server that goes and comes, and one that hangs.
func TestMonitor(t *testing.T) {
	onWire(t, func(t *testing.T, w *wire, c *client.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		var got []tts.Code
		began := time.Now()
		var at []time.Duration
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			c.Monitor(ctx, func(wrong error) {
				got = append(got, tts.CodeOf(wrong))
				at = append(at, time.Since(began))
			})
		}()
		during := func(away error, deaf bool, d time.Duration) {
			w.set(away, deaf)
			w.cut()
			time.Sleep(d)
		}
		during(nil, false, time.Hour)
		during(errRefused, false, time.Minute)
		during(nil, false, time.Minute)
		during(nil, true, 2*time.Minute)
		during(nil, false, time.Minute)
		cancel()
		<-watched
		want := []tts.Code{"", tts.CodeUnreachable, "", tts.CodeTimeout, ""}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d, at)
		}
		if took := at[1] - time.Hour; took > 11*time.Second {
			t.Errorf("a server that was gone was noticed after %s", took)
		}
	})
}

// TestLoadNoticesAHungServer has a load that would wait for ever.
func TestLoadNoticesAHungServer(t *testing.T) {
	onWire(t, func(t *testing.T, w *wire, c *client.Client) {
		w.set(nil, true)
		began := time.Now()
		_, err := c.Load(t.Context(), "somebody/model", tts.LoadOptions{})
		if took := time.Since(began); tts.CodeOf(err) != tts.CodeTimeout || tts.HintOf(err) == "" || took > time.Minute {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

func TestAskAndGenerateHaveLimits(t *testing.T) {
	onWire(t, func(t *testing.T, w *wire, c *client.Client) {
		w.set(nil, true)
		req := tts.Request{Mode: tts.Control, ModelID: "somebody/model", Text: "a", Speaker: "Ryan", OutputPath: "/tmp/a.wav"}
		for _, call := range []struct {
			name  string
			limit time.Duration
			do    func() error
		}{
			{"models", 10 * time.Second, func() error { _, err := c.Models(t.Context()); return err }},
			{"logs", 10 * time.Second, func() error { _, err := c.Logs(t.Context(), tts.LogQuery{}); return err }},
			{"generate", 5 * time.Minute, func() error { _, err := c.Generate(t.Context(), req); return err }},
		} {
			began := time.Now()
			err := call.do()
			if took := time.Since(began); tts.CodeOf(err) != tts.CodeTimeout || tts.HintOf(err) == "" || took != call.limit {
				t.Errorf("%s, after %s: %v", call.name, took, err)
			}
		}
	})
}

func TestLogsAndClear(t *testing.T) {
	onWire(t, func(t *testing.T, w *wire, c *client.Client) {
		w.log(5)
		since := uint64(2)
		page, err := c.Logs(t.Context(), tts.LogQuery{Since: &since, Limit: 2, Level: "info"})
		if err != nil || len(page.Logs) != 2 || page.Logs[0].ID != 3 || page.Logs[0].Message != "entry 2" || page.LastID != 4 {
			t.Errorf("%+v, %v", page, err)
		}
		if n, err := c.ClearLogs(t.Context()); n != 5 || err != nil {
			t.Errorf("cleared %d, %v", n, err)
		}
	})
}

func TestReadEvents(t *testing.T) {
	text := ": hello\n\n" +
		"data: 1\n\n" +
		"event: lost\r\nid: 7\r\ndata:two\r\ndata: lines\r\n\r\n" +
		"event: no data\n\n" +
		"data\nretry: 5\nunknown: x\n\n" +
		"data: cut off"
	got, lines, err := client.ReadEvents(strings.NewReader(text))
	want := []client.Event{{Data: "1"}, {Name: "lost", ID: "7", Data: "two\nlines"}, {}}
	if d := cmp.Diff(want, got); d != "" || err != nil || lines != strings.Count(text, "\n")+1 {
		t.Error(lines, err, d)
	}
	if _, _, err := client.ReadEvents(strings.NewReader("data: " + strings.Repeat("a", 2<<20))); tts.CodeOf(err) != tts.CodeUnsupported {
		t.Errorf("an endless line: %v", err)
	}
}

// FuzzReadEvents holds the reader to: what is written as the standard says comes back, whatever stands around it.
func FuzzReadEvents(f *testing.F) {
	f.Add("lost", "7", "{}\n{}", ": beat\n\n")
	f.Add("", "", "", "data: x\nid: 3")
	f.Fuzz(func(t *testing.T, name, id, data, around string) {
		if strings.ContainsAny(name+id, "\r\n\x00") || strings.Contains(data, "\r") || strings.Contains(around, "\r") || len(around)+len(data) > 1<<16 {
			t.Skip()
		}
		alone := func(s string) []client.Event {
			list, _, err := client.ReadEvents(strings.NewReader(s + "\n\n"))
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		written := fmt.Sprintf("event: %s\nid: %s\ndata: %s\n\n", name, id, strings.ReplaceAll(data, "\n", "\ndata: "))
		want := append(alone(around), client.Event{Name: name, ID: id, Data: data})
		want = append(want, alone(around)...)
		got, _, err := client.ReadEvents(io.MultiReader(strings.NewReader(around+"\n\n"), strings.NewReader(written), strings.NewReader(around+"\n\n")))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}
