package server_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestStalledClientOfAnAnswer: who asks for the log and takes nothing is dropped after half a minute, and who is only
// slow gets it whole.
func TestStalledClientOfAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := pipeLogHouse(t)
		h.fill(kept)
		request := "GET /logs HTTP/1.1\r\nHost: " + pipe{}.LocalAddr().String() + "\r\n\r\n"
		stalled, slow := h.dial(), h.dial()
		for _, conn := range []net.Conn{stalled, slow} {
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
		}
		started := time.Now()
		answer, err := http.ReadResponse(bufio.NewReader(slow), nil)
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for i := 0; err == nil; i++ {
			var n int64
			n, err = io.CopyN(io.Discard, answer.Body, 40<<10)
			total += int(n)
			time.Sleep(14 * time.Second)
			if i != 2 {
				continue
			}
			if got, err := io.ReadAll(stalled); len(got) > 0 || err != nil {
				t.Fatalf("after %v the stalled one gets %d bytes, %v", time.Since(started), len(got), err)
			}
		}
		if took := time.Since(started); err != io.EOF || took < time.Minute || total < 500<<10 {
			t.Errorf("the slow one got %d bytes in %v, then %v", total, took, err)
		}
	})
}

// TestKeptConnections: an answer has no deadline but its own.
func TestKeptConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := pipeLogHouse(t).dial()
		answers := bufio.NewReader(conn)
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			path := map[string]string{http.MethodGet: "/health", http.MethodHead: "/logs/stream"}[method]
			if _, err := io.WriteString(conn, method+" "+path+" HTTP/1.1\r\nHost: "+pipe{}.LocalAddr().String()+"\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			answer, err := http.ReadResponse(answers, &http.Request{Method: method})
			if err != nil || answer.StatusCode != 200 {
				t.Fatalf("%s: %v, %v", path, answer, err)
			}
			if _, err := io.Copy(io.Discard, answer.Body); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
		}
	})
}

// TestSilentConnections: who says nothing is not waited for for ever.
func TestSilentConnections(t *testing.T) {
	request := "GET /health HTTP/1.1\r\nHost: " + pipe{}.LocalAddr().String() + "\r\n"
	for name, c := range map[string]struct {
		send    string
		answers int
		took    time.Duration
	}{
		"half a head":      {request, 0, 10 * time.Second},
		"nothing":          {"", 0, 10 * time.Second},
		"no other request": {request + "\r\n", 1, 2 * time.Minute},
		"half of another":  {request + "\r\n" + request, 1, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := pipeLogHouse(t).dial()
				started := time.Now()
				go io.WriteString(conn, c.send) // which nobody may take whole
				time.AfterFunc(10*time.Minute, func() { conn.Close() })
				got, _ := io.ReadAll(conn)
				if took := time.Since(started); took != c.took || strings.Count(string(got), `"status":"healthy"`) != c.answers {
					t.Errorf("after %v: %s", took, got)
				}
				conn.Close()
			})
		})
	}
}
