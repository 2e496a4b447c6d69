package instance

import (
	"context"
	"fmt"

	psnet "github.com/shirou/gopsutil/v3/net"
	"github.com/shirou/gopsutil/v3/process"

	"ttsui/internal/tts"
)

// Taken is the error about a port that another program has: it names the program as far as it can be found. dir is
// where server.json would be.
func Taken(ctx context.Context, dir, host string, port int) error {
	addr := Record{Host: host, Port: port}.Addr()
	who := portUser(ctx, port)
	if Answers(ctx, addr) {
		stop := ""
		if r, ok := Find(ctx, dir); ok && r.Port == port {
			who = fmt.Sprintf(" (process %d, since %s)", r.PID, r.Started.Local().Format("2006-01-02 15:04"))
			stop = fmt.Sprintf(", stop it by kill %d", r.PID)
		}
		return tts.Errorf(tts.CodeBusy, fmt.Sprintf("Use it at http://%s%s, or start another: ttsui serve --port 0.", addr, stop),
			"port %d is taken: %w%s", port, ErrRunning, who)
	}
	if who == "" {
		return tts.Errorf(tts.CodeBusy, fmt.Sprintf("Stop the program that has it (lsof -i :%d names it), or choose another port; --port 0 takes a free one.", port),
			"port %d is taken", port)
	}
	return tts.Errorf(tts.CodeBusy, "Stop that program, or choose another port; --port 0 takes a free one.", "port %d is taken by%s", port, who)
}

// portUser names the program that listens on port, with a blank before; "" when the system doesn't tell, which it does
// for the user's own programs only.
func portUser(ctx context.Context, port int) string {
	connections, err := psnet.ConnectionsWithContext(ctx, "tcp")
	if err != nil {
		return ""
	}
	for _, c := range connections {
		if c.Status != "LISTEN" || int(c.Laddr.Port) != port || c.Pid <= 0 {
			continue
		}
		name := "a program"
		if p, err := process.NewProcessWithContext(ctx, c.Pid); err == nil {
			if n, err := p.NameWithContext(ctx); err == nil && n != "" {
				name = n
			}
		}
		return fmt.Sprintf(" %s (process %d)", name, c.Pid)
	}
	return ""
}
