package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
)

func docRules() []rule {
	return []rule{{
		name:  "package docs",
		why:   "a package says once what it gives, in the file one opens first",
		check: checkPackageDocs,
		bad: []map[string]string{
			{"internal/a/a.go": "package a\n"},
			{"internal/a/a.go": "// Package b is another.\npackage a\n"},
			{"internal/a/a.go": "// Package a is.\npackage a\n", "internal/a/b.go": "// Package a is too.\npackage a\n"},
		},
	}, {
		name:  "exported docs",
		why:   "what others may use is explained where they look",
		check: checkExportedDocs,
		bad: []map[string]string{
			{"internal/a/a.go": "package a\n\nfunc F() {}\n"},
			{"internal/a/a.go": "package a\n\ntype T struct{}\n"},
			{"internal/a/a.go": "package a\n\nvar V = 1\n"},
			{"internal/a/a.go": "package a\n\nconst (\n\tx = 1\n\tC = 2\n)\n"},
			{"internal/a/a.go": "package a\n\n// T is.\ntype T[E any] struct{}\n\nfunc (*T[E]) M() {}\n"},
		},
	}}
}

// checkPackageDocs wants exactly one doc in each package. A package of tests
// alone may have it in a test.
func checkPackageDocs(all []source) (problems []string) {
	docs := map[string][]string{}
	testsOnly := map[string]bool{}
	for _, s := range all {
		if _, seen := testsOnly[s.pkg()]; !seen {
			testsOnly[s.pkg()] = true
		}
		testsOnly[s.pkg()] = testsOnly[s.pkg()] && s.isTest()
	}
	for _, s := range all {
		if s.isTest() && !testsOnly[s.pkg()] {
			continue
		}
		docs[s.pkg()] = slices.Concat(docs[s.pkg()], docOf(s))
	}
	for _, pkg := range slices.Sorted(maps.Keys(docs)) {
		if n := len(docs[pkg]); n != 1 {
			problems = append(problems, fmt.Sprintf("%s has %d package docs, want 1 %v", pkg, n, docs[pkg]))
		}
	}
	return problems
}

// docOf gives the file's path when the file holds a package doc that names its
// package as godoc wants it.
func docOf(s source) []string {
	want := "Package " + s.syntax.Name.Name + " "
	if s.syntax.Name.Name == "main" {
		want = "Command "
	}
	if s.syntax.Doc == nil || !strings.HasPrefix(s.syntax.Doc.Text(), want) {
		return nil
	}
	return []string{s.path}
}

func checkExportedDocs(all []source) (problems []string) {
	for _, s := range all {
		if s.isTest() {
			continue
		}
		for _, decl := range s.syntax.Decls {
			for _, name := range undocumented(decl) {
				problems = append(problems, s.at(name, "exported %s has no comment", name.Name))
			}
		}
	}
	return problems
}

// undocumented lists the exported names of a declaration that have no comment:
// their own, beside them, or over their group.
func undocumented(decl ast.Decl) (names []*ast.Ident) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Doc == nil && decl.Name.IsExported() && exportedReceiver(decl) {
			names = append(names, decl.Name)
		}
	case *ast.GenDecl:
		if decl.Doc != nil || decl.Tok == token.IMPORT {
			return nil
		}
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Doc == nil && spec.Comment == nil && spec.Name.IsExported() {
					names = append(names, spec.Name)
				}
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if spec.Doc == nil && spec.Comment == nil && name.IsExported() {
						names = append(names, name)
					}
				}
			}
		}
	}
	return names
}

// exportedReceiver reports whether a function is seen from outside: it has no
// receiver, or one of an exported type.
func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	expr := f.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.IsExported()
		default:
			return true
		}
	}
}
