package archtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The limits on what a clone brings along.
const (
	maxFileBytes     = 4 << 20
	maxTestDataBytes = 16 << 20
)

// tracked is one file under version control.
type tracked struct {
	path string
	text []byte
}

// isText tells prose and code from data.
func (f tracked) isText() bool { return !bytes.Contains(f.text[:min(len(f.text), 8000)], []byte{0}) }

func isTestData(name string) bool { return strings.Contains("/"+name, "/testdata/") }

// trackedFiles reads every file that git knows. Without git there is nothing to
// hold to these rules: they are about what we hand on.
func trackedFiles(t *testing.T) []tracked {
	t.Helper()
	root := top(t)
	out, err := exec.Command("git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z").Output()
	if err != nil {
		t.Skipf("no git checkout here: %v", err)
	}
	var files []tracked
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		name = filepath.FromSlash(name)
		if info, err := os.Lstat(filepath.Join(root, name)); err != nil || !info.Mode().IsRegular() {
			continue // a link, or removed and not yet committed
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, tracked{filepath.ToSlash(name), text})
	}
	return files
}

// fileRules are the laws over all tracked files, each with files that break it.
// What is forbidden is written in pieces, so that no rule matches itself.
func fileRules() []fileRule {
	return []fileRule{{
		name:  "machine paths",
		why:   "a path of somebody's machine is wrong on every other",
		check: forbid(regexp.MustCompile(`(^|[^\w.~}/-])/(work|home|root|Users)/\w`)),
		bad: []tracked{
			{"a.md", []byte("see /" + "home/me/notes")},
			{".ci/run", []byte("x\ncd /" + "root/x")},
		},
	}, {
		name:  "registry hosts",
		why:   "where packages come from is the machine's setting, so that a mirror works",
		check: forbid(regexp.MustCompile(strings.Join(registryHosts(), "|"))),
		bad:   []tracked{{"Makefile", []byte("pip download -i https://" + "pypi" + ".org/simple")}},
	}, {
		name:  "open ends",
		why:   "what is left to do is an issue, and the code names its number",
		check: forbid(regexp.MustCompile(`\b(` + "TO" + `DO|FIX` + `ME|XX` + `X)\b($|[^(]|\([^#])`)),
		bad: []tracked{
			{"a.go", []byte("// TO" + "DO: later\n")},
			{"a.cpp", []byte("// FIX" + "ME(me) soon\n")},
		},
	}, {
		name:  "top level",
		why:   "the first listing is the table of contents",
		check: checkTopLevel,
		bad:   []tracked{{"notes.txt", nil}, {"pkg/a.go", nil}},
	}, {
		name:  "sizes",
		why:   "a clone stays small, and a source file readable",
		check: checkFileSizes,
		bad: []tracked{
			{"internal/a/testdata/a.bin", make([]byte, maxFileBytes+1)},
			{"mlxbridge/a.cpp", bytes.Repeat([]byte("\n"), maxFileLines+1)},
		},
	}}
}

type fileRule struct {
	name  string
	why   string
	check func([]tracked) []string
	bad   []tracked
}

func TestFiles(t *testing.T) {
	files := trackedFiles(t)
	for _, r := range fileRules() {
		t.Run(r.name, func(t *testing.T) {
			for _, problem := range r.check(files) {
				t.Errorf("%s\n\twhy: %s", problem, r.why)
			}
		})
	}
}

func TestFileRulesCanFail(t *testing.T) {
	good := []tracked{{"internal/a/a.go", []byte("// see ~/.ttsui, /usr/bin and ${HOME}/x\npackage a\n// TO" + "DO(#12): more\n")}}
	for _, r := range fileRules() {
		if problems := r.check(good); len(problems) > 0 {
			t.Errorf("%s: a good file has problems: %q", r.name, problems)
		}
		for _, bad := range r.bad {
			if len(r.check([]tracked{bad})) == 0 {
				t.Errorf("%s: %s passes: the rule has stopped working", r.name, bad.path)
			}
		}
	}
}

// registryHosts are patterns for the hosts that packages are fetched from.
func registryHosts() []string {
	var hosts []string
	for host, domain := range map[string]string{
		"pypi": "org", "pythonhosted": "org", "proxy.golang": "org", "sum.golang": "org", "npmjs": "org",
		"crates": "io", "rubygems": "org", "maven.apache": "org", "anaconda": "org", "deb.debian": "org",
		"archive.ubuntu": "com", "ghcr": "io", "docker": "io",
	} {
		hosts = append(hosts, regexp.QuoteMeta(host+"."+domain)+`\b`)
	}
	return hosts
}

