package codesign

import (
	"bytes"
	"crypto/sha256"
	"debug/macho"
	"encoding/binary"
	"errors"
)

// pageShift makes pages of 4096 bytes, as the hashes have them on every Mac.
const pageShift = 12

// mainProgram marks code that is started, not loaded.
const mainProgram = 1

// Sign gives a program that has a signature a new one, which holds its bundle's Info.plist and CodeResources, too.
func Sign(program []byte, identifier string, info, resources []byte) ([]byte, error) {
	place, err := find(program)
	if err != nil {
		return nil, err
	}
	code := bytes.Clone(program[:place.signature])
	// The load commands are signed, too, so the signature's size must stand in them before; it doesn't depend on what
	// is hashed.
	size := len(signature(code, place.text, identifier, info, resources))
	place.resize(code, size)
	return append(code, signature(code, place.text, identifier, info, resources)...), nil
}

// places are where a program says how long its signature is.
type places struct {
	signature int    // where it begins
	text      uint64 // size of the code's segment
	command   int    // the load command of the signature
	linkedit  int    // that of the segment which it ends
	start     uint64 // where that segment begins in the file
}

// find looks for the signature, which must be the end of the file.
func find(program []byte) (p places, err error) {
	const (
		header    = 32
		codesign  = 0x1d
		segment64 = 0x19
	)
	f, err := macho.NewFile(bytes.NewReader(program))
	if err != nil {
		return p, err
	}
	at := header
	for _, load := range f.Loads {
		raw := load.Raw()
		switch binary.LittleEndian.Uint32(raw) {
		case codesign:
			p.command, p.signature = at, int(binary.LittleEndian.Uint32(raw[8:]))
			if p.signature+int(binary.LittleEndian.Uint32(raw[12:])) != len(program) {
				return p, errors.New("the signature is not the end of the file")
			}
		case segment64:
			if s := f.Segment(segmentName(raw)); s != nil && s.Name == "__TEXT" {
				p.text = s.Filesz
			} else if s != nil && s.Name == "__LINKEDIT" {
				p.linkedit, p.start = at, s.Offset
			}
		}
		at += len(raw)
	}
	if p.command == 0 || p.linkedit == 0 || p.text == 0 {
		return p, errors.New("the program has no signature that could be replaced")
	}
	return p, nil
}

func segmentName(raw []byte) string {
	name, _, _ := bytes.Cut(raw[8:24], []byte{0})
	return string(name)
}

// resize writes the signature's new size into its load command and into its segment, whose place in memory is a whole
// number of the Mac's pages.
func (p places) resize(code []byte, size int) {
	const page = 16384
	binary.LittleEndian.PutUint32(code[p.command+12:], uint32(size))
	inFile := uint64(p.signature+size) - p.start
	binary.LittleEndian.PutUint64(code[p.linkedit+32:], (inFile+page-1)/page*page)
	binary.LittleEndian.PutUint64(code[p.linkedit+48:], inFile)
}

// signature makes the whole signature of code.
func signature(code []byte, text uint64, identifier string, info, resources []byte) []byte {
	requirements := blob(magicRequirements, make([]byte, 4)) // a list of none
	parts := []struct {
		slot uint32
		blob []byte
	}{
		{slotDirectory, directory(code, text, identifier, info, requirements, resources)},
		{slotRequirements, requirements},
		{slotWrapper, blob(magicWrapper, nil)},
	}
	var index, bodies []byte
	index = binary.BigEndian.AppendUint32(index, uint32(len(parts)))
	for _, part := range parts {
		index = binary.BigEndian.AppendUint32(index, part.slot)
		index = binary.BigEndian.AppendUint32(index, uint32(12+8*len(parts)+len(bodies)))
		bodies = append(bodies, part.blob...)
	}
	return blob(magicSignature, append(index, bodies...))
}

// blob is a part: its mark, its length with these two, and what it holds.
func blob(magic uint32, body []byte) []byte {
	head := binary.BigEndian.AppendUint32(nil, magic)
	head = binary.BigEndian.AppendUint32(head, uint32(8+len(body)))
	return append(head, body...)
}

// directory makes the part with the hashes, in the version that says how long the program's own code is.
func directory(code []byte, text uint64, identifier string, special ...[]byte) []byte {
	const (
		version = 0x20400
		head    = 88
	)
	pages := (len(code) + 1<<pageShift - 1) >> pageShift
	hashes := head + len(identifier) + 1 + len(special)*sha256.Size
	var b []byte
	for _, word := range []uint32{version, flagAdHoc, uint32(hashes), head, uint32(len(special)), uint32(pages), uint32(len(code))} {
		b = binary.BigEndian.AppendUint32(b, word)
	}
	b = append(b, sha256.Size, hashSHA256, 0, pageShift)
	b = append(b, make([]byte, 24)...) // what is spare, and for scattered, larger or a team's code
	for _, long := range []uint64{0, text, mainProgram} {
		b = binary.BigEndian.AppendUint64(b, long)
	}
	b = append(append(b, identifier...), 0)
	for i := len(special) - 1; i >= 0; i-- {
		sum := sha256.Sum256(special[i])
		b = append(b, sum[:]...)
	}
	for start := 0; start < len(code); start += 1 << pageShift {
		sum := sha256.Sum256(code[start:min(start+1<<pageShift, len(code))])
		b = append(b, sum[:]...)
	}
	return blob(magicDirectory, b)
}
