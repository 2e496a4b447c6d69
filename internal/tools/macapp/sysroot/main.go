// Command sysroot writes what a linker and a compiler for macOS want to see of the system: stubs of its libraries and
// headers, all of our own making. Nothing of Apple's SDK is in it, so it may lie and go anywhere.
//
//	go run ./internal/tools/macapp/sysroot -mlx FOLDER/libmlx.dylib -out DIR
//
// A stub (.tbd) names a library and what may be bound to it. A symbol is in it for one of three reasons: Go's own
// library names it (cgo_import_dynamic); libmlx.dylib, which was built with Apple's SDK for macOS 14, is bound to it; or
// it stands in symbols.txt. So a misspelt function doesn't link, as on a Mac. Of the frameworks that darwinkit links
// nothing but the names is known: it binds to no symbol of theirs.
//
// The headers in headers/ declare what the libraries that we link use of each framework. darwinkit names many protocols
// of Objective-C besides, which it looks up at run time: they are declared by name, without methods.
package main

import (
	"embed"
	"flag"
	"fmt"
	"os"
)

//go:embed headers
var headers embed.FS

//go:embed symbols.txt
var symbols string

func main() {
	mlx := flag.String("mlx", "", "libmlx.dylib of the macOS wheel")
	out := flag.String("out", "", "folder to write; what is there is replaced")
	flag.Parse()
	if err := run(*mlx, *out); err != nil {
		fmt.Fprintln(os.Stderr, "sysroot: error:", err)
		os.Exit(1)
	}
}

// run collects the stubs and headers and writes them.
func run(mlx, out string) error {
	goroot, err := ask("env", "GOROOT")
	if err != nil {
		return err
	}
	darwinkit, err := ask("list", "-m", "-f", "{{.Dir}}", "github.com/progrium/darwinkit")
	if err != nil {
		return err
	}
	libs := stubs{}
	for _, add := range []func() error{
		func() error { return libs.addList(symbols) },
		func() error { return libs.addGo(goroot) },
		func() error { return libs.addBound(mlx) },
		func() error { return libs.addFrameworks(darwinkit) },
	} {
		if err := add(); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := libs.write(out); err != nil {
		return err
	}
	return writeHeaders(darwinkit, out)
}
