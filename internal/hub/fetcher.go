package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ttsui/internal/tts"
)

// DefaultEndpoint is where models come from when the environment says nothing else.
const DefaultEndpoint = "https://huggingface.co"

// Fetcher brings models from Hugging Face, or from mirrors of it, into the cache that Python's tools share.
type Fetcher struct {
	Cache     string        // the folder of the cache
	Endpoints []string      // URLs of Hugging Face and mirrors, in the order in which they are asked
	Token     string        // shown to the first endpoint and to nobody else; "" for none
	Offline   bool          // fetch nothing
	Parallel  int           // files at a time
	Stall     time.Duration // a connection that brings no byte for so long is given up
	Retry     Retry
	Transport *http.Transport
}

// NewFetcher makes a fetcher from the environment that getenv knows: HF_ENDPOINT and HF_TOKEN, or the token's file, as
// Python's huggingface_hub reads them; and TTSUI_MIRRORS, a list of further endpoints with commas between them.
func NewFetcher(getenv func(string) string) *Fetcher {
	endpoints := []string{cmp.Or(getenv("HF_ENDPOINT"), DefaultEndpoint)}
	for mirror := range strings.SplitSeq(getenv("TTSUI_MIRRORS"), ",") {
		if mirror = strings.TrimSpace(mirror); mirror != "" {
			endpoints = append(endpoints, mirror)
		}
	}
	for i := range endpoints {
		endpoints[i] = strings.TrimRight(endpoints[i], "/")
	}
	return &Fetcher{
		Cache:     CacheDir(getenv),
		Endpoints: endpoints,
		Token:     findToken(getenv),
		Offline:   isTrue(getenv("HF_HUB_OFFLINE")),
		Parallel:  4,
		Stall:     20 * time.Second,
		Retry:     Retry{Tries: 20, First: 500 * time.Millisecond, Longest: 30 * time.Second},
		Transport: newTransport(),
	}
}

// newTransport speaks HTTP/1.1 only: one connection for each file, so that giving one up really makes a new one. In
// HTTP/2 all would share one, and a dead one would be used again.
func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.DisableCompression = true
	return t
}

// findToken gives the user's token, or "".
func findToken(getenv func(string) string) string {
	if token := strings.TrimSpace(getenv("HF_TOKEN")); token != "" || isTrue(getenv("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		return token
	}
	path := getenv("HF_TOKEN_PATH")
	if home := homeOf(getenv); path == "" && home != "" {
		path = filepath.Join(home, "token")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "" // there is none, and what needs one will say so
	}
	return strings.TrimSpace(string(text))
}

// isTrue reads a switch as huggingface_hub does.
func isTrue(value string) bool {
	switch strings.ToUpper(value) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

// check finds what would make every request fail.
func (f *Fetcher) check() error {
	switch {
	case f.Offline:
		return tts.Errorf(tts.CodeUnreachable, "Unset HF_HUB_OFFLINE.", "fetching is switched off by HF_HUB_OFFLINE")
	case f.Cache == "":
		return tts.Errorf(tts.CodeInvalid, "Set HF_HOME to the folder for models.", "there is no folder to fetch models into")
	}
	for _, endpoint := range f.Endpoints {
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return tts.Errorf(tts.CodeInvalid, "Set HF_ENDPOINT and TTSUI_MIRRORS to URLs such as "+DefaultEndpoint+".",
				"%.200q is not the URL of a hub", endpoint)
		}
	}
	return nil
}

// ask sends a request to the endpoint of that number. An error is an *tts.Error when asking again is of no use, else a
// passing one.
func (f *Fetcher) ask(ctx context.Context, method string, endpoint int, path string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, f.Endpoints[endpoint]+path, nil)
	if err != nil {
		return nil, tts.Errorf(tts.CodeInternal, "This is a bug in TTSUI.", "ask for %s: %w", path, err)
	}
	if header != nil {
		req.Header = header
	}
	req.Header.Set("User-Agent", "ttsui")
	req.Header.Set("Accept-Encoding", "identity") // the bytes themselves: they are counted and resumed
	if f.Token != "" && endpoint == 0 {
		req.Header.Set("Authorization", "Bearer "+f.Token)
	}
	client := http.Client{Transport: f.Transport, CheckRedirect: checkRedirect}
	resp, err := client.Do(req)
	if err != nil {
		return nil, connectionError(ctx, err)
	}
	if err := checkStatus(req.URL, resp); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// errDowngrade is a redirect that would give up encryption.
var errDowngrade = errors.New("is led from https to http")

// checkRedirect keeps the token from other hosts. The standard library would show it to other ports too.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) > 10:
		return errors.New("is led in circles")
	case first.Scheme == "https" && req.URL.Scheme != "https":
		return errDowngrade
	case req.Method == http.MethodHead && req.URL.Host != first.Host:
		return http.ErrUseLastResponse // the hub itself has said what there is to know
	case req.URL.Host != first.Host || req.URL.Scheme != first.Scheme:
		req.Header.Del("Authorization")
	}
	return nil
}

// passing is an error that may be gone when one asks again.
type passing struct {
	err   error
	after time.Duration // what the server wants to be left alone for
}

// Error implements error.
func (p *passing) Error() string { return p.err.Error() }

// Unwrap gives the cause.
func (p *passing) Unwrap() error { return p.err }

// connectionError tells a lost connection from a request that was given up on purpose.
func connectionError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	var onURL *url.Error
	if errors.As(err, &onURL) {
		err = onURL.Err // without the URL, which may hold a signature
	}
	if errors.Is(err, errDowngrade) {
		return tts.Errorf(tts.CodeDenied, "Use another endpoint.", "the server asks to go on without encryption")
	}
	return &passing{err: err}
}

// checkStatus is an error unless the answer holds what was asked for.
func checkStatus(asked *url.URL, resp *http.Response) error {
	host, elsewhere := asked.Host, resp.Request.URL.Host != asked.Host
	switch code := resp.StatusCode; {
	case code == http.StatusOK, code == http.StatusPartialContent,
		code/100 == 3 && resp.Request.Method == http.MethodHead:
		return nil
	case code == http.StatusRequestedRangeNotSatisfiable:
		return &passing{err: errRange}
	case code == http.StatusForbidden && elsewhere: // a signed link that has expired: the next one is fresh
		return &passing{err: fmt.Errorf("%s answers %s", resp.Request.URL.Host, resp.Status)}
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		if resp.Header.Get("X-Error-Code") == "GatedRepo" {
			return tts.Errorf(tts.CodeDenied, "Accept its terms on "+asked.Scheme+"://"+host+" and set HF_TOKEN to your token.",
				"%s gives this model only to those who accepted its terms", host)
		}
		return tts.Errorf(tts.CodeNotFound, "Check the name. For a private model set HF_TOKEN to your token.",
			"%s knows no such model, or keeps it from you", host)
	case code == http.StatusNotFound, code == http.StatusGone:
		return tts.Errorf(tts.CodeNotFound, "Check the model's name and revision.", "%s does not have it (%s)", host, resp.Status)
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		return &passing{fmt.Errorf("%s answers %s", resp.Request.URL.Host, resp.Status), retryAfter(resp.Header, time.Now())}
	}
	return tts.Errorf(tts.CodeUnreachable, "Check HF_ENDPOINT and your proxy.", "%s answers %s", resp.Request.URL.Host, resp.Status)
}
