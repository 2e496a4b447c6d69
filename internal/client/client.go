// Package client is a TTSUI server as seen from a program: a tts.Service over HTTP, and the log, the jobs and the
// health of the server beside it.
//
// It knows the wire and not the server: what it sends and reads is written down in resources/openapi.yaml. Every
// error is, or wraps, a *tts.Error; one that the server sent comes out with the server's own code and hint. No call
// waits for ever: it ends with its ctx, with its limit, or when the server stops answering.
package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"ttsui/internal/tts"
)

// Options is what can be chosen about a Client.
type Options struct {
	Token   string        // what the server's --token-file holds; "" for a server without one
	Timeout time.Duration // of one generation; 5 minutes when 0
}

// Limits of calls.
const (
	generateTimeout = 5 * time.Minute
	askTimeout      = 10 * time.Second // for an answer that takes no work
	dialTimeout     = 5 * time.Second
	idleTimeout     = 30 * time.Second // of a connection; shorter than the server's, so that none is used as it closes
	maxAnswer       = 64 << 20
)

// Client is one server. All its methods may be called by several goroutines.
type Client struct {
	base    string // http://host:port
	token   string
	timeout time.Duration
	http    *http.Client
}

var _ tts.Service = (*Client)(nil)

// New makes a client of the server at addr, which is host:port or http://host:port. It connects with the first call.
func New(addr string, o Options) (*Client, error) {
	base := strings.TrimSuffix(addr, "/")
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || *u != (url.URL{Scheme: u.Scheme, Host: u.Host}) {
		return nil, tts.Errorf(tts.CodeInvalid, "Use an address such as 127.0.0.1:8765.", "%.200q is not the address of a server", addr)
	}
	return &Client{
		base: base, token: o.Token, timeout: cmp.Or(o.Timeout, generateTimeout),
		http: &http.Client{
			// No proxy: it would be shown the token, and could not reach this machine.
			Transport: &http.Transport{
				DialContext:     (&net.Dialer{Timeout: dialTimeout}).DialContext,
				IdleConnTimeout: idleTimeout,
			},
			// The server sends nobody elsewhere; who does is another.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close closes the connections that no call uses.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// ask sends body, unless it is nil, as JSON and reads the answer, for which the server should need no time.
func ask[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	ctx, cancel := limit(ctx, askTimeout, "the server at %s took longer than %s for an answer", c.base, askTimeout)
	defer cancel()
	return call[T](ctx, c, method, path, body)
}

// limit ends ctx after d with an error of CodeTimeout.
func limit(ctx context.Context, d time.Duration, format string, args ...any) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, tts.Errorf(tts.CodeTimeout, "Try again; if it stays so, start the server anew.", format, args...))
}

// call is ask without a limit but ctx.
func call[T any](ctx context.Context, c *Client, method, path string, body any) (answer T, err error) {
	res, err := c.send(ctx, method, path, body, nil)
	if err != nil {
		return answer, err
	}
	return read[T](ctx, c, res)
}

// read reads an answer of JSON to its end.
func read[T any](ctx context.Context, c *Client, res *http.Response) (answer T, err error) {
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return answer, c.explain(ctx, err)
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return answer, c.strange("its answer to %s %s can't be read: %v", res.Request.Method, res.Request.URL.Path, err)
	}
	return answer, nil
}

// send gives an answer of status 200, whose body the caller must close, or the error that the server sent.
func (c *Client) send(ctx context.Context, method, path string, body any, header http.Header) (*http.Response, error) {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return nil, tts.Errorf(tts.CodeInvalid, "Correct the request.", "the request is no JSON: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(data))
	if err != nil {
		return nil, tts.Errorf(tts.CodeInternal, "This is a bug in TTSUI.", "%w", err)
	}
	if header != nil {
		req.Header = header
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		return nil, c.refusal(ctx, res)
	}
	return res, nil
}
