package ui

import (
	"fmt"
	"strings"

	"ttsui/internal/tts"
)

// rowDeed is something that the menu of a row offers.
type rowDeed struct {
	Choice
	do func(c *core, id string)
}

// rowDeeds are all that the menu of a model can offer. Of one that was made smaller no smaller one is made, and of one
// that is here in part only the rest can be fetched.
func rowDeeds(info tts.ModelInfo) (deeds []rowDeed) {
	id := info.ModelID
	offer := func(choice, title string, do func(c *core, id string)) {
		deeds = append(deeds, rowDeed{Choice{ID: choice, Title: title}, do})
	}
	if !tts.IsLocal(id) && !strings.HasSuffix(id, "bit") {
		for _, bits := range []int{8, 6, 4} {
			if info.Part == nil {
				offer(fmt.Sprint("quantize", bits), fmt.Sprintf("Make a Copy of %d Bits…", bits), func(c *core, id string) { c.planCopy(id, tts.Quantization{Bits: bits}) })
			}
		}
		offer("copies", "Published Smaller Copies…", (*core).askCopies)
	}
	if info.Part != nil {
		offer("delete", fmt.Sprintf("Delete What Came (%s)…", fileSize(int(info.Part.BytesDone))), (*core).askDeletePart)
		return deeds
	}
	if !tts.IsLocal(id) { // nobody knows the checksums of those
		offer("check", "Check the Files…", (*core).checkModel)
	}
	offer("delete", "Delete from This Machine…", (*core).askDeleteModel)
	return deeds
}

// rowMenu is the menu of a row that nothing goes on with.
func (m model) rowMenu() []Choice {
	if m.away != "" || m.doing != "" || m.checks || m.asks || m.info.Verifying != nil || m.info.State == tts.Loading || m.info.State == tts.Unloading {
		return nil
	}
	var list []Choice
	for _, deed := range rowDeeds(m.info) {
		list = append(list, deed.Choice)
	}
	return list
}

// chooseRowMenu does what the menu of a row offers.
func (c *core) chooseRowMenu(id, choice string) {
	info, known := c.models.find(id)
	if c.server.session == nil || !known {
		return
	}
	for _, deed := range rowDeeds(info) {
		if deed.ID == choice {
			deed.do(c, id)
		}
	}
}

// planCopy tells what a smaller copy will take, and makes it when the user wants it.
func (c *core) planCopy(id string, how tts.Quantization) {
	s := c.server.session
	start(c, func() (tts.QuantizePlan, error) { return s.Server.PlanQuantized(s.ctx, id, how) }, func(plan tts.QuantizePlan, err error) {
		switch {
		case c.server.session != s:
		case err != nil:
			c.tell("No copy can be made of "+rowName(id), problemText(err))
		default:
			text := fmt.Sprintf("The copy takes %s of the disk, of which %s are free, and %s of memory instead of %s. It speaks faster, and a little less exactly. %s stays as it is.",
				fileSize(int(plan.Bytes)), fileSize(int(plan.FreeBytes)), sizeText(plan.MemoryMB), sizeText(plan.OriginalMemoryMB), rowName(id))
			c.ask("Make "+rowName(plan.ModelID)+"?", text,
				answer{AlertButton{Title: "Make a copy"}, func() { c.makeCopy(id, how) }}, cancelAnswer())
		}
	})
}

// makeCopy has the copy made. It has a row of its own meanwhile.
func (c *core) makeCopy(id string, how tts.Quantization) {
	s := c.server.session
	if s == nil {
		return
	}
	c.models.changes++
	start(c, func() (tts.ModelInfo, error) { return s.Server.Quantize(s.ctx, id, how) }, func(info tts.ModelInfo, err error) {
		if c.server.session != s {
			return
		}
		c.models.changes++
		switch code := tts.CodeOf(err); {
		case code == tts.CodeCanceled:
		case err != nil:
			c.tell("The copy of "+rowName(id)+" could not be made", problemText(err))
		default:
			c.learnModel(info)
		}
	})
}

// askDeleteModel deletes a model's files, when the user is sure.
func (c *core) askDeleteModel(id string) {
	text := "Its files are deleted. It can be downloaded again."
	if tts.IsLocal(id) {
		text = "Its files are deleted."
	}
	c.ask("Delete "+rowName(id)+" from this machine?", text,
		answer{AlertButton{Title: "Delete", Role: Danger}, func() { c.deleteModel(id) }}, cancelAnswer())
}

// askDeletePart deletes what a paused download has brought.
func (c *core) askDeletePart(id string) {
	c.ask("Delete what came of "+rowName(id)+"?", "Its download begins anew next time.",
		answer{AlertButton{Title: "Delete", Role: Danger}, func() { c.deleteModel(id) }}, cancelAnswer())
}

func (c *core) deleteModel(id string) {
	s := c.server.session
	if s == nil {
		return
	}
	start(c, func() (int64, error) { return s.Server.Remove(s.ctx, id) }, func(freed int64, err error) {
		switch {
		case c.server.session != s:
		case err != nil:
			c.tell(rowName(id)+" could not be deleted", problemText(err))
		default:
			c.models.changes++
			c.log.did(fmt.Sprintf("Deleted %s: %s are free again", rowName(id), fileSize(int(freed))))
		}
	})
}
