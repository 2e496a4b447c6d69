package server_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ttsui/internal/registry/registrytest"
	"ttsui/internal/testkit"
)

// form makes a body of multipart/form-data; a part of the clip's name is a file.
func form(t *testing.T, parts [][2]string) (kind string, body io.Reader) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		create := w.CreateFormField
		if p[0] == "ref_audio" {
			create = func(name string) (io.Writer, error) { return w.CreateFormFile(name, "../../voice.wav") }
		}
		part, err := create(p[0])
		if err == nil {
			_, err = io.WriteString(part, p[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), &b
}

func TestClipsThatComeAlong(t *testing.T) {
	clip, err := os.ReadFile(testkit.Golden("clip.wav"))
	if err != nil {
		t.Fatal(err)
	}
	var h *house
	private := 0
	h = open(t, &registrytest.Tones{OnFrame: func(context.Context, int) error {
		return filepath.WalkDir(filepath.Dir(h.uploads), func(path string, d fs.DirEntry, err error) error {
			info, errInfo := d.Info()
			if d.Name() == "ref_audio" && info.Mode().Perm() == 0o600 {
				private++
			}
			return errors.Join(err, errInfo)
		})
	}})
	h.load(t, base)
	fields := [][2]string{{"model_id", base}, {"text", "hello"}, {"output_path", h.out()}, {"seed", "7"}, {"temperature", "0.5"}, {"non_streaming_mode", "true"}}
	add := func(more ...[2]string) [][2]string { return append(fields[:len(fields):len(fields)], more...) }
	sound := [2]string{"ref_audio", string(clip)}
	b64 := base64.StdEncoding.EncodeToString(clip)
	long := strings.Repeat("a", 1<<20)
	for _, c := range []struct {
		name   string
		form   [][2]string // or else
		json   object
		status int
		detail string
	}{
		{"a form", add(sound), nil, 200, ""},
		{"a form with a path", add([2]string{"ref_audio_path", h.clone()["ref_audio_path"].(string)}), nil, 200, ""},
		{"a form without a clip", fields, nil, 400, "Reference audio is required"},
		{"a form with two clips", add(sound, sound), nil, 400, `the form has "ref_audio" twice`},
		{"a form with two kinds", add(sound, [2]string{"ref_audio_path", "/x.wav"}), nil, 400, "there are two reference clips"},
		{"a form with base64", add([2]string{"ref_audio_base64", "AAAA"}), nil, 400, "ref_audio_base64 is for JSON"},
		{"a field twice", add([2]string{"seed", "8"}), nil, 400, `the form has "seed" twice`},
		{"an unknown field", add([2]string{"speaker", "Ryan"}), nil, 400, `unknown field "speaker"`},
		{"a word for a number", add(sound, [2]string{"top_p", "high"}), nil, 400, "top_p has to be a number, not a string"},
		{"bad UTF-8", add(sound, [2]string{"language", "\xff"}), nil, 400, "language is not valid UTF-8"},
		{"a field too long", add([2]string{"language", long + "a"}), nil, 413, "the body is larger than 1048576 bytes"},
		{"fields too long", add([2]string{"language", long[100:]}, [2]string{"ref_text", long[100:]}), nil, 413, "the body is larger than 1048576 bytes"},
		{"no sound", add([2]string{"ref_audio", "words"}), nil, 422, `reference clip "ref_audio": it is not audio that can be read, but looks like text/plain; charset=utf-8`},
		{"a clip too long", add([2]string{"ref_audio", strings.Repeat(long, 3) + "a"}), nil, 413, "the body is larger than 3145728 bytes"},

		{"base64", nil, object{"ref_audio_base64": b64}, 200, ""},
		{"base64 in lines", nil, object{"ref_audio_base64": b64[:76] + "\n" + b64[76:]}, 200, ""},
		{"base64 and a path", nil, object{"ref_audio_base64": b64, "ref_audio_path": "/x.wav"}, 400, "there are two reference clips"},
		{"base64 after a prefix", nil, object{"ref_audio_base64": "data:audio/wav;base64," + b64}, 400, "ref_audio_base64 is not base64: illegal base64 data at input byte 4"},
		{"base64 cut off", nil, object{"ref_audio_base64": b64[:9]}, 400, "ref_audio_base64 is not base64: unexpected EOF"},
		{"base64 of no sound", nil, object{"ref_audio_base64": "AAAA"}, 422, `reference clip "ref_audio": it is not audio that can be read, but looks like application/octet-stream`},
		{"base64 too long", nil, object{"ref_audio_base64": strings.Repeat("AAAA", 4<<18+1)}, 413, "the body is larger than 3145728 bytes"},
		{"JSON too long", nil, object{"ref_audio_base64": strings.Repeat("AAAA", 5<<18)}, 413, "the body is larger than 5242880 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			private = 0
			var res *http.Response
			if c.form != nil {
				kind, body := form(t, c.form)
				res = h.post(t, "/generate/clone", "", kind, body)
			} else {
				body := without(h.clone(), "ref_audio_path")
				for k, v := range c.json {
					body[k] = v
				}
				res = h.ask(t, "/generate/clone", "", body)
			}
			answer := readError(t, res)
			if detail, _ := answer["detail"].(string); res.StatusCode != c.status || detail != c.detail {
				t.Errorf("%s, want %d: %.300v", res.Status, c.status, answer)
			}
			if c.status == 200 {
				if !strings.Contains(c.name, "path") && private != len("hello") {
					t.Errorf("the clip was there and private for %d frames", private)
				}
				if err := os.Remove(h.out()); err != nil {
					t.Error(err)
				}
			}
			h.leavesNothing(t)
		})
	}
	for name, body := range map[string]string{
		"cut off":     "--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nhel",
		"no parts":    "hello",
		"no name":     "--x\r\n\r\nhello\r\n--x--\r\n",
		"cut clip":    "--x\r\nContent-Disposition: form-data; name=\"ref_audio\"\r\n\r\nRIFF",
		"no boundary": "",
	} {
		kind := "multipart/form-data; boundary=x"
		if name == "no boundary" {
			kind = "multipart/form-data"
		}
		res := h.post(t, "/generate/clone", "", kind, strings.NewReader(body))
		if answer := readError(t, res); res.StatusCode != 400 || answer["code"] != "invalid" {
			t.Errorf("%s: %s, %v", name, res.Status, answer)
		}
		h.leavesNothing(t)
	}
}

