package uitest

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ttsui/internal/testkit"
	"ttsui/internal/tools/gnustep/screen"
	"ttsui/internal/tts"
)

// The rows' names, by which their views are found.
const (
	smallBase    = "0.6B-Base (Fast)"
	largeBase    = "1.7B-Base (Quality)"
	smallControl = "0.6B-CustomVoice (Fast)"
	largeControl = "1.7B-CustomVoice (Quality)"
	designModel  = "Qwen3-TTS-12Hz-1.7B-VoiceDesign"
)

// TestWindow does the plan's whole job by mouse and keyboard.
func TestWindow(t *testing.T) {
	if os.Getenv("TTSUI_APP") == "" {
		t.Skip("make uitest runs this on a display of its own")
	}
	home := os.Getenv("HOME")
	models := writeModels(t)
	writeSettings(t, home, testkit.FreePort(t))
	p := start(t, models, pictures(t), 0)
	p.shoot("opened")
	for _, step := range []struct {
		name string
		do   func(*program)
	}{
		{"control", control}, {"stop", stopGenerating}, {"design", design}, {"error and retry", func(p *program) { errorAndRetry(p, models) }},
		{"clone", clone}, {"log", logPanel}, {"unload", unload}, {"settings and about", panels},
	} {
		if !t.Run(step.name, func(t *testing.T) {
			p.t = t
			defer func() { p.t = t }()
			step.do(p)
		}) {
			t.FailNow()
		}
	}
	p.t = t
	p.must(screen.Key("alt+1"))
	p.text("caption", "Clone a voice")
	p.write("Target Text", "Kept for the next time")
	title := p.wait("title", func(view) bool { return true })
	p.must(screen.Drag(title.X+300, title.Y-42, title.X+340, title.Y-30)) // by its bar
	moved := p.wait("title", func(v view) bool { return v.X > title.X })
	p.must(screen.Key("alt+q"))
	p.end()

	again := start(t, models, pictures(t), p.count)
	again.text("Target Text", "Kept for the next time")
	if at := again.wait("title", func(view) bool { return true }); at.X != moved.X || at.Y != moved.Y {
		t.Errorf("the window is not where it was: %+v, %+v before", at, moved)
	}
	again.shoot("opened again")
	again.must(screen.Key("alt+2"))
	again.text("caption", "Use predefined voices")
	load(again, largeControl)
	again.click("Generate")
	again.text("progress", "of speech")
	again.must(again.cmd.Process.Signal(syscall.SIGTERM)) // nobody is asked, and nothing is left
	again.end()
	results(again, "control", 1)
}

// listen listens to an address, as soon as nobody else does.
func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	for began := time.Now(); err != nil && time.Since(began) < patience; time.Sleep(100 * time.Millisecond) {
		ln, err = net.Listen("tcp", addr)
	}
	if err != nil {
		t.Fatal("the test needs this address: ", err)
	}
	return ln
}

// TestStartFails: where there is no port for the server, the window says so and offers to try again.
func TestStartFails(t *testing.T) {
	if os.Getenv("TTSUI_APP") == "" {
		t.Skip("make uitest runs this on a display of its own")
	}
	const last = 8864                                 // after it no other port is tried
	turn := listen(t, fmt.Sprint("127.0.0.2:", last)) // only the one that has this takes and leaves the port: the test may run elsewhere, too
	defer turn.Close()
	ln := listen(t, fmt.Sprint("127.0.0.1:", last))
	defer ln.Close()
	writeSettings(t, os.Getenv("HOME"), fmt.Sprint(last))
	p := launch(t, t.TempDir(), pictures(t), 20)
	p.wait("status text", func(v view) bool { return strings.Contains(v.Text, fmt.Sprint(last)) })
	p.shoot("start failed")
	ln.Close()
	p.click("retry start")
	p.text("status text", "Running on ")
	p.must(screen.Key("alt+w"))
	p.end()
}

// pictures is where the pictures go.
func pictures(t *testing.T) string { return cached(t, "uitest") }

