package app

import (
	"path/filepath"

	"ttsui/internal/hub"
	"ttsui/internal/voices"
)

// FindPlaces says where models are looked for. First comes one folder: models if the user named one, else
// $TTSUI_MODELS, else .ttsui/models under the home folder; then the Hugging Face cache.
func FindPlaces(models string, getenv func(string) string) hub.Places {
	if models == "" {
		models = getenv("TTSUI_MODELS")
	}
	if home := FindHome(getenv); models == "" && home != "" {
		models = filepath.Join(home, "models")
	}
	p := hub.Places{Cache: hub.CacheDir(getenv)}
	if models != "" {
		p.Roots = []string{models}
	}
	return p
}

// FindHome says where TTSUI keeps the user's things: in .ttsui under the home folder, if there is one.
func FindHome(getenv func(string) string) string {
	home := getenv("HOME")
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".ttsui")
}

// FindLogs says where the log's files are kept, if there is a home folder.
func FindLogs(getenv func(string) string) string {
	home := FindHome(getenv)
	if home == "" {
		return ""
	}
	return filepath.Join(home, "logs")
}

// FindVoices says where saved voices are kept: nil without a home folder.
func FindVoices(getenv func(string) string) *voices.Store { return voicesIn(FindHome(getenv)) }

// voicesIn are the voices in TTSUI's folder, nil when that is "".
func voicesIn(home string) *voices.Store {
	if home == "" {
		return nil
	}
	return &voices.Store{Dir: filepath.Join(home, "clone")}
}
