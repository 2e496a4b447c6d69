package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"ttsui/internal/tts"
)

// Import makes the model in a folder of the user's known under id, by a link in the first of the places' folders, or by
// a copy. An id of "" is made of the folder's name.
func (p Places) Import(ctx context.Context, dir, id string, copies bool) (Local, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Local{}, systemError(err)
	}
	if id == "" {
		id = "local/" + filepath.Base(dir)
	}
	if err := p.checkImport(dir, id); err != nil {
		return Local{}, err
	}
	target := filepath.Join(p.Roots[0], filepath.FromSlash(id))
	if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
		return Local{}, systemError(err)
	}
	if copies {
		err = copyModel(ctx, dir, target)
	} else {
		err = systemError(os.Symlink(dir, target))
	}
	if err != nil {
		return Local{}, err
	}
	return p.Local(id)
}

// checkImport refuses what would not become a model.
func (p Places) checkImport(dir, id string) error {
	if len(p.Roots) == 0 {
		return tts.Errorf(tts.CodeInvalid, "Set TTSUI_MODELS to one.", "there is no folder for models")
	}
	if !tts.ValidModelID(id) {
		return tts.Errorf(tts.CodeInvalid, "Give a name of the form org/name with --id.", "%.100q is not the name of a model", id)
	}
	if found, err := p.Find(id); err == nil {
		return tts.Errorf(tts.CodeInvalid, "Give another name with --id.", "there is a model %s already, in %s", id, found)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return tts.Errorf(tts.CodeNotFound, "Give the folder that holds config.json.", "%s is not a folder", dir)
	}
	if missing := missingIn(dir); len(missing) > 0 {
		return tts.Errorf(tts.CodeUnsupported, "Give the folder of a whole Qwen3-TTS model.", "%s has no %s", dir, strings.Join(missing, ", "))
	}
	text, err := os.ReadFile(filepath.Join(dir, configName))
	if err != nil {
		return systemError(err)
	}
	if kind := modelType(text); kind != modelKind {
		return tts.Errorf(tts.CodeUnsupported, "Give the folder of a Qwen3-TTS model.", "%s holds another model: its model_type is %.100q", dir, kind)
	}
	return nil
}

// copyModel copies a model's files into a folder beside the target, which gets its name when it is whole.
func copyModel(ctx context.Context, dir, target string) (err error) {
	temp, err := os.MkdirTemp(filepath.Dir(target), ".import-")
	if err != nil {
		return systemError(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temp))
		}
	}()
	for name, path := range neededIn(dir) {
		if err := copyFile(ctx, path, filepath.Join(temp, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return systemError(err)
	}
	return systemError(os.Rename(temp, target))
}

func copyFile(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return systemError(err)
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return systemError(err)
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return systemError(err)
	}
	_, err = io.Copy(out, reader{ctx, in})
	if ctx.Err() != nil {
		out.Close()
		return canceled(ctx)
	}
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return systemError(fmt.Errorf("copy %s: %w", from, err))
	}
	return nil
}
