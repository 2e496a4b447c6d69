package app

import (
	"context"
	"errors"
	"net"
	"strconv"
	"syscall"

	"ttsui/internal/instance"
	"ttsui/internal/tts"
)

// lastPort is the last one that is tried for a Config with NextFreePort.
const lastPort = 8864

// findPort opens the server's port. Where another program has it, the error says which; with NextFreePort, the log
// does, and the next ports are tried.
func (a *App) findPort(host string, port int) (net.Listener, error) {
	ln, err := a.open(host, port)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return ln, err
	}
	ctx, cancel := context.WithTimeout(a.life, findTimeout)
	defer cancel()
	taken := instance.Taken(ctx, a.config.Home, host, port)
	if !a.config.NextFreePort {
		return nil, taken
	}
	for next := port + 1; next <= lastPort; next++ {
		if ln, err := a.open(host, next); err == nil {
			a.log.Warn().Msgf("%v; taking %d", taken, next)
			return ln, nil
		}
	}
	return nil, tts.Errorf(tts.CodeBusy, "Stop that program, or choose another port.", "%w, and there is no free one up to %d", taken, lastPort)
}

// listen opens a port of the address host.
func listen(host string, port int) (net.Listener, error) {
	if port < 0 || port > 65535 {
		return nil, tts.Errorf(tts.CodeInvalid, "Use a number from 1 to 65535, or 0 for a free port.", "%d is not a port", port)
	}
	ln, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	switch {
	case errors.Is(err, syscall.EACCES):
		return nil, tts.Errorf(tts.CodeDenied, "Choose a port from 1024 on; --port 0 takes a free one.", "port %d is not for everyone", port)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, tts.Errorf(tts.CodeInvalid, "Use 127.0.0.1, or an address of this machine.", "%s is not an address of this machine", host)
	case err != nil:
		return nil, tts.Errorf(tts.CodeInternal, "Use 127.0.0.1 and a free port.", "listen: %w", err)
	}
	return ln, nil
}

// splitAddr takes an address apart.
func splitAddr(addr string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(text)
	return host, port, err
}
