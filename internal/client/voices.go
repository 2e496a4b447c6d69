package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"ttsui/internal/tts"
)

var _ tts.Voices = (*Client)(nil)

// saveTimeout is how long a server has to copy and check a clip.
const saveTimeout = 2 * time.Minute

// Voices lists the voices that the server has saved.
func (c *Client) Voices(ctx context.Context) ([]tts.Voice, error) {
	answer, err := ask[struct {
		Voices []tts.Voice `json:"voices"`
	}](ctx, c, http.MethodGet, "/voices", nil)
	return answer.Voices, err
}

// Voice finds one by its id or name.
func (c *Client) Voice(ctx context.Context, voice string) (tts.Voice, error) {
	path, err := voicePath(voice)
	if err != nil {
		return tts.Voice{}, err
	}
	return ask[tts.Voice](ctx, c, http.MethodGet, path, nil)
}

// SaveVoice has the server save a copy of a clip on its disk.
func (c *Client) SaveVoice(ctx context.Context, v tts.NewVoice) (tts.Voice, error) {
	if err := v.Validate(); err != nil {
		return tts.Voice{}, err
	}
	return c.putVoice(ctx, http.MethodPost, "/voices", v)
}

// ChangeVoice renames a voice, or gives it another clip or transcript.
func (c *Client) ChangeVoice(ctx context.Context, voice string, change tts.VoiceChange) (tts.Voice, error) {
	path, err := voicePath(voice)
	if err == nil {
		err = change.Validate()
	}
	if err != nil {
		return tts.Voice{}, err
	}
	return c.putVoice(ctx, http.MethodPatch, path, change)
}

func (c *Client) putVoice(ctx context.Context, method, path string, body any) (tts.Voice, error) {
	ctx, cancel := limit(ctx, saveTimeout, "the server at %s took longer than %s to save a voice", c.base, saveTimeout)
	defer cancel()
	return call[tts.Voice](ctx, c, method, path, body)
}

// DeleteVoice removes a voice with its clip.
func (c *Client) DeleteVoice(ctx context.Context, voice string) (tts.Voice, error) {
	path, err := voicePath(voice)
	if err != nil {
		return tts.Voice{}, err
	}
	return ask[tts.Voice](ctx, c, http.MethodDelete, path, nil)
}

// VoiceAudio copies a voice's clip to a writer, as it was saved.
func (c *Client) VoiceAudio(ctx context.Context, voice string, to io.Writer) error {
	path, err := voicePath(voice)
	if err != nil {
		return err
	}
	ctx, cancel := limit(ctx, saveTimeout, "the server at %s took longer than %s to send a clip", c.base, saveTimeout)
	defer cancel()
	res, err := c.send(ctx, http.MethodGet, path+"/audio", nil, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(to, res.Body); err != nil {
		return c.explain(ctx, err)
	}
	return nil
}

// voicePath is where a server has a voice. An empty word would be the path of all.
func voicePath(voice string) (string, error) {
	if voice == "" {
		return "", tts.Errorf(tts.CodeInvalid, "Name the voice, or give its id.", "no voice is named")
	}
	return "/voices/" + url.PathEscape(voice), nil
}
