package hub

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"

	"ttsui/internal/tts"
)

// freeSpace is how many bytes this user may still write to the disk that dir is on.
func freeSpace(dir string) (bytes int64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, systemError(err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

// sameDisk reports whether a file can have names in both folders. The second may have to be made yet.
func sameDisk(there, here string) bool {
	for !isFolder(here) && filepath.Dir(here) != here {
		here = filepath.Dir(here)
	}
	var a, b syscall.Stat_t
	return syscall.Stat(there, &a) == nil && syscall.Stat(here, &b) == nil && a.Dev == b.Dev
}

// names is how many names a file has.
func names(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 1
}

// systemError explains what the system says about a file, to users. It is nil for nil.
func systemError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return tts.Errorf(tts.CodeDiskFull, "Free some space, or set HF_HOME to a folder on another disk. What is fetched so far stays.",
			"the disk is full: %w", err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return tts.Errorf(tts.CodeDenied, "Make the folder yours, or set HF_HOME to another one.", "%w", err)
	case errors.Is(err, fs.ErrNotExist):
		return tts.Errorf(tts.CodeNotFound, "Start it again.", "%w", err)
	}
	return tts.Errorf(tts.CodeInternal, "Check the disk.", "%w", err)
}
