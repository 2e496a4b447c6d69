package hub

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"ttsui/internal/atomicfile"
	"ttsui/internal/tts"
)

// lockPoll is how often a lock that another process holds is tried again.
const lockPoll = 100 * time.Millisecond

// lockBlob takes the lock that Python's tools take too while they fetch a blob, and calls waiting again and again while
// another process has it. The system frees the lock of a process that is killed.
func lockBlob(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	for {
		unlock, err := tryLock(path)
		if err != nil || unlock != nil {
			return unlock, err
		}
		waiting()
		if err := wait(ctx, lockPoll); err != nil {
			return nil, err
		}
	}
}

// tryLock takes a lock; unlock is nil when another has it.
func tryLock(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, systemError(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o664) // as Python's: group members may wait too
	if err != nil {
		return nil, systemError(err)
	}
	switch err := atomicfile.Flock(f); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		f.Close()
		return nil, nil
	case atomicfile.NoLocks(err):
		// A file system without locks. Two that fetch the same blob write the same bytes to the same places.
	case err != nil:
		f.Close()
		return nil, tts.Errorf(tts.CodeInternal, "Check the disk.", "lock %s: %w", path, err)
	case !isStill(f, path):
		f.Close()
		return nil, nil // somebody has removed the file: the lock is on one that nobody else will find
	}
	return func() { f.Close() }, nil
}

func isStill(f *os.File, path string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(mine, there)
}
