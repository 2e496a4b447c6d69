package server_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"ttsui/internal/logs"
	"ttsui/internal/registry"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/server"
	"ttsui/internal/speech"
	"ttsui/internal/tts"
	"ttsui/internal/userdata"
	"ttsui/internal/voices"
)

// serve starts a server over the whole of the control plane, that writes into dir alone.
func serve(t *testing.T, guard server.Guard, dir string) (*server.Server, *net.TCPAddr, *lockedBuffer) {
	t.Helper()
	log := &lockedBuffer{}
	logger := logs.New(log, zerolog.DebugLevel, time.Now)
	outputs, err := userdata.NewOutputs("", nil, []string{dir})
	if err != nil {
		t.Fatal(err)
	}
	r := registry.New(registry.Config{Loader: &registrytest.Tones{}, Log: logger})
	saved := &voices.Store{Dir: filepath.Join(t.TempDir(), "clone")}
	s := server.New(server.Config{Service: &speech.Service{Registry: r, Log: logger, Outputs: outputs, Voices: saved}, Voices: saved, Log: logger, Guard: guard})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		atEnd(t, s.Shutdown)
		if err := <-served; err != nil {
			t.Error(err)
		}
		atEnd(t, r.Close)
	})
	return s, ln.Addr().(*net.TCPAddr), log
}

// endpoint is a method and a path.
type endpoint struct{ method, path string }

// endpoints are all that the server has, and some that it hasn't.
func endpoints(t *testing.T, s *server.Server) []endpoint {
	t.Helper()
	list := []endpoint{{"GET", "/"}, {"GET", "/no/such"}, {"POST", "/no/such"}, {"DELETE", "/health"}, {"HEAD", "/models"},
		{"OPTIONS", "/models/load"}, {"OPTIONS", "*"}, {"BREW", "/health"}}
	others := len(list)
	err := chi.Walk(s.Routes(), func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		list = append(list, endpoint{method, path})
		return nil
	})
	if err != nil || len(list) < others+7 {
		t.Fatalf("routes %v, %v", list, err)
	}
	return list
}

// send sends a request with the header lines given over a connection of its own, and reads the answer; of an endless
// one only the head.
func (e endpoint) send(t *testing.T, addr *net.TCPAddr, lines ...string) (*http.Response, map[string]any) {
	t.Helper()
	if e.method == "POST" {
		lines = append(lines, "Content-Type: application/json", "Content-Length: 2")
	}
	raw := e.method + " " + e.path + " HTTP/1.1\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
	if e.method == "POST" {
		raw += "{}"
	}
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: e.method})
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	var answer map[string]any
	if res.Header.Get("Content-Type") == "application/json" && e.method != "HEAD" {
		if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
	}
	return res, answer
}

// wantRefused wants an error in the form of all errors, that says which header is at fault.
func wantRefused(t *testing.T, e endpoint, res *http.Response, answer map[string]any, status int, header string) {
	t.Helper()
	detail, _ := answer["detail"].(string)
	hint, _ := answer["hint"].(string)
	told := answer["code"] == "denied" && strings.Contains(detail, "header "+header) && hint != ""
	if res.StatusCode != status || !told && e.method != "HEAD" {
		t.Errorf("%s: %s %v, want %d about %s", e, res.Status, answer, status, header)
	}
}

// wantProtected wants the headers that browsers heed, on good answers and bad.
func wantProtected(t *testing.T, e endpoint, h http.Header) {
	t.Helper()
	ownStyle := regexp.MustCompile(`; style-src 'sha256-[\w+/]{43}='$`) // the one thing that our page may have
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Resource-Policy": "same-origin", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	} {
		got := h.Values(name)
		if len(got) != 1 || ownStyle.ReplaceAllString(got[0], "") != want {
			t.Errorf("%s: %s is %q", e, name, got)
		}
	}
	if cache := h.Get("Cache-Control"); cache != "no-store" && cache != "no-cache" {
		t.Errorf("%s: Cache-Control is %q", e, cache)
	}
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s allows web pages: %s %q", e, name, h[name])
		}
	}
}

