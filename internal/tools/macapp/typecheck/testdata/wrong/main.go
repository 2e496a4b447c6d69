// Command wrong calls a function of darwinkit that doesn't exist, and two that do with what they don't take.
package main

import (
	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"
)

func main() {
	window := appkit.NewWindowWithSize(640, 480)
	window.SetTitel("wrong")
	window.SetTitle(1)
	window.SetFrameOrigin(foundation.Rect{})
}
