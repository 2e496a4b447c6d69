package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ttsui/internal/app"
	"ttsui/internal/registry/registrytest"
	"ttsui/internal/tts"
	"ttsui/internal/userdata"
)

// TestSettingsHold: what the Config says holds for requests that come in.
func TestSettingsHold(t *testing.T) {
	const model = "mlx-community/Qwen3-TTS-12Hz-0.6B-CustomVoice-bf16"
	root, outside := t.TempDir(), t.TempDir()
	outputs, err := userdata.NewOutputs("", nil, []string{root})
	if err != nil {
		t.Fatal(err)
	}
	hang := func(ctx context.Context, _ int) error {
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
		return nil
	}
	for _, c := range []struct {
		name   string
		config app.Config
		dir    string
		status int
		code   tts.Code
	}{
		{"no limits", app.Config{}, outside, 200, ""},
		{"a time limit", app.Config{Timeout: time.Millisecond, Loader: &registrytest.Tones{OnFrame: hang}}, outside, 504, tts.CodeTimeout},
		{"below a root", app.Config{Outputs: outputs}, root, 200, ""},
		{"outside the roots", app.Config{Outputs: outputs}, outside, 403, tts.CodeDenied},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, _ := start(t, c.config)
			defer closeApp(t, a)
			if info, err := a.Service().Load(t.Context(), model, tts.LoadOptions{}); err != nil || info.State != tts.Loaded {
				t.Fatal(info, err)
			}
			out := filepath.Join(c.dir, "new", "out.wav")
			body := fmt.Sprintf(`{"model_id":%q,"text":"hello","speaker":"Ryan","output_path":%q}`, model, out)
			defer http.DefaultClient.CloseIdleConnections()
			res, err := http.Post("http://"+a.Addr()+"/generate/control", "application/json", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var answer struct{ Code tts.Code }
			if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != c.status || answer.Code != c.code {
				t.Errorf("%s, %+v, %v", res.Status, answer, err)
			}
			if _, err := os.Stat(out); (err == nil) != (c.status == 200) {
				t.Errorf("the file: %v", err)
			}
			if err := os.RemoveAll(filepath.Dir(out)); err != nil {
				t.Error(err)
			}
		})
	}
}
