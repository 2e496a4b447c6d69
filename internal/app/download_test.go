package app_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ttsui/internal/app"
	"ttsui/internal/hub"
	"ttsui/internal/testkit"
	"ttsui/internal/testkit/fakehub"
	"ttsui/internal/tts"
)

const custom = "mlx-community/Qwen3-TTS-12Hz-0.6B-CustomVoice-bf16"

// checkpoint reads the files of a tiny model, and counts their bytes.
func checkpoint(t *testing.T, name string) (files map[string][]byte, total int64) {
	t.Helper()
	files = testkit.CheckpointFiles(t, name)
	for _, data := range files {
		total += int64(len(data))
	}
	return files, total
}

// downloading is an app with nothing on its disk, and a hub to fetch from.
type downloading struct {
	*app.App
	hub *fakehub.Hub
	log *lockedBuffer
}

// startDownloading opens the app with these settings of the environment beside those that keep it on this machine.
func startDownloading(t *testing.T, env map[string]string) *downloading {
	d := &downloading{hub: fakehub.Start(t), log: &lockedBuffer{}}
	all := map[string]string{"HF_ENDPOINT": d.hub.URL, "HF_HOME": t.TempDir()}
	for key, value := range env {
		all[key] = value
	}
	getenv := func(key string) string { return all[key] }
	fetcher := hub.NewFetcher(getenv)
	fetcher.Retry.First, fetcher.Retry.Longest = time.Millisecond, 10*time.Millisecond
	var err error
	d.App, err = app.New(app.Config{Places: app.FindPlaces("", getenv), Fetcher: fetcher, DType: "float32", Log: d.log, LogLevel: "info"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		closeApp(t, d.App)
	})
	if err := d.Start("127.0.0.1", 0); err != nil {
		t.Fatal(err)
	}
	return d
}

// call asks the server as any program does.
func (d *downloading) call(t *testing.T, method, path string, body, answer any) int {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+d.Addr()+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(answer); err != nil {
		t.Error(err)
	}
	return res.StatusCode
}

func (d *downloading) load(t *testing.T, id string) (info tts.ModelInfo) {
	t.Helper()
	d.call(t, "POST", "/models/load", map[string]string{"model_id": id}, &info)
	return info
}

// follow calls see with the events of the stream that are of the model, until see has enough.
func (d *downloading) follow(t *testing.T, id string, see func(tts.ModelInfo) (enough bool)) {
	client := http.Client{Timeout: time.Minute}
	res, err := client.Get("http://" + d.Addr() + "/models/stream")
	if err != nil {
		t.Error(err)
		return
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		var info tts.ModelInfo
		if !ok {
			continue
		}
		if err := json.Unmarshal([]byte(data), &info); err != nil {
			t.Errorf("%s: %v", data, err)
		}
		switch {
		case info.ModelID == id && see(info):
			return
		case info.State == tts.Failed:
			t.Errorf("failed: %s", *info.Error)
			return
		}
	}
	t.Error("the stream ended")
}

// asked counts the questions for each file.
func (d *downloading) asked() map[string][]fakehub.Request {
	asked := map[string][]fakehub.Request{}
	for _, r := range d.hub.Requests() {
		asked[r.Name] = append(asked[r.Name], r)
	}
	return asked
}

