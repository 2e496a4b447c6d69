package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"ttsui/internal/tts"
)

// explain says what ended a call to the server before there was an answer.
func (c *Client) explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		if e := (*tts.Error)(nil); errors.As(cause, &e) {
			return cause
		}
		return tts.Errorf(tts.CodeCanceled, "", "the call was canceled: %w", cause)
	}
	if e := (*tts.Error)(nil); errors.As(err, &e) {
		return err
	}
	if wrapper := (*url.Error)(nil); errors.As(err, &wrapper) {
		err = wrapper.Err // without the method and URL before it
	}
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return tts.Errorf(tts.CodeUnreachable, "Start it: ttsui serve.", "no server listens at %s", c.base)
	case errors.As(err, &timeout) && timeout.Timeout():
		return tts.Errorf(tts.CodeTimeout, "See whether the server runs, and whether a firewall stands between.", "the server at %s does not answer", c.base)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return tts.Errorf(tts.CodeUnreachable, "See whether it still runs, then try again.", "the server at %s hung up", c.base)
	}
	return tts.Errorf(tts.CodeUnreachable, "See whether the server runs there.", "the server at %s can't be reached: %w", c.base, err)
}

// refusal reads the error that the server answered with.
func (c *Client) refusal(ctx context.Context, res *http.Response) error {
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return c.explain(ctx, err)
	}
	var answer struct {
		Detail string   `json:"detail"`
		Code   tts.Code `json:"code"`
		Hint   string   `json:"hint"`
	}
	if json.Unmarshal(data, &answer) != nil || answer.Detail == "" || answer.Code == "" {
		return c.strange("it answers %q to %s", res.Status, res.Request.URL.Path)
	}
	return &tts.Error{Code: answer.Code, Message: answer.Detail, Hint: answer.Hint}
}

// strange is the error about a server that does not speak our language.
func (c *Client) strange(format string, args ...any) error {
	_, host, _ := strings.Cut(c.base, "://")
	return tts.Errorf(tts.CodeUnsupported, "See which program has that port, and that both ends are of one version.",
		"what listens at "+strings.ReplaceAll(host, "%", "%%")+" is no TTSUI of this version: "+format, args...)
}
