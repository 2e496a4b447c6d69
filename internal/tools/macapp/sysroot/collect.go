package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"ttsui/internal/tools/macapp/machfile"
)

// stubs holds the symbols of each library, by the name that programs load it by.
type stubs map[string]map[string]bool

// add puts a symbol into a library; "" makes sure of the library alone.
func (s stubs) add(library, symbol string) {
	if s[library] == nil {
		s[library] = map[string]bool{}
	}
	if symbol != "" {
		s[library][symbol] = true
	}
}

// addList reads symbols.txt: a library at the beginning of a line, its symbols in the lines that are indented. After
// the word class stand classes of Objective-C.
func (s stubs) addList(list string) error {
	library := ""
	for i, line := range strings.Split(list, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case line[0] == '/':
			library = words[0]
			s.add(library, "")
		case library == "":
			return fmt.Errorf("symbols.txt:%d: a symbol before any library", i+1)
		case words[0] == "class":
			for _, name := range words[1:] {
				s.add(library, "_OBJC_CLASS_$_"+name)
				s.add(library, "_OBJC_METACLASS_$_"+name)
			}
		default:
			for _, name := range words {
				s.add(library, name)
			}
		}
	}
	return nil
}

// addGo adds what Go's standard library asks of the system by itself, in lines such as
//
//	//go:cgo_import_dynamic libresolv_res_9_nclose res_9_nclose "/usr/lib/libresolv.9.dylib"
//
// libSystem is left out: zig brings it along.
func (s stubs) addGo(goroot string) error {
	line := regexp.MustCompile(`(?m)^//go:cgo_import_dynamic\s+\S+\s+([\w$]+)\S*\s+"(/[^"]+)"`)
	return eachFile(filepath.Join(goroot, "src"), ".go", func(text []byte) {
		for _, m := range line.FindAllSubmatch(text, -1) {
			if library := string(m[2]); !strings.Contains(library, "/libSystem.") {
				s.add(library, "_"+string(m[1]))
			}
		}
	})
}

// addBound adds all that a finished program or library is bound to, by the libraries that it has it from. libSystem is
// left out here, too.
func (s stubs) addBound(file string) error {
	f, err := machfile.Open(file)
	if err != nil {
		return err
	}
	for _, i := range f.Imports {
		if i.Library != "" && !strings.Contains(i.Library, "/libSystem.") {
			s.add(i.Library, i.Symbol)
		}
	}
	return nil
}

// addFrameworks adds the frameworks that darwinkit's packages link. It binds to no symbol in them: it finds all classes
// at run time. Those whose version is not A stand in symbols.txt.
func (s stubs) addFrameworks(darwinkit string) error {
	flag := regexp.MustCompile(`-framework (\w+)`)
	known := map[string]bool{}
	for library := range s {
		known[filepath.Base(library)] = true
	}
	return eachFile(filepath.Join(darwinkit, "macos"), ".go", func(text []byte) {
		if !bytes.Contains(text, []byte("#cgo")) {
			return
		}
		for _, m := range flag.FindAllSubmatch(text, -1) {
			if name := string(m[1]); !known[name] {
				s.add("/System/Library/Frameworks/"+name+".framework/Versions/A/"+name, "")
			}
		}
	})
}

// eachFile reads all files below a folder whose names end with the suffix.
func eachFile(dir, suffix string, read func(text []byte)) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, suffix) {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil {
			read(text)
		}
		return err
	})
}

// ask gives the answer of a go command.
func ask(args ...string) (string, error) {
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
