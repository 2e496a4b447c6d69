package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// pkg is what `go list` says of a package. A test's variant is a package of its own.
type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	CgoFiles   []string
	ImportMap  map[string]string // from the path in the source to the package's: vendored ones and tests' variants
	DepOnly    bool              // not named by a pattern
	Error      *struct{ Err string }
}

// fields are what list asks `go list` for; it takes less time than asking for all.
const fields = "-json=ImportPath,Dir,GoFiles,CgoFiles,ImportMap,DepOnly,Error"

// list gives the packages, their tests and all that these import, in an order in which nobody comes before what it
// imports.
func list(patterns []string) ([]pkg, error) {
	args := append([]string{"list", "-e", "-deps", "-test", fields, "--"}, patterns...)
	cmd := exec.Command("go", args...)
	// With a compiler that answers nothing `go list` still lists: it only has to choose files.
	cmd.Env = append(os.Environ(), "GOOS=darwin", "GOARCH=arm64", "CGO_ENABLED=1", "CC=false", "CXX=false")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, stderr.String())
	}
	pkgs, err := decode(out)
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	return pkgs, nil
}

// decode reads the list. The programs that `go test` writes around tests are left out: they aren't there yet.
func decode(out []byte) (pkgs []pkg, err error) {
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs, nil
		} else if err != nil {
			return nil, err
		}
		if p.Error != nil {
			return nil, fmt.Errorf("%s: %s", p.ImportPath, p.Error.Err)
		}
		if !strings.HasSuffix(p.ImportPath, ".test") {
			pkgs = append(pkgs, p)
		}
	}
}
