// Package screen is a hand and a camera for tests of the window: it moves the mouse, types, and takes pictures of the
// X11 display that the process runs on.
package screen

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// patience is how long one of the tools may take: they need milliseconds.
const patience = 20 * time.Second

// press is how long a mouse button stays down: GNUstep tracks the mouse while it is, and misses what is shorter.
const press = "0.15"

// Click presses and releases the left mouse button at a point, counted from the top left corner.
func Click(x, y int) error {
	return do("xdotool", "mousemove", strconv.Itoa(x), strconv.Itoa(y), "sleep", "0.05",
		"mousedown", "1", "sleep", press, "mouseup", "1", "sleep", "0.05")
}

// Drag presses the button at one point and releases it at another: how a choice is taken from a popup.
func Drag(fromX, fromY, toX, toY int) error {
	return do("xdotool", "mousemove", strconv.Itoa(fromX), strconv.Itoa(fromY), "sleep", "0.05", "mousedown", "1", "sleep", "0.5",
		"mousemove", strconv.Itoa(toX), strconv.Itoa(toY-1), "sleep", press,
		"mousemove", strconv.Itoa(toX), strconv.Itoa(toY), "sleep", press, "mouseup", "1", "sleep", "0.05")
}

// Scroll turns the mouse wheel at a point, so many steps down, or up when that is negative.
func Scroll(x, y, steps int) error {
	button := "5"
	if steps < 0 {
		button, steps = "4", -steps
	}
	return do("xdotool", "mousemove", strconv.Itoa(x), strconv.Itoa(y), "click", "--repeat", strconv.Itoa(steps), "--delay", "30", button)
}

// Type writes text as the keyboard would.
func Type(text string) error { return do("xdotool", "type", "--delay", "30", text) }

// Key presses keys, by X11's names: "Return", "ctrl+a". The Mac's ⌘ is alt here.
func Key(names ...string) error {
	return do("xdotool", append([]string{"key", "--delay", "50"}, names...)...)
}

// Shoot takes a picture of the whole display, as a PNG file. The folder is made when it isn't there.
func Shoot(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return do("import", "-window", "root", path)
}

func do(tool string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if out, err := exec.CommandContext(ctx, tool, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %q: %w: %s", tool, args, err, out)
	}
	return nil
}
