package server

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"ttsui/internal/atomicfile"
	"ttsui/internal/tts"
)

// Limits of a clip that comes with its request.
const (
	maxClip       = 64 << 20 // five minutes of speech in any usual format are smaller
	uploadTimeout = 2 * time.Minute
	maxBigBodies  = 4 // that are in memory at a time
)

// clipPart is the name of the clip's part of a form, and of its file here.
const clipPart = "ref_audio"

type cloneRequest struct {
	ModelID string `json:"model_id"`
	clipFields
	RefText string `json:"ref_text"`
	Voice   string `json:"voice"`
	RefTail bool   `json:"ref_tail_silence"`
	speechRequest
}

// clipFields are the two ways to send a clip in JSON.
type clipFields struct {
	RefAudioPath   string `json:"ref_audio_path"`
	RefAudioBase64 string `json:"ref_audio_base64"`
}

func (c *clipFields) clip() *clipFields { return c }

// clipped is a pointer to a body that a clip may come with.
type clipped interface{ clip() *clipFields }

// generateClone serves the mode whose reference clip is a path, or comes as base64 or as a part of a form.
func (s *Server) generateClone(w http.ResponseWriter, r *http.Request) {
	clip := upload{parent: s.uploads, limit: s.maxClip}
	defer clip.remove()
	req, err := s.readClone(w, r, &clip)
	if err != nil {
		s.writeError(w, r, err)
		return
	}
	s.speak(w, r, req)
}

func (s *Server) readClone(w http.ResponseWriter, r *http.Request, clip *upload) (tts.Request, error) {
	var sent cloneRequest
	path, err := s.readClipped(w, r, &sent, clip)
	if err != nil {
		return tts.Request{}, err
	}
	req := sent.request(tts.Clone, sent.ModelID)
	req.RefAudioPath, req.RefText, req.Voice, req.RefTail = path, sent.RefText, sent.Voice, sent.RefTail
	return req, nil
}

// readClipped reads a body of JSON or a form into sent, and gives the path of the clip, "" when none came with it.
func (s *Server) readClipped(w http.ResponseWriter, r *http.Request, sent clipped, clip *upload) (path string, err error) {
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(uploadTimeout))
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "multipart/form-data" {
		r.Body = http.MaxBytesReader(w, r.Body, clip.limit+maxBody)
		err = readClippedForm(r, sent, clip)
	} else {
		err = s.readClippedJSON(w, r, sent, clip)
	}
	if err != nil {
		return "", err
	}
	_ = conn.SetReadDeadline(time.Time{})
	if clip.path == "" {
		return sent.clip().RefAudioPath, nil
	}
	if sent.clip().RefAudioPath != "" {
		return "", errTwoClips()
	}
	return clip.path, nil
}

// readClippedJSON reads a body of JSON. Large ones take turns, as they are in memory whole.
func (s *Server) readClippedJSON(w http.ResponseWriter, r *http.Request, sent clipped, clip *upload) error {
	if r.ContentLength < 0 || r.ContentLength > maxBody {
		select {
		case s.bigBodies <- struct{}{}:
			defer func() { <-s.bigBodies }()
		case <-r.Context().Done():
			return errGone(r.Context().Err())
		}
	}
	body, err := readBody(w, r, clip.limit/3*4+maxBody)
	if err != nil {
		return err
	}
	if err := decode(body, sent); err != nil {
		return err
	}
	fields := sent.clip()
	if fields.RefAudioBase64 == "" {
		return nil
	}
	if fields.RefAudioPath != "" {
		return errTwoClips()
	}
	err = clip.write(base64.NewDecoder(base64.StdEncoding.Strict(), strings.NewReader(fields.RefAudioBase64)))
	var corrupt base64.CorruptInputError
	if errors.As(err, &corrupt) || errors.Is(err, io.ErrUnexpectedEOF) {
		return invalid("Send standard base64 with its padding, and nothing before it.", "ref_audio_base64 is not base64: %w", err)
	}
	return uploadError(err)
}