func TestGuardOnEveryRoute(t *testing.T) {
	s, addr, _ := serve(t, server.Guard{}, t.TempDir())
	own := addr.String()
	_, port, _ := net.SplitHostPort(own)
	type request struct {
		refused string // the header at fault; "" when it is let in
		lines   []string
	}
	var requests []request
	for _, host := range []string{own, "localhost:" + port, "[::1]:" + port, "LocalHost:" + port} {
		requests = append(requests, request{"", []string{"Host: " + host}})
	}
	for _, host := range []string{
		"", ":" + port, "127.0.0.1", "localhost", "[::1]", "127.0.0.1:80", "127.0.0.1:0" + port, "127.0.0.1:", "evil.example", "evil.example:" + port,
		"x.localhost:" + port, "localhost.:" + port, "localhost.evil.example:" + port, "127.0.0.1.evil.example:" + port, "mac.local:" + port,
		"192.168.1.7:" + port, "0.0.0.0:" + port, "[::]:" + port, "[0:0:0:0:0:0:0:1]:" + port, "[::ffff:127.0.0.1]:" + port, "127.0.0.2:" + port,
		"127.1:" + port, "2130706433:" + port, "0x7f000001:" + port, "::1:" + port, own + "," + own,
	} {
		requests = append(requests, request{"Host", []string{"Host: " + host}})
	}
	for _, lines := range [][]string{
		{"Origin: http://" + own},
		{"Origin: http://" + own, "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors"},
		{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: same-origin"},
		{"Referer: http://evil.example/", "Cookie: a=b", "User-Agent: x"},
	} {
		requests = append(requests, request{"", append(lines, "Host: "+own)})
	}
	for _, line := range []string{
		"Origin: http://evil.example", "Origin: null", "Origin:", "Origin: https://" + own, "Origin: http://localhost:" + port, "Origin: http://127.0.0.1:3000",
		"Origin: http://127.0.0.1", "Origin: chrome-extension://abc", "Origin: http://" + own + "/", "Origin: http://" + own + " http://evil.example",
		"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Sec-Fetch-Site: whatever", "Sec-Fetch-Site:",
		"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Mode: websocket", "Sec-Fetch-Mode: nested-navigate",
	} {
		header, _, _ := strings.Cut(line, ":")
		requests = append(requests, request{header, []string{"Host: " + own, line}})
		if header == "Origin" { // a good one before or behind it doesn't help
			requests = append(requests, request{header, []string{"Host: " + own, "Origin: http://" + own, line}})
			requests = append(requests, request{header, []string{"Host: " + own, line, "Origin: http://" + own}})
		}
	}
	rebound := []string{"Host: evil.example:" + port, "Origin: http://evil.example:" + port, "Sec-Fetch-Site: same-origin"}
	requests = append(requests, request{"Host", rebound})
	for _, e := range endpoints(t, s) {
		for _, r := range requests {
			res, answer := e.send(t, addr, r.lines...)
			wantProtected(t, e, res.Header)
			if r.refused != "" {
				wantRefused(t, e, res, answer, http.StatusForbidden, r.refused)
			} else if res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusInternalServerError {
				t.Errorf("%s %q: %s %v", e, r.lines, res.Status, answer)
			}
		}
		typed, answer := e.send(t, addr, "Host: "+own, "Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate")
		if e.method == "GET" || e.method == "HEAD" {
			if typed.StatusCode == http.StatusForbidden {
				t.Errorf("%s in the address bar: %v", e, answer)
			}
		} else {
			wantRefused(t, e, typed, answer, http.StatusForbidden, "Sec-Fetch-Site")
		}
	}
	// What HTTP/1.0 and proxies send.
	for raw, want := range map[string]string{
		"GET /health HTTP/1.0\r\n\r\n": "403",
		"GET http://evil.example:" + port + "/health HTTP/1.1\r\nHost: " + own + "\r\n\r\n":    "403",
		"GET http://localho\u017ft:" + port + "/health HTTP/1.1\r\nHost: " + own + "\r\n\r\n":  "403",
		"GET http://evil@" + own + "/health HTTP/1.1\r\nHost: " + own + "\r\n\r\n":             "200",
		"CONNECT evil.example:443 HTTP/1.1\r\nHost: " + own + "\r\n\r\n":                       "403",
		"GET /health HTTP/1.1\r\nHost: " + own + "\r\nHost: evil.example:" + port + "\r\n\r\n": "400",
	} {
		if got := exchange(t, addr, raw); !strings.Contains(got, want) {
			t.Errorf("%q: %s", raw, got)
		}
	}
}

// exchange sends raw and gives the first line of the answer.
func exchange(t *testing.T, addr *net.TCPAddr, raw string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Errorf("%q: %v", raw, err)
	}
	return line
}

