// Package archtest holds the rules of the house as tests: who may import whom,
// how long a function may be, which libraries we take and why.
//
// Each rule is a function from the sources to a list of problems and carries
// examples that break it, so that a rule which has stopped working fails as
// loudly as code that breaks one. A rule that turns out wrong is changed here,
// with its reason, and not worked around.
package archtest
