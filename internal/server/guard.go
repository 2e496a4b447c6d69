package server

import (
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ttsui/internal/tts"
)

// Guard says who may use the server. The zero Guard lets in programs on this machine, and no web page but our own.
//
// Whoever can make a browser on this machine send requests is an attacker here: any web page can. So a request must
// name us as its Host, which a page that rebinds its own name to our address can't, and no header may say that it
// comes from a page of another origin. No header ever allows such a page to read an answer.
type Guard struct {
	Host  string // what else clients call this machine; "" when it is listened on alone
	Token *Token // what requests have to show; nil when they need nothing
}

// guarded is next behind the guard.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header())
		if r.ContentLength != 0 {
			// Also a body that nobody wants is waited for, to keep the connection. readBody lifts the deadline.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
		}
		if err := s.guard.admit(w.Header(), r); err != nil {
			s.writeError(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// protect sets what every answer tells browsers: it is no page, for no frame, for no cache, and no other type than it
// says.
func protect(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}

// admit refuses what may not come in. What the client has to know beyond the error goes into answer.
func (g Guard) admit(answer http.Header, r *http.Request) error {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if err := g.checkHost(r.Host, local); err != nil {
		return err
	}
	if err := checkOrigin(r); err != nil {
		return err
	}
	if err := g.Token.check(r.Header); err != nil {
		answer.Set("WWW-Authenticate", `Bearer realm="ttsui"`)
		return err
	}
	return nil
}

// checkHost wants the header Host to be one of our names, with the port that the request came in by. There is no
// parser that an odd spelling could fool: the header is our name, letter for letter, or is refused.
func (g Guard) checkHost(host string, local *net.TCPAddr) error {
	if local == nil {
		return denied("Connect by TCP.", "the connection has no address")
	}
	names := g.names(local)
	if slices.ContainsFunc(names, func(name string) bool { return equalASCII(host, name) }) {
		return nil
	}
	return denied("Use http://"+names[0]+".", "the header Host is %.100q, which is not a name of this server", host)
}

// names are the values of the header Host that mean us, for requests to the address local, which is itself one.
func (g Guard) names(local *net.TCPAddr) []string {
	var list []string
	for _, host := range []string{local.IP.String(), "127.0.0.1", "::1", "localhost", g.Host} {
		if host == "" {
			continue
		}
		list = append(list, net.JoinHostPort(host, strconv.Itoa(local.Port)))
		if local.Port == 80 { // which clients leave out
			list = append(list, strings.TrimSuffix(net.JoinHostPort(host, ""), ":"))
		}
	}
	return list
}

// equalASCII compares without regard to case. Unicode's folding would let letters of other scripts pass for ours.
func equalASCII(a, b string) bool {
	isOther := func(r rune) bool { return r > '~' }
	return !strings.ContainsFunc(a, isOther) && strings.EqualFold(a, b)
}

// checkOrigin refuses requests that a browser sends for a page which isn't ours. It looks at every value of the
// headers, and what it doesn't know is refused. Programs send none of them.
func checkOrigin(r *http.Request) error {
	const hint = "Web pages may not use this server. From a program, leave the header out."
	for _, origin := range r.Header.Values("Origin") {
		if !equalASCII(origin, "http://"+r.Host) {
			return denied(hint, "the header Origin is %.100q, and web pages of other origins are refused", origin)
		}
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		typed := site == "none" && (r.Method == http.MethodGet || r.Method == http.MethodHead) // into the address bar
		if site != "same-origin" && !typed {
			return denied(hint, "the header Sec-Fetch-Site is %.40q, and %.20s requests from other sites are refused", site, r.Method)
		}
	}
	for _, mode := range r.Header.Values("Sec-Fetch-Mode") {
		if !slices.Contains([]string{"cors", "same-origin", "navigate"}, mode) {
			return denied(hint, "the header Sec-Fetch-Mode is %.40q, and only cors, same-origin and navigate are taken", mode)
		}
	}
	return nil
}

func denied(hint, format string, args ...any) error {
	return tts.Errorf(tts.CodeDenied, hint, format, args...)
}
