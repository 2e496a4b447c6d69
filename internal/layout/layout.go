// Package layout says where everything in the window stands. A window is a tree of boxes: columns, rows, and in the
// leaves the views, by their names. The tree follows the snapshot, so that what isn't shown has no place; views only
// do as they are told. It is plain arithmetic, so that no window has to be opened to see that nothing overlaps.
package layout

// Rect is a place in points. Y counts downwards from the top, as one reads.
type Rect struct{ X, Y, W, H float64 }

// Box is a view with a name, or a row or column of boxes. W and H are its least size; that of a row or column is at
// least what its boxes need. A box grows only where it is told to, and takes its share of what is left over.
type Box struct {
	Name         string
	W, H         float64
	GrowW, GrowH bool

	boxes []Box
	down  bool    // a column
	gap   float64 // between boxes
	pad   float64 // around all of them
}

// Column puts boxes below each other.
func Column(gap, pad float64, boxes ...Box) Box { return container(true, gap, pad, boxes) }

// Row puts boxes beside each other, all of them as high as the highest.
func Row(gap, pad float64, boxes ...Box) Box { return container(false, gap, pad, boxes) }

// Space is an empty box that takes what is left over.
func Space() Box { return Box{GrowW: true} }

func container(down bool, gap, pad float64, boxes []Box) Box {
	b := Box{boxes: boxes, down: down, gap: gap, pad: pad}
	for _, child := range boxes {
		b.GrowW = b.GrowW || child.GrowW
		b.GrowH = b.GrowH || child.GrowH
	}
	return b
}

// Min is the least size at which everything in b has its own.
func (b Box) Min() (w, h float64) {
	var along, across float64
	for i, child := range b.boxes {
		cw, ch := child.Min()
		if b.down {
			cw, ch = ch, cw
		}
		if i > 0 {
			along += b.gap
		}
		along += cw
		across = max(across, ch)
	}
	if b.down {
		along, across = across, along
	}
	if len(b.boxes) > 0 {
		along, across = along+2*b.pad, across+2*b.pad
	}
	return max(b.W, along), max(b.H, across)
}

// Place gives every named box its place when b is at r.
func (b Box) Place(r Rect) map[string]Rect {
	places := map[string]Rect{}
	b.place(r, places)
	return places
}

func (b Box) place(r Rect, places map[string]Rect) {
	if b.Name != "" {
		places[b.Name] = r
	}
	inner := Rect{r.X + b.pad, r.Y + b.pad, r.W - 2*b.pad, r.H - 2*b.pad}
	room, growing := inner.W, 0
	if b.down {
		room = inner.H
	}
	room -= b.gap * float64(max(len(b.boxes)-1, 0))
	for _, child := range b.boxes {
		least, grows := child.along(b.down)
		room -= least
		if grows {
			growing++
		}
	}
	at := 0.0
	for _, child := range b.boxes {
		size, grows := child.along(b.down)
		if grows && room > 0 {
			size += room / float64(growing)
		}
		child.place(child.within(inner, b.down, at, size), places)
		at += size + b.gap
	}
}

// along is the least size of a box in the direction of its container, and whether it grows there.
func (b Box) along(down bool) (least float64, grows bool) {
	w, h := b.Min()
	if down {
		return h, b.GrowH
	}
	return w, b.GrowW
}

// within is where b stands in its container: from at on, and across as far as it grows. In a row it is centred when it
// doesn't, so that a label stands beside its button.
func (b Box) within(inner Rect, down bool, at, size float64) Rect {
	w, h := b.Min()
	if down {
		if b.GrowW {
			w = inner.W
		}
		return Rect{inner.X, inner.Y + at, w, size}
	}
	if b.GrowH {
		h = inner.H
	}
	return Rect{inner.X + at, inner.Y + (inner.H-h)/2, size, h}
}
