// Package machfile reads of a Mac's program or library what the loader will read: the libraries that it wants, where it
// looks for them, the system that it asks for, and where each symbol is to come from. It adds to debug/macho what that
// leaves out.
package machfile

import (
	"bytes"
	"debug/macho"
	"errors"
	"fmt"
	"os"
)

// The load commands that debug/macho doesn't know by name.
const (
	cmdLazyDylib     macho.LoadCmd = 0x20
	cmdSignature     macho.LoadCmd = 0x1d
	cmdBuildVersion  macho.LoadCmd = 0x32
	cmdWeakDylib     macho.LoadCmd = 0x80000018
	cmdReexportDylib macho.LoadCmd = 0x8000001f
	cmdUpwardDylib   macho.LoadCmd = 0x80000023
)

// File is a Mach-O file for one processor.
type File struct {
	macho.FileHeader
	Libraries []string // that it loads, in order: symbols name them by their place
	RPaths    []string // where it looks for @rpath
	Platform  uint32   // MacOS, or what else it is made for; 0 when it doesn't say
	MinOS     Version  // the oldest system that it starts on
	Imports   []Import // the symbols that it takes from libraries
	Exports   []string // the symbols that it has for others
	Signature []byte   // of its code; nil when it isn't signed
	Signed    []byte   // what the signature is of: the file up to it
	Bytes     []byte   // the whole file
}

// MacOS is the number of the Mac among Apple's systems.
const MacOS = 1

// Version is a system's version, such as 14.0.
type Version struct{ Major, Minor int }

// String writes a version as people do.
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Import is a symbol that comes from elsewhere.
type Import struct {
	Symbol  string
	Library string // by the table of symbols; "" when it is looked for in all of them
}

// Open reads a file. One for several processors is refused: we make none.
func Open(name string) (*File, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

func parse(text []byte) (*File, error) {
	m, err := macho.NewFile(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	f := &File{FileHeader: m.FileHeader, Bytes: text}
	for _, load := range m.Loads {
		if err := f.read(command{m, load.Raw()}); err != nil {
			return nil, err
		}
	}
	if m.Symtab != nil {
		for _, s := range m.Symtab.Syms {
			f.addSymbol(s)
		}
	}
	return f, nil
}

// read takes what one load command says.
func (f *File) read(c command) error {
	switch c.kind() {
	case macho.LoadCmdDylib, cmdWeakDylib, cmdReexportDylib, cmdUpwardDylib, cmdLazyDylib:
		f.Libraries = append(f.Libraries, c.text(8))
	case macho.LoadCmdRpath:
		f.RPaths = append(f.RPaths, c.text(8))
	case cmdBuildVersion:
		f.Platform = c.number(8)
		f.MinOS = Version{int(c.number(12) >> 16), int(c.number(12) >> 8 & 0xff)}
	case cmdSignature:
		start, size := uint64(c.number(8)), uint64(c.number(12))
		if start+size > uint64(len(f.Bytes)) {
			return errors.New("the signature reaches beyond the end of the file")
		}
		f.Signature, f.Signed = f.Bytes[start:start+size], f.Bytes[:start]
	}
	return nil
}

// Parts of a symbol's type: bits that mean debugging, the bits of its kind, that only this file sees it, and that others
// see it.
const (
	typeDebug    = 0xe0
	typeKind     = 0x0e
	typePrivate  = 0x10
	typeExternal = 0x01
)

// addSymbol keeps a symbol that others have or see. The high byte of one that is undefined here is its library's place,
// from 1 on; other values stand for all libraries, or for the program that this one is loaded into.
func (f *File) addSymbol(s macho.Symbol) {
	switch {
	case s.Type&typeDebug != 0 || s.Type&typeExternal == 0 || s.Type&typePrivate != 0:
	case s.Type&typeKind != 0:
		f.Exports = append(f.Exports, s.Name)
	default:
		library := ""
		if place := int(s.Desc >> 8); place >= 1 && place <= len(f.Libraries) {
			library = f.Libraries[place-1]
		}
		f.Imports = append(f.Imports, Import{s.Name, library})
	}
}

// command is a load command's bytes.
type command struct {
	file *macho.File
	raw  []byte
}

// kind says what the command loads.
func (c command) kind() macho.LoadCmd { return macho.LoadCmd(c.number(0)) }

// number is the number at an offset; a command that is too short has a 0 there.
func (c command) number(offset int) uint32 {
	if offset+4 > len(c.raw) {
		return 0
	}
	return c.file.ByteOrder.Uint32(c.raw[offset:])
}

// text is the text whose own offset stands at an offset.
func (c command) text(offset int) string {
	start := min(int(c.number(offset)), len(c.raw))
	text, _, _ := bytes.Cut(c.raw[start:], []byte{0})
	return string(text)
}
