package archtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// testkit may be imported by every test and, outside tests, by the tools.
const testkit = "internal/testkit"

func importRules() []rule {
	return []rule{{
		name:  "import table",
		why:   "left never imports right: layers_test.go says what each package may know",
		check: checkImports,
		bad: []map[string]string{
			{"internal/tts/a.go": importing("tts", module+"internal/memory")},
			{"internal/registry/a.go": importing("registry", module+"internal/engine")},
			{"internal/speech/a.go": importing("speech", module+"mlxbridge")},
			{"internal/server/a.go": importing("server", module+"internal/registry")},
			{"internal/engine/a.go": importing("engine", module+"internal/testkit")},
			{"internal/server/a_test.go": importing("server", module+"internal/engine")},
			{"internal/tokenizer/a_test.go": importing("tokenizer", module+"internal/nn")},
			{"internal/nobody/a.go": importing("nobody", "fmt")},
		},
	}, {
		name:  "library table",
		why:   "each library has its packages: libraries_test.go says which, so that it can be replaced",
		check: checkLibraries,
		bad: []map[string]string{
			{"internal/tts/a.go": importing("tts", "github.com/rs/zerolog")},
			{"internal/safetensors/a.go": importing("safetensors", "golang.org/x/text/unicode/norm")},
			{"internal/engine/a.go": importing("engine", "github.com/go-chi/chi/v5")},
			{"internal/audio/a.go": importing("audio", "pgregory.net/rapid")},
			{"internal/audio/a.go": importing("audio", "example.com/unknown/thing")},
		},
	}}
}

// importing writes a file of package name with one import.
func importing(name, path string) string {
	return fmt.Sprintf("package %s\n\nimport _ %q\n", name, path)
}

func checkImports(all []source) (problems []string) {
	rows := map[string]row{}
	for _, r := range layers() {
		rows[r.pkg] = r
	}
	for _, s := range all {
		r, ok := rows[s.pkg()]
		if !ok {
			problems = append(problems, s.at(s.syntax, "%s has no row in layers_test.go", s.pkg()))
			continue
		}
		for _, imported := range s.imports() {
			target, ours := strings.CutPrefix(imported, module)
			if ours && !mayImport(s, r, target) {
				problems = append(problems, s.at(s.syntax, "%s imports %s (%s)", s.pkg(), target, r.why))
			}
		}
	}
	return problems
}

// mayImport reports whether a file of row r may import our package target.
// Tests are freer: they may use anything to the left that has no fence.
func mayImport(s source, r row, target string) bool {
	switch {
	case slices.Contains(r.imports, target):
		return true
	case !s.isTest():
		return false
	case target == testkit || target == r.pkg || slices.Contains(r.tests, target):
		return true
	}
	_, fenced := fences()[target]
	return !fenced && position(target) >= 0 && position(target) < position(r.pkg)
}

// position is the place of a package in the table, -1 if it has none.
func position(pkg string) int {
	return slices.IndexFunc(layers(), func(r row) bool { return r.pkg == pkg })
}

// TestLayerTable holds the table itself to its direction, and to the tree.
func TestLayerTable(t *testing.T) {
	present := map[string]bool{}
	for _, s := range sources(t) {
		present[s.pkg()] = true
	}
	layer := ""
	for i, r := range layers() {
		if r.layer < layer {
			t.Errorf("%s of %s stands right of %s", r.pkg, r.layer, layer)
		}
		layer = r.layer
		for _, target := range r.imports {
			if p := position(target); p < 0 || p >= i {
				t.Errorf("%s may not be allowed %s, which does not stand to its left", r.pkg, target)
			}
		}
		if present[r.pkg] == (r.planned != "") {
			t.Errorf("%s: there is a package: %v, planned for %q", r.pkg, present[r.pkg], r.planned)
		}
	}
	for pkg := range maps.Keys(fences()) {
		if position(pkg) < 0 {
			t.Errorf("the fence around %s has nothing inside", pkg)
		}
	}
}

// checkLibraries holds imports of other people's code to the table of modules.
func checkLibraries(all []source) (problems []string) {
	for _, s := range all {
		for _, imported := range s.imports() {
			first, _, _ := strings.Cut(imported, "/")
			if !strings.Contains(first, ".") {
				continue // the standard library, "C" or ours
			}
			m, ok := libraryOf(imported)
			allowed := slices.Contains(m.users, s.pkg()) || m.testsUse && (s.isTest() || s.pkg() == testkit)
			if !ok || !allowed {
				problems = append(problems, s.at(s.syntax, "%s imports %s", s.pkg(), imported))
			}
		}
	}
	return problems
}

// libraryOf finds the module that holds a package.
func libraryOf(imported string) (library, bool) {
	for _, m := range libraries() {
		if imported == m.path || strings.HasPrefix(imported, m.path+"/") {
			return m, true
		}
	}
	return library{}, false
}
