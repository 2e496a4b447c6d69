package archtest

import (
	"fmt"
	"go/ast"
	"strings"
)

// The budget. Code that we admire stays within it (a median near 10 lines and
// 400), so what is over it waits to be split, not to be excused.
const (
	maxFunctionLines = 80
	maxFileLines     = 600
)

func sizeRules() []rule {
	return []rule{{
		name:  "function length",
		why:   "a function is read in one piece, on one screen",
		check: checkFunctionLength,
		bad: []map[string]string{{
			"internal/a/a.go": "package a\n\nfunc f() {" + strings.Repeat("\n", maxFunctionLines) + "}\n",
		}},
	}, {
		name:  "file length",
		why:   "a file is about one thing",
		check: checkFileLength,
		bad: []map[string]string{{
			"internal/a/a.go": "package a\n" + strings.Repeat("\n", maxFileLines),
		}, {
			"internal/a/a_test.go": "package a\n" + strings.Repeat("\n", maxFileLines),
		}},
	}}
}

func checkFunctionLength(all []source) (problems []string) {
	for _, s := range all {
		if s.isTest() {
			continue // a table of cases may be long
		}
		for _, decl := range s.syntax.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			lines := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1
			if lines > maxFunctionLines {
				problems = append(problems, s.at(f, "%s has %d lines, at most %d", f.Name.Name, lines, maxFunctionLines))
			}
		}
	}
	return problems
}

func checkFileLength(all []source) (problems []string) {
	for _, s := range all {
		if n := lineCount(s.text); n > maxFileLines {
			problems = append(problems, fmt.Sprintf("%s has %d lines, at most %d", s.path, n, maxFileLines))
		}
	}
	return problems
}