func TestGuardWantsItsToken(t *testing.T) {
	const password = "0123456789abcdef-Open-Sesame"
	token, err := server.NewToken(password)
	if err != nil {
		t.Fatal(err)
	}
	s, addr, log := serve(t, server.Guard{Host: "studio.example", Token: token}, t.TempDir())
	host := "Host: studio.example:" + addr.AddrPort().String()[len("127.0.0.1:"):]
	for _, e := range endpoints(t, s) {
		for _, lines := range [][]string{
			{}, {"Authorization:"}, {"Authorization: Bearer"}, {"Authorization: Bearer " + password[1:]}, {"Authorization: Bearer " + password + "x"},
			{"Authorization: Bearer " + strings.ToUpper(password)}, {"Authorization: Basic " + password}, {"Authorization: " + password}, {"Cookie: token=" + password},
			{"Authorization: Bearer " + password, "Authorization: Bearer x"}, {"Authorization: Bearer x", "Authorization: Bearer " + password},
		} {
			res, answer := e.send(t, addr, append(lines, host)...)
			wantRefused(t, e, res, answer, http.StatusUnauthorized, "Authorization")
			wantProtected(t, e, res.Header)
			if got := res.Header.Get("WWW-Authenticate"); got != `Bearer realm="ttsui"` {
				t.Errorf("%s: WWW-Authenticate %q", e, got)
			}
		}
		for _, scheme := range []string{"Bearer", "bearer"} {
			res, answer := e.send(t, addr, host, "Authorization: "+scheme+" "+password)
			if slices.Contains([]int{401, 403, 500}, res.StatusCode) {
				t.Errorf("%s with the token: %s %v", e, res.Status, answer)
			}
		}
		res, answer := e.send(t, addr, "Host: evil.example", "Authorization: Bearer "+password)
		wantRefused(t, e, res, answer, http.StatusForbidden, "Host")
	}
	if text := log.String(); len(text) == 0 || strings.Contains(strings.ToLower(text), "sesame") {
		t.Errorf("the log tells the token, or nothing:\n%.2000s", text)
	}
}

func TestGuardNames(t *testing.T) {
	for _, c := range []struct {
		guard  server.Guard
		local  net.TCPAddr
		in     []string
		refuse []string
	}{
		{server.Guard{}, net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80},
			[]string{"127.0.0.1", "localhost", "[::1]", "127.0.0.1:80"}, []string{"", "::1", "127.0.0.1:8765", "[]", "[]:80"}},
		{server.Guard{Host: "Studio.example"}, net.TCPAddr{IP: net.IPv4(192, 168, 1, 7), Port: 8765},
			[]string{"192.168.1.7:8765", "studio.example:8765", "localhost:8765"},
			[]string{"192.168.1.8:8765", "studio.example", "x.studio.example:8765", "studio.example.:8765"}},
		{server.Guard{Host: "0.0.0.0"}, net.TCPAddr{IP: net.ParseIP("::ffff:10.0.0.2"), Port: 1}, []string{"10.0.0.2:1"}, []string{"[::ffff:10.0.0.2]:1"}},
		{server.Guard{Host: "fd00::7"}, net.TCPAddr{IP: net.ParseIP("fd00::7"), Port: 1}, []string{"[fd00::7]:1", "[FD00::7]:1"}, []string{"fd00::7:1", "[fd00::8]:1"}},
		{server.Guard{Host: "desk"}, net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 1}, []string{"DESK:1"}, []string{"des\u212a:1", "de\u017fk:1"}},
	} {
		for _, host := range c.in {
			if err := c.guard.CheckHost(host, &c.local); err != nil {
				t.Errorf("%v at %v: %v", c.guard, c.local, err)
			}
		}
		for _, host := range c.refuse {
			if err := c.guard.CheckHost(host, &c.local); tts.CodeOf(err) != tts.CodeDenied {
				t.Errorf("%v at %v lets %q in: %v", c.guard, c.local, host, err)
			}
		}
	}
	if err := (server.Guard{}).CheckHost("localhost:80", nil); err == nil {
		t.Error("a request without a connection is let in")
	}
}

