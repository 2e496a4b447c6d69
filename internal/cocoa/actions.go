//go:build darwin || gnustep

package cocoa

import (
	"github.com/progrium/darwinkit/helper/action"
	"github.com/progrium/darwinkit/objc"
)

// onAction has a control or menu item call f when it is used. The control holds the target that this makes, so both go
// together; a second call replaces the first. f must not wait for anything: the window stands still meanwhile.
func onAction(control action.CanSet, f func()) {
	action.Set(control, func(objc.Object) { f() })
}
