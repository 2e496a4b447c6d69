//go:build darwin || gnustep

package cocoa

import (
	"github.com/progrium/darwinkit/helper/action"
	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"
	"github.com/progrium/darwinkit/objc"
)

// Messages that darwinkit has no function for. Each is spelled out here and nowhere else, as nothing checks a selector
// or its types before it is sent.

// setAccessibilityLabel says what a view is, for who can't see it: -[NSView setAccessibilityLabel:]. Views have it from
// the NSAccessibility protocol, which darwinkit knows by itself only.
func setAccessibilityLabel(view appkit.IView, label string) {
	objc.Call[objc.Void](view, objc.Sel("setAccessibilityLabel:"), clean(label))
}

// setIdentifier names a view for tests, which nobody hears: -[NSView setAccessibilityIdentifier:].
func setIdentifier(view appkit.IView, name string) {
	objc.Call[objc.Void](view, objc.Sel("setAccessibilityIdentifier:"), clean(name))
}

// setFileTypes lets a file panel take files of these kinds only: -[NSSavePanel setAllowedFileTypes:]. darwinkit knows the
// newer way, which GNUstep doesn't.
func setFileTypes(panel objc.IObject, extensions ...string) {
	objc.Call[objc.Void](panel, objc.Sel("setAllowedFileTypes:"), extensions)
}

// onFieldChange has f called after each change that the user makes to a field, by the notification
// NSControlTextDidChangeNotification: an action would come when the field is left, which a click on a button does not do.
func onFieldChange(field appkit.TextField, f func()) {
	target, selector := action.Wrap(func(objc.Object) { f() })
	foundation.NotificationCenter_DefaultCenter().AddObserverSelectorNameObject(target, selector, "NSControlTextDidChangeNotification", field)
}

// accessibilityLabel is what setAccessibilityLabel has set.
func accessibilityLabel(view appkit.IView) string {
	return objc.Call[string](view, objc.Sel("accessibilityLabel"))
}

// textLength is a text's length in UTF-16 units, which Cocoa's ranges count: -[NSString length] of the text storage.
// len of the Go string would be wrong beyond ASCII.
func textLength(view appkit.TextView) uint64 {
	return objc.Call[uint64](view.TextStorage(), objc.Sel("length"))
}

// setWraps lets a label have several lines: -[NSCell setWraps:], which darwinkit's TextField leads to by an interface
// that it can't call.
func setWraps(label appkit.TextField, wraps bool) {
	cell := objc.Call[appkit.Cell](label, objc.Sel("cell"))
	cell.SetWraps(wraps)
	if !wraps {
		truncates(label)
	}
}

// truncates ends a text that lacks room by three dots: -[NSCell setLineBreakMode:].
func truncates(control appkit.IControl) {
	cell := objc.Call[appkit.Cell](control, objc.Sel("cell"))
	objc.Call[objc.Void](cell, objc.Sel("setLineBreakMode:"), appkit.LineBreakByTruncatingTail)
}

// setContinuous lets a level be a bar without steps: -[NSLevelIndicatorCell setLevelIndicatorStyle:], as GNUstep's indicator
// has no style of its own.
func setContinuous(level appkit.LevelIndicator) {
	cell := objc.Call[appkit.LevelIndicatorCell](level, objc.Sel("cell"))
	cell.SetLevelIndicatorStyle(appkit.LevelIndicatorStyleContinuousCapacity)
}

// onTextChange has f called after each change that the user makes to a text, by the notification
// NSTextDidChangeNotification: GNUstep has no protocol for the delegate that would hear of it, too.
func onTextChange(view appkit.TextView, f func()) {
	target, selector := action.Wrap(func(objc.Object) { f() })
	foundation.NotificationCenter_DefaultCenter().AddObserverSelectorNameObject(target, selector, "NSTextDidChangeNotification", view)
}

// onSelection has f called when another row of a table is selected, by the notification
// NSTableViewSelectionDidChangeNotification, as above.
func onSelection(table appkit.TableView, f func()) {
	target, selector := action.Wrap(func(objc.Object) { f() })
	foundation.NotificationCenter_DefaultCenter().AddObserverSelectorNameObject(target, selector, "NSTableViewSelectionDidChangeNotification", table)
}

// soon has f called by the run loop, on the main thread: -[NSObject performSelector:withObject:afterDelay:]. What shows
// a sheet must begin like that, since in the main queue it would keep all that comes after it waiting until it is
// answered.
func soon(f func()) {
	target, selector := action.Wrap(func(objc.Object) { f() })
	objc.Call[objc.Void](target, objc.Sel("performSelector:withObject:afterDelay:"), selector, objc.Object{}, 0.0)
	target.Release() // the run loop holds it
}

// draggingPasteboard is what is dragged: -[NSDraggingInfo draggingPasteboard]. Who drags is known by a protocol only.
func draggingPasteboard(info objc.Object) appkit.Pasteboard {
	return objc.Call[appkit.Pasteboard](info, objc.Sel("draggingPasteboard"))
}
