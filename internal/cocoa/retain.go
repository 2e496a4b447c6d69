//go:build darwin || gnustep

package cocoa

import "github.com/progrium/darwinkit/objc"

// Objects that darwinkit makes are autoreleased: they live until the event that made them ends, unless something in
// Cocoa holds them. A view is held by the view it lies in, a target by its control (see actions.go). What nothing holds
// is kept here: windows, menus, delegates, views that come and go.
//
// objc.Retain is not used: it lets go when Go's garbage collector finds the Go value unused, on whatever thread that
// runs, while Cocoa may still use the object; and a view may be freed on the main thread only.

// keep holds an object until the program ends.
func keep[T objc.IObject](object T) T {
	object.Retain()
	return object
}