// Whatever is let in, a browser that takes it for the part of a URL goes to one of our names and to our port.
func FuzzGuardHost(f *testing.F) {
	for _, seed := range []string{"127.0.0.1:8765", "localhost:8765", "[::1]:8765", "studio:8765", "evil@localhost:8765",
		"localhost:8765/", "localhost\x00:8765", "LOCALHOST:8765", "localho\u017ft:8765", ":8765"} {
		f.Add(seed)
	}
	guard, local := server.Guard{Host: "studio"}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 8765}
	f.Fuzz(func(t *testing.T, host string) {
		if guard.CheckHost(host, local) != nil {
			return
		}
		u, err := url.Parse("http://" + host)
		if err != nil || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.Port() != "8765" ||
			!slices.Contains([]string{"127.0.0.1", "::1", "localhost", "studio", "10.0.0.2"}, strings.ToLower(u.Hostname())) {
			t.Errorf("%q is let in: %+v, %v", host, u, err)
		}
	})
}

// A request that is refused doesn't hold its connection by a body that never comes.
func TestBodyThatNeverComes(t *testing.T) {
	for name, c := range map[string]struct{ head, status string }{
		"refused":    {"POST /models/load HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 100\r\n\r\n", "403"},
		"chunked":    {"POST /models/load HTTP/1.1\r\nHost: evil.example\r\nTransfer-Encoding: chunked\r\n\r\n", "403"},
		"no route":   {"PUT /no/such HTTP/1.1\r\nHost: 127.0.0.1:8765\r\nContent-Length: 100\r\n\r\n", "404"},
		"wrong type": {"POST /models/load HTTP/1.1\r\nHost: 127.0.0.1:8765\r\nContent-Length: 100\r\n\r\n", "415"},
		"admitted":   {"POST /models/load HTTP/1.1\r\nHost: 127.0.0.1:8765\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := pipeLogHouse(t).dial()
				defer conn.Close()
				started := time.Now()
				if _, err := io.WriteString(conn, c.head); err != nil {
					t.Fatal(err)
				}
				answer, err := io.ReadAll(conn)
				if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 "+c.status) {
					t.Errorf("%s, %v", answer, err)
				}
				if took := time.Since(started); took != 30*time.Second {
					t.Errorf("the connection was held for %v", took)
				}
			})
		})
	}
}

func TestReadToken(t *testing.T) {
	dir := t.TempDir()
	const good = "0123456789abcdef"
	for _, c := range []struct {
		name, text string
		mode       os.FileMode
		code       tts.Code
		says       string
	}{
		{"good", good, 0o600, "", ""},
		{"blanks around", " \n" + good + "\r\n", 0o400, "", ""},
		{"the group's", good, 0o640, "", ""},
		{"all may read", good, 0o644, tts.CodeDenied, "every user"},
		{"all may write", good, 0o602, tts.CodeDenied, "every user"},
		{"short", good[1:] + "  ", 0o600, tts.CodeInvalid, "has 15 characters"},
		{"empty", "", 0o600, tts.CodeInvalid, "has 0 characters"},
		{"two words", good + " " + good, 0o600, tts.CodeInvalid, "blanks"},
		{"beyond ASCII", good + "ä", 0o600, tts.CodeInvalid, "beyond ASCII"},
		{"long", strings.Repeat("x", 5000), 0o600, tts.CodeInvalid, "more than 1024"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, c.name)
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			token, err := server.ReadToken(path)
			if c.code == "" {
				if err != nil || token == nil {
					t.Error(err)
				}
				return
			}
			if token != nil || tts.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) || tts.HintOf(err) == "" || strings.Contains(err.Error(), good) {
				t.Errorf("%v (%s), want %s", err, tts.CodeOf(err), c.code)
			}
		})
	}
	for path, code := range map[string]tts.Code{filepath.Join(dir, "absent"): tts.CodeNotFound, dir: tts.CodeDenied} {
		if _, err := server.ReadToken(path); tts.CodeOf(err) != code || tts.HintOf(err) == "" {
			t.Errorf("%s: %v (%s)", path, err, tts.CodeOf(err))
		}
	}
}
