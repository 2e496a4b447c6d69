package tts

import "strings"

// PublishedModel is a model that a hub has.
type PublishedModel struct {
	ModelID string `json:"model_id"`
	Bytes   int64  `json:"bytes"` // of its files, as far as TTSUI needs them
}

// IsCopy reports whether a published model is a smaller copy of another one, by their names:
// "…-0.6B-Base-8bit" is one of "…-0.6B-Base-bf16".
func IsCopy(id, of string) bool {
	_, name, _ := strings.Cut(id, "/")
	suffix, longer := strings.CutPrefix(name, stem(of)+"-")
	return longer && !strings.Contains(suffix, "-") && !isDType(suffix)
}

// stem is a model's name without who published it and what its weights are.
func stem(modelID string) string {
	_, name, _ := strings.Cut(modelID, "/")
	if i := strings.LastIndexByte(name, '-'); i >= 0 && isDType(name[i+1:]) {
		return name[:i]
	}
	return name
}

// isDType reports whether a part of a name says that weights are as they were trained.
func isDType(part string) bool { return part == "bf16" || part == "fp16" || part == "fp32" }