// cached is the path of what lies in the folder of what was made on this machine.
func cached(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "..", ".cache", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// load loads a model by its row's button, and chooses it.
func load(p *program, name string) {
	p.t.Helper()
	p.text("action of "+name, "Load")
	p.click("action of " + name)
	p.text("action of "+name, "Unload")
	p.click("name of " + name)
	p.wait("use of "+name, func(v view) bool { return v.Checked })
}

func control(p *program) {
	p.must(screen.Key("alt+2"))
	p.text("caption", "Use predefined voices")
	load(p, smallControl)
	named(p)
	states(p, map[string]tts.State{"0.6B-CustomVoice-bf16": tts.Loaded})
	p.shoot("control loaded")
	p.write("Target Text", "Hello there, whoever you are and however long it takes")
	p.click("example 1")
	p.text("Instruct", "Very happy and excited")
	p.click("Generate")
	p.text("result", "Generated Audio")
	p.wait("play", func(v view) bool { return v.Enabled })
	p.shoot("control generated")
	results(p, "control", 1)
	player(p)
	save(p, "copy.wav", func() { p.click("save as") })
	save(p, "another.wav", func() { p.must(screen.Key("alt+s")) })
	p.must(screen.Key("alt+r")) // there is no Finder to see it in
}

// save copies the result to a file of this name.
func save(p *program, name string, begin func()) {
	p.t.Helper()
	begin()
	copied := filepath.Join(p.t.TempDir(), name)
	p.panel(copied)
	p.text("Output Log", "Saved a copy: "+copied)
	if data, err := os.ReadFile(copied); err != nil || !strings.HasPrefix(string(data), "RIFF") {
		p.t.Errorf("%s: %.10q, %v", name, data, err)
	}
}

// player plays, pauses by the space bar, seeks by the slider and goes back by its key.
func player(p *program) {
	p.click("play")
	p.text("play", "Pause")
	p.wait("position", func(v view) bool { return !strings.HasPrefix(v.Text, "0:00") })
	p.must(screen.Key("space"))
	p.text("play", "Play")
	paused := p.wait("position", func(view) bool { return true }).Text
	time.Sleep(300 * time.Millisecond)
	p.text("position", paused)
	p.slide("slider", 90, "position", "0:14 / 0:15") // nine tenths of sixteen seconds
	p.must(screen.Key("alt+bracketleft"))
	p.text("position", "0:04 / 0:15")
	p.must(screen.Key("alt+bracketright"))
	p.text("position", "0:14 / 0:15")
	p.must(screen.Key("space"))
	p.text("position", "0:00 / 0:15") // it has come to its end, and is back
	p.text("play", "Play")
}

// named wants every control to have a name for those who can't see it.
func named(p *program) {
	p.t.Helper()
	for _, v := range p.views() {
		if v.Control && v.Name == "" {
			p.t.Errorf("a control has no name: %+v", v)
		}
	}
}

// stopGenerating loads a model that takes a moment, starts what would take minutes, is asked when the model or the
// program is to go meanwhile, and stops it.
func stopGenerating(p *program) {
	p.click("action of " + largeControl)
	p.text("state of "+largeControl, "Loading...")
	p.shoot("loading")
	p.text("action of "+largeControl, "Unload")
	p.click("use of " + largeControl)
	p.wait("use of "+largeControl, func(v view) bool { return v.Checked })
	p.click("Generate")
	p.text("progress", "of speech")
	p.shoot("generating")
	p.click("action of " + largeControl)
	p.wait("Wait and unload", func(v view) bool { return v.Enabled })
	p.shoot("unload asks")
	p.click("Cancel")
	p.gone("Wait and unload")
	p.must(screen.Key("alt+q"))
	p.wait("Quit", func(v view) bool { return v.Enabled })
	p.shoot("quit asks")
	p.click("Cancel")
	p.gone("Quit")
	p.must(screen.Key("alt+period"))
	p.wait("Generate", func(v view) bool { return v.Enabled })
	p.text("Output Log", "Stopped generating control audio")
	jobs, err := p.server.Jobs(context.Background())
	if err != nil || len(jobs) != 2 || jobs[0].State != tts.JobCanceled {
		p.t.Errorf("the server has %+v, %v", jobs, err)
	}
	results(p, "control", 1)
}

func design(p *program) {
	p.must(screen.Key("alt+3"))
	p.text("caption", "Create any voice")
	load(p, designModel)
	p.click("example 3")
	p.text("Instruct", "An old sailor")
	p.write("Target Text", "The sea was calm")
	p.must(screen.Key("alt+Return"))
	p.text("result", "Generated Audio")
	p.shoot("design generated")
	results(p, "design", 1)
}

// errorAndRetry loads a model whose files are broken, mends them and tries again.
func errorAndRetry(p *program, models string) {
	p.must(screen.Key("alt+1"))
	p.text("caption", "Clone a voice")
	p.click("action of " + largeBase)
	p.text("error of "+largeBase, "Error: ")
	p.text("action of "+largeBase, "Retry")
	p.shoot("error row")
	states(p, map[string]tts.State{"1.7B-Base-bf16": tts.Failed})
	dir := modelDir(models, "1.7B-Base-bf16")
	p.must(os.RemoveAll(dir))
	p.must(linkModel(dir, "base", 12))
	p.click("action of " + largeBase)
	p.text("action of "+largeBase, "Unload")
	p.gone("error of " + largeBase)
	states(p, map[string]tts.State{"1.7B-Base-bf16": tts.Loaded})
	p.click("action of " + largeBase)
	p.text("action of "+largeBase, "Load")
}

// clone takes a voice from a clip that was chosen before: GNUstep's panel takes no path that is typed.
func clone(p *program) {
	p.text("reference", "Using: clip.wav")
	load(p, smallBase)
	p.write("Target Text", "Now I say this")
	p.click("Generate")
	p.text("result", "Generated Audio")
	p.shoot("clone generated")
	results(p, "clone", 1)
}

func logPanel(p *program) {
	p.text("Output Log", "INFO  Generated clone audio: ")
	p.text("Output Log", "ERROR  Failed to load model")
	filter := p.wait("log level", func(v view) bool { return v.Text == "All" })
	p.must(screen.Drag(filter.X, filter.Y, filter.X, filter.Y+3*filter.H)) // the last of four
	p.text("log level", "Error")
	p.wait("Output Log", func(v view) bool {
		return strings.Contains(v.Text, "ERROR") && !strings.Contains(v.Text, "INFO  Loading")
	})
	p.shoot("errors only")
	p.must(screen.Drag(filter.X, filter.Y, filter.X, filter.Y-3*filter.H))
	p.text("log level", "All")
	p.must(screen.Key("alt+shift+c"))
	p.click("Reference Text")
	p.must(screen.Key("alt+v"))
	p.text("Reference Text", "INFO | Generated clone audio: ")
	p.must(screen.Key("alt+a"))
	p.must(screen.Key("BackSpace"))
	p.must(screen.Key("alt+l"))
	p.must(screen.Type("x")) // the log can be read only, so it goes nowhere
	p.text("Reference Text", "")
	p.wait("Output Log", func(v view) bool { return !strings.Contains(v.Text, "x\n") && !strings.HasSuffix(v.Text, "x") })
	p.click("clear log")
	p.wait("Output Log", func(v view) bool { return !strings.Contains(v.Text, "Generated") })
	page, err := p.server.Logs(context.Background(), tts.LogQuery{})
	if err != nil || strings.Contains(fmt.Sprint(page.Logs), "Generated") {
		p.t.Errorf("the server keeps %+v, %v", page.Logs, err)
	}
}

func panels(p *program) {
	p.must(screen.Key("alt+comma"))
	p.wait("settings note", func(v view) bool { return v.Window == "Settings" })
	named(p)
	p.write("Port", "80")
	p.text("port problem", "1024")
	p.shoot("settings")
	port := testkit.FreePort(p.t)
	p.write("Port", port)
	p.click("restart server")
	p.text("status text", "Running on 127.0.0.1:"+port)
	p.connect("127.0.0.1:" + port)
	p.must(screen.Key("alt+w"))
	p.gone("settings note")
	p.must(screen.Drag(menuX, 10, menuX, 32)) // the first item of the first menu
	p.wait("About TTSUI", func(v view) bool {
		return v.Window == "About TTSUI" && strings.Contains(v.Text, "Qwen3-TTS") && strings.Contains(v.Text, "computed by MLX ")
	})
	p.shoot("about")
	p.must(screen.Key("alt+w"))
	p.gone("About TTSUI")
}

// menuX is where the menu named TTSUI is, in the bar at the top.
const menuX = 140

func unload(p *program) {
	for _, m := range []struct{ key, name string }{{"alt+1", smallBase}, {"alt+2", smallControl}, {"alt+2", largeControl}, {"alt+3", designModel}} {
		p.must(screen.Key(m.key))
		p.click("action of " + m.name)
		p.text("action of "+m.name, "Load")
		p.wait("use of "+m.name, func(v view) bool { return !v.Checked && !v.Enabled })
	}
	states(p, map[string]tts.State{"0.6B-Base-bf16": tts.Unloaded, "0.6B-CustomVoice-bf16": tts.Unloaded, "1.7B-VoiceDesign-bf16": tts.Unloaded})
	p.shoot("unloaded")
}

// states compares with the server's own word.
func states(p *program, want map[string]tts.State) {
	p.t.Helper()
	models, err := p.server.Models(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, m := range models {
		for name, state := range want {
			if strings.HasSuffix(m.ModelID, name) && m.State != state {
				p.t.Errorf("the server has %s %s, want %s", m.ModelID, m.State, state)
			}
		}
	}
}

// results counts the files of a mode. Each is a WAV file.
func results(p *program, mode string, want int) {
	p.t.Helper()
	files, _ := filepath.Glob(filepath.Join(os.Getenv("HOME"), ".ttsui", mode, "generated", "*.wav"))
	if len(files) != want {
		p.t.Errorf("%d results of %s, want %d: %v", len(files), mode, want, files)
	}
	for _, file := range files {
		if data, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(data), "RIFF") || len(data) < 1000 {
			p.t.Errorf("%s: %d bytes, %v", file, len(data), err)
		}
	}
}

func modelDir(models, name string) string {
	return filepath.Join(models, "mlx-community", "Qwen3-TTS-12Hz-"+name)
}

// writeModels makes a folder of tiny models that speak for a second, or for sixteen. One of them is broken, and one is larger and speaks
// for minutes.
func writeModels(t *testing.T) string {
	t.Helper()
	models := t.TempDir()
	for _, m := range []struct {
		name, checkpoint string
		frames           int
	}{
		{"0.6B-Base-bf16", "base", 12}, {"1.7B-Base-bf16", "base", 12}, {"0.6B-CustomVoice-bf16", "custom_voice", 200},
		{"1.7B-VoiceDesign-bf16", "voice_design", 12},
	} {
		if err := linkModel(modelDir(models, m.name), m.checkpoint, m.frames); err != nil {
			t.Fatal(err)
		}
	}
	large := testkit.CheckpointSpec{Size: testkit.Size512MiB, Kind: "custom_voice"}
	if err := testkit.WriteCheckpoint(modelDir(models, "1.7B-CustomVoice-bf16"), large); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(modelDir(models, "1.7B-Base-bf16"), "model.safetensors")
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(broken, []byte("not weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	return models
}

// tinyModels makes a folder of the small models of some checkpoints, which speak for so many frames.
func tinyModels(t *testing.T, frames int, checkpoints ...string) string {
	t.Helper()
	models := t.TempDir()
	for _, checkpoint := range checkpoints {
		name := map[string]string{"base": "0.6B-Base-bf16", "custom_voice": "0.6B-CustomVoice-bf16"}[checkpoint]
		if err := linkModel(modelDir(models, name), checkpoint, frames); err != nil {
			t.Fatal(err)
		}
	}
	return models
}

// linkModel makes a golden checkpoint stand at dir, with a limit of frames of its own.
func linkModel(dir, checkpoint string, frames int) error {
	from := testkit.Golden("checkpoints", checkpoint)
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "generation_config.json" {
			continue
		}
		if err := os.Symlink(filepath.Join(from, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	data, err := json.Marshal(map[string]any{"max_new_tokens": frames})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "generation_config.json"), data, 0o644)
}

// writeSettings lets the program listen on a port, and prepares its drafts. What a run before left is gone.
func writeSettings(t *testing.T, home, port string) {
	t.Helper()
	dir := filepath.Join(home, ".ttsui")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	writeDocument(t, home, "settings.json", map[string]string{"port": port})
	writeDocument(t, home, "drafts.json", map[string]any{"play_later": true, "clone": map[string]string{"ref_audio_path": testkit.Golden("clip.wav"), "ref_text": ""}})
}

// writeDocument writes what the program remembers.
func writeDocument(t *testing.T, home, name string, value any) {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".ttsui", name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}
