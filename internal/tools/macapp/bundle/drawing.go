package main

import (
	"image"
	"image/color"
	"math"
)

// The drawing is a bubble of speech with a wave in it, on a tile. Its plan is 1024 wide, as Apple's is, of which the
// tile takes the inner 824. Each shape is the distance of a point to its edge, negative inside: edges are smooth in
// every size, and no picture has to be kept.

// point is a place on the plan.
type point struct{ x, y float64 }

// paint is a colour without transparency.
type paint struct{ r, g, b float64 }

// drawIcon draws the icon in a size.
func drawIcon(size int) image.Image {
	scale := 1024 / float64(size)
	picture := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			p := point{(float64(x) + 0.5) * scale, (float64(y) + 0.5) * scale}
			picture.SetNRGBA(x, y, iconColour(p, scale))
		}
	}
	return picture
}

// iconColour is the colour at a point; edges are as wide as a pixel.
func iconColour(p point, pixel float64) color.NRGBA {
	covers := func(distance float64) float64 { return min(1, max(0, 0.5-distance/pixel)) }
	tile := box(p, point{512, 512}, point{412, 412}, 185)
	down := (p.y - 100) / 824
	c := mix(paint{0.36, 0.30, 0.93}, paint{0.07, 0.62, 0.72}, down)
	c = mix(c, paint{1, 1, 1}, covers(bubble(p)))
	c = mix(c, mix(paint{0.36, 0.30, 0.93}, paint{0.07, 0.62, 0.72}, (p.x-300)/424), covers(wave(p)))
	return color.NRGBA{R: level(c.r), G: level(c.g), B: level(c.b), A: level(covers(tile))}
}

// bubble is the outline of speech: a box with round corners, and a tail that points to who speaks.
func bubble(p point) float64 {
	body := box(p, point{512, 476}, point{290, 208}, 110)
	tail := triangle(p, point{330, 640}, point{520, 640}, point{318, 796})
	return min(body, tail)
}

// wave is a row of bars, high where the voice is loud.
func wave(p point) float64 {
	nearest := math.Inf(1)
	for i, half := range [...]float64{40, 92, 138, 76, 116, 58, 28} {
		centre := point{512 + float64(i-3)*68, 476}
		nearest = min(nearest, box(p, centre, point{19, half}, 19))
	}
	return nearest
}

// box is the distance to a box of half the given size around a centre, its corners rounded.
func box(p, centre, half point, corner float64) float64 {
	x := math.Abs(p.x-centre.x) - half.x + corner
	y := math.Abs(p.y-centre.y) - half.y + corner
	return math.Hypot(max(x, 0), max(y, 0)) + min(max(x, y), 0) - corner
}

// triangle is the distance to a triangle whose corners run clockwise, exact enough near its edges.
func triangle(p, a, b, c point) float64 {
	return max(beyond(p, a, b), beyond(p, b, c), beyond(p, c, a))
}

// beyond is how far a point lies to the left of the line from a to b, which is outside of what runs clockwise.
func beyond(p, a, b point) float64 {
	dx, dy := b.x-a.x, b.y-a.y
	return (dy*(p.x-a.x) - dx*(p.y-a.y)) / math.Hypot(dx, dy)
}

func mix(a, b paint, t float64) paint {
	t = min(1, max(0, t))
	return paint{a.r + (b.r-a.r)*t, a.g + (b.g-a.g)*t, a.b + (b.b-a.b)*t}
}

func level(f float64) uint8 { return uint8(math.Round(f * 255)) }
