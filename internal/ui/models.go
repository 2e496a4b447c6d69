package ui

import (
	"context"
	"maps"
	"slices"
	"strings"

	"ttsui/internal/tts"
)

// models is what is known of the server's models, and what was asked of them.
type models struct {
	known   bool // the server has told
	list    []tts.ModelInfo
	doing   map[string]tts.State // Loading or Unloading, from the click to its answer
	wrong   map[string]error     // why the last click could not be served
	checks  map[string]func()    // stop those of files that we asked for
	asking  map[string]bool      // the hub for smaller copies
	changes int                  // grows with each click and each answer, so that an older list is known as one
}

func newModels() models {
	return models{doing: map[string]tts.State{}, wrong: map[string]error{}, checks: map[string]func(){}, asking: map[string]bool{}}
}

// find gives what is known of a model.
func (m *models) find(id string) (tts.ModelInfo, bool) {
	i := slices.IndexFunc(m.list, func(info tts.ModelInfo) bool { return info.ModelID == id })
	if i < 0 {
		return tts.ModelInfo{}, false
	}
	return m.list[i], true
}

// ready reports whether a model is in memory to stay.
func (m *models) ready(id string) bool {
	info, _ := m.find(id)
	return info.State == tts.Loaded && m.doing[id] == ""
}

// coming reports whether a model loads.
func (m *models) coming() bool {
	return slices.ContainsFunc(m.list, func(info tts.ModelInfo) bool { return info.State == tts.Loading }) ||
		slices.Contains(slices.Collect(maps.Values(m.doing)), tts.Loading)
}

// modeOf gives the mode that a model is for: by the catalogue, or else by its name.
func modeOf(id string) tts.Mode {
	for _, m := range tts.Catalogue() {
		if m.ID == id {
			return m.Mode
		}
	}
	switch {
	case strings.Contains(id, "CustomVoice"):
		return tts.Control
	case strings.Contains(id, "VoiceDesign"):
		return tts.Design
	case strings.Contains(id, "-Base"):
		return tts.Clone
	}
	return ""
}

// learnModels takes the server's list. A model that was loaded and is no more is no choice any more, whoever unloaded
// it.
func (c *core) learnModels(list []tts.ModelInfo) {
	for _, info := range list {
		before, known := c.models.find(info.ModelID)
		if known && before.State == tts.Loaded && info.State != tts.Loaded {
			c.forgetChoice(info.ModelID)
		}
		if known && before.State != info.State {
			delete(c.models.wrong, info.ModelID)
		}
	}
	c.models.known, c.models.list = true, list
}

// learnModel takes the record of one model.
func (c *core) learnModel(info tts.ModelInfo) {
	list := slices.Clone(c.models.list)
	i := slices.IndexFunc(list, func(m tts.ModelInfo) bool { return m.ModelID == info.ModelID })
	if i < 0 {
		return // of a server that does not list it
	}
	list[i] = info
	c.learnModels(list)
}

func (c *core) forgetChoice(id string) {
	if t := c.tabs[modeOf(id)]; t != nil && t.model == id {
		t.model = ""
	}
}

// chooseModel takes a loaded model for its tab. The Design tab has no choice: the server designs with one model.
func (c *core) chooseModel(id string) {
	if t := c.tabs[modeOf(id)]; t != nil && t.mode != tts.Design && c.models.ready(id) {
		t.model = id
	}
}

// chosen gives the model that a tab speaks with: the user's choice while it is loaded, or "".
func (c *core) chosen(t *tab) string {
	id := t.model
	if t.mode == tts.Design {
		id = tts.DesignModelID
	}
	if !c.models.ready(id) {
		return ""
	}
	return id
}

// pressRow does what the button of a model's row says.
func (c *core) pressRow(id string) {
	info, known := c.models.find(id)
	if !known || c.models.isBusy(id) || c.server.state != ServerRunning {
		return
	}
	switch {
	case c.models.isChecked(id):
		c.models.checks[id]()
	case info.State == tts.Unloaded, info.State == tts.Failed:
		c.load(id, tts.LoadOptions{})
	case info.State == tts.Loaded, isDownloading(info):
		c.unload(id, tts.UnloadOptions{})
	}
}

// isDownloading reports whether the server is fetching the model's files, or making them: what an unload stops.
func isDownloading(info tts.ModelInfo) bool {
	return info.State == tts.Loading && slices.Contains([]tts.Phase{tts.PhaseDownloading, tts.PhaseVerifying, tts.PhaseQuantizing}, info.Phase)
}

