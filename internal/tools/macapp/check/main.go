// Command check looks at a finished TTSUI.app as a Mac would, without one: is all there that belongs to it, does the
// program start on the oldest system that we promise, will the loader find every library and symbol, and is everything
// what was signed.
//
//	go run ./internal/tools/macapp/check bin/TTSUI.app
//
// It says what it found, and ends with status 1 when something is wrong.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: check FOLDER.app")
		os.Exit(2)
	}
	r := &report{}
	checkBundle(r, flag.Arg(0))
	for _, line := range r.seen {
		fmt.Println(line)
	}
	for _, problem := range r.problems {
		fmt.Fprintln(os.Stderr, "check:", problem)
	}
	if len(r.problems) > 0 {
		os.Exit(1)
	}
}

// report is what was seen and what is wrong with it.
type report struct {
	seen     []string
	problems []string
}

func (r *report) saw(format string, args ...any) {
	r.seen = append(r.seen, fmt.Sprintf(format, args...))
}

// want notes a problem unless it is as it should be.
func (r *report) want(ok bool, format string, args ...any) {
	if !ok {
		r.problems = append(r.problems, fmt.Sprintf(format, args...))
	}
}

// wantNo notes an error.
func (r *report) wantNo(err error, about string) {
	if err != nil {
		r.problems = append(r.problems, fmt.Sprintf("%s: %v", about, err))
	}
}
