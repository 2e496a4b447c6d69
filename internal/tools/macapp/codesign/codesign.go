// Package codesign reads and writes the signatures that a Mac wants of all code, without keys: "ad hoc", as a linker or
// `codesign -s -` makes them. Such a signature says who nobody is, but what everything was: a hash of each page of the
// program, and of the files that belong to its bundle. Code without one doesn't start on Apple Silicon.
package codesign

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// The marks at the beginning of each part of a signature.
const (
	magicSignature    = 0xfade0cc0 // holds the others
	magicDirectory    = 0xfade0c02 // the hashes
	magicRequirements = 0xfade0c01 // what others may ask of the code
	magicWrapper      = 0xfade0b01 // who signed; empty here
)

// The names of parts in a signature. The hashes of the first ones stand in the directory, before the pages' and
// backwards, each at its number.
const (
	slotDirectory    = 0
	slotInfo         = 1 // Info.plist
	slotRequirements = 2
	slotResources    = 3 // CodeResources
	slotWrapper      = 0x10000
)

// Values in a directory.
const (
	flagAdHoc     = 0x2
	hashSHA256    = 2
	directoryHead = 44 // bytes up to the fields that newer versions added
)

// Directory is the part of a signature that holds the hashes.
type Directory struct {
	Identifier string
	Flags      uint32
	Limit      int // how many bytes of the file are signed
	PageSize   int
	Special    map[int][]byte // hashes of what lies beside the code, by slot
	Pages      [][]byte       // hashes of the code's pages
	raw        []byte
}

// Hash is what others know the code by: the directory's own hash, cut to 20 bytes.
func (d *Directory) Hash() []byte {
	sum := sha256.Sum256(d.raw)
	return sum[:20]
}

// Read finds the directory in a signature.
func Read(signature []byte) (*Directory, error) {
	parts, err := split(signature)
	if err != nil {
		return nil, err
	}
	raw := parts[slotDirectory]
	if len(raw) < directoryHead || binary.BigEndian.Uint32(raw) != magicDirectory {
		return nil, errors.New("the signature has no directory")
	}
	return readDirectory(raw)
}

// split gives the parts of a signature by their slots.
func split(signature []byte) (map[int][]byte, error) {
	word := func(at int) int { return int(binary.BigEndian.Uint32(signature[at:])) }
	if len(signature) < 12 || word(0) != magicSignature || len(signature) < 12+8*word(8) {
		return nil, errors.New("not a signature")
	}
	parts := map[int][]byte{}
	for i := range word(8) {
		slot, start := word(12+8*i), word(16+8*i)
		if start+8 > len(signature) || word(start+4) < 8 || start+word(start+4) > len(signature) {
			return nil, fmt.Errorf("part %d reaches beyond the signature", slot)
		}
		parts[slot] = signature[start : start+word(start+4)]
	}
	return parts, nil
}

func readDirectory(raw []byte) (*Directory, error) {
	word := func(at int) int { return int(binary.BigEndian.Uint32(raw[at:])) }
	hashes, identifier, special, pages := word(16), word(20), word(24), word(28)
	size, kind, shift := int(raw[36]), raw[37], raw[39]
	if kind != hashSHA256 || size != sha256.Size || shift < 10 || shift > 16 {
		return nil, errors.New("the signature's hashes are not of SHA-256 and pages")
	}
	if identifier > len(raw) || special*size > hashes || hashes+pages*size > len(raw) {
		return nil, errors.New("the directory's hashes reach beyond it")
	}
	name, _, _ := bytes.Cut(raw[identifier:], []byte{0})
	d := &Directory{Identifier: string(name), Flags: uint32(word(12)), Limit: word(32), PageSize: 1 << shift,
		Special: map[int][]byte{}, raw: raw}
	for i := 1; i <= special; i++ {
		d.Special[i] = raw[hashes-i*size:][:size]
	}
	for i := range pages {
		d.Pages = append(d.Pages, raw[hashes+i*size:][:size])
	}
	return d, nil
}

// AdHoc reports whether the code was signed by nobody.
func (d *Directory) AdHoc() bool { return d.Flags&flagAdHoc != 0 }

// VerifyCode compares the hashes with the code: the file up to its signature.
func (d *Directory) VerifyCode(code []byte) error {
	if d.Limit != len(code) {
		return fmt.Errorf("%d bytes are signed, %d lie before the signature", d.Limit, len(code))
	}
	if want := (len(code) + d.PageSize - 1) / d.PageSize; want != len(d.Pages) {
		return fmt.Errorf("%d pages are signed, there are %d", len(d.Pages), want)
	}
	for i, hash := range d.Pages {
		if sum := sha256.Sum256(code[i*d.PageSize : min((i+1)*d.PageSize, len(code))]); !bytes.Equal(sum[:], hash) {
			return fmt.Errorf("page %d is not what was signed", i)
		}
	}
	return nil
}

// VerifyBundle compares the hashes of what lies beside the code in its bundle.
func (d *Directory) VerifyBundle(info, resources []byte) error {
	for _, part := range []struct {
		slot int
		name string
		text []byte
	}{{slotInfo, "Info.plist", info}, {slotResources, "CodeResources", resources}} {
		if sum := sha256.Sum256(part.text); !bytes.Equal(sum[:], d.Special[part.slot]) {
			return fmt.Errorf("%s is not what was signed", part.name)
		}
	}
	return nil
}
