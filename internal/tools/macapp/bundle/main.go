// Command bundle lays out TTSUI.app: the program, MLX beside it, and what belongs to an application on a Mac.
//
//	go run ./internal/tools/macapp/bundle -program FILE -mlx mlxbridge/mlx -out bin/TTSUI.app [-sign]
//
// It runs in the repository's root, on any system. With -sign it also does what `codesign -s -` does on a Mac.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"ttsui/internal/tools/macapp/codesign"
)

func main() {
	var p parts
	flag.StringVar(&p.program, "program", "", "the program, for macOS")
	flag.StringVar(&p.mlx, "mlx", "mlxbridge/mlx", "folder of MLX's wheel for macOS")
	flag.StringVar(&p.plist, "plist", "Info.plist", "what the system is told of the application")
	flag.BoolVar(&p.sign, "sign", false, "sign the bundle ad hoc")
	out := flag.String("out", "bin/TTSUI.app", "the bundle; one that is there is replaced")
	flag.Parse()
	if err := p.layOut(*out); err != nil {
		fmt.Fprintln(os.Stderr, "bundle: error:", err)
		os.Exit(1)
	}
}

// parts are the files that a bundle is made of.
type parts struct {
	program string
	mlx     string
	plist   string
	sign    bool
}

// layOut builds the bundle beside its place and moves it there as a whole.
func (p parts) layOut(out string) error {
	folder, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(folder), ".bundle-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := p.write(filepath.Join(tmp, "Contents")); err != nil {
		return err
	}
	if p.sign {
		if err := codesign.Seal(tmp); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	return os.Rename(tmp, folder)
}

// write makes the files below Contents.
func (p parts) write(contents string) error {
	icon, err := icns()
	if err != nil {
		return err
	}
	texts, err := licences(p.mlx)
	if err != nil {
		return err
	}
	lib := filepath.Join(p.mlx, "mlx", "lib")
	for _, f := range []struct {
		name string
		mode os.FileMode
		text func() ([]byte, error)
	}{
		{"Info.plist", 0o644, from(p.plist)},
		{"PkgInfo", 0o644, is("APPL????")},
		{"MacOS/TTSUI", 0o755, from(p.program)},
		{"Frameworks/libmlx.dylib", 0o755, from(filepath.Join(lib, "libmlx.dylib"))},
		// Among Frameworks every file must be signed code, so MLX's kernels lie here; the program tells MLX where.
		{"Resources/mlx.metallib", 0o644, from(filepath.Join(lib, "mlx.metallib"))},
		{"Resources/TTSUI.icns", 0o644, is(string(icon))},
		{"Resources/Licences.txt", 0o644, is(texts)},
	} {
		text, err := f.text()
		if err != nil {
			return err
		}
		name := filepath.Join(contents, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, text, f.mode); err != nil {
			return err
		}
	}
	return nil
}

func from(name string) func() ([]byte, error) {
	return func() ([]byte, error) { return os.ReadFile(name) }
}

func is(text string) func() ([]byte, error) {
	return func() ([]byte, error) { return []byte(text), nil }
}