// readClippedForm reads a form: the clip is a part of its own, and the other fields are as in JSON.
func readClippedForm(r *http.Request, sent clipped, clip *upload) error {
	form, err := r.MultipartReader()
	if err != nil {
		return invalid("Send multipart/form-data with its boundary.", "the form can't be read: %w", err)
	}
	fields, kinds := map[string]json.RawMessage{}, jsonKinds(reflect.TypeOf(sent).Elem())
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return bodyError(err)
		}
		name := part.FormName()
		if _, again := fields[name]; again || name == clipPart && clip.path != "" {
			return invalid("Send each field once.", "the form has %.40q twice", name)
		}
		if name == clipPart {
			err = uploadError(clip.write(part))
		} else {
			fields[name], err = readField(part, name, kinds)
		}
		if err != nil {
			return err
		}
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("put a form into JSON: %w", err)
	}
	if len(body) > maxBody {
		return bodyError(&http.MaxBytesError{Limit: maxBody})
	}
	if err := decode(body, sent); err != nil {
		return err
	}
	if sent.clip().RefAudioBase64 != "" {
		return invalid("Send the clip itself as the part "+clipPart+".", "ref_audio_base64 is for JSON")
	}
	return nil
}

// readField gives a field of a form, which has fields of these kinds, as the JSON that it would be.
func readField(part io.Reader, name string, kinds map[string]reflect.Kind) (json.RawMessage, error) {
	kind, known := kinds[name]
	if !known {
		return nil, invalid("The fields are "+strings.Join(slices.Sorted(maps.Keys(kinds)), ", ")+" and the file "+clipPart+".", "unknown field %.100q", name)
	}
	value, err := io.ReadAll(io.LimitReader(part, maxBody+1))
	if err != nil {
		return nil, bodyError(err)
	}
	if len(value) > maxBody {
		return nil, bodyError(&http.MaxBytesError{Limit: maxBody})
	}
	if !utf8.Valid(value) {
		return nil, invalid("Send the text as UTF-8.", "%s is not valid UTF-8", name)
	}
	if kind != reflect.String && json.Valid(value) {
		return value, nil
	}
	return json.Marshal(string(value))
}

// jsonKinds gives the kinds of a struct's fields by their JSON names; a pointer's is that of what it points to.
func jsonKinds(t reflect.Type) map[string]reflect.Kind {
	kinds := map[string]reflect.Kind{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
		case f.Type.Kind() == reflect.Pointer:
			kinds[name] = f.Type.Elem().Kind()
		default:
			kinds[name] = f.Type.Kind()
		}
	}
	return kinds
}

func errTwoClips() error {
	return invalid("Send ref_audio_path, ref_audio_base64 or, in a form, the file "+clipPart+".", "there are two reference clips")
}

// upload is a clip that came with its request, in a folder that only this user can read.
type upload struct {
	parent string // the folder for such folders; "" is the system's
	limit  int64  // bytes
	path   string // "" before write
}

func (u *upload) write(clip io.Reader) error {
	if u.parent != "" {
		if err := os.MkdirAll(u.parent, 0o700); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp(u.parent, atomicfile.TempPattern) // by which it is found should we be killed
	if err != nil {
		return err
	}
	u.path = filepath.Join(dir, clipPart)
	file, err := os.OpenFile(u.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(file, io.LimitReader(clip, u.limit+1))
	if n > u.limit {
		err = &http.MaxBytesError{Limit: u.limit}
	}
	return errors.Join(err, file.Close())
}

// remove takes the clip away, if there is one.
func (u *upload) remove() {
	if u.path != "" {
		_ = os.RemoveAll(filepath.Dir(u.path))
	}
}

// uploadError says to users why a clip was not kept: the disk, or what they sent.
func uploadError(err error) error {
	var onPath *fs.PathError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return tts.Errorf(tts.CodeDiskFull, "Free some space on the disk.", "the reference clip does not fit on the disk")
	case errors.As(err, &onPath):
		return fmt.Errorf("keep a reference clip: %w", err)
	}
	return bodyError(err)
}
