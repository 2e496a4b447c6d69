//go:build darwin || gnustep

package cocoa

import (
	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"
	"github.com/progrium/darwinkit/objc"
)

// What pasteboards called texts and lists of files before they were named by uniform types; GNUstep still does.
const (
	oldText  appkit.PasteboardType = "NSStringPboardType"
	oldFiles appkit.PasteboardType = "NSFilenamesPboardType"
)

// copyText puts a text on the clipboard.
func copyText(text string) {
	board := appkit.Pasteboard_GeneralPasteboard()
	types := []appkit.PasteboardType{appkit.PasteboardTypeString, oldText}
	board.DeclareTypesOwner(types, nil)
	for _, t := range types {
		board.SetStringForType(clean(text), t)
	}
}

// firstFile is the path of the first file on a pasteboard, "" when it has none.
func firstFile(board appkit.Pasteboard) string {
	if text := board.StringForType(appkit.PasteboardTypeFileURL); text != "" {
		if url := foundation.URL_URLWithString(text); !url.IsNil() {
			return url.Path()
		}
		return ""
	}
	list := board.PropertyListForType(oldFiles)
	if list.IsNil() {
		return ""
	}
	paths := foundation.ArrayFrom(list.Ptr())
	if paths.Count() == 0 {
		return ""
	}
	return objc.ToGoString(paths.ObjectAtIndex(0).Ptr())
}

// dragFile puts a file on the pasteboard of what is dragged.
func dragFile(board appkit.Pasteboard, path string) {
	board.DeclareTypesOwner([]appkit.PasteboardType{oldFiles}, nil)
	board.SetPropertyListForType(foundation.Array_ArrayWithObject(foundation.String_StringWithString(clean(path))), oldFiles)
}