// isBusy reports whether a click has to wait for an earlier one. A download is stopped by a click, that of an earlier
// one of ours, too.
func (m *models) isBusy(id string) bool {
	info, _ := m.find(id)
	return m.doing[id] != "" && (m.doing[id] != tts.Loading || !isDownloading(info))
}

// change asks the server to load or unload a model. The row shows it at once; settle takes the answer.
func (c *core) change(id string, doing tts.State, ask func(context.Context, Server) (tts.ModelInfo, error), settle func(tts.ModelInfo, error)) {
	s := c.server.session
	if s == nil || c.models.isBusy(id) {
		return
	}
	c.models.doing[id] = doing
	delete(c.models.wrong, id)
	c.models.changes++
	start(c, func() (tts.ModelInfo, error) { return ask(s.ctx, s.Server) }, func(info tts.ModelInfo, err error) {
		if c.server.session != s {
			return
		}
		delete(c.models.doing, id)
		c.models.changes++
		if err == nil {
			c.learnModel(info)
		}
		settle(info, err)
	})
}

func (c *core) load(id string, how tts.LoadOptions) {
	c.change(id, tts.Loading, func(ctx context.Context, s Server) (tts.ModelInfo, error) {
		return s.Load(ctx, id, how)
	}, func(info tts.ModelInfo, err error) {
		code := tts.CodeOf(err)
		if code != "" && code != tts.CodeCanceled { // that is another program's unload
			c.models.wrong[id] = err
		}
		if err == nil && info.State == tts.Failed && info.Code == tts.CodeNoMemory && !how.Force {
			c.askForce(id, info)
		}
	})
}

// askForce offers to load a model although memory won't do by the server's forecast.
func (c *core) askForce(id string, info tts.ModelInfo) {
	text := rowMessage(info, nil) + " Unload another model or close other programs first; loading it anyway can slow down the whole machine."
	c.ask("Not enough memory for "+rowName(id), text,
		answer{AlertButton{Title: "Load anyway"}, func() { c.load(id, tts.LoadOptions{Force: true}) }}, cancelAnswer())
}

func (c *core) unload(id string, how tts.UnloadOptions) {
	c.change(id, tts.Unloading, func(ctx context.Context, s Server) (tts.ModelInfo, error) {
		return s.Unload(ctx, id, how)
	}, func(_ tts.ModelInfo, err error) { c.settleUnload(id, err) })
}

func (c *core) settleUnload(id string, err error) {
	switch tts.CodeOf(err) {
	case "":
	case tts.CodeBusy:
		c.ask(rowName(id)+" is in use", "Speech is being made with this model, or waits for it.",
			answer{AlertButton{Title: "Wait and unload"}, func() { c.unload(id, tts.UnloadOptions{Wait: true}) }},
			answer{AlertButton{Title: "Stop and unload", Role: Danger}, func() { c.stopAndUnload(id) }}, cancelAnswer())
	default:
		c.models.wrong[id] = err
	}
}

// stopAndUnload stops all that uses a model, that of other programs too, and unloads it. The unload waits, as a job
// may take a moment to end, or come between.
func (c *core) stopAndUnload(id string) {
	for _, t := range c.tabs {
		if t.run != nil && t.run.request.ModelID == id {
			c.stop(t)
		}
	}
	c.change(id, tts.Unloading, func(ctx context.Context, s Server) (tts.ModelInfo, error) {
		if err := stopJobs(ctx, s, id); err != nil {
			return tts.ModelInfo{}, err
		}
		return s.Unload(ctx, id, tts.UnloadOptions{Wait: true})
	}, func(_ tts.ModelInfo, err error) { c.settleUnload(id, err) })
}

// stopJobs stops the jobs of a model, those that wait first, so that none gets the turn of one that was stopped.
func stopJobs(ctx context.Context, s Server, modelID string) error {
	jobs, err := s.Jobs(ctx)
	if err != nil {
		return err
	}
	for _, job := range slices.Backward(jobs) {
		if job.ModelID != modelID || job.State.Ended() {
			continue
		}
		if _, err := s.CancelJob(ctx, job.ID); err != nil && tts.CodeOf(err) != tts.CodeNotFound {
			return err
		}
	}
	return nil
}