// TestLoadDownloads: on a machine without the model, two loads are one download over a bad line. It is seen in the list
// and in the stream, and what comes speaks.
func TestLoadDownloads(t *testing.T) {
	d := startDownloading(t, nil)
	files, total := checkpoint(t, "custom_voice")
	d.hub.Add(custom, files)
	d.hub.Break(func(r fakehub.Request) fakehub.Fault {
		f := fakehub.Fault{Pause: 2 * time.Millisecond}
		if strings.HasSuffix(r.Name, ".safetensors") && r.N <= 3 {
			f.Cut = 400_000
		}
		return f
	})
	var calls sync.WaitGroup
	listed, done := 0, make(chan struct{})
	calls.Go(func() {
		for last := int64(0); ; {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
			var list struct{ Models []tts.ModelInfo }
			d.call(t, "GET", "/models", nil, &list)
			for _, info := range list.Models {
				if now := info.Download; now != nil {
					listed++
					if info.ModelID != custom || info.Phase == tts.PhaseLoading || now.BytesTotal != total || now.BytesDone < last {
						t.Errorf("listed after %d bytes: %+v, %+v", last, info, *now)
					}
					last = now.BytesDone
				}
			}
		}
	})
	streamed, rates := 0, 0
	calls.Go(func() {
		last := int64(0)
		d.follow(t, custom, func(info tts.ModelInfo) bool {
			if now := info.Download; now != nil {
				streamed++
				if now.BytesTotal != total || now.BytesDone < last || now.BytesDone > total {
					t.Errorf("streamed after %d bytes: %+v", last, *now)
				}
				if last = now.BytesDone; now.Rate != nil && now.ETASeconds != nil {
					rates++
				}
			}
			return info.State == tts.Loaded
		})
	})
	var loads sync.WaitGroup
	for range 2 {
		loads.Go(func() {
			if info := d.load(t, custom); info.State != tts.Loaded || info.Phase != "" || info.Download != nil {
				t.Errorf("load: %+v", info)
			}
		})
	}
	loads.Wait()
	close(done)
	calls.Wait()
	if listed == 0 || streamed < 3 || rates == 0 {
		t.Errorf("%d times listed, %d times streamed, %d rates", listed, streamed, rates)
	}
	for name, requests := range d.asked() {
		if want := map[bool]int{false: 1, true: 4}[strings.HasSuffix(name, ".safetensors")]; len(requests) != want {
			t.Errorf("%s was asked for %d times, want %d", name, len(requests), want)
		}
	}
	var made struct{ Frames int }
	status := d.call(t, "POST", "/generate/control", map[string]any{"model_id": custom, "text": "It works.", "speaker": "Ryan", "max_frames": 3,
		"output_path": filepath.Join(t.TempDir(), "out.wav")}, &made)
	if status != 200 || made.Frames == 0 {
		t.Errorf("generate: %d, %+v", status, made)
	}
	for _, line := range []string{" | INFO | Downloading model: " + custom + "\n", " | INFO | Download finished: " + custom + " (5 of 5 MB in ",
		" | INFO | Model loaded successfully\n"} {
		if strings.Count(d.log.String(), line) != 1 {
			t.Errorf("the log lacks %q:\n%s", line, d.log)
		}
	}
}

// TestUnloadStopsADownload: a later load fetches nothing again that is there.
func TestUnloadStopsADownload(t *testing.T) {
	d := startDownloading(t, nil)
	files, total := checkpoint(t, "custom_voice")
	d.hub.Add(custom, files)
	const weights, part = "model.safetensors", 1_000_000
	d.hub.Break(func(r fakehub.Request) fakehub.Fault {
		if r.Name == weights && r.N == 1 {
			return fakehub.Fault{Stall: part}
		}
		return fakehub.Fault{}
	})
	var calls sync.WaitGroup
	calls.Go(func() {
		var answer struct{ Code tts.Code }
		if status := d.call(t, "POST", "/models/load", map[string]string{"model_id": custom}, &answer); status != 499 || answer.Code != tts.CodeCanceled {
			t.Errorf("the stopped load: %d, %+v", status, answer)
		}
	})
	d.follow(t, custom, func(info tts.ModelInfo) bool {
		return info.Download != nil && info.Download.BytesDone == total-int64(len(files[weights]))+part
	})
	var info tts.ModelInfo
	if status := d.call(t, "POST", "/models/unload", map[string]string{"model_id": custom}, &info); status != 200 || info.State != tts.Unloaded || info.Error != nil {
		t.Errorf("unload: %d, %+v", status, info)
	}
	if p := info.Part; p == nil || p.BytesDone != total-int64(len(files[weights]))+part || p.BytesTotal != total {
		t.Errorf("it has left %+v", p)
	}
	calls.Wait()
	if info := d.load(t, custom); info.State != tts.Loaded {
		t.Errorf("the second load: %+v", info)
	}
	for name, requests := range d.asked() {
		switch {
		case name == weights && (len(requests) != 2 || requests[1].Offset != part):
			t.Errorf("the weights were asked for by %+v", requests)
		case name != weights && len(requests) != 1:
			t.Errorf("%s was asked for %d times", name, len(requests))
		}
	}
}

