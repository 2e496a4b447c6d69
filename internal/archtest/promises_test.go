package archtest

import (
	"fmt"
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// promises is how many rows the table in internal/README.md has.
const promises = 25

// TestPromises holds the table of promises to the tests that there are: a test that is renamed or gone takes its
// promise with it.
func TestPromises(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(top(t), "internal", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	readme, proofs := string(text), proofsIn(sources(t))
	for _, problem := range checkPromisesTable(readme, proofs) {
		t.Error(problem)
	}
	for name, bad := range map[string]string{
		"renamed":   strings.Replace(readme, "`registry.TestStates`", "`registry.TestState`", 1),
		"elsewhere": strings.Replace(readme, "`registry.TestStates`", "`server.TestStates`", 1),
		"no part":   strings.Replace(readme, "`soak quit`", "`soak leave`", 1),
		"no row":    strings.Replace(readme, "\n| P9 |", "\n| P0 |", 1),
		"unproved":  regexp.MustCompile(`(?m)^\| P1 .*$`).ReplaceAllString(readme, "| P1 | much | | |"),
	} {
		if len(checkPromisesTable(bad, proofs)) == 0 {
			t.Errorf("the bad table %q passes: the rule has stopped working", name)
		}
	}
}

// proofsIn lists what a row may name: tests as package.TestName, and parts of the soak as "soak part".
func proofsIn(all []source) map[string]bool {
	proofs := map[string]bool{}
	for _, s := range all {
		if s.pkg() == "internal/tools/soak" {
			for _, found := range regexp.MustCompile(`(?m)^\t\t\{"([a-z]+)", `).FindAllSubmatch(s.text, -1) {
				proofs["soak "+string(found[1])] = true
			}
		}
		for _, decl := range s.syntax.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && s.isTest() && f.Recv == nil {
				proofs[path.Base(s.pkg())+"."+f.Name.Name] = true
			}
		}
	}
	return proofs
}

func checkPromisesTable(readme string, proofs map[string]bool) (problems []string) {
	_, section, _ := strings.Cut(readme, "\n## Promises\n")
	section, _, _ = strings.Cut(section, "\n## ")
	named := regexp.MustCompile("`([a-z0-9]+\\.(?:Test|Fuzz)[A-Za-z0-9]*|soak [a-z]+)`")
	for n := 1; n <= promises; n++ {
		i := slices.IndexFunc(strings.Split(section, "\n"), func(line string) bool { return strings.HasPrefix(line, fmt.Sprintf("| P%d |", n)) })
		if i < 0 {
			problems = append(problems, fmt.Sprintf("internal/README.md has no row for P%d", n))
			continue
		}
		row := strings.Split(section, "\n")[i]
		found := named.FindAllStringSubmatch(row, -1)
		if len(found) == 0 && !strings.Contains(row, "not there yet") {
			problems = append(problems, fmt.Sprintf("nothing shows P%d", n))
		}
		for _, f := range found {
			if !proofs[f[1]] {
				problems = append(problems, fmt.Sprintf("P%d is shown by %s, which isn't there", n, f[1]))
			}
		}
	}
	return problems
}
