package atomicfile

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"ttsui/internal/tts"
)

// Limits of waiting for a lock.
const (
	lockPoll     = 5 * time.Millisecond
	lockPatience = 10 * time.Second // whoever reads, changes and writes a small file is done long before
)

// Lock lets one holder at a time change what lies beside the file at path, which is made for it and stays: it keeps out
// other processes, and other callers of this one. The system frees the lock of a process that is killed. On a file system
// without locks there is none.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, explain(path, err)
	}
	for began := time.Now(); ; {
		switch err := Flock(f); {
		case err == nil, NoLocks(err):
			return func() { f.Close() }, nil
		case !errors.Is(err, syscall.EWOULDBLOCK):
			f.Close()
			return nil, explain(path, err)
		case time.Since(began) > lockPatience:
			f.Close()
			return nil, tts.Errorf(tts.CodeBusy, "Try again when the other TTSUI is done.", "%s is held by another program", path)
		}
		select {
		case <-time.After(lockPoll):
		case <-ctx.Done():
			f.Close()
			return nil, tts.Errorf(tts.CodeCanceled, "", "stopped: %w", context.Cause(ctx))
		}
	}
}

// Flock locks f, or fails at once: with EWOULDBLOCK when another has it, with an error of NoLocks where files can't be
// locked. The lock ends when f is closed.
func Flock(f *os.File) error {
	for { // a signal may come between
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// NoLocks reports whether an error of Flock says that the file system has no locks.
func NoLocks(err error) bool {
	return errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.ENOLCK)
}
