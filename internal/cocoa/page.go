//go:build darwin || gnustep

package cocoa

import (
	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"

	"ttsui/internal/layout"
)

// page is a view whose parts stand where a layout says. A part that the layout has no place for is hidden.
type page struct {
	view  appkit.IView
	parts map[string]*part
}

// part is a view of a page.
type part struct {
	view  appkit.IView
	place func(foundation.Rect) // SetFrame of view, when nil
	shown bool
	frame foundation.Rect // that it was placed at last
}

func newPage(view appkit.IView) page { return page{view, map[string]*part{}} }

// add puts a view into the page, as the part with this name. Later ones lie on top of earlier ones.
func (p page) add(name string, view appkit.IView) { p.addPart(name, &part{view: view}) }

func (p page) addArea(name string, area textArea) {
	p.addPart(name, &part{view: area.scroll, place: area.place})
}

func (p page) addPart(name string, part *part) {
	part.view.SetHidden(true)
	p.view.AddSubview(part.view)
	p.parts[name] = part
}

// arrange gives every part its place in a page of this size. Most stay where they are, which costs nothing.
func (p page) arrange(box layout.Box, size foundation.Size) {
	places, changed := box.Place(layout.Rect{W: size.Width, H: size.Height}), false
	for name, part := range p.parts {
		place, shown := places[name]
		if shown != part.shown {
			part.view.SetHidden(!shown)
			part.shown, changed = shown, true
		}
		frame := rect(place.X, size.Height-place.Y-place.H, place.W, place.H)
		switch {
		case !shown || frame == part.frame:
			continue
		case part.place != nil:
			part.place(frame)
		default:
			part.view.SetFrame(frame)
		}
		part.frame, changed = frame, true
	}
	if changed {
		p.view.SetNeedsDisplay(true) // where something was, too
	}
}
