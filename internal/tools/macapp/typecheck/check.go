package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
)

// checker holds what is known of the packages that were checked.
type checker struct {
	fset     *token.FileSet
	done     map[string]*types.Package
	problems []string
}

// parsed is a package's source, or why it could not be read.
type parsed struct {
	pkg   pkg
	files []*ast.File
	err   error
}

// check gives the problems of all packages, those of libraries included: a library that doesn't fit the system is ours
// to notice. Parsing runs ahead of the checking, which needs the packages' order.
func check(pkgs []pkg) []string {
	c := &checker{fset: token.NewFileSet(), done: map[string]*types.Package{"unsafe": types.Unsafe}}
	ahead := make(chan parsed, 16)
	go func() {
		defer close(ahead)
		for _, p := range pkgs {
			files, err := parse(c.fset, p)
			ahead <- parsed{p, files, err}
		}
	}()
	for p := range ahead {
		if p.err != nil {
			c.problems = append(c.problems, p.err.Error())
		}
		c.check(p)
	}
	return c.problems
}

func parse(fset *token.FileSet, p pkg) (files []*ast.File, err error) {
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(p.Dir, name)
		}
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		numberTypesOfC(file)
		files = append(files, file)
	}
	return files, nil
}

// numberTypesOfC makes `type T C.t` a number, as it is for C's enumerations: constants of a type that nobody knows would
// be refused wherever they go. A structure of C would need more than that; in a library nobody looks into its use.
func numberTypesOfC(file *ast.File) {
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		for _, spec := range gen.Specs {
			spec := spec.(*ast.TypeSpec)
			if c, ok := spec.Type.(*ast.SelectorExpr); ok && isC(c.X) {
				spec.Type = &ast.Ident{Name: "uint32", NamePos: c.Pos()}
			}
		}
	}
}

func isC(x ast.Expr) bool {
	name, ok := x.(*ast.Ident)
	return ok && name.Name == "C"
}

// check checks one package. Of those that are only imported it leaves the functions' bodies out: nobody but their
// authors can do anything about them.
func (c *checker) check(p parsed) {
	path := p.pkg.ImportPath
	if path == "unsafe" {
		return
	}
	config := types.Config{
		FakeImportC:      true,
		IgnoreFuncBodies: p.pkg.DepOnly,
		Sizes:            types.SizesFor("gc", "arm64"),
		Importer:         importer{c.done, p.pkg.ImportMap},
		Error:            c.note,
	}
	// Check's own error is the first of those that were collected.
	c.done[path], _ = config.Check(strings.Fields(path)[0], c.fset, p.files, nil)
}

// note keeps a problem. Two things are none: a name of cgo's making, as tests call C functions by it, and a value of C
// that goes where not every value may go.
func (c *checker) note(err error) {
	var problem types.Error
	if errors.As(err, &problem) &&
		(strings.HasPrefix(problem.Msg, "undefined: _C") || strings.Contains(problem.Msg, "invalid type")) {
		return
	}
	c.problems = append(c.problems, err.Error())
}

// importer finds a package among those that are done.
type importer struct {
	done  map[string]*types.Package
	paths map[string]string
}

// Import gives the package that a source file calls by this path.
func (i importer) Import(path string) (*types.Package, error) {
	if mapped, ok := i.paths[path]; ok {
		path = mapped
	}
	if done := i.done[path]; done != nil {
		return done, nil
	}
	return nil, fmt.Errorf("package %s was not listed", path)
}
