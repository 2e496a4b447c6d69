// Package instance is what the programs of one user know about a running TTSUI: the file server.json, which says where
// it listens, who it is that has a port, and what one that was killed left half done.
//
// The file outlives a process that is killed. So nobody believes it before the process is there and answers.
package instance

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/shirou/gopsutil/v3/process"

	"ttsui/internal/atomicfile"
	"ttsui/internal/client"
	"ttsui/internal/tts"
)

// ErrRunning is in the chain of errors about a TTSUI that runs already.
var ErrRunning = errors.New("TTSUI runs already")

const fileName = "server.json"

// Record is a running TTSUI.
type Record struct {
	Host    string    `json:"host"`
	Port    int       `json:"port"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Version string    `json:"version"`
}

// Addr is where programs on this machine reach it.
func (r Record) Addr() string {
	host := r.Host
	if ip := net.ParseIP(host); ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(r.Port))
}

// Find gives the running TTSUI that dir's file names, if there is one.
func Find(ctx context.Context, dir string) (Record, bool) {
	r, err := read(dir)
	if err != nil {
		return Record{}, false
	}
	if there, err := process.PidExistsWithContext(ctx, int32(r.PID)); err != nil || !there {
		return Record{}, false
	}
	return r, Answers(ctx, r.Addr())
}

// askTimeout is far above what a TTSUI needs to say that it is there.
const askTimeout = time.Second

// Answers reports whether a TTSUI listens at addr. One that wants a token says so in its own words, which is enough.
func Answers(ctx context.Context, addr string) bool {
	c, err := client.New(addr, client.Options{})
	if err != nil {
		return false
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	health, err := c.Health(ctx)
	return err == nil && health.Status == "healthy" || tts.CodeOf(err) == tts.CodeDenied
}

// Announce writes r into dir's file, for others to find. It makes dir when needed. Where the file names another TTSUI
// that runs, it is left alone, and the error wraps ErrRunning.
func Announce(ctx context.Context, dir string, r Record) error {
	if other, ok := Find(ctx, dir); ok && other.PID != r.PID {
		return tts.Errorf(tts.CodeBusy, "That one stays the one that others find.", "%w on http://%s (process %d)", ErrRunning, other.Addr(), other.PID)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return atomicfile.WritePrivate(filepath.Join(dir, fileName), func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	})
}

// Withdraw removes dir's file when it still names the process pid.
func Withdraw(dir string, pid int) error {
	if r, err := read(dir); err != nil || r.PID != pid {
		return nil // not ours
	}
	return os.Remove(filepath.Join(dir, fileName))
}

// read gives what dir's file says, true or not.
func read(dir string) (r Record, err error) {
	path := filepath.Join(dir, fileName)
	info, err := os.Lstat(path)
	if err != nil {
		return r, err
	}
	if !info.Mode().IsRegular() || info.Size() > 1<<16 {
		return r, errors.New("not a file of ours")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, err
	}
	if r.PID <= 0 || r.Port <= 0 || r.Port > 65535 {
		return r, errors.New("not a record of ours")
	}
	return r, nil
}
