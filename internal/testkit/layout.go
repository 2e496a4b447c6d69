package testkit

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ttsui/internal/safetensors"
)

// OfficialLayout makes a twin of the checkpoint in dir, which has mlx-community's layout, in that of the official
// repositories, and gives its folder: the speaker encoder's convolutions are [out, in, k], and there is no index. The
// files that are the same in both are links.
func OfficialLayout(t testing.TB, dir string) string {
	t.Helper()
	twin := t.TempDir()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == weightsName || e.Name() == indexName {
			continue
		}
		if err := os.Symlink(filepath.Join(dir, e.Name()), filepath.Join(twin, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeOfficial(filepath.Join(dir, weightsName), filepath.Join(twin, weightsName)); err != nil {
		t.Fatal(err)
	}
	return twin
}

func writeOfficial(from, to string) error {
	f, err := safetensors.Open(from)
	if err != nil {
		return err
	}
	var all []safetensors.Data
	for _, t := range f.Tensors {
		data, err := f.Bytes(t.Name)
		if err != nil {
			return err
		}
		if len(t.Shape) == 3 && strings.HasPrefix(t.Name, "speaker_encoder.") {
			data = officialOrder(data, t.Shape, t.DType.Size())
			t.Shape = []int{t.Shape[0], t.Shape[2], t.Shape[1]}
		}
		all = append(all, safetensors.RawData(t.Name, t.DType, t.Shape, data))
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if err := safetensors.Write(out, map[string]string{"format": "pt"}, all); err != nil {
		_ = out.Close() // the first error is the one to tell
		return err
	}
	return out.Close()
}

// officialOrder brings the bytes of [out, k, in] to the order of [out, in, k].
func officialOrder(data []byte, shape []int, size int) []byte {
	var all []byte
	for filter := range slices.Chunk(data, shape[1]*shape[2]*size) {
		all = append(all, transpose(filter, shape[1], shape[2], size)...)
	}
	return all
}
