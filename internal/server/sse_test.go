package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"ttsui/internal/logs"
	"ttsui/internal/server"
)

// message is an event as the standard of server-sent events has a client see it.
type message struct{ name, id, data string }

// patience is how long a client of these tests waits for an event that has to come: so long that no machine is too
// slow, and short enough to end a test that waits in vain.
const patience = 2 * time.Minute

// eventReader reads a stream of events line by line, as that standard says.
type eventReader struct {
	conn     net.Conn // nil if somebody else watches the time
	lines    *bufio.Scanner
	lastID   string
	comments int
}

func newEventReader(head *http.Response) *eventReader {
	r := &eventReader{lines: bufio.NewScanner(head.Body)}
	r.lines.Buffer(nil, 64<<10) // what some libraries take at most
	return r
}

func (r *eventReader) next() (message, error) {
	var m message
	var data []string
	if r.conn != nil {
		if err := r.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return m, err
		}
	}
	for r.lines.Scan() {
		line := r.lines.Text()
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "" && data == nil:
			m = message{}
		case line == "":
			m.id, m.data = r.lastID, strings.Join(data, "\n")
			return m, nil
		case field == "":
			r.comments++
		case field == "event":
			m.name = value
		case field == "data":
			data = append(data, value)
		case field == "id":
			r.lastID = value
		default:
			return m, fmt.Errorf("a field that nobody knows: %q", line)
		}
	}
	if err := r.lines.Err(); err != nil {
		return m, err
	}
	return m, io.EOF
}

// get asks for path over a connection of its own, and reads the head of the answer.
func get(conn net.Conn, path string, header ...string) (*http.Response, error) {
	lines := append([]string{"GET " + path + " HTTP/1.1", "Host: " + conn.RemoteAddr().String()}, header...)
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(conn), nil)
}

// logHouse is a server whose log nobody writes but the test.
type logHouse struct {
	*logs.Log
	server *server.Server
	dial   func() net.Conn
}

// newLogHouse serves what ln accepts until the test ends, which must not take long, whoever is still connected.
func newLogHouse(t testing.TB, ln net.Listener, dial func() net.Conn) *logHouse {
	h := &logHouse{Log: logs.Open(logs.Config{Level: zerolog.DebugLevel, Out: io.Discard}), dial: dial}
	h.server = server.New(server.Config{Log: zerolog.Nop(), Logs: h.Ring})
	served := make(chan error, 1)
	go func() { served <- h.server.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
		defer cancel()
		if err := errors.Join(h.server.Shutdown(ctx), <-served); err != nil {
			t.Error("shutdown:", err)
		}
	})
	return h
}

func openLogHouse(t testing.TB) *logHouse {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return newLogHouse(t, ln, func() net.Conn {
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	})
}

// pipes is a network without a system below, so that its time can be the test's.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	close(p.closed)
	return nil
}

func (p pipes) Addr() net.Addr { return pipe{}.LocalAddr() }

// pipe passes for a connection of TCP.
type pipe struct{ net.Conn }

func (pipe) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8765} }

func (p pipe) RemoteAddr() net.Addr { return p.LocalAddr() }

func pipeLogHouse(t testing.TB) *logHouse {
	p := pipes{make(chan net.Conn), make(chan struct{})}
	return newLogHouse(t, p, func() net.Conn {
		ours, theirs := net.Pipe()
		p.conns <- pipe{theirs}
		return pipe{ours}
	})
}

func (h *logHouse) follow(t testing.TB, path string, header ...string) *eventReader {
	t.Helper()
	conn := h.dial()
	head, err := get(conn, path, header...)
	if err != nil {
		t.Fatal(err)
	}
	if ct := head.Header.Get("Content-Type"); head.StatusCode != 200 || ct != "text/event-stream" || head.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s: %s, %v", path, head.Status, head.Header)
	}
	r := newEventReader(head)
	r.conn = conn
	return r
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := pipeLogHouse(t)
		client := h.follow(t, "/logs/stream")
		started := time.Now()
		go func() {
			time.Sleep(time.Minute + time.Second)
			h.Logger.Info().Msg("at last")
		}()
		m, err := client.next()
		if err != nil || !strings.Contains(m.data, "at last") || client.comments != 4 || time.Since(started) != time.Minute+time.Second {
			t.Errorf("%d heartbeats and %+v, %v in %v", client.comments, m, err, time.Since(started))
		}
	})
}

// TestStalledClientIsDropped: it makes room for others after half a minute in which it took nothing, and not before.
func TestStalledClientIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := pipeLogHouse(t)
		client := h.follow(t, "/logs/stream")
		h.Logger.Info().Msg("one")
		time.Sleep(29 * time.Second)
		if m, err := client.next(); err != nil || m.id != h.mark(1) {
			t.Fatalf("after 29 seconds: %+v, %v", m, err)
		}
		h.Logger.Info().Msg("two")
		time.Sleep(31 * time.Second)
		if m, err := client.next(); err == nil {
			t.Errorf("after 31 seconds: %+v", m)
		}
	})
}

// TestShutdownEndsStreams: a client that listens gets a proper end at once, and one that doesn't holds nobody up.
func TestShutdownEndsStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := pipeLogHouse(t)
		listening, stalled := h.follow(t, "/logs/stream"), h.follow(t, "/logs/stream")
		ended := make(chan error)
		go func() {
			_, err := listening.next()
			for err == nil {
				_, err = listening.next()
			}
			ended <- err
		}()
		for range 100 {
			h.Logger.Info().Msg("more than a client's queue holds")
		}
		synctest.Wait()
		started := time.Now()
		if err := h.server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != io.EOF {
			t.Errorf("the listening client's stream ended with %v", err)
		}
		if d := time.Since(started); d > 2*time.Second {
			t.Errorf("it took %v", d)
		}
		for {
			if _, err := stalled.next(); err != nil {
				break
			}
		}
	})
}

func TestNumberOfStreamsIsBounded(t *testing.T) {
	h := openLogHouse(t)
	var conns []net.Conn
	for range 64 {
		conn := h.dial()
		conns = append(conns, conn)
		if head, err := get(conn, "/logs/stream"); err != nil || head.StatusCode != 200 {
			t.Fatal(head, err)
		}
	}
	head, err := get(h.dial(), "/logs/stream")
	if err != nil || head.StatusCode != 503 || head.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("client 65: %v, %v", head, err)
	}
	if body, err := io.ReadAll(head.Body); err != nil || !strings.Contains(string(body), `"code":"busy","hint":"Close `) {
		t.Errorf("client 65 is told %s, %v", body, err)
	}
	conns[0].Close()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) { // the server notices soon
		conn := h.dial()
		head, err := get(conn, "/logs/stream")
		if err != nil {
			t.Fatal(err)
		}
		if head.StatusCode == 200 {
			break
		}
		conn.Close()
		if time.Since(began) > patience {
			t.Fatal("the place of the client that left stays taken")
		}
	}
}

func TestHeadOfAStream(t *testing.T) {
	h := openLogHouse(t)
	conn := h.dial()
	host := "Host: " + conn.RemoteAddr().String()
	if _, err := io.WriteString(conn, "HEAD /logs/stream HTTP/1.1\r\n"+host+"\r\n\r\nGET /logs HTTP/1.1\r\n"+host+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	head, err := http.ReadResponse(answers, &http.Request{Method: http.MethodHead})
	if err != nil || head.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD: %v, %v", head, err)
	}
	if head, err = http.ReadResponse(answers, nil); err != nil || head.StatusCode != 200 {
		t.Errorf("the next answer: %v, %v", head, err)
	}
}
