package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ttsui/internal/safetensors"
	"ttsui/internal/testkit"
	"ttsui/internal/tts"
)

// TestEndToEnd builds the real program, starts it on a free port over tiny checkpoints, and drives every endpoint as
// a client would. What it speaks is compared with the official package's golden audio.
func TestEndToEnd(t *testing.T) {
	w := newWorld(t)
	s := w.serve(t)
	t.Run("health", s.testHealth)
	t.Run("not loaded", s.testNotLoaded)
	t.Run("load", s.testLoad)
	t.Run("golden audio", s.testGolden)
	t.Run("a spoken clip", s.testSpokenClip)
	t.Run("audio in the answer", s.testStream)
	t.Run("stopping a job", s.testStopJob)
	t.Run("hanging up cancels", s.testHangUp)
	t.Run("unload", s.testUnload)
	t.Run("say", w.testSay)
	t.Run("say with a saved voice", w.testSayVoice)
	t.Run("say ended by a signal", w.testSayInterrupted)
	t.Run("bench", w.testBench)
	t.Run("downloads", w.testDownloads)
	t.Run("downloads together", w.testFetchesTogether)
	t.Run("stop", s.testStop)
	t.Run("ended at work", w.testEndsAtWork)
	t.Run("killed", w.testKilled)
}

// world is the program and a folder of models that stand where the real ones would.
type world struct {
	bin, models string
	env         []string // goes before what a world has else
}

func newWorld(t *testing.T) world {
	dir := t.TempDir()
	w := world{bin: filepath.Join(dir, "ttsui"), models: filepath.Join(dir, "models")}
	if out, err := exec.Command("go", "build", "-o", w.bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	checkpoints := map[tts.Mode]string{tts.Clone: "base", tts.Control: "custom_voice", tts.Design: "voice_design"}
	for _, m := range tts.Catalogue() {
		link := filepath.Join(w.models, filepath.FromSlash(m.ID))
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(testkit.Golden("checkpoints", checkpoints[m.Mode]), link); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// patience is how long anything may take that has to end: so long that no machine is too slow, and short enough to end a
// test that waits in vain.
const patience = 2 * time.Minute

// command is the program in this world. It is killed when it has not ended in time, or when the test has.
func (w world) command(t *testing.T, limit time.Duration, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, w.bin, append(args, "--models", w.models, "--dtype", "float32")...)
	cmd.Env = append(os.Environ(), "HF_HUB_CACHE="+filepath.Join(w.models, "no-cache"), "HF_HUB_OFFLINE=1", "HOME="+filepath.Dir(w.bin))
	cmd.Env = append(cmd.Env, w.env...)
	return cmd
}

// serving is a server that runs as a process of its own.
type serving struct {
	url    string
	dir    string // for what it writes
	cmd    *exec.Cmd
	stderr sync.WaitGroup // ends when stderr does
	log    strings.Builder
}

// serve starts the server and waits for the line that says where it listens.
func (w world) serve(t *testing.T) *serving {
	s := &serving{dir: t.TempDir(), cmd: w.command(t, 4*patience, "serve", "--port", "0")}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	ready := make(chan string, 1)
	s.stderr.Go(func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			s.log.WriteString(lines.Text() + "\n")
			if url, ok := strings.CutPrefix(lines.Text(), "ttsui: listening on "); ok {
				ready <- url
			}
		}
		close(ready)
	})
	late := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() })
	url, ok := <-ready
	late.Stop()
	if !ok {
		t.Fatalf("the server did not start:\n%s", &s.log)
	}
	s.url = url
	return s
}

// end waits for the end of a server that was told to end.
func (s *serving) end() error {
	late := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() })
	defer late.Stop()
	s.stderr.Wait()
	return s.cmd.Wait()
}

type object = map[string]any

func (s *serving) call(ctx context.Context, method, path string, body any) (int, object, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(data))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	var answer object
	return res.StatusCode, answer, json.NewDecoder(res.Body).Decode(&answer)
}

