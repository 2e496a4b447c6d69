//go:build darwin || gnustep

package cocoa

import (
	"sync"
	"unsafe"

	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/objc"
)

// Classes of our own, where Cocoa asks for one: darwinkit makes an Objective-C class of a Go type, and its instances
// know nothing but their address, by which what belongs to them is found here. All of it is used on the main thread.

// TTSUIDropButton is a button that files can be dropped on.
type TTSUIDropButton struct {
	appkit.Button `objc:"NSButton"`
}

// DraggingEntered says what a drop would do.
func (TTSUIDropButton) DraggingEntered(objc.Object) appkit.DragOperation {
	return appkit.DragOperationCopy
}

// PerformDragOperation takes the first file that is dropped.
func (b TTSUIDropButton) PerformDragOperation(info objc.Object) bool {
	path := firstFile(draggingPasteboard(info))
	if path == "" {
		return false
	}
	drops()[b.Ptr()](path)
	return true
}

// drops is what each TTSUIDropButton does with a file.
var drops = sync.OnceValue(func() map[unsafe.Pointer]func(string) { return map[unsafe.Pointer]func(string){} })

// dropClass registers the class, once.
var dropClass = sync.OnceValue(func() objc.UserClass[TTSUIDropButton] {
	class := objc.NewClass[TTSUIDropButton](objc.Sel("draggingEntered:"), objc.Sel("performDragOperation:"))
	objc.RegisterClass(class)
	return class
})

// TTSUIMenuTarget does what a menu item says, and tells whether it can be done now. Cocoa asks before it shows a menu,
// and before a key is taken for a menu item: so a key that means something else just now reaches the text.
type TTSUIMenuTarget struct {
	objc.Object
}

// Choose does what the item says.
func (TTSUIMenuTarget) Choose(item objc.Object) { menuItems()[item.Ptr()].do() }

// ValidateMenuItem tells whether it can be done.
func (TTSUIMenuTarget) ValidateMenuItem(item objc.Object) bool {
	entry, ours := menuItems()[item.Ptr()]
	return ours && entry.can()
}

// menuItem is what an item of ours does.
type menuItem struct {
	do  func()
	can func() bool
}

// menuItems is what each item of ours does.
var menuItems = sync.OnceValue(func() map[unsafe.Pointer]menuItem { return map[unsafe.Pointer]menuItem{} })

// menuTarget is the one target of all items, made once and kept.
var menuTarget = sync.OnceValue(func() TTSUIMenuTarget {
	class := objc.NewClass[TTSUIMenuTarget](objc.Sel("choose:"), objc.Sel("validateMenuItem:"))
	objc.RegisterClass(class)
	return keep(class.New())
})

// newDropButton makes a button on which files can be dropped; a click on it does what clicked does.
func newDropButton(title string, dropped func(path string), clicked func()) appkit.Button {
	drop := dropClass().New()
	b := keep(drop.Button)
	b.SetButtonType(appkit.ButtonTypeMomentaryPushIn)
	b.SetBezelStyle(appkit.BezelStyleSmallSquare)
	b.SetTitle(title)
	b.RegisterForDraggedTypes([]appkit.PasteboardType{appkit.PasteboardTypeFileURL, oldFiles})
	onAction(b, clicked)
	drops()[b.Ptr()] = dropped
	return b
}
