package voices

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ttsui/internal/atomicfile"
	"ttsui/internal/tts"
)

// maxPrompts is how many prompts a voice keeps: those of a few models, with and without silence behind the clip.
const maxPrompts = 8

// prompt is the file of what a model heard in a clip.
type prompt struct {
	Key     string `json:"key"`
	Speaker []byte `json:"speaker"`         // float32, little endian
	Codes   []byte `json:"codes,omitempty"` // int32, little endian
	Sum     []byte `json:"sum"`             // SHA-256 of the three
}

func (p *prompt) sum() []byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(p.Key), p.Speaker, p.Codes} {
		_ = binary.Write(h, binary.LittleEndian, uint64(len(part)))
		_, _ = h.Write(part)
	}
	return h.Sum(nil)
}

// Prompt gives what was kept of a voice by a key. What is damaged was not kept.
func (s *Store) Prompt(id, key string) (tts.Heard, bool) {
	data, err := os.ReadFile(s.promptPath(id, key))
	var p prompt
	if err != nil || json.Unmarshal(data, &p) != nil || p.Key != key || !slices.Equal(p.Sum, p.sum()) {
		return tts.Heard{}, false
	}
	h := tts.Heard{Speaker: make([]float32, len(p.Speaker)/4)}
	for i := range h.Speaker {
		h.Speaker[i] = math.Float32frombits(binary.LittleEndian.Uint32(p.Speaker[4*i:]))
	}
	for i := range len(p.Codes) / 4 {
		h.Codes = append(h.Codes, int32(binary.LittleEndian.Uint32(p.Codes[4*i:])))
	}
	return h, true
}

// KeepPrompt keeps what a model heard in a voice's clip, unless the voice has been deleted meanwhile. The oldest of too
// many go.
func (s *Store) KeepPrompt(ctx context.Context, id, key string, h tts.Heard) error {
	p := prompt{Key: key}
	for _, v := range h.Speaker {
		p.Speaker = binary.LittleEndian.AppendUint32(p.Speaker, math.Float32bits(v))
	}
	for _, v := range h.Codes {
		p.Codes = binary.LittleEndian.AppendUint32(p.Codes, uint32(v))
	}
	p.Sum = p.sum()
	return s.change(ctx, func(all []entry) ([]entry, error) {
		if !slices.ContainsFunc(all, func(e entry) bool { return e.ID == id }) {
			return nil, nil
		}
		err := atomicfile.WritePrivate(s.promptPath(id, key), func(f io.Writer) error { return json.NewEncoder(f).Encode(p) })
		if err == nil {
			s.prunePrompts(id)
		}
		return nil, err
	})
}

// promptPath is where a prompt lies. Neither an id nor a key has to be fit for a file's name.
func (s *Store) promptPath(id, key string) string {
	return filepath.Join(s.Dir, promptsDir, short(id)+"-"+short(key)+".json")
}

func short(word string) string {
	sum := sha256.Sum256([]byte(word))
	return hex.EncodeToString(sum[:12])
}

// removePrompts removes a voice's prompts.
func (s *Store) removePrompts(id string) {
	for _, f := range s.promptsOf(id) {
		_ = os.Remove(f.path) // it is found by nobody any more
	}
}

// prunePrompts removes the oldest of a voice's prompts where there are too many.
func (s *Store) prunePrompts(id string) {
	files := s.promptsOf(id)
	slices.SortFunc(files, func(a, b promptFile) int { return b.changed.Compare(a.changed) })
	for _, f := range files[min(maxPrompts, len(files)):] {
		_ = os.Remove(f.path)
	}
}

type promptFile struct {
	path    string
	changed time.Time
}

// promptsOf lists the files of a voice's prompts.
func (s *Store) promptsOf(id string) (files []promptFile) {
	dir := filepath.Join(s.Dir, promptsDir)
	all, _ := os.ReadDir(dir) // there may be none
	for _, f := range all {
		if info, err := f.Info(); err == nil && strings.HasPrefix(f.Name(), short(id)+"-") {
			files = append(files, promptFile{filepath.Join(dir, f.Name()), info.ModTime()})
		}
	}
	return files
}