// must calls and wants the status.
func (s *serving) must(t *testing.T, status int, method, path string, body any) object {
	t.Helper()
	got, answer, err := s.call(t.Context(), method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	if got != status {
		t.Fatalf("%s %s: %d, want %d: %v", method, path, got, status, answer)
	}
	return answer
}

func (s *serving) testHealth(t *testing.T) {
	if answer := s.must(t, 200, "GET", "/health", nil); answer["status"] != "healthy" {
		t.Errorf("health: %v", answer)
	}
}

func (s *serving) testNotLoaded(t *testing.T) {
	answer := s.must(t, 400, "POST", "/generate/design", object{"text": "a", "instruct": "b", "output_path": filepath.Join(s.dir, "a.wav")})
	if answer["detail"] != "VoiceDesign model not loaded" {
		t.Errorf("generate: %v", answer)
	}
	answer = s.must(t, 200, "POST", "/models/load", object{"model_id": "no/such"})
	text, _ := answer["error"].(string)
	if answer["state"] != "error" || !strings.Contains(text, "no/such") || answer["hint"] == nil {
		t.Errorf("loading a missing model: %v", answer)
	}
}

// testLoad loads all models, each of which the list tells of before and after.
func (s *serving) testLoad(t *testing.T) {
	s.wantStates(t, "unloaded")
	defer s.wantStates(t, "loaded")
	for _, m := range tts.Catalogue() {
		answer := s.must(t, 200, "POST", "/models/load", object{"model_id": m.ID})
		memory, _ := answer["memory"].(object)
		if answer["state"] != "loaded" || answer["error"] != nil || memory["after_mb"] == nil || answer["load_time_seconds"] == nil {
			t.Fatalf("load: %v", answer)
		}
	}
}

// wantStates wants the list to have the catalogue's models first, all in this state.
func (s *serving) wantStates(t *testing.T, state string) {
	t.Helper()
	list, _ := s.must(t, 200, "GET", "/models", nil)["models"].([]any)
	for i, m := range tts.Catalogue() {
		if i >= len(list) {
			t.Fatalf("%d models are listed", len(list))
		}
		if got, _ := list[i].(object); got["model_id"] != m.ID || got["state"] != state {
			t.Errorf("model %d is %v, want %s %s", i, list[i], m.ID, state)
		}
	}
}

// goldenCall is a call of the official package and what it made.
type goldenCall struct {
	Mode     string  `json:"mode"`
	Text     string  `json:"text"`
	Language *string `json:"language"`
	Speaker  string  `json:"speaker"`
	Instruct *string `json:"instruct"`
	RefText  string  `json:"ref_text"`
	FullText bool    `json:"nsm"`
	Penalty  float64 `json:"repetition_penalty"`
	Frames   int     `json:"frames"`
	Stopped  bool    `json:"stopped_by_eos"`
}

func goldenCalls(t *testing.T) map[string]goldenCall {
	data, err := os.ReadFile(testkit.Golden("ref_torch", "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]goldenCall{}
	if err := json.Unmarshal(data, &calls); err != nil {
		t.Fatal(err)
	}
	for name, c := range calls {
		// One note has no call, and one call describes no voice, which we ask for.
		if c.Text == "" || c.Mode == "design" && *c.Instruct == "" {
			delete(calls, name)
		}
	}
	return calls
}

// endpoint gives where the call goes, and what is sent to the larger or smaller model.
func (c goldenCall) endpoint(size, out string) (string, object) {
	body := object{"text": c.Text, "output_path": out, "temperature": 0, "max_frames": 16,
		"non_streaming_mode": c.FullText, "repetition_penalty": c.Penalty}
	if c.Language != nil {
		body["language"] = *c.Language
	}
	if c.Instruct != nil {
		body["instruct"] = *c.Instruct
	}
	switch c.Mode {
	case "clone":
		body["model_id"] = "mlx-community/Qwen3-TTS-12Hz-" + size + "-Base-bf16"
		body["ref_audio_path"], body["ref_text"] = testkit.Golden("clip.wav"), c.RefText
		return "/generate/clone", body
	case "custom":
		body["model_id"] = "mlx-community/Qwen3-TTS-12Hz-" + size + "-CustomVoice-bf16"
		body["speaker"] = c.Speaker
		return "/generate/control", body
	}
	return "/generate/design", body
}

func (s *serving) testGolden(t *testing.T) {
	for name, c := range goldenCalls(t) {
		t.Run(name, func(t *testing.T) {
			size := "0.6B"
			if c.FullText {
				size = "1.7B"
			}
			out := filepath.Join(s.dir, "golden", name+".wav")
			path, body := c.endpoint(size, out)
			answer := s.must(t, 200, "POST", path, body)
			if answer["success"] != true || answer["frames"] != float64(c.Frames) || answer["truncated"] != !c.Stopped {
				t.Errorf("answer %v", answer)
			}
			compareWithGolden(t, out, name)
		})
	}
}

// compareWithGolden wants the file's samples to be the golden wave's, rounded to 16 bits: the waves differ by less
// than 1e-5, which is a third of a step, and the rounding by half a step.
func compareWithGolden(t *testing.T, path, name string) {
	t.Helper()
	f, err := safetensors.Open(testkit.Golden("ref_torch", name+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := f.Float32s("wave")
	if err != nil {
		t.Fatal(err)
	}
	got := readWAV(t, path)
	if len(got) != len(want) {
		t.Fatalf("%d samples, want %d", len(got), len(want))
	}
	for i, v := range want {
		if d := math.Abs(float64(got[i]) - float64(v)*math.MaxInt16); d > 0.5+1e-5*math.MaxInt16 {
			t.Fatalf("sample %d is %d, want %.2f", i, got[i], float64(v)*math.MaxInt16)
		}
	}
}

// readWAV reads one of our own files: 44 bytes of header, then 16-bit samples.
func readWAV(t *testing.T, path string) []int16 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) < 44 || string(data[:4]) != "RIFF" || binary.LittleEndian.Uint32(data[24:]) != tts.SampleRate {
		t.Fatalf("%s: not a WAV file of ours", path)
	}
	samples := make([]int16, (len(data)-44)/2)
	if err := binary.Read(bytes.NewReader(data[44:]), binary.LittleEndian, samples); err != nil {
		t.Fatal(err)
	}
	return samples
}

// testSpokenClip clones from a clip that somebody speaks, at a rate that is not the model's, with seeded sampling.
func (s *serving) testSpokenClip(t *testing.T) {
	const words = "The quick brown fox jumps over the lazy dog."
	clip := spoken(t, words)
	for name, refText := range map[string]string{"voice alone": "", "with transcript": words} {
		t.Run(name, func(t *testing.T) {
			speak := func(file string, seed int) []int16 {
				out := filepath.Join(s.dir, file)
				s.must(t, 200, "POST", "/generate/clone", object{"model_id": "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-bf16", "text": "Hello there.\nAnd again.",
					"ref_audio_path": clip, "ref_text": refText, "output_path": out, "seed": seed, "max_frames": 8})
				return readWAV(t, out)
			}
			first, again, other := speak("first.wav", 1), speak("again.wav", 1), speak("other.wav", 2)
			if len(first) != 8*tts.FrameSamples || !slices.Equal(first, again) {
				t.Errorf("one seed made %d and %d samples, not the same", len(first), len(again))
			}
			if slices.Equal(first, other) {
				t.Error("two seeds made the same")
			}
		})
	}
}

// spoken is a clip in which espeak-ng says words; where that is not installed, one in which it has said them.
func spoken(t *testing.T, words string) string {
	espeak, err := exec.LookPath("espeak-ng")
	if err != nil {
		clip, err := filepath.Abs(filepath.Join("testdata", "spoken.flac"))
		if err != nil {
			t.Fatal(err)
		}
		return clip
	}
	clip := filepath.Join(t.TempDir(), "spoken.wav")
	if out, err := exec.Command(espeak, "-w", clip, words).CombinedOutput(); err != nil {
		t.Fatalf("espeak-ng: %v\n%s", err, out)
	}
	return clip
}

// testHangUp: a client that goes away leaves no file and no busy model.
func (s *serving) testHangUp(t *testing.T) {
	out := filepath.Join(s.dir, "hung-up", "out.wav")
	const id = "mlx-community/Qwen3-TTS-12Hz-0.6B-CustomVoice-bf16"
	ctx, hangUp := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, _, err := s.call(ctx, "POST", "/generate/control", object{"model_id": id, "text": "For ever and ever.", "speaker": "Ryan",
			"output_path": out, "max_frames": tts.MaxFrames, "runaway_guard": false})
		ended <- err
	}()
	temp := filepath.Join(filepath.Dir(out), ".ttsui-*.tmp")
	for started := time.Now(); ; time.Sleep(5 * time.Millisecond) { // the process tells nothing else from outside
		if found, _ := filepath.Glob(temp); len(found) == 1 {
			break
		}
		if time.Since(started) > time.Minute {
			t.Fatal("the generation did not start")
		}
	}
	s.must(t, 409, "POST", "/models/unload", object{"model_id": id})
	hangUp()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("the call ended with %v: it was too short for this test", err)
	}
	for started := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		status, answer, err := s.call(t.Context(), "POST", "/models/unload", object{"model_id": id})
		if err == nil && status == 200 && answer["state"] == "unloaded" {
			break
		}
		if time.Since(started) > 10*time.Second {
			t.Fatalf("the generation goes on: %d %v %v", status, answer, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "hung-up*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	s.must(t, 200, "GET", "/health", nil)
}

func (s *serving) testUnload(t *testing.T) {
	for _, m := range tts.Catalogue() {
		if answer := s.must(t, 200, "POST", "/models/unload", object{"model_id": m.ID}); answer["state"] != "unloaded" {
			t.Errorf("unload: %v", answer)
		}
	}
}

// testStop: a signal ends the server well, and its log tells the whole story without the users' words.
func (s *serving) testStop(t *testing.T) {
	http.DefaultClient.CloseIdleConnections()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := s.end(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	log := s.log.String()
	home := filepath.Dir(s.cmd.Path)
	file, err := os.ReadFile(filepath.Join(home, ".ttsui", "logs", "ttsui.log"))
	if want := strings.Replace(log, "ttsui: listening on "+s.url+"\n", "", 1); err != nil || string(file) != want {
		t.Errorf("the log's file: %v\n%s", err, file)
	}
	for _, line := range []string{
		" | INFO | Starting TTS HTTP Server on 127.0.0.1:",
		" | INFO | Loading model: mlx-community/Qwen3-TTS-12Hz-0.6B-Base-bf16\n",
		" | INFO | Model loaded successfully\n", " | INFO | Memory before load: ", " | INFO | Memory after load: ", " | INFO | Load time: ",
		" | ERROR | Failed to load model no/such: ",
		" | INFO | Processing reference audio...\n", " | INFO | Generated clone audio: ", " | INFO | Stopped generating control audio\n",
		" | INFO | Model unloaded successfully\n", " | INFO | TTS HTTP Server shutting down...\n",
	} {
		if !strings.Contains(log, line) {
			t.Errorf("the log lacks %q", line)
		}
	}
	for _, words := range []string{"quick brown fox", "For ever", "cheerful young woman"} {
		if strings.Contains(log, words) {
			t.Errorf("the log holds the user's words %q", words)
		}
	}
}
