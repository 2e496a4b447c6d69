package ui

import (
	"fmt"
	"strings"

	"ttsui/internal/tts"
)

// family begins the names of all models, so a row can do without it.
const family = "mlx-community/Qwen3-TTS-12Hz-"

// rows gives the rows of a tab: the catalogue's, then what else the server has for its mode.
func (c *core) rows(t *tab) []Row {
	if !c.models.known {
		return nil
	}
	var rows []Row
	chosen := c.chosen(t)
	add := func(id string) {
		info, known := c.models.find(id)
		if !known {
			info = tts.ModelInfo{ModelID: id, State: tts.Unloaded}
		}
		m := model{info: info, doing: c.models.doing[id], wrong: c.models.wrong[id], chosen: id == chosen, checks: c.models.isChecked(id), asks: c.models.asking[id],
			fixed: t.mode == tts.Design && id != tts.DesignModelID, away: awayText(c.server.state)}
		if !known {
			m.away = "The server does not know this model"
		}
		rows = append(rows, m.row())
	}
	inCatalogue := map[string]bool{}
	for _, m := range tts.Catalogue() {
		inCatalogue[m.ID] = true
		if m.Mode == t.mode {
			add(m.ID)
		}
	}
	for _, info := range c.models.list {
		if !inCatalogue[info.ModelID] && modeOf(info.ModelID) == t.mode {
			add(info.ModelID)
		}
	}
	return rows
}

// model is all that a row tells of.
type model struct {
	info   tts.ModelInfo
	doing  tts.State // what was clicked and is not answered yet; "" for nothing
	wrong  error     // why the last click could not be served
	chosen bool
	checks bool   // we have its files checked
	asks   bool   // we asked the hub for smaller copies
	fixed  bool   // it can be loaded, but the tab has no use for it
	away   string // why nothing can be asked of the server; "" when it can
}

// row draws the row of a model.
func (m model) row() Row {
	state := m.info.State
	if m.doing != "" {
		state = m.doing
	}
	ready := state == tts.Loaded
	r := Row{ModelID: m.info.ModelID, Name: rowName(m.info.ModelID), Checked: ready && m.chosen, Dimmed: !ready, Choosable: ready && !m.fixed}
	switch {
	case state == tts.Loading:
		r.Busy = m.loadText()
	case state == tts.Unloading && isDownloading(m.info):
		r.Busy = "Stopping..."
	case state == tts.Unloading:
		r.Busy = "Unloading..."
	case m.checks, m.info.Verifying != nil:
		r.Busy = checkText(m.info.Verifying)
	}
	r.Action.Title, r.Colour = m.action(state)
	if r.Action.Title != "" {
		r.Action.Enabled, r.Action.Tooltip = m.away == "", m.away
	}
	if r.Busy == "" {
		if text := rowMessage(m.info, m.wrong); text != "" {
			r.Error = "Error: " + text
		}
		if m.wrong != nil && !ready {
			r.Action.Title, r.Colour = "Retry", Caution
		}
		r.Note = m.note(r)
	}
	r.Menu, r.Tooltip = m.rowMenu(), m.tooltip(r)
	return r
}

// action is what the button of a row says, "" for no button.
func (m model) action(state tts.State) (title string, colour Role) {
	switch {
	case m.checks, state == tts.Loading && m.downloads() && m.isMade():
		return "Cancel", Normal
	case state == tts.Loading && m.downloads():
		return "Pause", Normal
	case state == tts.Loading, state == tts.Unloading:
		return "", Normal
	case state == tts.Loaded:
		return "Unload", Danger
	case state == tts.Failed:
		return "Retry", Caution
	case m.info.Part != nil:
		return "Resume", Normal
	}
	return "Load", Normal
}

// note is what a row says of a model that nothing goes on with.
func (m model) note(r Row) string {
	switch part := m.info.Part; {
	case m.asks:
		return "Asking for copies..."
	case part != nil && r.Action.Title == "Resume":
		return "Paused · " + part.Amount()
	case part != nil:
		return part.Amount() + " is here"
	}
	return ""
}

// checkText is how far a check of a model's files is.
func checkText(now *tts.Download) string {
	if now == nil || now.BytesTotal == 0 {
		return "Checking..."
	}
	return fmt.Sprintf("Checking %d %%", now.Percent())
}

// downloads reports whether the model is being loaded, and is on its way to the server's machine still.
func (m model) downloads() bool { return isDownloading(m.info) && m.doing != tts.Unloading }

