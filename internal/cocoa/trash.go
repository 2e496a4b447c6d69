//go:build darwin || gnustep

package cocoa

import (
	"github.com/progrium/darwinkit/macos/foundation"
	"github.com/progrium/darwinkit/objc"

	"ttsui/internal/tts"
)

// Trash moves a file to the user's Trash. Any goroutine may call it.
func Trash(path string) error {
	done := false
	objc.WithAutoreleasePool(func() {
		url := foundation.URL_FileURLWithPath(clean(path))
		done = foundation.FileManager_DefaultManager().TrashItemAtURLResultingItemURLError(url, nil, nil)
	})
	if !done {
		return tts.Errorf(tts.CodeDenied, "Move it there in the Finder, or look whether its folder may be changed.", "the system would not move %s to the Trash", path)
	}
	return nil
}
