package hub

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"ttsui/internal/testkit/fakehub"
)

// killsEnv sets how often the download is killed; by default often enough to see each kind of moment.
const killsEnv = "TTSUI_HUB_KILLS"

// A download that is killed at random moments goes on where it was, each time, and arrives. It asks for no byte that it
// had, and loses less than one in a hundred that were on their way.
func TestKilled(t *testing.T) {
	kills := 25
	if n, err := strconv.Atoi(os.Getenv(killsEnv)); err == nil {
		kills = n
	}
	sockets, cache := t.TempDir(), t.TempDir()
	hub, files := fakehub.StartUnix(t, sockets), fakehub.Model(kills*3<<20)
	hub.Add(id, files)
	var points []int64
	for range kills {
		points = append(points, rand.Int64N(total(files)))
	}
	slices.Sort(points)
	for _, point := range points {
		killChild(t, hub, point, sockets, cache)
	}
	hub.Break(nil)
	child := startChild(t, sockets, cache)
	must(t, child.Wait())
	dir, err := Places{Cache: cache}.Find(id)
	must(t, err)
	wantModel(t, dir, files)
	again := hub.Sent() - total(files)
	t.Logf("%d kills: %d bytes of %d were sent twice, %.2f %%", kills, again, total(files), 100*float64(again)/float64(total(files)))
	if again > total(files)/100 {
		t.Errorf("that is more than 1 %%")
	}
}

// killChild runs a download until so many bytes were sent, then kills it. It checks that what it asked for begins where
// the file on the disk ended.
func killChild(t *testing.T, hub *fakehub.Hub, point int64, sockets, cache string) {
	t.Helper()
	f := newTestFetcher(t, "http://hub")
	f.Cache, f.Transport.DialContext = cache, fakehub.Dialer(sockets)
	kept, asked := kept(t, f), len(hub.Requests())
	reached := make(chan struct{})
	var once sync.Once
	var dead atomic.Bool
	died := make(chan struct{})
	hub.Break(func(fakehub.Request) fakehub.Fault {
		return fakehub.Fault{Sending: func(total int64) {
			if total >= point && !dead.Load() {
				once.Do(func() { close(reached) })
				<-died
			}
		}}
	})
	child := startChild(t, sockets, cache)
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	select {
	case <-reached:
		_ = child.Process.Kill() // it may have ended
		<-ended
	case err := <-ended: // all was sent before
		must(t, err)
	}
	dead.Store(true)
	close(died)
	wantResumed(t, hub.Requests()[asked:], kept)
}

func startChild(t *testing.T, sockets, cache string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+cache, childSockets+"="+sockets)
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	return cmd
}

// Two processes that fetch the same at once fetch it once.
func TestTwoProcesses(t *testing.T) {
	sockets, cache := t.TempDir(), t.TempDir()
	hub, files := fakehub.StartUnix(t, sockets), fakehub.Model(4<<20)
	hub.Add(id, files)
	one, two := startChild(t, sockets, cache), startChild(t, sockets, cache)
	must(t, one.Wait())
	must(t, two.Wait())
	dir, err := Places{Cache: cache}.Find(id)
	must(t, err)
	wantModel(t, dir, files)
	if hub.Sent() != total(files) {
		t.Errorf("%d bytes were sent, want %d", hub.Sent(), total(files))
	}
}

// One of two processes is killed: the other takes over where it was.
func TestTakeOver(t *testing.T) {
	sockets, cache := t.TempDir(), t.TempDir()
	hub, files := fakehub.StartUnix(t, sockets), fakehub.Model(4<<20)
	hub.Add(id, files)
	first, reached := make(chan struct{}), make(chan struct{})
	var once sync.Once
	hub.Break(func(r fakehub.Request) fakehub.Fault {
		if r.Name != weightsName || r.N > 1 {
			return fakehub.Fault{}
		}
		return fakehub.Fault{Sending: func(total int64) {
			if total > 3<<20 {
				once.Do(func() { close(reached) })
				<-first
			}
		}}
	})
	one := startChild(t, sockets, cache)
	<-reached
	f := newTestFetcher(t, "http://hub")
	f.Cache, f.Transport.DialContext = cache, fakehub.Dialer(sockets)
	var kill sync.Once
	dir, err := f.Pull(t.Context(), id, "", func(p Progress) {
		if p.Phase == Waiting {
			kill.Do(func() {
				_ = one.Process.Kill() // it is there: it holds the lock
				_ = one.Wait()         // it was killed: the error is the wanted one
				close(first)
			})
		}
	})
	must(t, err)
	wantModel(t, dir, files)
	if again := hub.Sent() - total(files); again > 64<<10 {
		t.Errorf("%d bytes were sent twice", again)
	}
}

func TestDiskFull(t *testing.T) {
	hub, files := newHub(t, 2<<20)
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("may not mount a file system: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", disk).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	ballast := func(n int) { must(t, os.WriteFile(disk+"/ballast", make([]byte, n), 0o600)) }
	f := newTestFetcher(t, hub.URL)
	f.Cache = disk + "/hub"

	ballast(2 << 20)
	_, err := f.Pull(t.Context(), id, "", nil)
	wantError(t, err, "disk_full", "2.1 MB are free")
	if len(hub.Requests()) > 0 {
		t.Error("fetched although there is no room")
	}

	ballast(0)
	var once sync.Once
	hub.Break(func(fakehub.Request) fakehub.Fault {
		return fakehub.Fault{Sending: func(total int64) {
			if total > 1<<20 {
				once.Do(func() { ballast(2 << 20) }) // another program comes between
			}
		}}
	})
	_, err = f.Pull(t.Context(), id, "", nil)
	wantError(t, err, "disk_full", "no space left")

	ballast(0)
	dir, err := f.Pull(t.Context(), id, "", nil)
	must(t, err)
	wantModel(t, dir, files)
	if again := hub.Sent() - total(files); again > 1<<20 {
		t.Errorf("%d bytes were sent twice", again)
	}
}

func TestLockedByItself(t *testing.T) {
	path := t.TempDir() + "/locks/a.lock"
	unlock, err := tryLock(path)
	must(t, err)
	if second, err := tryLock(path); second != nil || err != nil {
		t.Fatalf("locked twice: %v", err)
	}
	must(t, os.Remove(path)) // as some versions of Python's library do when they are done
	third, err := tryLock(path)
	must(t, err)
	if third == nil {
		t.Fatal("a lock on a file that has gone keeps others out")
	}
	third()
	gone, err := os.Open(path)
	must(t, err)
	defer gone.Close()
	must(t, os.Remove(path))
	must(t, os.WriteFile(path, nil, 0o600))
	if isStill(gone, path) {
		t.Error("a file that has gone is taken for another of its name")
	}
	unlock()
	waits := 0
	held, err := tryLock(path)
	must(t, err)
	last, err := lockBlob(t.Context(), path, func() {
		if waits++; waits == 2 {
			held()
		}
	})
	must(t, err)
	last()
	if waits != 2 {
		t.Errorf("waited %d times, want 2", waits)
	}
}
