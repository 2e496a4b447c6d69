package ui

import (
	"time"

	"ttsui/internal/tts"
)

// SelectTab shows the tab of a mode.
func (a *App) SelectTab(mode tts.Mode) { a.do(func(c *core) { c.selectTab(mode) }) }

// EditText is told the text to speak, as it is typed.
func (a *App) EditText(mode tts.Mode, s string) {
	a.doIn(mode, func(_ *core, t *tab) { t.text.edit(s) })
}

// EditInstruct is told the style or the description of the voice, as it is typed.
func (a *App) EditInstruct(mode tts.Mode, s string) {
	a.doIn(mode, func(_ *core, t *tab) { t.instruct.edit(s) })
}

// EditRefText is told the transcript of the reference clip, as it is typed.
func (a *App) EditRefText(s string) { a.doIn(tts.Clone, func(_ *core, t *tab) { t.refText.edit(s) }) }

// InsertExample puts an example of the tab into its Instruct.
func (a *App) InsertExample(mode tts.Mode, i int) {
	a.doIn(mode, func(_ *core, t *tab) { t.insertExample(i) })
}

// ChooseLanguage chooses the language that is spoken, by the ID of a Choice.
func (a *App) ChooseLanguage(mode tts.Mode, id string) {
	a.doIn(mode, func(_ *core, t *tab) { t.language = pick(t.languages(), id, t.language) })
}

// ChooseSpeaker chooses the voice of the Control tab, by the ID of a Choice.
func (a *App) ChooseSpeaker(id string) {
	a.doIn(tts.Control, func(_ *core, t *tab) { t.speaker = pick(t.speakers(), id, t.speaker) })
}

// ChooseReference takes a file, dropped or browsed for, as the clip to clone.
func (a *App) ChooseReference(path string) {
	a.doIn(tts.Clone, func(c *core, t *tab) {
		c.dropStudy(t) // a file of the same name may be another one by now
		t.reference.edit(path)
	})
}

// ClearReference takes the clip away.
func (a *App) ClearReference() { a.ChooseReference("") }

// Trim does what the reference's button says: it takes the best part of the clip, or all of it again.
func (a *App) Trim() { a.doIn(tts.Clone, (*core).pressTrim) }

// CheckTail says whether silence is put behind the clip.
func (a *App) CheckTail(on bool) { a.doIn(tts.Clone, func(_ *core, t *tab) { t.refTail = on }) }

// Record begins a recording, or ends it and keeps it.
func (a *App) Record() { a.do((*core).pressRecord) }

// UseRecorded takes the newest recording as the clip to clone.
func (a *App) UseRecorded() { a.doIn(tts.Clone, (*core).useRecorded) }

// ChooseMicrophone chooses what is recorded from, by the ID of a Choice.
func (a *App) ChooseMicrophone(id string) {
	a.do(func(c *core) { c.recorder.device = pick(c.microphones(), id, c.recorder.device) })
}

// ChooseVoice chooses a saved voice, by the ID of a Choice.
func (a *App) ChooseVoice(id string) { a.do(func(c *core) { c.chooseVoice(id) }) }

// SaveSpeaker opens the form that saves the clip to clone as a voice.
func (a *App) SaveSpeaker() { a.do((*core).saveSpeaker) }

// Freeze opens the form that saves the result of a tab as a voice.
func (a *App) Freeze(mode tts.Mode) { a.doIn(mode, (*core).freeze) }

// RenameVoice opens the form that renames the voice that is chosen.
func (a *App) RenameVoice() { a.do((*core).renameVoice) }

// DeleteVoice asks whether to delete the voice that is chosen.
func (a *App) DeleteVoice() { a.do((*core).askDelete) }

// EditVoiceName is told the name in the form, as it is typed.
func (a *App) EditVoiceName(s string) {
	a.do(func(c *core) {
		if c.voices.form != nil {
			c.voices.form.name.edit(s)
		}
	})
}

// ReplaceAudio opens the form that gives the voice that is chosen another clip.
func (a *App) ReplaceAudio() { a.do((*core).replaceAudio) }

// ChooseVoiceClip takes a file as the clip in the form.
func (a *App) ChooseVoiceClip(path string) { a.do(func(c *core) { c.chooseClip(path) }) }

// UseRecordedClip takes the newest recording as the clip in the form.
func (a *App) UseRecordedClip() { a.do(func(c *core) { c.chooseClip(c.recorder.latest) }) }

// EditVoiceText is told the transcript in the form, as it is typed.
func (a *App) EditVoiceText(s string) {
	a.do(func(c *core) {
		if c.voices.form != nil {
			c.voices.form.refText.edit(s)
		}
	})
}

// SubmitVoice saves what the form says, and closes it.
func (a *App) SubmitVoice() { a.do((*core).submitForm) }

// CancelVoice closes the form.
func (a *App) CancelVoice() { a.do((*core).closeForm) }

// ClickRow chooses a model that is loaded.
func (a *App) ClickRow(modelID string) { a.do(func(c *core) { c.chooseModel(modelID) }) }

