//go:build darwin || gnustep

package cocoa

import (
	"github.com/progrium/darwinkit/macos/appkit"
	"github.com/progrium/darwinkit/objc"

	"ttsui/internal/tts"
	"ttsui/internal/ui"
)

// buildMenu makes the menu bar. Items that every Mac program has are answered by Cocoa itself, along the chain from the
// text that is edited to the application.
func (d *desk) buildMenu(application appkit.Application) {
	bar := keep(appkit.NewMenuWithTitle("Main"))
	addMenu(bar, "TTSUI",
		d.item("About TTSUI", "", func() { d.about.open(d.shown.Status.Engine) }, always), separator(),
		d.item("Settings…", ",", d.settings.open, always), separator(),
		system("Hide TTSUI", "h", "hide:"), withOption(system("Hide Others", "h", "hideOtherApplications:")),
		system("Show All", "", "unhideAllApplications:"), separator(),
		system("Quit TTSUI", "q", "terminate:"))
	addMenu(bar, "File", d.fromSnapshot(func(m *ui.Menu) ui.Button { return m.SaveAs }, "Save As…", "s", func() { d.saveAs(d.shown.Tab) }),
		d.fromSnapshot(func(m *ui.Menu) ui.Button { return m.Reveal }, "Show in Finder", "r", d.reveal), separator(),
		system("Close Window", "w", "performClose:"))
	addMenu(bar, "Edit", system("Undo", "z", "undo:"), system("Redo", "Z", "redo:"), separator(), system("Cut", "x", "cut:"),
		system("Copy", "c", "copy:"), system("Paste", "v", "paste:"), system("Delete", "", "delete:"), system("Select All", "a", "selectAll:"))
	addMenu(bar, "Speech", d.speechItems()...)
	addMenu(bar, "View", d.viewItems()...)
	window := addMenu(bar, "Window", system("Minimize", "m", "performMiniaturize:"), system("Zoom", "", "performZoom:"))
	addMenu(bar, "Help", d.fromSnapshot(func(m *ui.Menu) ui.Button { return m.Docs }, "Server Endpoints", "?", d.openDocs))
	application.SetMainMenu(bar)
	application.SetWindowsMenu(window)
}

func (d *desk) speechItems() []appkit.MenuItem {
	app := d.app
	d.play = keep(d.fromSnapshot(func(m *ui.Menu) ui.Button { return m.Play }, "Play or Pause", "", app.PlayPause))
	d.play.SetKeyEquivalentModifierMask(0)
	return []appkit.MenuItem{
		d.fromSnapshot(func(m *ui.Menu) ui.Button { return m.Generate }, "Generate", "\r", func() { app.Generate(d.shown.Tab) }),
		d.fromSnapshot(func(m *ui.Menu) ui.Button { return m.Stop }, "Stop", ".", func() { app.Stop(d.shown.Tab) }),
		separator(), d.play,
		d.fromSnapshot(func(m *ui.Menu) ui.Button { return m.Back }, "Back 10 Seconds", "[", app.Back),
		d.fromSnapshot(func(m *ui.Menu) ui.Button { return m.Forward }, "Forward 10 Seconds", "]", app.Forward),
		separator(),
		d.fromSnapshot(func(m *ui.Menu) ui.Button { return m.Restart }, "Restart Server", "", app.RestartServer),
	}
}

func (d *desk) viewItems() []appkit.MenuItem {
	var items []appkit.MenuItem
	for i, mode := range tts.Modes() {
		key := string(rune('1' + i))
		title := map[tts.Mode]string{tts.Clone: "Clone", tts.Control: "Control", tts.Design: "Design"}[mode]
		items = append(items, d.item(title, key, func() { d.app.SelectTab(mode) }, always))
	}
	return append(items, separator(),
		d.item("Go to Log", "l", func() { d.window.MakeFirstResponder(d.log.area.view) }, always),
		d.fromSnapshot(func(m *ui.Menu) ui.Button { return m.CopyLog }, "Copy Log", "C", d.copyLog),
		d.fromSnapshot(func(m *ui.Menu) ui.Button { return m.ClearLog }, "Clear Log", "", d.app.ClearLog))
}

// updateKeys comes after each event. The space bar plays, but belongs to the text while one is edited, and to a button
// that the keyboard has come to: a menu would take it first.
func (d *desk) updateKeys() {
	if d.play.IsNil() {
		return // the menu comes after the window
	}
	key := ""
	if d.window.IsKeyWindow() && !d.takesKeys() {
		key = " "
	}
	if d.play.KeyEquivalent() != key {
		d.play.SetKeyEquivalent(key)
	}
}

// takesKeys tells whether the space bar writes into a text or presses a button now.
func (d *desk) takesKeys() bool {
	first := d.window.FirstResponder()
	is := func(class string) bool {
		return objc.Call[bool](first, objc.Sel("isKindOfClass:"), objc.GetClass(class))
	}
	return !first.IsNil() && (is("NSText") || is("NSButton"))
}

func always() bool { return true }

// item makes a menu item of ours; key goes with ⌘.
func (d *desk) item(title, key string, do func(), can func() bool) appkit.MenuItem {
	item := appkit.NewMenuItemWithTitleActionKeyEquivalent(title, objc.Sel("choose:"), key)
	item.SetTarget(menuTarget())
	menuItems()[item.Ptr()] = menuItem{do, can}
	return item
}

// fromSnapshot makes an item that can be done when the snapshot says so.
func (d *desk) fromSnapshot(get func(*ui.Menu) ui.Button, title, key string, do func()) appkit.MenuItem {
	return d.item(title, key, do, func() bool { return get(&d.shown.Menu).Enabled })
}

// system makes an item that Cocoa answers.
func system(title, key, action string) appkit.MenuItem {
	return appkit.NewMenuItemWithTitleActionKeyEquivalent(title, objc.Sel(action), key)
}

func withOption(item appkit.MenuItem) appkit.MenuItem {
	item.SetKeyEquivalentModifierMask(appkit.EventModifierFlagOption | appkit.EventModifierFlagCommand)
	return item
}

func separator() appkit.MenuItem { return appkit.MenuItem_SeparatorItem() }

func addMenu(bar appkit.Menu, title string, items ...appkit.MenuItem) appkit.Menu {
	menu := appkit.NewMenuWithTitle(title)
	for _, item := range items {
		menu.AddItem(item)
	}
	holder := appkit.NewMenuItemWithTitleActionKeyEquivalent(title, objc.Selector{}, "")
	holder.SetSubmenu(menu)
	bar.AddItem(holder)
	return menu
}
