package archtest

// The licences of what we link. The first group asks for nothing but its text;
// a module of the second says in its row why we may still take it.
const (
	mit       = "MIT"
	bsd       = "BSD-3-Clause"
	apache    = "Apache-2.0"
	unlicense = "Unlicense"

	mpl = "MPL-2.0"
)

// licenceWords maps a licence to words that its text is known by.
func licenceWords() map[string]string {
	return map[string]string{
		mit:       "Permission is hereby granted, free of charge",
		bsd:       "Redistribution and use in source and binary forms",
		apache:    "Apache License",
		unlicense: "unencumbered software released into the public domain",
		mpl:       "Mozilla Public License",
	}
}

// library is one module of go.mod: why it is here and who may use it.
type library struct {
	path     string
	atLeast  string   // the version that we chose and read; "" where another library chooses
	licence  string   // one of the constants
	terms    string   // why we may take it, where the licence asks for more than its text
	users    []string // packages of ours that import it; none for what comes with another
	testsUse bool     // tests import it
	why      string
}

// libraries is every module in go.mod, by its reason to be there.
func libraries() []library {
	return []library{
		{path: "github.com/go-chi/chi/v5", atLeast: "v5.5.0", licence: mit, users: []string{"internal/server"},
			why: "the server's router"},
		{path: "github.com/rs/zerolog", atLeast: "v1.35.1", licence: mit,
			users: []string{"internal/logs", "internal/registry", "internal/registry/registrytest", "internal/speech",
				"internal/engine", "internal/server", "internal/app", "cmd/ttsui"},
			testsUse: true, why: "structured logging without allocation"},
		{path: "github.com/shirou/gopsutil/v3", atLeast: "v3.24.5", licence: bsd, users: []string{"internal/memory", "internal/instance"},
			why: "processes, their memory and their ports on every system"},
		{path: "github.com/shoenig/go-m1cpu", atLeast: "v0.2.4", licence: mpl,
			terms: "unmodified; the MPL covers its own files only",
			why:   "gopsutil's on macOS; before v0.2.4 it crashes ahead of main on new Apple chips"},
		{path: "github.com/tklauser/go-sysconf", licence: bsd, why: "gopsutil's, on Linux"},
		{path: "github.com/tklauser/numcpus", licence: apache, why: "gopsutil's, on Linux"},
		{path: "github.com/go-ole/go-ole", licence: mit, why: "gopsutil's, on Windows"},
		{path: "github.com/yusufpapurcu/wmi", licence: mit, why: "gopsutil's, on Windows"},
		{path: "github.com/power-devops/perfstat", licence: mit, why: "gopsutil's, on AIX"},
		{path: "github.com/lufia/plan9stats", licence: bsd, why: "gopsutil's, on Plan 9"},
		{path: "github.com/spf13/cobra", atLeast: "v1.10.2", licence: apache, users: []string{"cmd/ttsui"},
			why: "the command line"},
		{path: "github.com/spf13/pflag", licence: bsd, users: []string{"cmd/ttsui"}, why: "cobra's flags"},
		{path: "github.com/inconshreveable/mousetrap", licence: apache, why: "cobra's, on Windows"},

		{path: "github.com/r3labs/sse/v2", atLeast: "v2.10.0", licence: mpl,
			terms: "unmodified; the MPL covers its own files only",
			users: []string{"internal/server"}, why: "server-sent events"},
		{path: "golang.org/x/net", atLeast: "v0.58.0", licence: bsd, why: "sse's; older ones have known holes"},
		{path: "gopkg.in/cenkalti/backoff.v1", licence: mit, why: "sse's"},

		{path: "go.yaml.in/yaml/v3", atLeast: "v3.0.4", licence: apache, users: []string{"internal/server"}, testsUse: true,
			why: "openapi.yaml as a page; the parts from libyaml are MIT's"},

		{path: "golang.org/x/text", licence: bsd, users: []string{"internal/tokenizer"}, why: "Unicode normal forms"},
		{path: "github.com/rivo/uniseg", atLeast: "v0.4.7", licence: mit, users: []string{"internal/textplan"},
			why: "where characters, lines and sentences end in any writing, as Unicode's annexes 14 and 29 say"},

		{path: "github.com/mewkiz/flac", atLeast: "v1.0.14", licence: unlicense, users: []string{"internal/audio"},
			why: "FLAC"},
		{path: "github.com/icza/bitio", licence: apache, why: "flac's"},
		{path: "github.com/mewkiz/pkg", licence: unlicense, why: "flac's"},
		{path: "github.com/mewpkg/term", licence: unlicense, why: "flac's"},
		{path: "github.com/hajimehoshi/go-mp3", atLeast: "v0.3.4", licence: apache, users: []string{"internal/audio"},
			why: "MP3"},
		{path: "github.com/jfreymuth/oggvorbis", atLeast: "v1.0.5", licence: mit, users: []string{"internal/audio"},
			why: "Ogg Vorbis"},
		{path: "github.com/jfreymuth/vorbis", licence: mit, why: "oggvorbis's"},

		{path: "github.com/gen2brain/malgo", atLeast: "v0.11.24", licence: unlicense, users: []string{"internal/playback", "internal/recording"},
			why: "sound on every system, by miniaudio, which it carries along"},
		{path: "github.com/progrium/darwinkit", atLeast: "v0.5.0", licence: mit,
			users: []string{"internal/cocoa", "internal/tools/darwinkit/probe"}, why: "Cocoa from Go; it was macdriver"},

		{path: "golang.org/x/sync", atLeast: "v0.24.0", licence: bsd,
			users: []string{"internal/hub", "internal/registry", "internal/speech", "internal/engine", "internal/app", "cmd/ttsui"},
			why:   "waiting for a group of goroutines and the first error among them"},
		{path: "golang.org/x/sys", licence: bsd,
			users: []string{"internal/atomicfile", "internal/memory", "mlxbridge", "internal/app", "cmd/ttsui"},
			why:   "system calls that the standard library leaves out"},
		{path: "golang.org/x/term", licence: bsd, users: []string{"cmd/ttsui"}, why: "is there a person at the other end"},
		{path: "github.com/mattn/go-colorable", licence: mit, why: "zerolog's"},
		{path: "github.com/mattn/go-isatty", licence: mit, why: "zerolog's"},

		{path: "github.com/google/go-cmp", atLeast: "v0.7.0", licence: bsd, testsUse: true, why: "diffs that can be read"},
		{path: "github.com/rogpeppe/go-internal", atLeast: "v1.16.0", licence: bsd, testsUse: true,
			why: "testscript: tests of the real binary"},
		{path: "golang.org/x/tools", licence: bsd, why: "testscript's"},
		{path: "github.com/kr/text", licence: mit, why: "of yaml's tests; nothing of ours is built with it"},
		{path: "github.com/santhosh-tekuri/jsonschema/v6", atLeast: "v6.0.2", licence: apache, testsUse: true,
			why: "answers against the schemas of OpenAPI 3.1, which are JSON Schema's"},
		{path: "go.uber.org/goleak", atLeast: "v1.3.0", licence: mit, testsUse: true, why: "no goroutine stays behind"},
		{path: "pgregory.net/rapid", atLeast: "v1.3.0", licence: mpl, testsUse: true,
			terms: "unmodified; used by tests only, so no binary holds it", why: "random walks through state machines"},
	}
}
