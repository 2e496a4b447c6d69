// Package attack sends a server what nobody should: requests that are wrong in every part, with enough that is right
// to get far inside. The server's own test and the soak share it.
package attack

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"
)

// Endpoint is what a request goes to.
type Endpoint struct{ Method, Path string }

// Target is the server that is attacked.
type Target struct {
	Addr      string // host:port
	Base      string // the folder of a Bait; results may go below its folder out alone
	Endpoints []Endpoint
	Models    []string // ids that it knows
	Clip      []byte   // a sound file that it can read
}

// Attacker makes requests, the same ones from the same seed. It is for one goroutine.
type Attacker struct {
	*rand.Rand
	Target
}

// New makes an attacker.
func New(seed uint64, t Target) *Attacker { return &Attacker{rand.New(rand.NewPCG(seed, 2)), t} }

// patience is far above what an answer takes, whatever else the server does.
const patience = time.Minute

// Fire sends raw on a connection of its own. It gives the status, 0 when the server only hung up, and says what is
// wrong with the answer: errors have to tell what happened and what to do, in JSON, and are never the server's own
// fault.
func (a *Attacker) Fire(raw string) (status int, err error) {
	conn, err := net.Dial("tcp", a.Addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(conn, raw) // the server may have hung up before the end
	if endless(raw) {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	method, _, _ := strings.Cut(raw, " ")
	answers := bufio.NewReader(conn)
	res, err := http.ReadResponse(answers, &http.Request{Method: method})
	for err == nil && res.StatusCode == http.StatusContinue {
		res, err = http.ReadResponse(answers, &http.Request{Method: method})
	}
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return 0, err
	case err != nil:
		return 0, nil
	case res.Header.Get("Content-Type") == "text/event-stream":
		return res.StatusCode, nil
	}
	body, err := io.ReadAll(res.Body)
	if err != nil && res.StatusCode != http.StatusInternalServerError {
		return res.StatusCode, nil // hung up in the middle, on a body that goes on and on
	}
	return res.StatusCode, check(method, res, body)
}

// endless reports whether raw promises more than it holds: it has to be told that nothing will come.
func endless(raw string) bool {
	head, _, _ := strings.Cut(raw, "\r\n\r\n")
	return strings.Contains(head, "Content-Length: 99") || strings.Contains(head, "chunked")
}

// check wants an error to have its one form.
func check(method string, res *http.Response, body []byte) error {
	// What isn't HTTP never reaches our code: net/http has its own answers.
	notHTTP := strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain") || res.StatusCode == http.StatusExpectationFailed
	if res.StatusCode < 400 || method == http.MethodHead || notHTTP && res.StatusCode != http.StatusInternalServerError {
		return nil
	}
	var answer struct{ Detail, Code, Hint string }
	if err := json.Unmarshal(body, &answer); err != nil || answer.Detail == "" || answer.Hint == "" || answer.Code == "" || answer.Code == "internal" {
		return fmt.Errorf("%s: %.300q, %v", res.Status, body, err)
	}
	return nil
}
