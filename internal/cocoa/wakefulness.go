//go:build darwin || gnustep

package cocoa

import (
	"github.com/progrium/darwinkit/macos/foundation"
	"github.com/progrium/darwinkit/objc"
)

// wakefulness keeps the system from slowing the program down (App Nap) or going to sleep while something works that
// the user waits for.
type wakefulness struct {
	activity objc.Object // that the system knows of, nil while none is
}

// stay begins or ends the activity.
func (w *wakefulness) stay(awake bool) {
	if awake == !w.activity.IsNil() {
		return
	}
	info := foundation.ProcessInfo_ProcessInfo()
	if awake {
		w.activity = keep(info.BeginActivityWithOptionsReason(foundation.ActivityUserInitiated, "Speech is being made, or a model loads."))
		return
	}
	info.EndActivity(w.activity)
	w.activity.Release()
	w.activity = objc.Object{}
}
