package main

import (
	"bytes"
	"debug/macho"
	"encoding/binary"
	"strconv"
	"strings"
	"testing"

	"ttsui/internal/tools/macapp/codesign"
)

// image is a Mach-O file that tests make up: as much of one as a loader reads.
type image struct {
	cpu       macho.Cpu
	kind      macho.Type
	flags     uint32
	libraries []string
	rpaths    []string
	platform  uint32
	minOS     uint32
	imports   map[string]int // a symbol and its library's place, from 1 on
	exports   []string
	settings  map[string]string // of the build, as Go writes them down
	unsigned  bool
}

// Load commands, as they are numbered.
const (
	loadSegment   = 0x19
	loadSymbols   = 0x2
	loadDylib     = 0xc
	loadRPath     = 0x8000001c
	loadVersion   = 0x32
	loadSignature = 0x1d
)

const page = 0x4000

// bytes lays the file out: the head with the commands on the first page, data with the build's settings on the second,
// then the symbols, and after them the signature.
func (i image) bytes(t *testing.T) []byte {
	t.Helper()
	symbols, names := i.symbols()
	const start = 2 * page
	sign := (start + len(symbols) + len(names) + 15) &^ 15

	var commands [][]byte
	commands = append(commands,
		segment("__TEXT", 0, page), segment("__DATA", page, page), segment("__LINKEDIT", start, sign+64-start))
	for _, name := range i.libraries {
		commands = append(commands, textCommand(loadDylib, 24, name))
	}
	for _, name := range i.rpaths {
		commands = append(commands, textCommand(loadRPath, 12, name))
	}
	commands = append(commands,
		command(loadVersion, i.platform, i.minOS, i.minOS, 0),
		command(loadSymbols, start, uint32(len(symbols)/16), uint32(start+len(symbols)), uint32(len(names))))
	if !i.unsigned {
		commands = append(commands, command(loadSignature, uint32(sign), 64))
	}
	all := bytes.Join(commands, nil)

	file := make([]byte, sign+64)
	for n, word := range []uint32{macho.Magic64, uint32(i.cpu), 0, uint32(i.kind), uint32(len(commands)), uint32(len(all)), i.flags} {
		binary.LittleEndian.PutUint32(file[4*n:], word)
	}
	copy(file[32:], all)
	copy(file[page:], i.buildInfo())
	copy(file[start:], symbols)
	copy(file[start+len(symbols):], names)
	return file
}

// symbols gives the table of symbols and their names.
func (i image) symbols() (table, names []byte) {
	names = []byte{0}
	add := func(name string, kind byte, description uint16) {
		table = binary.LittleEndian.AppendUint32(table, uint32(len(names)))
		table = append(table, kind, 0)
		table = binary.LittleEndian.AppendUint16(table, description)
		table = binary.LittleEndian.AppendUint64(table, 0)
		names = append(append(names, name...), 0)
	}
	for name, library := range i.imports {
		add(name, 0x01, uint16(library)<<8)
	}
	for _, name := range i.exports {
		add(name, 0x0f, 0)
	}
	return table, names
}

// buildInfo is what `go version -m` finds in a program.
func (i image) buildInfo() []byte {
	var mod strings.Builder
	for key, value := range i.settings {
		mod.WriteString("build\t" + key + "=" + strconv.Quote(value) + "\n")
	}
	frame := strings.Repeat("x", 16)
	info := make([]byte, 32)
	copy(info, "\xff Go buildinf:")
	info[15] = 2 // the texts follow
	for _, text := range []string{"go1.26.8", frame + mod.String() + frame} {
		info = append(binary.AppendUvarint(info, uint64(len(text))), text...)
	}
	return info
}

func command(kind uint32, words ...uint32) []byte {
	b := binary.LittleEndian.AppendUint32(nil, kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(8+4*len(words)))
	for _, word := range words {
		b = binary.LittleEndian.AppendUint32(b, word)
	}
	return b
}

// textCommand is a command whose text stands behind its fields.
func textCommand(kind uint32, fields int, text string) []byte {
	b := make([]byte, (fields+len(text)+8)&^7)
	binary.LittleEndian.PutUint32(b, kind)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)))
	binary.LittleEndian.PutUint32(b[8:], uint32(fields))
	copy(b[fields:], text)
	return b
}

func segment(name string, offset, size int) []byte {
	b := make([]byte, 72)
	binary.LittleEndian.PutUint32(b, loadSegment)
	binary.LittleEndian.PutUint32(b[4:], 72)
	copy(b[8:24], name)
	for at, value := range map[int]int{24: offset, 32: size, 40: offset, 48: size} {
		binary.LittleEndian.PutUint64(b[at:], uint64(value))
	}
	// Go looks for the build's settings in what can be read and written.
	binary.LittleEndian.PutUint32(b[56:], 3)
	binary.LittleEndian.PutUint32(b[60:], 3)
	return b
}

// sign replaces the room for a signature by one.
func sign(t *testing.T, file []byte, name string) []byte {
	t.Helper()
	signed, err := codesign.Sign(file, name, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}