// TestCloseStopsADownload: who quits doesn't wait for it.
func TestCloseStopsADownload(t *testing.T) {
	d := startDownloading(t, nil)
	files, _ := checkpoint(t, "custom_voice")
	d.hub.Add(custom, files)
	d.hub.Break(func(fakehub.Request) fakehub.Fault { return fakehub.Fault{Stall: 100} })
	var calls sync.WaitGroup
	defer calls.Wait()
	calls.Go(func() {
		if _, err := d.Service().Load(t.Context(), custom, tts.LoadOptions{}); tts.CodeOf(err) != tts.CodeBusy {
			t.Error("load:", err)
		}
	})
	d.follow(t, custom, func(info tts.ModelInfo) bool { return info.Download != nil })
	http.DefaultClient.CloseIdleConnections()
	started := time.Now()
	closeApp(t, d.App)
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestDownloadFails: what can't be fetched is a failed load that says what to do, and Retry leaves it.
func TestDownloadFails(t *testing.T) {
	files, _ := checkpoint(t, "custom_voice")
	foreign := fakehub.Model(1000)
	delete(foreign, "speech_tokenizer/config.json")
	for _, c := range []struct {
		name, id   string
		env        map[string]string
		token      string
		code       tts.Code
		text, hint string
	}{
		{"offline", custom, map[string]string{"HF_HUB_OFFLINE": "1"}, "", tts.CodeNotFound, "is not on this machine: looked in ", "ttsui models pull " + custom},
		{"unknown", "someone/unknown", nil, "", tts.CodeNotFound, "knows no such model, or keeps it from you", "Check the name."},
		{"something else", "someone/else", nil, "", tts.CodeUnsupported, "it is not a Qwen3-TTS repository", "ttsui models list"},
		{"gated", custom, nil, "secret", tts.CodeDenied, "only to those who accepted its terms", "HF_TOKEN"},
		{"no network", custom, map[string]string{"HF_ENDPOINT": "http://127.0.0.1:1"}, "", tts.CodeUnreachable, "look for " + custom, "Check the network."},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := startDownloading(t, c.env)
			d.hub.Token = c.token
			d.hub.Add(custom, files)
			d.hub.Add("someone/else", foreign)
			for range 2 {
				info := d.load(t, c.id)
				if info.State != tts.Failed || info.Code != c.code || info.Error == nil || !strings.Contains(*info.Error, c.text) ||
					info.Hint == nil || !strings.Contains(*info.Hint, c.hint) || info.Download != nil || info.Phase != "" {
					t.Errorf("%+v\n%v\n%v", info, info.Error, info.Hint)
				}
			}
			if sent := d.hub.Sent(); sent != 0 {
				t.Errorf("%d bytes of it came", sent)
			}
		})
	}
}

// TestUnreachableWithAPart: without the hub, a model of which only a part is here says so, and how to go on.
func TestUnreachableWithAPart(t *testing.T) {
	home := t.TempDir()
	d := startDownloading(t, map[string]string{"HF_HOME": home})
	files, _ := checkpoint(t, "custom_voice")
	d.hub.Add(custom, files)
	d.hub.Break(func(r fakehub.Request) fakehub.Fault {
		return fakehub.Fault{Status: map[bool]int{true: 404}[r.Name == "model.safetensors"]}
	})
	if info := d.load(t, custom); info.State != tts.Failed || info.Code != tts.CodeNotFound || !strings.Contains(*info.Error, "fetch model.safetensors: ") {
		t.Errorf("the first load: %+v, %v", info, info.Error)
	}
	closeApp(t, d.App)
	for _, c := range []struct {
		env        map[string]string
		code       tts.Code
		text, hint string
	}{
		{map[string]string{"HF_ENDPOINT": "http://127.0.0.1:1"}, tts.CodeUnreachable, "look for " + custom + " at http://127.0.0.1:1: ", "Check the network."},
		{map[string]string{"HF_HUB_OFFLINE": "1"}, tts.CodeNotFound, "(only a part of it has been fetched)", "ttsui models pull " + custom},
	} {
		c.env["HF_HOME"] = home
		d := startDownloading(t, c.env)
		if info := d.load(t, custom); info.State != tts.Failed || info.Code != c.code || !strings.Contains(*info.Error, c.text) ||
			info.Hint == nil || !strings.Contains(*info.Hint, c.hint) {
			t.Errorf("%+v, %v, %v", info, info.Error, info.Hint)
		}
		closeApp(t, d.App)
	}
}
