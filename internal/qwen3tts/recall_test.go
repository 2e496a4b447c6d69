package qwen3tts

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"ttsui/internal/testkit"
	"ttsui/internal/tts"
)

// notes is a clip's memory that can be looked into.
type notes struct {
	heard map[string]tts.Heard
	kept  int
}

func (n *notes) Recall(key string) (tts.Heard, bool) {
	h, ok := n.heard[key]
	return h, ok
}

func (n *notes) Keep(key string, h tts.Heard) {
	n.heard[key] = h
	n.kept++
}

// only is the one key that there is.
func (n *notes) only(t *testing.T) (key string) {
	t.Helper()
	if len(n.heard) != 1 {
		t.Fatalf("%d clips were kept", len(n.heard))
	}
	for key = range n.heard {
	}
	return key
}

// TestRecalledReference: with what was kept of a clip, a model loaded anew says the same to the last bit, and doesn't
// listen again.
func TestRecalledReference(t *testing.T) {
	for name, id := range map[string]string{"with a transcript": "b4_icl_streamtext_shorttext", "without": "b1_xvec_auto_streamtext"} {
		t.Run(name, func(t *testing.T) {
			m := loadTiny(t, testkit.Golden("checkpoints", "base"))
			u := goldenCases(t, "ref_torch")[id].request(t)
			plain, _ := generate(t, m, u)
			n := &notes{heard: map[string]tts.Heard{}}
			u.Memory = n
			first, _ := generate(t, m, u)
			anew := loadTiny(t, testkit.Golden("checkpoints", "base"))
			second, _ := generate(t, anew, u)
			if !slices.Equal(plain, first) || !slices.Equal(plain, second) || n.kept != 1 {
				t.Errorf("with a memory it says something else, or listened %d times", n.kept)
			}
			h := n.heard[n.only(t)]
			h.Speaker = slices.Clone(h.Speaker)
			for i := range h.Speaker {
				h.Speaker[i] = -h.Speaker[i]
			}
			n.heard[n.only(t)] = h
			if other, _ := generate(t, loadTiny(t, testkit.Golden("checkpoints", "base")), u); slices.Equal(plain, other) {
				t.Error("another voice in the memory changes nothing: it isn't used")
			}
		})
	}
}

// TestImplausibleMemory: what can't be this model's is listened for again, and so are codes that were not asked for.
func TestImplausibleMemory(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "base"))
	u := goldenCases(t, "ref_torch")["b4_icl_streamtext_shorttext"].request(t)
	n := &notes{heard: map[string]tts.Heard{}}
	u.Memory = n
	want, _ := generate(t, m, u)
	key := n.only(t)
	good := n.heard[key]
	with := func(at int, code int32) tts.Heard {
		codes := slices.Clone(good.Codes)
		codes[at] = code
		return tts.Heard{Speaker: good.Speaker, Codes: codes}
	}
	for name, bad := range map[string]tts.Heard{
		"no voice":       {Codes: good.Codes},
		"another's size": {Speaker: append(slices.Clone(good.Speaker), 0), Codes: good.Codes},
		"no codes":       {Speaker: good.Speaker},
		"half a frame":   {Speaker: good.Speaker, Codes: good.Codes[:len(good.Codes)-1]},
		"a negative":     with(0, -1),
		"too large":      with(codeGroups, int32(m.codec.encoder.semantic.size)),
		"too large, too": with(1, int32(m.codec.encoder.acoustic.size)),
	} {
		n.heard[key], n.kept = bad, 0
		if got, _ := generate(t, m, u); !slices.Equal(got, want) || n.kept != 1 {
			t.Errorf("%s: it says something else, or kept %d", name, n.kept)
		}
	}
}

// TestMemoryKey: it changes with the clip, and with what the model's files are.
func TestMemoryKey(t *testing.T) {
	m := loadTiny(t, testkit.Golden("checkpoints", "base"))
	pcm := make([]float32, 40_000)
	key := m.memoryKey(fingerprint(pcm))
	longer := m.memoryKey(fingerprint(append(slices.Clone(pcm), 0)))
	pcm[39_999] = 1e-30
	if keys := []string{key, longer, m.memoryKey(fingerprint(pcm))}; keys[0] == keys[1] || keys[0] == keys[2] {
		t.Errorf("clips that differ have the keys %v", keys)
	}
	dir := t.TempDir()
	for name, data := range testkit.CheckpointFiles(t, "base") {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]string{}
	look := func(what string) {
		t.Helper()
		id := loadTiny(t, dir).identity
		if before, again := seen[id]; again {
			t.Errorf("the model is the same %s as %s", what, before)
		}
		seen[id] = what
	}
	look("at first")
	for _, name := range []string{"model.safetensors", "speech_tokenizer/model.safetensors"} {
		if err := os.Chtimes(filepath.Join(dir, name), time.Time{}, time.Unix(1e9, 0)); err != nil {
			t.Fatal(err)
		}
		look("with another " + name)
	}
	config, err := os.OpenFile(filepath.Join(dir, "config.json"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = config.WriteString(" ")
	}
	if err != nil || config.Close() != nil {
		t.Fatal(err)
	}
	look("with another config.json")
	if again := loadTiny(t, dir).identity; seen[again] == "" {
		t.Error("a model loaded again is another")
	}
}