// isMade reports whether the model is a copy that the server makes just now.
func (m model) isMade() bool { return m.info.Phase == tts.PhaseQuantizing }

// loadText is what a load is at, as far as the server has told of it.
func (m model) loadText() string {
	switch {
	case !m.downloads():
		return "Loading..."
	case m.isMade() && m.info.Download != nil:
		return "Making it: " + m.info.Download.Amount()
	case m.isMade():
		return "Making it..."
	case m.info.Phase == tts.PhaseVerifying:
		return "Checking..."
	case m.info.Download == nil:
		return "Downloading..."
	}
	text := "Downloading " + m.info.Download.Amount()
	if left := m.info.Download.ETASeconds; left != nil {
		text += " · " + leftText(*left)
	}
	return text
}

// rowMessage is the first sentence of what went wrong with a model, "" when nothing did.
func rowMessage(info tts.ModelInfo, wrong error) string {
	switch {
	case wrong != nil:
		return firstSentence(wrong.Error())
	case info.Error != nil:
		return firstSentence(*info.Error)
	case info.State == tts.Failed:
		return "The model could not be loaded."
	}
	return ""
}

// hint says what to do about it. The server's own words are for programs where it offers what our buttons do.
func (m model) hint() string {
	code, hint := m.info.Code, ""
	if m.info.Hint != nil {
		hint = *m.info.Hint
	}
	if m.wrong != nil {
		code, hint = tts.CodeOf(m.wrong), tts.HintOf(m.wrong)
	}
	if code == tts.CodeNoMemory {
		return "Unload another model, close other programs, or use a smaller or quantised model."
	}
	return hint
}

// tooltip has what the row is kept free of.
func (m model) tooltip(r Row) string {
	lines := []string{m.info.ModelID}
	if m.fixed {
		lines = append(lines, "Voices are designed with "+rowName(tts.DesignModelID)+" only.")
	}
	if r.Error != "" {
		full := strings.TrimPrefix(r.Error, "Error: ")
		if m.wrong != nil {
			full = m.wrong.Error()
		} else if m.info.Error != nil {
			full = *m.info.Error
		}
		lines = append(lines, sentence(full))
		if hint := m.hint(); hint != "" {
			lines = append(lines, hint)
		}
	}
	switch {
	case r.Busy == "":
		lines = append(lines, m.figures()...)
	case m.downloads():
		lines = append(lines, m.download()...)
	}
	return strings.Join(lines, "\n")
}

// download tells how fast it comes, and that stopping it loses nothing, unless it is a copy in the making.
func (m model) download() (lines []string) {
	done, after := "of the model is here", []string{"What has come is kept: after Pause, Resume goes on from there, even after a restart."}
	if m.isMade() {
		done, after = "of the copy is made", nil
	}
	if d := m.info.Download; d != nil {
		line := fmt.Sprintf("%d %% %s", d.Percent(), done)
		if d.Rate != nil {
			line += ", " + rateText(*d.Rate)
		}
		lines = append(lines, line)
	}
	return append(lines, after...)
}

// figures are the memory and time of the last load or unload.
func (m model) figures() (lines []string) {
	memory := m.info.Memory
	if memory.BeforeMB != nil && memory.AfterMB != nil {
		line := fmt.Sprintf("Memory: %s before, %s after", sizeText(*memory.BeforeMB), sizeText(*memory.AfterMB))
		if memory.DeltaMB != nil {
			line += " (" + deltaText(*memory.DeltaMB) + ")"
		}
		lines = append(lines, line)
	}
	if memory.MLXActiveMB != nil {
		lines = append(lines, "In use by MLX: "+sizeText(*memory.MLXActiveMB))
	}
	if seconds := m.info.LoadTimeSeconds; seconds != nil && m.info.State == tts.Loaded {
		lines = append(lines, fmt.Sprintf("Loaded in %.1f s", *seconds))
	}
	return lines
}

// rowName is a model as its row calls it.
func rowName(id string) string {
	for _, m := range tts.Catalogue() {
		if m.ID == id {
			return m.Name
		}
	}
	return strings.TrimPrefix(strings.TrimPrefix(id, family), tts.LocalOrg+"/Qwen3-TTS-12Hz-")
}

// awayText says why nothing can be asked of a server, "" when it can.
func awayText(state ServerState) string {
	switch state {
	case ServerRunning:
		return ""
	case ServerStarting:
		return "The server is starting"
	case ServerUnreachable:
		return "The server does not answer"
	case ServerStopping:
		return "The server is stopping"
	}
	return "Server is not running"
}
