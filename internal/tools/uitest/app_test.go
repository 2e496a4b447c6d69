package uitest

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ttsui/internal/client"
	"ttsui/internal/tools/gnustep/screen"
)

// patience is how long anything may take to show, on a busy machine.
const patience = time.Minute

// view is a view of the program's window, as the program tells it.
type view struct {
	Window, Label, Name, Text string
	Control, Enabled, Checked bool
	X, Y, W, H                int
}

// program is the real one, running.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	socket string
	shots  string
	count  int // of pictures
	server *client.Client

	mu    sync.Mutex
	said  strings.Builder // on stderr
	ended chan struct{}
}

// launch opens the program's window, with env before what its environment has else. Its pictures are numbered from count
// on.
func launch(t *testing.T, models, shots string, count int, env ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(os.Getenv("TTSUI_APP")), socket: filepath.Join(t.TempDir(), "views"), shots: shots, count: count, ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "TTSUI_VIEWS="+p.socket, "TTSUI_SILENT=1", "TTSUI_MODELS="+models, "HF_HUB_CACHE="+filepath.Join(models, "no-cache"), "HF_HUB_OFFLINE=1")
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stderr, p.cmd.Stdout = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended is in cmd.ProcessState
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("the program said:\n%s", p.words())
		}
	})
	return p
}

// start launches the program and waits for its server.
func start(t *testing.T, models, shots string, count int, env ...string) *program {
	t.Helper()
	p := launch(t, models, shots, count, env...)
	status := p.wait("status text", func(v view) bool { return strings.HasPrefix(v.Text, "Running on ") })
	p.connect(strings.TrimPrefix(status.Text, "Running on "))
	return p
}

// connect finds the program's server at an address.
func (p *program) connect(addr string) {
	p.t.Helper()
	var err error
	if p.server, err = client.New(addr, client.Options{}); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(p.server.Close)
}

// Write takes what the program says.
func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(b)
}

func (p *program) words() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// views asks the program for what can be seen.
func (p *program) views() []view {
	conn, err := net.Dial("unix", p.socket)
	if err != nil {
		return nil
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	var views []view
	if err := json.NewDecoder(conn).Decode(&views); err != nil {
		return nil
	}
	return views
}

// find gives the view with a label.
func (p *program) find(label string) (view, bool) {
	for _, v := range p.views() {
		if v.Label == label {
			return v, true
		}
	}
	return view{}, false
}

// wait looks until the view with a label is as it should be.
func (p *program) wait(label string, is func(view) bool) view {
	p.t.Helper()
	var last view
	var there bool
	for began := time.Now(); time.Since(began) < patience; time.Sleep(30 * time.Millisecond) {
		if last, there = p.find(label); there && is(last) {
			return last
		}
		select {
		case <-p.ended:
			p.t.Fatalf("the program has ended: %v", p.cmd.ProcessState)
		default:
		}
	}
	p.shoot("failed")
	p.t.Fatalf("within %v %q is not as it should be: there %v, %+v; all that is seen: %s", patience, label, there, last, p.list())
	return view{}
}

func (p *program) list() string {
	var b strings.Builder
	for _, v := range p.views() {
		fmt.Fprintf(&b, "\n%s / %s: %.80q enabled %v checked %v at %d,%d %d×%d", v.Window, v.Label, v.Text, v.Enabled, v.Checked, v.X, v.Y, v.W, v.H)
	}
	return b.String()
}

// text waits until a view says something.
func (p *program) text(label, want string) {
	p.t.Helper()
	p.wait(label, func(v view) bool { return strings.Contains(v.Text, want) })
}

// gone waits until a view can't be seen.
func (p *program) gone(label string) {
	p.t.Helper()
	for began := time.Now(); ; time.Sleep(30 * time.Millisecond) {
		if _, there := p.find(label); !there {
			return
		}
		if time.Since(began) > patience {
			p.t.Fatalf("%q is still there", label)
		}
	}
}

// click clicks on a view that can be used, after scrolling to it when it must be.
func (p *program) click(label string) {
	p.t.Helper()
	v := p.wait(label, func(v view) bool { return v.Enabled })
	for range 20 {
		if v.H >= 14 {
			break
		}
		top := p.wait("caption", func(view) bool { return true }) // what scrolls begins below it
		p.must(screen.Scroll(top.X, top.Y+80, 3))
		v = p.wait(label, func(v view) bool { return v.Enabled })
	}
	p.must(screen.Click(v.X, v.Y))
}

// again gives a function that does something, but not more often than every few seconds, for what is waited for: on a
// busy machine GNUstep loses drags, and a slider's knob is put back when the window is drawn anew while the mouse has it,
// of which GNUstep doesn't tell.
func (p *program) again(act func() error) func() {
	var tried time.Time
	return func() {
		if time.Since(tried) > 5*time.Second {
			p.must(act())
			tried = time.Now()
		}
	}
}

// try does something again and again until a view says what comes of it.
func (p *program) try(act func() error, seen, want string) {
	p.t.Helper()
	again := p.again(act)
	p.wait(seen, func(now view) bool {
		there := strings.Contains(now.Text, want)
		if !there {
			again()
		}
		return there
	})
}

// slide clicks on a slider, so many hundredths from its left, until a view says what comes of it.
func (p *program) slide(label string, percent int, seen, want string) {
	p.t.Helper()
	v := p.wait(label, func(view) bool { return true })
	p.try(func() error { return screen.Click(v.X+v.W*(percent-50)/100, v.Y) }, seen, want)
}

// write types into a view, in place of what it holds.
func (p *program) write(label, text string) {
	p.t.Helper()
	p.click(label)
	p.must(screen.Key("alt+a"))
	p.must(screen.Type(text))
	p.text(label, text)
}

// panel answers the file panel that is open with a path.
func (p *program) panel(path string) {
	p.t.Helper()
	time.Sleep(time.Second) // its views are the system's own, so that nothing tells when it is ready
	p.must(screen.Type(path))
	time.Sleep(300 * time.Millisecond)
	p.shoot("panel")
	p.must(screen.Key("Return"))
}

// shoot takes a picture.
func (p *program) shoot(name string) {
	p.t.Helper()
	time.Sleep(200 * time.Millisecond) // views are drawn a moment after they have changed
	p.count++
	p.must(screen.Shoot(filepath.Join(p.shots, fmt.Sprintf("%02d-%s.png", p.count, name))))
}

func (p *program) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// missing finds what GNUstep lacks of what the window asked for. None of it may be.
var missing = regexp.MustCompile(`(?m)^dkshim: missing .*$`)

// end waits until the program has ended by itself, well and soon, and had all that it asked Cocoa for.
func (p *program) end() {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // its goroutines are told
		time.Sleep(time.Second)
		p.t.Fatal("the program does not end")
	}
	if !p.cmd.ProcessState.Success() {
		p.t.Errorf("the program ended with %v", p.cmd.ProcessState)
	}
	for _, line := range missing.FindAllString(p.words(), -1) {
		p.t.Error(line)
	}
}
