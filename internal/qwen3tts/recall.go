package qwen3tts

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// identity names a checkpoint as far as what its encoders hear depends on it: the files of its weights, what they are
// read as, and who computes. Weights are told apart by name, size and time: to read them all would take longer than to
// listen to a clip.
func identity(dir string, device mlx.Device) string {
	h := sha256.New()
	fmt.Fprintln(h, "1", device.Version, device.GPU)
	for _, dir := range []string{dir, filepath.Join(dir, "speech_tokenizer")} {
		config, _ := os.ReadFile(filepath.Join(dir, "config.json")) // who is loaded has one
		fmt.Fprintf(h, "%d %s\n", len(config), config)
		files, _ := filepath.Glob(filepath.Join(dir, "*.safetensors"))
		for _, path := range files {
			real, _ := filepath.EvalSymlinks(path) // in a cache it is named by its hash
			if info, err := os.Stat(path); err == nil {
				fmt.Fprintln(h, filepath.Base(path), filepath.Base(real), info.Size(), info.ModTime().UnixNano())
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// memoryKey stands for what this model hears in the clip with a fingerprint.
func (m *Model) memoryKey(clip string) string {
	sum := sha256.Sum256([]byte(m.identity + clip))
	return hex.EncodeToString(sum[:])
}

// recall gives what the clip's memory has of the row's reference, and nothing when that can't be this model's.
func (g *generation) recall(r *row) (heard tts.Heard) {
	if r.Memory == nil {
		return heard
	}
	if h, ok := r.Memory.Recall(g.memoryKey(r.clip)); ok && g.plausible(h) {
		return h
	}
	return heard
}

// plausible reports whether what was recalled can be this model's: MLX checks no index.
func (g *generation) plausible(h tts.Heard) bool {
	if len(h.Speaker) != g.cfg.Speaker.Dim || len(h.Codes)%codeGroups != 0 {
		return false
	}
	for i, c := range h.Codes {
		size := g.codec.encoder.acoustic.size
		if i%codeGroups == 0 {
			size = g.codec.encoder.semantic.size
		}
		if c < 0 || int(c) >= size {
			return false
		}
	}
	return true
}

// keep puts what the row's voice has, and the clip's memory had not, into that memory.
func (g *generation) keep(r *row, had tts.Heard) error {
	codes := r.voice.codes.Array()
	if r.Memory == nil || had.Speaker != nil && (had.Codes != nil || codes.IsNil()) {
		return nil
	}
	var heard tts.Heard
	err := g.step(func(s *mlx.Scope) error {
		heard.Speaker = s.ReadFloats(r.voice.speaker.Array())
		if !codes.IsNil() {
			heard.Codes = s.ReadInts(codes)
		}
		return s.Err()
	})
	if err == nil {
		r.Memory.Keep(g.memoryKey(r.clip), heard)
	}
	return err
}
