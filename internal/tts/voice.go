package tts

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxVoiceName is how many characters the name of a saved voice has at most.
const MaxVoiceName = 16

// Voice is a saved voice: a reference clip with a name, as GET /voices shows it.
type Voice struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	RefText   string `json:"ref_text"`          // what is said in the clip; "" clones from the speaker vector alone
	AudioPath string `json:"audio_path"`        // the clip, absolute, on the server's disk
	Missing   bool   `json:"missing,omitempty"` // the clip isn't there any more: the voice waits for another one
}

// NewVoice is a voice to be saved.
type NewVoice struct {
	Name         string `json:"name"`
	RefAudioPath string `json:"ref_audio_path"` // absolute; the clip is copied
	RefText      string `json:"ref_text,omitempty"`
}

// VoiceChange is what is to change of a saved voice; nil keeps what there is.
type VoiceChange struct {
	Name         *string `json:"name,omitempty"`
	RefAudioPath *string `json:"ref_audio_path,omitempty"` // absolute; the clip is copied, and the old one removed
	RefText      *string `json:"ref_text,omitempty"`
}

// Voices is what may be asked about saved voices. A voice is named by its id or its name, in any case.
type Voices interface {
	// Voices lists the saved voices in the order in which they were saved.
	Voices(ctx context.Context) ([]Voice, error)

	// Voice finds one.
	Voice(ctx context.Context, voice string) (Voice, error)

	// SaveVoice saves a copy of a clip as a voice. That may be any clip which can be a reference, such as a result of
	// the other modes: its text is the transcript then.
	SaveVoice(ctx context.Context, v NewVoice) (Voice, error)

	// ChangeVoice renames a voice, or gives it another clip or transcript.
	ChangeVoice(ctx context.Context, voice string, c VoiceChange) (Voice, error)

	// DeleteVoice removes a voice with its clip, and returns what it was.
	DeleteVoice(ctx context.Context, voice string) (Voice, error)
}

// VoiceName is name as a voice can have it, without white space around it.
func VoiceName(name string) (string, error) {
	name = strings.TrimSpace(name)
	switch n := utf8.RuneCountInString(name); {
	case !utf8.ValidString(name):
		return "", Errorf(CodeInvalid, "Send the name as UTF-8.", "the name is not valid UTF-8")
	case !Says(name):
		return "", Errorf(CodeInvalid, "Give the voice a name of 1 to 16 characters.", "a voice needs a name")
	case n > MaxVoiceName:
		return "", Errorf(CodeInvalid, "Choose a shorter name.", "the name %q has %d characters, the limit is %d", clip(name), n, MaxVoiceName)
	case strings.ContainsFunc(name, unicode.IsControl):
		return "", Errorf(CodeInvalid, "Remove the control characters.", "the name %q has control characters", name)
	}
	return name, nil
}

// Validate checks all that can be known without the disk, and trims the name.
func (v *NewVoice) Validate() (err error) {
	if v.Name, err = VoiceName(v.Name); err != nil {
		return err
	}
	if v.RefAudioPath == "" {
		return Errorf(CodeInvalid, "Send the path of a clip of the voice, best 3 to 15 seconds, in ref_audio_path.", "Reference audio is required")
	}
	if err := validatePath("ref_audio_path", v.RefAudioPath); err != nil {
		return err
	}
	return validateText("ref_text", v.RefText, MaxRefTextRunes)
}

// Validate checks all that can be known without the disk, and trims the name.
func (c *VoiceChange) Validate() error {
	if c.Name == nil && c.RefAudioPath == nil && c.RefText == nil {
		return Errorf(CodeInvalid, "Send name, ref_audio_path or ref_text.", "there is nothing to change")
	}
	if c.Name != nil {
		name, err := VoiceName(*c.Name)
		if err != nil {
			return err
		}
		c.Name = &name
	}
	if c.RefAudioPath != nil {
		if err := validatePath("ref_audio_path", *c.RefAudioPath); err != nil {
			return err
		}
	}
	if c.RefText != nil {
		return validateText("ref_text", *c.RefText, MaxRefTextRunes)
	}
	return nil
}

// Heard is what a model takes from a reference clip.
type Heard struct {
	Speaker []float32 // the voice's x-vector
	Codes   []int32   // the clip in codes, those of one frame after those of the one before; nil where they were not asked for
}

// ClipMemory keeps what models heard in a clip, so that they needn't listen again. A key stands for all that it depends
// on: the samples and the model.
type ClipMemory interface {
	Recall(key string) (Heard, bool)
	Keep(key string, h Heard)
}
