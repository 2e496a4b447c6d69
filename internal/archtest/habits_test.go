package archtest

import (
	"go/ast"
	"path"
	"slices"
)

// cgoFence lists the packages that may import "C", each with its reason.
func cgoFence() map[string]string {
	return map[string]string{
		"mlxbridge":       "the one door to MLX: every call guarded, every array counted",
		"internal/memory": "macOS tells a process's footprint to C alone; one call, and a build without cgo does without",
	}
}

func habitRules() []rule {
	return []rule{{
		name:  "cgo fence",
		why:   "C ends the process where Go returns an error: it stays behind one reviewed door",
		check: checkCgoFence,
		bad:   []map[string]string{{"internal/engine/a.go": "package engine\n\nimport \"C\"\n"}},
	}, {
		name:  "no init",
		why:   "a program does what main says, in the order in which main says it; only the main thread can't wait for main",
		check: checkNoInit,
		bad: []map[string]string{
			{"internal/a/a.go": "package a\n\nfunc init() {}\n"},
			{"internal/a/a.go": "package a\n\nfunc init() { runtime.LockOSThread(); more() }\n"},
		},
	}, {
		name:  "package names",
		why:   "a package is named for what it gives, so that one finds it without knowing it",
		check: checkPackageNames,
		bad: []map[string]string{
			{"internal/util/a.go": "package util\n"},
			{"internal/audio/a.go": "package sound\n"},
		},
	}}
}

func checkCgoFence(all []source) (problems []string) {
	for _, s := range all {
		if _, allowed := cgoFence()[s.pkg()]; !allowed && slices.Contains(s.imports(), "C") {
			problems = append(problems, s.at(s.syntax, `%s imports "C"`, s.pkg()))
		}
	}
	return problems
}

func checkNoInit(all []source) (problems []string) {
	for _, s := range all {
		for _, decl := range s.syntax.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" && !pinsThread(f) {
				problems = append(problems, s.at(f, "func init"))
			}
		}
	}
	return problems
}

// pinsThread tells that f does nothing but keep main on the thread that the process began on.
func pinsThread(f *ast.FuncDecl) bool {
	if len(f.Body.List) != 1 {
		return false
	}
	statement, _ := f.Body.List[0].(*ast.ExprStmt)
	if statement == nil {
		return false
	}
	call, _ := statement.X.(*ast.CallExpr)
	if call == nil {
		return false
	}
	name, _ := call.Fun.(*ast.SelectorExpr)
	return name != nil && name.Sel.Name == "LockOSThread"
}

// checkPackageNames also wants a package to be called like its folder, so that
// an import path says how its names begin.
func checkPackageNames(all []source) (problems []string) {
	banned := []string{"util", "utils", "common", "helper", "helpers", "types", "misc", "base", "shared"}
	for _, s := range all {
		name := s.syntax.Name.Name
		switch folder := path.Base(s.pkg()); {
		case slices.Contains(banned, name):
			problems = append(problems, s.at(s.syntax.Name, "a package %s says nothing", name))
		case name != folder && name != "main" && !(s.isTest() && name == folder+"_test"):
			problems = append(problems, s.at(s.syntax.Name, "package %s in folder %s", name, folder))
		}
	}
	return problems
}