// ClickRowButton does what the row's button says: it loads, unloads or tries again.
func (a *App) ClickRowButton(modelID string) { a.do(func(c *core) { c.pressRow(modelID) }) }

// ChooseRowMenu does what the menu of a model's row offers, by the ID of a Choice.
func (a *App) ChooseRowMenu(modelID, choice string) {
	a.do(func(c *core) { c.chooseRowMenu(modelID, choice) })
}

// Generate speaks the text of a tab.
func (a *App) Generate(mode tts.Mode) { a.doIn(mode, (*core).generate) }

// Stop ends the generation of a tab; nothing comes of it any more.
func (a *App) Stop(mode tts.Mode) { a.doIn(mode, (*core).stop) }

// CheckLive says whether speech is played as it is made.
func (a *App) CheckLive(on bool) { a.do(func(c *core) { c.liveOff = !on }) }

// SetVolume says how loud sounds are, from 0 to 1.
func (a *App) SetVolume(volume float64) { a.do(func(c *core) { c.setVolume(volume) }) }

// DismissError closes the error box of a tab.
func (a *App) DismissError(mode tts.Mode) { a.doIn(mode, func(_ *core, t *tab) { t.problem = nil }) }

// SaveAs copies the result of a tab to where the user wants it.
func (a *App) SaveAs(mode tts.Mode, to string) {
	a.doIn(mode, func(c *core, t *tab) { c.saveAs(t, to) })
}

// ToggleSampling opens the sampling panel of a tab, or closes it.
func (a *App) ToggleSampling(mode tts.Mode) {
	a.doIn(mode, func(_ *core, t *tab) { t.sampling.open = !t.sampling.open })
}

// EditSampling is told a value of the sampling panel, as it is typed, or the ID of a Choice.
func (a *App) EditSampling(mode tts.Mode, key SamplingKey, s string) {
	a.doIn(mode, func(_ *core, t *tab) { t.sampling.edit(key, s) })
}

// ResetSampling leaves all of the sampling panel to the model.
func (a *App) ResetSampling(mode tts.Mode) {
	a.doIn(mode, func(_ *core, t *tab) { t.sampling.reset() })
}

// KeepSeed puts the seed of a tab's result into its sampling panel.
func (a *App) KeepSeed(mode tts.Mode) { a.doIn(mode, func(_ *core, t *tab) { t.keepSeed() }) }

// ToggleHistory opens the history of a tab, or closes it.
func (a *App) ToggleHistory(mode tts.Mode) {
	a.doIn(mode, func(_ *core, t *tab) { t.past.open = !t.past.open })
}

// ChooseResult makes a result of the history, by its ID, the tab's.
func (a *App) ChooseResult(mode tts.Mode, id string) {
	a.doIn(mode, func(c *core, t *tab) { c.chooseResult(t, id) })
}

// Again makes the result that is chosen in the history once more, with its seed.
func (a *App) Again(mode tts.Mode) { a.doIn(mode, (*core).again) }

// StarResult marks the result that is chosen in the history, or takes the mark away.
func (a *App) StarResult(mode tts.Mode) { a.doIn(mode, (*core).starResult) }

// TrashResult moves the result that is chosen in the history to the Trash.
func (a *App) TrashResult(mode tts.Mode) { a.doIn(mode, (*core).trashResult) }

// PlaySegment plays the result of a tab from a segment on, counted from 0, and chooses that.
func (a *App) PlaySegment(mode tts.Mode, i int) {
	a.doIn(mode, func(c *core, t *tab) { c.playSegment(t, i) })
}

// SpeakSegment speaks the segment that is chosen anew, into its place in the result.
func (a *App) SpeakSegment(mode tts.Mode) { a.doIn(mode, (*core).speakSegment) }

// PlayPause plays the result that is seen, or pauses it.
func (a *App) PlayPause() { a.do((*core).playPause) }

// Seek goes to a place in the result that is seen.
func (a *App) Seek(to time.Duration) { a.do(func(c *core) { c.seek(to) }) }

// Back goes back 10 seconds.
func (a *App) Back() { a.do(func(c *core) { c.skip(-skipStep) }) }

// Forward goes forward 10 seconds.
func (a *App) Forward() { a.do(func(c *core) { c.skip(skipStep) }) }

// FilterLog shows the entries of a level and above, by the ID of a Choice.
func (a *App) FilterLog(id string) { a.do(func(c *core) { c.log.setFilter(id) }) }

// ClearLog empties the log, on the server, too.
func (a *App) ClearLog() { a.do((*core).clearLog) }

// AnswerAlert reports which button, counted from 0, was pressed on the alert with this ID.
func (a *App) AnswerAlert(id, button int) { a.do(func(c *core) { c.answer(id, button) }) }

// EditSetting is told a setting, as it is typed, or the ID of a Choice.
func (a *App) EditSetting(key SettingKey, s string) {
	a.do(func(c *core) { c.settings.edit(key, s) })
}

// RetryStart starts the server again after its start failed.
func (a *App) RetryStart() { a.do((*core).retryStart) }

// RestartServer stops the server and starts it with the settings as they are now. It asks first when a generation
// would be lost.
func (a *App) RestartServer() { a.do((*core).askRestart) }
