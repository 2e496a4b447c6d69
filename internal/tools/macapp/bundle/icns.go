package main

import (
	"bytes"
	"encoding/binary"
	"image/png"
)

// icnsKinds are the sizes that macOS takes an icon in, each with the names of its uses: on plain screens, and at half
// the size on fine ones.
var icnsKinds = [...]struct {
	size  int
	names []string
}{
	{16, []string{"icp4"}},
	{32, []string{"icp5", "ic11"}},
	{64, []string{"ic12"}},
	{128, []string{"ic07"}},
	{256, []string{"ic08", "ic13"}},
	{512, []string{"ic09", "ic14"}},
	{1024, []string{"ic10"}},
}

// icns draws the application's icon in all sizes, as a Mac's icon file: a name, a length and a PNG for each.
func icns() ([]byte, error) {
	var body bytes.Buffer
	for _, kind := range icnsKinds {
		var picture bytes.Buffer
		if err := png.Encode(&picture, drawIcon(kind.size)); err != nil {
			return nil, err
		}
		for _, name := range kind.names {
			writeChunk(&body, name, picture.Bytes())
		}
	}
	var file bytes.Buffer
	writeChunk(&file, "icns", body.Bytes())
	return file.Bytes(), nil
}

// writeChunk writes a name, the length of the chunk with its head, and the data.
func writeChunk(to *bytes.Buffer, name string, data []byte) {
	to.WriteString(name)
	to.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data)+8)))
	to.Write(data)
}
