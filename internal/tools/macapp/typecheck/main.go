// Command typecheck checks the types of what a Mac builds, in seconds and without a C compiler or Apple's headers.
//
//	go run ./internal/tools/macapp/typecheck ./...
//
// It reads the packages as Go would choose their files for darwin/arm64 with cgo, and everything that they import, from
// source. What C gives has no type here, so each use of it passes: a wrong call of a Go function is found, a wrong call
// of a C function is not. The cross-link finds those.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	flag.Parse()
	problems, err := run(flag.Args(), os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "typecheck: error:", err)
		os.Exit(2)
	}
	for _, problem := range problems {
		fmt.Fprintln(os.Stderr, problem)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

// run checks the packages that the patterns name, says how many that were, and gives what is wrong with them.
func run(patterns []string, out io.Writer) (problems []string, err error) {
	start := time.Now()
	pkgs, err := list(patterns)
	if err != nil {
		return nil, err
	}
	problems = check(pkgs)
	ours := 0
	for _, p := range pkgs {
		if !p.DepOnly {
			ours++
		}
	}
	fmt.Fprintf(out, "darwin/arm64: %d packages and %d that they import, %d problems, %.1f s\n",
		ours, len(pkgs)-ours, len(problems), time.Since(start).Seconds())
	return problems, nil
}
