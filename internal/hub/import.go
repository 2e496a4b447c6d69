package hub

import (
	"context"
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
		id = tts.LocalOrg + "/" + filepath.Base(dir)
	}
	if err := p.checkImport(dir, id); err != nil {
		return Local{}, err
	}
	if copies {
		err = p.copyModel(ctx, dir, id)
	} else {
		err = p.linkModel(dir, id)
	}
	if err != nil {
		return Local{}, err
	}
	return p.Local(id)
}

// linkModel makes the model's folder a link to the user's.
func (p Places) linkModel(dir, id string) error {
	target := p.inRoot(id)
	if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
		return systemError(err)
	}
	return systemError(os.Symlink(dir, target))
}

// inRoot is where a model of ours lies. There must be a root.
func (p Places) inRoot(id string) string { return filepath.Join(p.Roots[0], filepath.FromSlash(id)) }

func errNoRoot() error {
	return tts.Errorf(tts.CodeInvalid, "Set TTSUI_MODELS to one.", "there is no folder for models")
}

// checkNew refuses an id that no new model in the first of the places' folders can have.
func (p Places) checkNew(id string) error {
	if len(p.Roots) == 0 {
		return errNoRoot()
	}
	if !tts.ValidModelID(id) {
		return tts.Errorf(tts.CodeInvalid, "Give a name of the form org/name with --id.", "%.100q is not the name of a model", id)
	}
	if found, err := p.Find(id); err == nil {
		return tts.Errorf(tts.CodeInvalid, "Give another name with --id.", "there is a model %s already, in %s", id, found)
	}
	return nil
}

// checkImport refuses what would not become a model.
func (p Places) checkImport(dir, id string) error {
	if err := p.checkNew(id); err != nil {
		return err
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

// copyModel copies a model's files into a draft.
func (p Places) copyModel(ctx context.Context, dir, id string) error {
	files := neededIn(dir)
	d, err := p.Draft(id, sizeOfAll(files))
	if err != nil {
		return err
	}
	defer d.Abort()
	if err := d.add(ctx, files, false); err != nil {
		return err
	}
	return d.Commit()
}
