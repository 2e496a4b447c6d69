//go:build darwin || gnustep

package cocoa

import (
	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"

	"ttsui/internal/layout"
)

// newWindow makes the window, kept and not yet shown. resized is called as often as its size has changed,
// and updated after each event.
func newWindow(title string, resized, updated func()) appkit.Window {
	window := keep(appkit.NewWindowWithContentRectStyleMaskBackingDefer(rect(0, 0, layout.OpenWidth, layout.OpenHeight),
		appkit.WindowStyleMaskTitled|appkit.WindowStyleMaskClosable|appkit.WindowStyleMaskMiniaturizable|appkit.WindowStyleMaskResizable,
		appkit.BackingStoreBuffered, false))
	window.SetReleasedWhenClosed(false) // keep and Cocoa would each let go of it
	window.SetTitle(clean(title))
	window.SetContentMinSize(foundation.Size{Width: layout.MinWidth, Height: layout.MinHeight})
	delegate := &appkit.WindowDelegate{}
	delegate.SetWindowDidResize(func(foundation.Notification) { resized() })
	delegate.SetWindowShouldClose(func(appkit.Window) bool { // without it the program is of no use, and who quits may be asked
		appkit.Application_SharedApplication().Terminate(nil)
		return false
	})
	delegate.SetWindowDidUpdate(func(foundation.Notification) { updated() })
	window.SetDelegate(delegate)
	return window
}

// newPanel makes a window of one size that can be closed, kept and not yet shown.
func newPanel(title string, width, height float64) appkit.Window {
	window := keep(appkit.NewWindowWithContentRectStyleMaskBackingDefer(rect(0, 0, width, height),
		appkit.WindowStyleMaskTitled|appkit.WindowStyleMaskClosable, appkit.BackingStoreBuffered, false))
	window.SetReleasedWhenClosed(false)
	window.SetTitle(clean(title))
	return window
}
