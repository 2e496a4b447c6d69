package qwen3tts

import (
	"encoding/json"
	"testing"
)

// A speaker's id is a number, or a list whose first element counts, as some converters write it.
func TestSpeakerIDs(t *testing.T) {
	for text, want := range map[string]firstInt{`3061`: 3061, `[3061]`: 3061, `[3061, 7]`: 3061} {
		var c config
		if err := json.Unmarshal([]byte(`{"talker_config": {"spk_id": {"ryan": `+text+`}}}`), &c); err != nil || c.Talker.Speakers["ryan"] != want {
			t.Errorf("%s: %v, %v; want %d", text, c.Talker.Speakers, err, want)
		}
	}
	for _, text := range []string{`[]`, `["ryan"]`, `"ryan"`, `{}`} {
		var id firstInt
		if err := json.Unmarshal([]byte(text), &id); err == nil {
			t.Errorf("%s is taken for %d", text, id)
		}
	}
}
