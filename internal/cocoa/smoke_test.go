//go:build gnustep

package cocoa

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/macos/foundation"
	"ttsui/internal/tools/gnustep/screen"
)

// TestMain gives the main thread to Cocoa and runs the tests beside it, as the program's own goroutines run.
func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv(asChild) != "" {
		child()
	}
	run(life{
		launched: func(appkit.Application) { go func() { os.Exit(m.Run()) }() },
		mayQuit:  func() bool { return true },
		quit:     func() {},
	})
}

// TestWidgets uses each control once, by mouse and keyboard, and looks at what its owner hears.
func TestWidgets(t *testing.T) {
	w := openWidgets()
	time.Sleep(500 * time.Millisecond) // until the window is drawn
	shoot(t, "widgets")

	w.click(t, w.button)
	w.heard(t, "button")
	w.click(t, w.check)
	w.heard(t, "check true")
	w.click(t, w.check)
	w.heard(t, "check false")
	w.click(t, w.field)
	must(t, screen.Type("hey"))
	for _, typed := range []string{"h", "he", "hey"} {
		w.heard(t, "field "+typed)
	}
	w.choose(t, w.popup, 1)
	w.heard(t, "popup 1")
	w.click(t, w.area.scroll)
	must(t, screen.Type("Zeile 1"))
	w.wait(t, "the text area", "Zeile 1", func() string { return w.area.text() })

	onMainWait(func() {
		setLabelText(w.label, "Größe: 1 × 2")
		setSpinning(w.spinner, true)
		for i := range 40 {
			w.log.change(0, []foundation.AttributedString{styled(fmt.Sprintf("%02d ünï \U0001F600 line\n", i), appkit.Font_UserFixedPitchFontOfSize(11), appkit.Color_SystemRedColor())})
		}
	})
	w.wait(t, "the label", "Größe: 1 × 2", w.label.StringValue)
	w.wait(t, "the log at its end", "true", func() string { return fmt.Sprint(w.log.atEnd()) })
	time.Sleep(300 * time.Millisecond)
	shoot(t, "used")
}

// TestLatest sends a burst of values, and sees few of them, the last one among them.
func TestLatest(t *testing.T) {
	var seen, last atomic.Int64
	l := latest[int]{show: func(n int) {
		seen.Add(1)
		last.Store(int64(n))
		time.Sleep(10 * time.Millisecond)
	}}
	for n := range 1000 {
		l.set(n)
	}
	onMainWait(func() {})
	onMainWait(func() {})
	if last.Load() != 999 || seen.Load() > 10 {
		t.Errorf("%d of 1000 values were shown, the last one was %d", seen.Load(), last.Load())
	}
}

// TestCleanText shows Cocoa what would end the program.
func TestCleanText(t *testing.T) {
	var got string
	onMainWait(func() { got = newLabel("a\xffb\x00c").StringValue() })
	if want := "a\uFFFDb\uFFFDc"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// widgets is a window with one of each.
type widgets struct {
	window  appkit.Window
	label   appkit.TextField
	field   appkit.TextField
	button  appkit.Button
	check   appkit.Button
	popup   appkit.PopUpButton
	spinner appkit.ProgressIndicator
	area    textArea
	log     textArea
	events  chan string
}

func openWidgets() *widgets {
	w := &widgets{events: make(chan string, 100)}
	onMainWait(func() {
		tell := func(event string) { w.events <- event }
		w.window = newWindow("TTSUI", func() {}, func() {})
		w.label = newLabel("A label")
		w.field = newField("Name", func(text string) { tell("field " + text) })
		w.button = newButton("Generate", func() { tell("button") })
		w.check = newCheckbox("Check me", func(on bool) { tell(fmt.Sprint("check ", on)) })
		w.popup = newPopup("Language", []string{"English", "Deutsch", "中文"}, func(i int) { tell(fmt.Sprint("popup ", i)) })
		w.spinner = newSpinner("Loading")
		w.area = newTextArea(true, appkit.Font_SystemFontOfSize(13))
		w.log = newTextArea(false, appkit.Font_UserFixedPitchFontOfSize(11))
		for view, frame := range map[appkit.IView]foundation.Rect{
			w.label: rect(20, 920, 200, 20), w.field: rect(240, 918, 200, 24), w.button: rect(20, 870, 120, 30),
			w.check: rect(160, 870, 120, 24), w.popup: rect(300, 870, 160, 26), w.spinner: rect(480, 870, 24, 24),
			w.area.scroll: rect(20, 640, 740, 200), w.log.scroll: rect(20, 400, 740, 200),
		} {
			view.SetFrame(frame)
			w.window.ContentView().AddSubview(view)
		}
		w.area.place(w.area.scroll.Frame())
		w.log.place(w.log.scroll.Frame())
		w.window.SetFrameTopLeftPoint(foundation.Point{X: 100, Y: 1080})
		w.window.MakeKeyAndOrderFront(nil)
	})
	return w
}

// at is a view's middle on the display, counted from the top left corner.
func (w *widgets) at(view appkit.IView) (x, y int) {
	onMainWait(func() {
		inWindow := view.ConvertRectToView(view.Bounds(), nil)
		frame, display := w.window.Frame(), w.window.Screen().Frame()
		x = int(frame.Origin.X + inWindow.Origin.X + inWindow.Size.Width/2)
		y = int(display.Size.Height - (frame.Origin.Y + inWindow.Origin.Y + inWindow.Size.Height/2))
	})
	return x, y
}

func (w *widgets) click(t *testing.T, view appkit.IView) {
	t.Helper()
	must(t, screen.Click(w.at(view)))
}

// choose takes a choice from a popup that shows its first one. On a busy machine GNUstep may take the release of the
// mouse for a click that opens the list; the list then stays, and waits for another click.
func (w *widgets) choose(t *testing.T, popup appkit.PopUpButton, index int) {
	t.Helper()
	const lineHeight = 24
	x, y := w.at(popup)
	must(t, screen.Drag(x, y, x, y+index*lineHeight))
	time.Sleep(500 * time.Millisecond)
	var chosen int
	onMainWait(func() { chosen = popup.IndexOfSelectedItem() })
	if chosen != index {
		must(t, screen.Click(x, y+index*lineHeight))
	}
}

func (w *widgets) heard(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-w.events:
		if got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	case <-time.After(5 * time.Second):
		shoot(t, "failed")
		t.Errorf("%q was not heard", want)
	}
}

// wait looks at the view tree, on the main thread, until it is as it should be.
func (w *widgets) wait(t *testing.T, what, want string, get func() string) {
	t.Helper()
	var got string
	for range 50 {
		onMainWait(func() { got = strings.TrimSpace(get()) })
		if got == want {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("%s is %q, want %q", what, got, want)
}

func shoot(t *testing.T, name string) {
	t.Helper()
	must(t, screen.Shoot(filepath.Join("..", "..", ".cache", "gnustep", "shots", name+".png")))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
