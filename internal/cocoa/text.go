//go:build darwin || gnustep

package cocoa

import (
	"strings"

	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"
	"github.com/progrium/darwinkit/objc"
)

// clean makes a string that Cocoa takes. darwinkit hands C strings over, which end at the first zero, and what isn't
// UTF-8 becomes nil there, which most methods answer with an exception: the end of the program.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// styled is text in one font and one colour.
func styled(text string, font appkit.Font, color appkit.Color) foundation.AttributedString {
	return foundation.NewAttributedStringWithStringAttributes(clean(text), map[foundation.AttributedStringKey]objc.IObject{
		"NSFont": font, "NSColor": color, // the values of NSFontAttributeName and NSForegroundColorAttributeName
	})
}

// textArea is a text of many lines that scrolls.
type textArea struct {
	scroll appkit.ScrollView // what is placed in a window
	view   appkit.TextView   // what holds the text
}

// newTextArea makes an empty one; its owner calls place as often as its place changes.
func newTextArea(editable bool, font appkit.Font) textArea {
	area := textArea{appkit.NewScrollViewWithFrame(rect(0, 0, 100, 100)), appkit.NewTextViewWithFrame(rect(0, 0, 100, 100))}
	area.scroll.SetHasVerticalScroller(true)
	area.scroll.SetBorderType(appkit.BezelBorder)
	area.view.SetRichText(false)
	area.view.SetEditable(editable)
	area.view.SetSelectable(true)
	area.view.SetFont(font)
	area.view.SetTextColor(appkit.Color_TextColor())
	area.view.SetMaxSize(foundation.Size{Width: endless, Height: endless})
	area.view.SetVerticallyResizable(true)
	area.view.SetHorizontallyResizable(false)
	area.view.SetAutoresizingMask(appkit.ViewWidthSizable)
	area.view.TextContainer().SetWidthTracksTextView(true)
	area.scroll.SetDocumentView(area.view)
	area.view.LayoutManager() // asking for it keeps a Mac from the newer way of layout, which only guesses where the end is
	return area
}

// endless is a length that no text reaches.
const endless = 1e7

// place puts the area where it belongs, and breaks its lines anew.
func (a textArea) place(frame foundation.Rect) {
	a.scroll.SetFrame(frame)
	inside := a.scroll.ContentSize()
	a.view.SetMinSize(foundation.Size{Height: inside.Height}) // a click anywhere in the area is one in the text
	a.view.SetFrameSize(foundation.Size{Width: inside.Width, Height: inside.Height})
	a.view.TextContainer().SetSize(foundation.Size{Width: inside.Width, Height: endless})
	a.view.SizeToFit()
}

// text is what stands in the area.
func (a textArea) text() string { return a.view.String() }

// setText replaces all of it.
func (a textArea) setText(text string) {
	a.view.SetString(clean(text))
	if undo := a.view.UndoManager(); !undo.IsNil() {
		undo.RemoveAllActions() // they are about a text that is gone
	}
}

// change removes so many UTF-16 units from the front, and appends texts. Who reads at the end goes on to read there;
// who has scrolled away is left alone.
func (a textArea) change(gone uint64, texts []foundation.AttributedString) {
	if gone == 0 && len(texts) == 0 {
		return
	}
	follow := a.atEnd()
	storage := a.view.TextStorage()
	storage.BeginEditing()
	if gone > 0 {
		storage.DeleteCharactersInRange(foundation.Range{Length: gone})
	}
	for _, text := range texts {
		storage.AppendAttributedString(text)
	}
	storage.EndEditing()
	if follow {
		a.view.ScrollRangeToVisible(foundation.Range{Location: textLength(a.view)})
	}
}

// atEnd tells whether the last line is to be seen, give or take one.
func (a textArea) atEnd() bool {
	visible, whole := a.scroll.DocumentVisibleRect(), a.view.Frame()
	const oneLine = 20
	return visible.Origin.Y+visible.Size.Height >= whole.Size.Height-oneLine
}
