package ui

import (
	"fmt"
	"slices"

	"ttsui/internal/tts"
)

// askCopies asks the hub for the smaller copies of a model, and offers those that have no row yet.
func (c *core) askCopies(id string) {
	s := c.server.session
	if c.models.asking[id] {
		return
	}
	c.models.asking[id] = true
	start(c, func() ([]tts.PublishedModel, error) { return s.Server.PublishedCopies(s.ctx, id) }, func(copies []tts.PublishedModel, err error) {
		if c.server.session != s {
			return
		}
		delete(c.models.asking, id)
		copies = slices.DeleteFunc(copies, func(p tts.PublishedModel) bool { _, known := c.models.find(p.ModelID); return known })
		switch {
		case err != nil:
			c.tell("The published copies of "+rowName(id)+" can't be listed", problemText(err))
		case len(copies) == 0:
			c.tell("There are no other copies of "+rowName(id), "All that are published are in the list already.")
		default:
			c.offerCopies(id, copies)
		}
	})
}

// offerCopies lets one of them be added.
func (c *core) offerCopies(id string, copies []tts.PublishedModel) {
	var answers []answer
	for _, p := range copies {
		title := fmt.Sprintf("%s · %s", rowName(p.ModelID), fileSize(int(p.Bytes)))
		answers = append(answers, answer{AlertButton{Title: title}, func() { c.addModel(p.ModelID) }})
	}
	c.ask("Download a smaller copy of "+rowName(id)+"?", "It gets a row of its own. It takes less memory than the model, and speaks a little less exactly.",
		append(answers, cancelAnswer())...)
}

// addModel gives a model a row, and loads it, which downloads it first.
func (c *core) addModel(id string) {
	if _, known := c.models.find(id); !known {
		c.models.list = append(slices.Clone(c.models.list), tts.ModelInfo{ModelID: id, State: tts.Unloaded})
	}
	c.load(id, tts.LoadOptions{})
}
