package archtest

import (
	"slices"
	"testing"
)

// rule is a law over all our Go files, with small trees that break it.
type rule struct {
	name  string
	why   string
	check func([]source) []string
	bad   []map[string]string
}

// rules are every law over Go files. Those over other files are in
// files_test.go, those over go.mod in modules_test.go.
func rules() []rule {
	return slices.Concat(importRules(), sizeRules(), docRules(), habitRules())
}

func TestRules(t *testing.T) {
	all := sources(t)
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			for _, problem := range r.check(all) {
				t.Errorf("%s\n\twhy: %s", problem, r.why)
			}
			for i, files := range r.bad {
				if len(r.check(parseAll(t, files))) == 0 {
					t.Errorf("bad example %d passes: the rule has stopped working", i)
				}
			}
		})
	}
}
