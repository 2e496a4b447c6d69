package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"ttsui/internal/client"
	"ttsui/internal/tts"
)

// process is a server of the program that runs.
type process struct {
	*client.Client
	addr string
	cmd  *exec.Cmd
	done chan struct{} // closed when stderr has ended

	mu         sync.Mutex
	last       []string // lines on stderr
	errors     []string // lines of the log that tell of a fault
	goroutines int      // in the dump that SIGQUIT asks for
}

// startTimeout is far above what a start takes.
const startTimeout = time.Minute

// start gives a server that listens. The caller ends it by one of its methods, or by ctx.
func (w *world) start(ctx context.Context, args ...string) (*process, error) {
	return w.startAs(ctx, nil, args...)
}

// startAs is start with settings of the environment that differ from the world's.
func (w *world) startAs(ctx context.Context, env []string, args ...string) (*process, error) {
	p := &process{cmd: w.command(ctx, append([]string{"serve", "--port", "0"}, args...)...), done: make(chan struct{})}
	p.cmd.Env = append(p.cmd.Env, env...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan string, 1)
	go p.read(stderr, ready)
	select {
	case p.addr = <-ready:
	case <-p.done:
		_ = p.cmd.Wait()
		return nil, fmt.Errorf("the server did not start:\n%s", p.tail())
	case <-time.After(startTimeout):
		return nil, errors.Join(errors.New("the server took too long to start"), p.kill())
	}
	if p.Client, err = client.New(p.addr, client.Options{}); err != nil {
		return nil, errors.Join(err, p.kill())
	}
	return p, nil
}

// read follows what the server writes to stderr.
func (p *process) read(stderr io.Reader, ready chan<- string) {
	defer close(p.done)
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if url, ok := strings.CutPrefix(line, "ttsui: listening on http://"); ok {
			ready <- url
		}
		p.mu.Lock()
		p.last = append(p.last[max(0, len(p.last)-50):], line)
		if strings.HasPrefix(line, "goroutine ") {
			p.goroutines++
		}
		for _, fault := range []string{"| CRITICAL |", "Internal error", "panic:", "fatal error:"} {
			if strings.Contains(line, fault) {
				p.errors = append(p.errors, line)
			}
		}
		p.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, stderr) // after a line that is too long
}

// tail is the last of what the server wrote.
func (p *process) tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.last, "\n")
}

// faults are the lines of the log that tell of one.
func (p *process) faults() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.errors
}

// wait waits for the end of a process that was told to.
func (p *process) wait() error {
	<-p.done
	if p.Client != nil {
		p.Close()
	}
	return p.cmd.Wait()
}

// kill ends the process as a crash of the machine would, as far as it sees that.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = p.wait() // it was killed
	return nil
}

// stop ends it the way it wants to be ended, and tells how long that took.
func (p *process) stop() (time.Duration, error) {
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	err := p.wait()
	if err != nil {
		err = fmt.Errorf("the server ended with %w:\n%s", err, p.tail())
	}
	return time.Since(began), err
}

// dump ends it with the runtime's list of goroutines, and tells how many there were.
func (p *process) dump() (int, error) {
	p.Close()
	if err := p.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		return 0, err
	}
	_ = p.wait() // with status 2, as the runtime has it
	if p.goroutines == 0 {
		return 0, fmt.Errorf("the server told no goroutines:\n%s", p.tail())
	}
	return p.goroutines, nil
}

// handles counts the open files of the process; -1 where the system doesn't tell.
func (p *process) handles() int {
	list, err := os.ReadDir(filepath.Join("/proc", fmt.Sprint(p.cmd.Process.Pid), "fd"))
	if err != nil {
		return -1
	}
	return len(list)
}

// load loads models and wants them to be.
func (p *process) load(ctx context.Context, ids ...string) error {
	for _, id := range ids {
		info, err := p.Load(ctx, id, tts.LoadOptions{})
		if err != nil {
			return err
		}
		if info.State != tts.Loaded {
			return fmt.Errorf("%s is %s after loading: %s", id, info.State, *info.Error)
		}
	}
	return nil
}

// control asks a built-in voice for so many frames; the random models never end by themselves.
func control(frames int, path string) tts.Request {
	return tts.Request{Mode: tts.Control, ModelID: controlID, Text: "For ever and ever.", Speaker: "Ryan", OutputPath: path,
		NoGuard: true, Sampling: tts.Sampling{MaxFrames: &frames}}
}

// counter is a tts.Sink that counts samples.
type counter struct{ samples int }

func (c *counter) WriteSamples(pcm []float32) error {
	c.samples += len(pcm)
	return nil
}

// speaking waits until a job speaks.
func (p *process) speaking(ctx context.Context) error {
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(2 * time.Millisecond) { // the process tells nothing by itself
		jobs, err := p.Jobs(ctx)
		if err != nil {
			return err
		}
		if len(jobs) > 0 && jobs[0].State == tts.JobRunning && jobs[0].Frames > 0 {
			return nil
		}
	}
	return errors.New("nothing was spoken for a minute")
}
