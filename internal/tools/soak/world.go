package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"ttsui/internal/atomicfile"
	"ttsui/internal/testkit"
	"ttsui/internal/tts"
)

// The models that speak here.
const (
	cloneID   = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-bf16"
	controlID = "mlx-community/Qwen3-TTS-12Hz-0.6B-CustomVoice-bf16"
	designID  = tts.DesignModelID
	bigID     = "mlx-community/Qwen3-TTS-12Hz-1.7B-CustomVoice-bf16" // of the size that -size says
)

// world is what the program finds on its machine, all of it below one folder: a user's home, a folder for temporary
// files, and models.
type world struct {
	dir, home, temp, models string
	bin                     string
	clip                    []byte // of a voice
}

func newWorld(o options) (w *world, err error) {
	bin, err := filepath.Abs(o.bin)
	if err == nil {
		bin, err = exec.LookPath(bin)
	}
	if err != nil {
		return nil, fmt.Errorf("%w (make build makes it)", err)
	}
	dir, err := os.MkdirTemp("", "ttsui-soak-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	w = &world{dir: dir, home: filepath.Join(dir, "home"), temp: filepath.Join(dir, "temp"), models: filepath.Join(dir, "models"), bin: bin}
	for _, d := range []string{w.temp, w.results(), w.own()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	for id, spec := range map[string]testkit.CheckpointSpec{
		cloneID: {Kind: "base"}, controlID: {Kind: "custom_voice"}, designID: {Kind: "voice_design"}, bigID: {Kind: "custom_voice", Size: testkit.Size(o.size)},
	} {
		if err := testkit.WriteCheckpoint(filepath.Join(w.models, filepath.FromSlash(id)), spec); err != nil {
			return nil, fmt.Errorf("write a model: %w", err)
		}
	}
	w.clip, err = os.ReadFile(testkit.Golden("clip.wav"))
	return w, err
}

// own is the program's own folder.
func (w *world) own() string { return filepath.Join(w.home, ".ttsui") }

// results is a folder of the user for what is spoken.
func (w *world) results() string { return filepath.Join(w.home, "Music") }

// command runs the program in this world.
func (w *world) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, w.bin, args...)
	cmd.Env = append(os.Environ(), "HOME="+w.home, "TMPDIR="+w.temp, "HF_HOME="+filepath.Join(w.dir, "none"), "TTSUI_MODELS="+w.models,
		"HF_HUB_CACHE=", "HF_HUB_OFFLINE=1", "GOTRACEBACK=all")
	return cmd
}

// leftovers lists the files that should not outlive their request: halves below the user's folders, and clips that
// came along.
func (w *world) leftovers() (halves, clips []string, err error) {
	for _, top := range []string{w.home, w.temp} {
		err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
			half, _ := filepath.Match(atomicfile.TempPattern, entry.Name())
			switch {
			case err != nil || !entry.Type().IsRegular():
			case strings.HasPrefix(path, w.temp), strings.HasPrefix(path, filepath.Join(w.own(), "uploads")):
				clips = append(clips, path)
			case half:
				halves = append(halves, path)
			}
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return halves, clips, nil
}

// announced gives the process that server.json names; 0 when there is no such file.
func (w *world) announced() (pid int, err error) {
	data, err := os.ReadFile(filepath.Join(w.own(), "server.json"))
	if os.IsNotExist(err) {
		return 0, nil
	}
	var record struct{ PID int }
	if err == nil {
		err = json.Unmarshal(data, &record)
	}
	return record.PID, err
}

// checkWAV wants the file at path to be whole, and gives its length in codec frames. A header that is written before
// its samples lies about one that is cut off.
func checkWAV(path string) (frames int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	header := make([]byte, 44)
	if _, err := io.ReadFull(f, header); err != nil {
		return 0, fmt.Errorf("%s has %d bytes: %w", path, info.Size(), err)
	}
	riff, data := binary.LittleEndian.Uint32(header[4:]), binary.LittleEndian.Uint32(header[40:])
	samples := (info.Size() - 44) / 2
	if !strings.HasPrefix(string(header), "RIFF") || int64(riff) != info.Size()-8 || int64(data) != 2*samples || samples == 0 || samples%tts.FrameSamples != 0 {
		return 0, fmt.Errorf("%s has %d bytes, of which its header knows %d, and %d of samples", path, info.Size(), riff+8, data)
	}
	return int(samples / tts.FrameSamples), nil
}
