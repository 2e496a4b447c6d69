//go:build darwin || gnustep

package cocoa

import "runtime"

// init keeps main on the thread that the process began on, the only one where Cocoa lets a window live. It can't be done
// later: by then main may have moved.
func init() { runtime.LockOSThread() }
