package archtest

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// goMod is what the rules read of go.mod.
type goMod struct {
	Require []struct{ Path, Version string }
	Replace []struct{ Old struct{ Path string } }
}

func TestModules(t *testing.T) {
	out := goCommand(t, "mod", "edit", "-json")
	var mod goMod
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	for _, problem := range checkModules(mod) {
		t.Error(problem)
	}
}

// checkModules wants go.mod and the table of libraries to be about the same
// modules, at the versions that we chose or later, without replacements.
func checkModules(mod goMod) (problems []string) {
	for _, r := range mod.Replace {
		problems = append(problems, "replace of "+r.Old.Path+": others could not build us as we build ourselves")
	}
	versions := map[string]string{}
	for _, r := range mod.Require {
		versions[r.Path] = r.Version
		if m, ok := libraryOf(r.Path); !ok || m.path != r.Path {
			problems = append(problems, r.Path+" has no row in libraries_test.go: say why it is needed and its licence")
		}
	}
	for _, m := range libraries() {
		switch version, ok := versions[m.path]; {
		case !ok:
			problems = append(problems, m.path+" has a row in libraries_test.go and is not in go.mod")
		case m.atLeast != "" && compareVersions(version, m.atLeast) < 0:
			problems = append(problems, m.path+" "+version+" is older than "+m.atLeast+": "+m.why)
		case m.licence == mpl && m.terms == "":
			problems = append(problems, m.path+" is under "+m.licence+": say why we may take it")
		}
	}
	return problems
}

func TestModulesCanFail(t *testing.T) {
	whole := func() goMod {
		var mod goMod
		for _, m := range libraries() {
			mod.Require = append(mod.Require, struct{ Path, Version string }{m.path, cmp.Or(m.atLeast, "v1.0.0")})
		}
		return mod
	}
	if problems := checkModules(whole()); len(problems) > 0 {
		t.Fatalf("a go.mod made from the table: %q", problems)
	}
	index := slices.IndexFunc(libraries(), func(m library) bool { return m.path == "github.com/shoenig/go-m1cpu" })
	for name, spoil := range map[string]func(*goMod){
		"too old": func(m *goMod) { m.Require[index].Version = "v0.1.6" },
		"missing": func(m *goMod) { m.Require = m.Require[1:] },
		"unknown": func(m *goMod) {
			m.Require = append(m.Require, struct{ Path, Version string }{"example.com/x", "v1.0.0"})
		},
		"replaced":  func(m *goMod) { m.Replace = make([]struct{ Old struct{ Path string } }, 1) },
		"submodule": func(m *goMod) { m.Require[index].Path += "/v2" },
	} {
		mod := whole()
		spoil(&mod)
		if len(checkModules(mod)) == 0 {
			t.Errorf("%s: the rule has stopped working", name)
		}
	}
}

// compareVersions compares released versions, "v1.9.0" before "v1.10.0".
func compareVersions(a, b string) int {
	numbers := func(v string) (list []int) {
		for part := range strings.SplitSeq(strings.TrimPrefix(v, "v"), ".") {
			n, _ := strconv.Atoi(part)
			list = append(list, n)
		}
		return list
	}
	return slices.Compare(numbers(a), numbers(b))
}

func TestCompareVersions(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"v1.9.0", "v1.10.0", -1}, {"v0.2.4", "v0.2.4", 0}, {"v2.0.0", "v1.99.99", 1}} {
		if got := compareVersions(c.a, c.b); got != c.want {
			t.Errorf("compareVersions(%s, %s) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// TestLicences reads the licence of each module that lies in the module cache.
func TestLicences(t *testing.T) {
	for _, m := range libraries() {
		if licenceWords()[m.licence] == "" {
			t.Errorf("%s: unknown licence %q", m.path, m.licence)
		}
	}
	args := []string{"list", "-m", "-e", "-json"} // -e: what was never needed here may not be in the cache
	for _, m := range libraries() {
		args = append(args, m.path)
	}
	decoder := json.NewDecoder(strings.NewReader(string(goCommand(t, args...))))
	for {
		var found struct{ Path, Dir string }
		if err := decoder.Decode(&found); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		m, _ := libraryOf(found.Path)
		if found.Dir != "" && !isUnder(t, found.Dir, m.licence) {
			t.Errorf("%s has no text of %s in %s", m.path, m.licence, found.Dir)
		}
	}
}

// isUnder reports whether a folder holds a text of the licence.
func isUnder(t *testing.T, dir, licence string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*[Ll][Ii][Cc][Ee][Nn]*"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(name string) bool {
		text, err := os.ReadFile(name)
		return err == nil && strings.Contains(strings.Join(strings.Fields(string(text)), " "), licenceWords()[licence])
	})
}

func TestLicencesCanFail(t *testing.T) {
	dir := t.TempDir()
	if isUnder(t, dir, mit) {
		t.Error("a folder without a licence passes")
	}
	text := []byte("The MIT License\n\nPermission is hereby granted, free\nof charge, to any person\n")
	if err := os.WriteFile(filepath.Join(dir, "LICENSE"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if !isUnder(t, dir, mit) || isUnder(t, dir, apache) {
		t.Error("the MIT licence is not told from Apache's")
	}
}

// goCommand runs the go command on this module, without asking the network.
func goCommand(t *testing.T, args ...string) []byte {
	t.Helper()
	command := exec.Command("go", args...)
	command.Dir = top(t)
	command.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=readonly")
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return out
}