// TestClipsArePrivate: whatever the umask, nobody else reads a voice, also while it arrives.
func TestClipsArePrivate(t *testing.T) {
	clip, err := os.ReadFile(testkit.Golden("clip.wav"))
	if err != nil {
		t.Fatal(err)
	}
	for _, umask := range []int{0, 0o077} {
		t.Run(fmt.Sprintf("umask %03o", umask), func(t *testing.T) {
			old := syscall.Umask(umask) // of the whole process: no test here runs beside another
			defer syscall.Umask(old)
			var h *house
			seen := map[string]fs.FileMode{}
			h = open(t, &registrytest.Tones{OnFrame: func(context.Context, int) error {
				return filepath.WalkDir(h.uploads, func(path string, d fs.DirEntry, err error) error {
					if err != nil {
						return err
					}
					info, err := d.Info()
					seen[path] = info.Mode()
					return err
				})
			}})
			h.load(t, base)
			kind, body := form(t, [][2]string{{"model_id", base}, {"text", "hello"}, {"output_path", h.out()}, {"ref_audio", string(clip)}})
			for _, res := range []*http.Response{
				h.post(t, "/generate/clone", "", kind, body),
				h.ask(t, "/generate/clone", "", with(without(h.clone(), "ref_audio_path"), "ref_audio_base64", base64.StdEncoding.EncodeToString(clip))),
			} {
				if answer := readError(t, res); res.StatusCode != 200 {
					t.Errorf("%s, %v", res.Status, answer)
				}
			}
			for path, mode := range seen {
				if want := map[bool]fs.FileMode{true: fs.ModeDir | 0o700, false: 0o600}[mode.IsDir()]; mode != want {
					t.Errorf("%s has %v, want %v", path, mode, want)
				}
			}
			if len(seen) != 5 { // the folder of all, and for each clip one, and it
				t.Errorf("seen were %v", seen)
			}
		})
	}
}
