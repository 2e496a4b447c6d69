package speech

import (
	"context"

	"github.com/rs/zerolog"

	"ttsui/internal/tts"
	"ttsui/internal/voices"
)

// tailSilence is what a request with RefTail has behind its clip: half a second.
const tailSilence = tts.SampleRate / 2

// useVoice gives req the clip and the transcript of the saved voice that it names, and what models remember of it. A
// request without one stays as it is.
func (s *Service) useVoice(ctx context.Context, req *tts.Request) (tts.ClipMemory, error) {
	if req.Mode != tts.Clone || req.Voice == "" {
		return nil, nil
	}
	if s.Voices == nil {
		return nil, tts.Errorf(tts.CodeUnsupported, "Send ref_audio_path.", "there is no home folder, so no voice is saved here")
	}
	v, err := s.Voices.Voice(ctx, req.Voice)
	if err != nil {
		return nil, err
	}
	if v.Missing {
		return nil, tts.Errorf(tts.CodeNotFound, "Give the voice another clip, or delete it.", "the clip of the voice %q isn't there any more", v.Name)
	}
	req.RefAudioPath, req.RefText = v.AudioPath, v.RefText
	return clipMemory{s.Voices, v.ID, s.Log}, nil
}

// clipMemory is what models remember of a saved voice.
type clipMemory struct {
	store *voices.Store
	id    string
	log   zerolog.Logger
}

// Recall implements tts.ClipMemory.
func (m clipMemory) Recall(key string) (tts.Heard, bool) { return m.store.Prompt(m.id, key) }

// Keep implements tts.ClipMemory. What can't be kept is heard again the next time.
func (m clipMemory) Keep(key string, h tts.Heard) {
	if err := m.store.KeepPrompt(context.Background(), m.id, key, h); err != nil {
		m.log.Debug().Msgf("What was heard in the voice %s is not kept: %v", m.id, err)
	}
}
