package ui

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ttsui/internal/tts"
)

// mostDamages is how many damaged files are named.
const mostDamages = 5

// checkModel compares a model's files with their checksums. The row tells how far that is, and its button stops it.
func (c *core) checkModel(id string) {
	s := c.server.session
	if c.models.checks[id] != nil {
		return
	}
	ctx, stop := context.WithCancel(s.ctx)
	c.models.checks[id] = stop
	start(c, func() ([]tts.Damage, error) { defer stop(); return s.Server.Verify(ctx, id) }, func(damages []tts.Damage, err error) {
		if c.server.session != s {
			return
		}
		delete(c.models.checks, id)
		c.models.changes++
		info, known := c.models.find(id)
		if known {
			info.Verifying = nil
			c.learnModel(info)
		}
		switch {
		case tts.CodeOf(err) == tts.CodeCanceled:
		case err != nil:
			c.tell("The files of "+rowName(id)+" could not be checked", problemText(err))
		case len(damages) == 0:
			c.tell(rowName(id)+" is all right", "All its files were read, and are as they should be.")
		default:
			c.tellDamages(info, damages)
		}
	})
}

// tellDamages tells what is wrong with a model, and offers to repair it, unless it is in memory or nothing of it is ever
// replaced.
func (c *core) tellDamages(info tts.ModelInfo, damages []tts.Damage) {
	var lines []string
	for i, d := range damages {
		if i == mostDamages {
			lines = append(lines, fmt.Sprintf("And %d more.", len(damages)-i))
			break
		}
		lines = append(lines, d.Name+" "+d.Problem+".")
	}
	title, text := rowName(info.ModelID)+" is damaged", strings.Join(lines, "\n")+"\n"
	if slices.ContainsFunc(damages, func(d tts.Damage) bool { return d.Kept }) {
		c.tell(title, text+"It lies in a folder of yours, where nothing is replaced. Delete it from this machine, and Load downloads it anew.")
		return
	}
	if info.State == tts.Loaded {
		c.tell(title, text+"It is loaded, and can't be repaired now: unload it, then check its files once more.")
		return
	}
	c.ask(title, text+"Repair fetches what is wrong again.",
		answer{AlertButton{Title: "Repair"}, func() { c.repairModel(info.ModelID) }}, cancelAnswer())
}

// repairModel has what is wrong with a model fetched again.
func (c *core) repairModel(id string) {
	c.change(id, tts.Loading, func(ctx context.Context, s Server) (tts.ModelInfo, error) {
		return s.Repair(ctx, id)
	}, func(info tts.ModelInfo, err error) {
		code := tts.CodeOf(err)
		switch {
		case code == tts.CodeCanceled:
		case err != nil:
			c.tell(rowName(id)+" could not be repaired", problemText(err))
		case info.State == tts.Unloaded:
			c.tell(rowName(id)+" is repaired", "All its files are as they should be.")
		}
	})
}

// isChecked reports whether we have the model's files checked, and nothing else goes on with it.
func (m *models) isChecked(id string) bool {
	info, _ := m.find(id)
	return m.checks[id] != nil && m.doing[id] == "" && info.State != tts.Loading && info.State != tts.Unloading
}
