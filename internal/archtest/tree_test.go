package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is the path before every package of ours.
const module = "ttsui/"

// source is one Go file of ours, whatever system it is built for.
type source struct {
	path   string // from the top of the repository, with slashes
	text   []byte
	syntax *ast.File
	fset   *token.FileSet
}

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// pkg is the source's package: its folder, from the top of the repository.
func (s source) pkg() string { return path.Dir(s.path) }

// imports lists what the file imports, as written.
func (s source) imports() []string {
	var list []string
	for _, spec := range s.syntax.Imports {
		list = append(list, strings.Trim(spec.Path.Value, `"`))
	}
	return list
}

// at makes a problem that an editor can jump to.
func (s source) at(node ast.Node, format string, args ...any) string {
	line := s.fset.Position(node.Pos()).Line
	return fmt.Sprintf("%s:%d: ", s.path, line) + fmt.Sprintf(format, args...)
}

// top is the root of the repository, seen from this package.
func top(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// parse reads one Go file.
func parse(name string, text []byte) (source, error) {
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return source{path: name, text: text, syntax: syntax, fset: fset}, err
}

// parseAll reads a tree that is written down in a test.
func parseAll(t *testing.T, files map[string]string) []source {
	t.Helper()
	var all []source
	for _, name := range slices.Sorted(maps.Keys(files)) {
		s, err := parse(name, []byte(files[name]))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// sources reads every Go file of ours, for all systems and build tags alike:
// nothing is compiled, so cgo costs nothing here.
func sources(t *testing.T) []source {
	t.Helper()
	root := top(t)
	var all []source
	for _, dir := range []string{"cmd", "internal", "mlxbridge", "resources"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(name string, entry fs.DirEntry, err error) error {
			rel, _ := filepath.Rel(root, name)
			rel = filepath.ToSlash(rel)
			switch {
			case os.IsNotExist(err) && rel == dir:
				return nil
			case err != nil:
				return err
			case entry.IsDir() && (entry.Name() == "testdata" || rel == "mlxbridge/mlx"):
				return fs.SkipDir
			case entry.IsDir() || path.Ext(rel) != ".go":
				return nil
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			s, err := parse(rel, text)
			all = append(all, s)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// lineCount is the number of lines of a text.
func lineCount(text []byte) int {
	n := bytes.Count(text, []byte("\n"))
	if len(text) > 0 && text[len(text)-1] != '\n' {
		n++
	}
	return n
}
