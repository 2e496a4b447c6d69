package server_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"ttsui/internal/registry/registrytest"
	"ttsui/internal/testkit"
)

// TestVoicesOverTheWire: a clip that comes as a form or in base64 is saved as it came, with the ending that it should
// have, and nothing of the upload is left.
func TestVoicesOverTheWire(t *testing.T) {
	h := open(t, &registrytest.Tones{})
	wav, err := os.ReadFile(testkit.Golden("clip.wav"))
	if err != nil {
		t.Fatal(err)
	}
	flac, err := os.ReadFile(filepath.Join("..", "audio", "testdata", "mono24.flac"))
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, path string, status int, fields ...[2]string) object {
		t.Helper()
		kind, body := form(t, fields)
		req, err := http.NewRequestWithContext(t.Context(), method, h.url+path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer := readError(t, res)
		if res.StatusCode != status {
			t.Fatalf("%s %s: %s, %v", method, path, res.Status, answer)
		}
		h.leavesNothing(t)
		return answer
	}
	fetch := func(path, kind string, want []byte) {
		t.Helper()
		res, err := http.Get(h.url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != kind || !bytes.Equal(got, want) {
			t.Errorf("%s: %s of %q, %d bytes, want %d: %v", path, res.Status, res.Header.Get("Content-Type"), len(got), len(want), err)
		}
	}
	v := send("POST", "/voices", 200, [2]string{"name", "1.5"}, [2]string{"ref_text", "Hi."}, [2]string{"ref_audio", string(flac)})
	if path, _ := v["audio_path"].(string); v["name"] != "1.5" || v["ref_text"] != "Hi." || !strings.HasSuffix(path, ".flac") {
		t.Errorf("saved: %v", v)
	}
	fetch("/voices/1.5/audio", "audio/flac", flac)
	send("PATCH", "/voices/1.5", 200, [2]string{"ref_audio", string(wav)})
	fetch("/voices/"+v["id"].(string)+"/audio", "audio/wav", wav)
	send("PATCH", "/voices/1.5", 422, [2]string{"ref_audio", "words"})
	send("POST", "/voices", 400, [2]string{"name", "Two"}, [2]string{"ref_audio", string(wav)}, [2]string{"ref_audio_path", "/x.wav"})
	send("POST", "/voices", 400, [2]string{"name", "Two"})
	send("POST", "/voices", 400, [2]string{"name", "Two"}, [2]string{"ref_audio", string(wav)}, [2]string{"text", "Hi."})
	fetch("/voices/1.5/audio", "audio/wav", wav)
}

// TestNoPlaceForVoices: a server without a home has none, and says so.
func TestNoPlaceForVoices(t *testing.T) {
	h := &house{dir: t.TempDir(), log: &lockedBuffer{}}
	h.start(t, nil, zerolog.Nop())
	if status, answer := h.call(t, "GET", "/voices", nil); status != 200 || len(answer["voices"].([]any)) != 0 {
		t.Errorf("%d, %v", status, answer)
	}
	for method, path := range map[string]string{"POST": "/voices", "PATCH": "/voices/x", "DELETE": "/voices/x", "GET": "/voices/x/audio"} {
		if status, answer := h.call(t, method, path, object{"name": "x"}); status != 422 || answer["code"] != "unsupported" || answer["hint"] == "" {
			t.Errorf("%s %s: %d, %v", method, path, status, answer)
		}
	}
}
