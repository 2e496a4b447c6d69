package desktop

import (
	"time"

	"ttsui/internal/textplan"
	"ttsui/internal/tts"
	"ttsui/internal/ui"
)

// Live implements ui.Player.
func (s sound) Live(req tts.Request) (ui.LiveClip, error) {
	clip, err := s.Player.Live(expected(req))
	if err != nil {
		return nil, err // a nil clip would be no nil ui.LiveClip
	}
	return clip, nil
}

// expected is how long the speech of a request will about become.
func expected(req tts.Request) time.Duration {
	frames := textplan.Frames(req.Text, req.Language)
	if most := req.Sampling.MaxFrames; most != nil && !req.Long() {
		frames = min(frames, float64(*most))
	}
	return time.Duration(frames * tts.FrameSamples / tts.SampleRate * float64(time.Second))
}