// forbid is the rule that a pattern stands in no line of any text.
func forbid(pattern *regexp.Regexp) func([]tracked) []string {
	return func(files []tracked) (problems []string) {
		for _, f := range files {
			if !f.isText() || f.path == "go.sum" {
				continue
			}
			for i, line := range strings.Split(string(f.text), "\n") {
				if found := pattern.FindString(line); found != "" {
					problems = append(problems, fmt.Sprintf("%s:%d: %q", f.path, i+1, strings.TrimSpace(found)))
				}
			}
		}
		return problems
	}
}

func checkTopLevel(files []tracked) (problems []string) {
	allowed := []string{"go.mod", "go.sum", "cmd", "internal", "mlxbridge", "resources", "Makefile", "README.md", "Info.plist"}
	for _, f := range files {
		entry, _, _ := strings.Cut(f.path, "/")
		if !strings.HasPrefix(entry, ".") && !slices.Contains(allowed, entry) {
			problems = append(problems, f.path+" is none of "+strings.Join(allowed, ", "))
		}
	}
	return problems
}

// checkFileSizes holds what a clone weighs, and C++ to the length of Go files.
func checkFileSizes(files []tracked) (problems []string) {
	testData := 0
	for _, f := range files {
		if isTestData(f.path) {
			testData += len(f.text)
		}
		if len(f.text) > maxFileBytes {
			problems = append(problems, fmt.Sprintf("%s has %d bytes, at most %d", f.path, len(f.text), maxFileBytes))
		}
		isC := slices.Contains([]string{".c", ".h", ".cpp", ".hpp", ".m", ".mm", ".metal"}, path.Ext(f.path))
		if n := lineCount(f.text); isC && n > maxFileLines {
			problems = append(problems, fmt.Sprintf("%s has %d lines, at most %d", f.path, n, maxFileLines))
		}
	}
	if testData > maxTestDataBytes {
		problems = append(problems, fmt.Sprintf("test data has %d bytes, at most %d", testData, maxTestDataBytes))
	}
	return problems
}

// TestPromisedCommands holds README, Makefile and CI to the same two commands:
// what a reader types first is what CI runs first.
func TestPromisedCommands(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(top(t), filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	readme, makefile, ci := read("README.md"), read("Makefile"), read(".ci/run")
	for _, problem := range checkPromises(readme, makefile, ci) {
		t.Error(problem)
	}
	for i, bad := range [][3]string{
		{"read on", makefile, ci},
		{readme, strings.ReplaceAll(makefile, "\ntest:", "\ntests:"), ci},
		{readme, makefile, strings.ReplaceAll(ci, "\nmake test\n", "\ngo test ./...\n")},
		{readme, makefile, strings.ReplaceAll(ci, "\nmake test\n", "\nmake lint\nmake test\n")},
	} {
		if len(checkPromises(bad[0], bad[1], bad[2])) == 0 {
			t.Errorf("bad example %d passes: the rule has stopped working", i)
		}
	}
}

func checkPromises(readme, makefile, ci string) (problems []string) {
	_, block, _ := strings.Cut(readme, "\n```sh\n")
	block, _, _ = strings.Cut(block, "\n```")
	commands := regexp.MustCompile(`(?m)^make \w+`).FindAllString(block, -1)
	if !slices.Equal(commands, []string{"make run", "make test"}) {
		problems = append(problems, fmt.Sprintf("README.md's first commands are %q, want make run and make test", commands))
	}
	for _, command := range commands {
		target := strings.TrimPrefix(command, "make ")
		if !regexp.MustCompile(`(?m)^` + target + `:.* ## .`).MatchString(makefile) {
			problems = append(problems, "the Makefile has no described target "+target)
		}
	}
	if first := regexp.MustCompile(`(?m)^make \w+`).FindString(ci); first != "make test" {
		problems = append(problems, fmt.Sprintf(".ci/run begins with %q, not with make test", first))
	}
	return problems
}

// TestMap holds the map of the house to the packages that there are.
func TestMap(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(top(t), "internal", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range layers() {
		name := strings.TrimPrefix(r.pkg, "internal/")
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("internal/README.md does not show %s", name)
		}
	}
}
