package server

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"

	"ttsui/internal/tts"
)

type voicesAnswer struct {
	Voices []tts.Voice `json:"voices"`
}

func (s *Server) listVoices(ctx context.Context, _ []byte) (any, error) {
	list, err := s.voices.Voices(ctx)
	return voicesAnswer{list}, err
}

// byVoice serves what is done with the one voice that the path names.
func (s *Server) byVoice(do func(ctx context.Context, voice string) (tts.Voice, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := do(r.Context(), voiceWord(r))
		if err != nil {
			s.writeError(w, r, err)
			return
		}
		s.writeJSON(w, r, http.StatusOK, v)
	}
}

// voiceWord is the id or name in the path. Where that could be written in several ways, the router leaves it as it came.
func voiceWord(r *http.Request) string {
	word := chi.URLParam(r, "id")
	if plain, err := url.PathUnescape(word); err == nil && r.URL.RawPath != "" {
		return plain
	}
	return word
}

type newVoiceRequest struct {
	Name string `json:"name"`
	clipFields
	RefText string `json:"ref_text"`
}

// saveVoice saves a voice whose clip is a path, or comes as base64 or as a part of a form.
func (s *Server) saveVoice(w http.ResponseWriter, r *http.Request) {
	var sent newVoiceRequest
	s.withClip(w, r, &sent, func(clip string) (tts.Voice, error) {
		return s.voices.SaveVoice(r.Context(), tts.NewVoice{Name: sent.Name, RefAudioPath: clip, RefText: sent.RefText})
	})
}

type voiceChangeRequest struct {
	Name *string `json:"name"`
	clipFields
	RefText *string `json:"ref_text"`
}

// changeVoice takes what saveVoice does, of which everything may be left out.
func (s *Server) changeVoice(w http.ResponseWriter, r *http.Request) {
	var sent voiceChangeRequest
	s.withClip(w, r, &sent, func(clip string) (tts.Voice, error) {
		change := tts.VoiceChange{Name: sent.Name, RefText: sent.RefText}
		if clip != "" {
			change.RefAudioPath = &clip
		}
		return s.voices.ChangeVoice(r.Context(), voiceWord(r), change)
	})
}

// withClip reads a body into sent, and answers with what is done with its clip.
func (s *Server) withClip(w http.ResponseWriter, r *http.Request, sent clipped, do func(clip string) (tts.Voice, error)) {
	clip := upload{parent: s.uploads, limit: s.maxClip}
	defer clip.remove()
	path, err := s.readClipped(w, r, sent, &clip)
	var v tts.Voice
	if err == nil {
		v, err = do(path)
	}
	if err != nil {
		s.writeError(w, r, err)
		return
	}
	s.writeJSON(w, r, http.StatusOK, v)
}

// voiceAudio sends a voice's clip as it was saved.
func (s *Server) voiceAudio(w http.ResponseWriter, r *http.Request) {
	v, err := s.voices.Voice(r.Context(), voiceWord(r))
	if err != nil {
		s.writeError(w, r, err)
		return
	}
	f, size, err := openClip(v)
	if err != nil {
		s.writeError(w, r, err)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", clipType(v.AudioPath))
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	w.WriteHeader(http.StatusOK)
	conn, piece := http.NewResponseController(w), make([]byte, pieceSize)
	for left := size; left > 0 && r.Method != http.MethodHead; {
		n, err := f.Read(piece[:min(left, pieceSize)])
		if err != nil {
			panic(http.ErrAbortHandler) // the client is owed more than there is
		}
		_ = conn.SetWriteDeadline(time.Now().Add(stallTimeout))
		if _, err := w.Write(piece[:n]); err != nil {
			s.log.Debug().Msgf("The client took no clip: %v", err)
			return
		}
		left -= int64(n)
	}
}

// openClip opens a voice's clip, which may have gone since it was asked for.
func openClip(v tts.Voice) (io.ReadCloser, int64, error) {
	gone := tts.Errorf(tts.CodeNotFound, "Give the voice another clip, or delete it.", "the clip of the voice %q isn't there any more", v.Name)
	if v.Missing {
		return nil, 0, gone
	}
	f, err := os.OpenFile(v.AudioPath, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would make it wait
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, gone
	}
	if err != nil {
		return nil, 0, tts.Errorf(tts.CodeDenied, "Check the permissions of the folder of voices.", "the clip of the voice %q can't be read: %w", v.Name, err)
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, 0, gone
	}
	return f, info.Size(), nil
}

// clipType is the media type of a clip, by its name, which says what it is.
func clipType(path string) string {
	known := map[string]string{".wav": "audio/wav", ".flac": "audio/flac", ".ogg": "audio/ogg", ".mp3": "audio/mpeg",
		".m4a": "audio/mp4", ".aac": "audio/aac", ".aiff": "audio/aiff", ".aifc": "audio/aiff", ".au": "audio/basic"}
	if kind, ok := known[filepath.Ext(path)]; ok {
		return kind
	}
	return "application/octet-stream"
}

// noVoices is where no voice can be saved.
type noVoices struct{}

func (noVoices) err() error {
	return tts.Errorf(tts.CodeUnsupported, "Start the server with a home folder ($HOME).", "this server has no place for saved voices")
}

func (noVoices) Voices(context.Context) ([]tts.Voice, error) { return []tts.Voice{}, nil }

func (n noVoices) Voice(context.Context, string) (tts.Voice, error) { return tts.Voice{}, n.err() }

func (n noVoices) SaveVoice(context.Context, tts.NewVoice) (tts.Voice, error) {
	return tts.Voice{}, n.err()
}

func (n noVoices) ChangeVoice(context.Context, string, tts.VoiceChange) (tts.Voice, error) {
	return tts.Voice{}, n.err()
}

func (n noVoices) DeleteVoice(context.Context, string) (tts.Voice, error) {
	return tts.Voice{}, n.err()
}
