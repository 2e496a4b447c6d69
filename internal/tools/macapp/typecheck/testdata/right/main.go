// Command right calls darwinkit as it wants to be called.
package main

import (
	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"
)

func main() {
	window := appkit.NewWindowWithSize(640, 480)
	window.SetTitle("right")
	window.SetFrameOrigin(foundation.Point{X: 1, Y: 2})
}
