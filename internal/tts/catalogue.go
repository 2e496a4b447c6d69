package tts

import "strings"

// Mode is one of the three ways to choose a voice.
type Mode string

// The modes.
const (
	Clone   Mode = "clone"   // a voice from a reference clip
	Control Mode = "control" // a built-in speaker, with style by instruction
	Design  Mode = "design"  // a voice from a description
)

// Modes lists the three modes in the order of the tabs.
func Modes() []Mode { return []Mode{Clone, Control, Design} }

// CatalogueModel is a model that TTSUI knows by name.
type CatalogueModel struct {
	ID   string // Hugging Face repository
	Name string // as a row shows it
	Mode Mode
}

const family = PublisherOrg + "/" + FamilyName

// The models of the catalogue, and their quantised variants, are repositories of PublisherOrg whose names begin with
// FamilyName.
const (
	PublisherOrg = "mlx-community"
	FamilyName   = "Qwen3-TTS-12Hz-"
)

// DesignModelID is the model that POST /generate/design uses; the wire format has no model_id there.
const DesignModelID = family + "1.7B-VoiceDesign-bf16"

// Catalogue lists the five models in the order of GET /models.
func Catalogue() []CatalogueModel {
	return []CatalogueModel{
		{family + "0.6B-Base-bf16", "0.6B-Base (Fast)", Clone},
		{family + "1.7B-Base-bf16", "1.7B-Base (Quality)", Clone},
		{family + "0.6B-CustomVoice-bf16", "0.6B-CustomVoice (Fast)", Control},
		{family + "1.7B-CustomVoice-bf16", "1.7B-CustomVoice (Quality)", Control},
		{DesignModelID, "Qwen3-TTS-12Hz-1.7B-VoiceDesign", Design},
	}
}

// ValidModelID reports whether id has the form of a Hugging Face repository, org/name, in its allowed
// characters. Such an id is also a safe relative path of two elements.
func ValidModelID(id string) bool {
	org, name, ok := strings.Cut(id, "/")
	return ok && validIDPart(org) && validIDPart(name)
}

func validIDPart(s string) bool {
	if s == "" || len(s) > 96 || s[0] == '.' || s[0] == '-' || strings.Contains(s, "..") {
		return false
	}
	for _, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && r != '-' && r != '_' && r != '.' {
			return false
		}
	}
	return true
}

// Speaker is a built-in voice of the CustomVoice models.
type Speaker struct {
	Name        string // as the wire format spells it
	Native      string // native language, a name of Languages
	Dialect     string // "" or the dialect spoken with Chinese or Auto
	Description string // for a menu
}

// Speakers lists the nine built-in voices. Each can speak every language.
func Speakers() []Speaker {
	return []Speaker{
		{"Vivian", "Chinese", "", "bright young female voice"},
		{"Serena", "Chinese", "", "warm, gentle young female voice"},
		{"Uncle_Fu", "Chinese", "", "seasoned male voice, low and mellow"},
		{"Dylan", "Chinese", "Beijing", "youthful Beijing male voice, clear and natural"},
		{"Eric", "Chinese", "Sichuan", "lively Chengdu male voice, slightly husky"},
		{"Ryan", "English", "", "dynamic male voice with a strong rhythm"},
		{"Aiden", "English", "", "sunny American male voice"},
		{"Ono_Anna", "Japanese", "", "playful Japanese female voice, light and nimble"},
		{"Sohee", "Korean", "", "warm Korean female voice, rich in emotion"},
	}
}

// LanguageAuto lets the model hear the language from the text.
const LanguageAuto = "Auto"

// Languages lists the ten languages, without Auto.
func Languages() []string {
	return []string{"Chinese", "English", "French", "German", "Italian", "Japanese", "Korean", "Portuguese", "Russian", "Spanish"}
}
