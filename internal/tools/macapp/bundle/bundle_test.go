package main

import (
	"bytes"
	"encoding/binary"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestIcon reads the icon file as a Mac would, and looks at the pictures in it.
func TestIcon(t *testing.T) {
	file, err := icns()
	if err != nil {
		t.Fatal(err)
	}
	if string(file[:4]) != "icns" || int(binary.BigEndian.Uint32(file[4:])) != len(file) {
		t.Fatalf("not an icon of %d bytes: %q", len(file), file[:8])
	}
	sizes := map[string]int{}
	for at := 8; at < len(file); at += int(binary.BigEndian.Uint32(file[at+4:])) {
		name := string(file[at : at+4])
		picture, err := png.DecodeConfig(bytes.NewReader(file[at+8:]))
		if err != nil || picture.Width != picture.Height {
			t.Fatalf("%s: %v", name, err)
		}
		sizes[name] = picture.Width
	}
	for name, want := range map[string]int{"icp4": 16, "icp5": 32, "ic11": 32, "ic12": 64, "ic07": 128, "ic13": 256, "ic14": 512, "ic10": 1024} {
		if sizes[name] != want {
			t.Errorf("%s is %d wide, want %d", name, sizes[name], want)
		}
	}
}

// TestDrawing looks at points of the plan whose colour is known, in the largest and the smallest size.
func TestDrawing(t *testing.T) {
	for _, size := range []int{16, 1024} {
		picture := drawIcon(size)
		at := func(x, y int) color.NRGBA {
			return color.NRGBAModel.Convert(picture.At(x*size/1024, y*size/1024)).(color.NRGBA)
		}
		if c := at(10, 10); c.A != 0 {
			t.Errorf("%d: the corner is %v", size, c)
		}
		if c := at(150, 500); c.A != 255 || c.B < 150 || c.R > 120 {
			t.Errorf("%d: the tile is %v", size, c)
		}
		if c := at(260, 560); c != (color.NRGBA{255, 255, 255, 255}) {
			t.Errorf("%d: the bubble is %v", size, c)
		}
	}
	if c := drawIcon(1024).At(512, 476); c == (color.NRGBA{255, 255, 255, 255}) {
		t.Error("there is no wave in the bubble")
	}
}

func TestLicence(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"LICENSE.txt": "MIT", "NOTICE": "of who", "UNLICENSE": "free", "README": "no", "licensing.go": "no"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := licence(dir)
	if want := "MIT\nof who\nfree\n"; err != nil || text != want {
		t.Errorf("%q, %v, want %q", text, err, want)
	}
	if _, err := licences(dir); err == nil || !strings.Contains(err.Error(), "MLX") {
		t.Errorf("a wheel without a licence: %v", err)
	}
}

// TestFailureKeepsTheOld shows that a bundle which can't be made leaves the one that is there, and nothing beside it.
func TestFailureKeepsTheOld(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "TTSUI.app", "Contents")
	if err := os.MkdirAll(old, 0o755); err != nil {
		t.Fatal(err)
	}
	p := parts{program: filepath.Join(dir, "none"), mlx: dir, plist: filepath.Join(dir, "none")}
	if err := p.layOut(filepath.Join(dir, "TTSUI.app")); err == nil {
		t.Fatal("a bundle of nothing is made")
	}
	if _, err := os.Stat(old); err != nil {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}
