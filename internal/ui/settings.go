package ui

import (
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// settingsForm is the settings as they are being edited, and as they hold.
type settingsForm struct {
	values Settings // always valid
	fields map[SettingKey]*settingField
}

type settingField struct {
	field
	problem string
}

func newSettingsForm(values Settings) settingsForm {
	f := settingsForm{values: values, fields: map[SettingKey]*settingField{}}
	for _, key := range settingKeys() {
		f.fields[key] = &settingField{field: field{text: settingText(values, key)}}
	}
	return f
}

func settingKeys() []SettingKey {
	return []SettingKey{SettingPort, SettingModels, SettingMirrors, SettingOutput, SettingTimeout, SettingLogLevel}
}

func logLevels() []Choice {
	var list []Choice
	for _, title := range []string{"Debug", "Info", "Warning", "Error", "Critical"} {
		list = append(list, Choice{ID: strings.ToLower(title), Title: title})
	}
	return list
}

// settingText is a setting as it is typed.
func settingText(s Settings, key SettingKey) string {
	switch key {
	case SettingPort:
		return strconv.Itoa(s.Port)
	case SettingModels:
		return s.ModelsFolder
	case SettingOutput:
		return s.OutputFolder
	case SettingMirrors:
		return s.Mirrors
	case SettingTimeout:
		return strconv.Itoa(int(s.Timeout / time.Minute))
	}
	return s.LogLevel
}

// with gives s with one setting changed, or what is wrong with what was typed.
func (s Settings) with(key SettingKey, text string) (_ Settings, problem string) {
	text = strings.TrimSpace(text)
	switch key {
	case SettingPort:
		n, err := strconv.Atoi(text)
		if err != nil || n < 1024 || n > 65535 {
			return s, "Use a number from 1024 to 65535."
		}
		s.Port = n
	case SettingModels, SettingOutput:
		if text != "" && !filepath.IsAbs(text) {
			return s, "Use the whole path of a folder, which begins with /, or nothing."
		}
		if key == SettingModels {
			s.ModelsFolder = text
		} else {
			s.OutputFolder = text
		}
	case SettingMirrors:
		if !areURLs(text) {
			return s, "Use addresses such as https://example.org, with commas between them, or nothing."
		}
		s.Mirrors = text
	case SettingTimeout:
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 24*60 {
			return s, "Use a number of minutes up to 1440; 0 is no limit."
		}
		s.Timeout = time.Duration(n) * time.Minute
	case SettingLogLevel:
		if pick(logLevels(), text, "") == "" {
			return s, "Choose one of the list."
		}
		s.LogLevel = text
	}
	return s, ""
}

// areURLs tells whether a text is a list of web addresses, which may be empty.
func areURLs(list string) bool {
	for address := range strings.SplitSeq(list, ",") {
		if address = strings.TrimSpace(address); address == "" && list == "" {
			return true
		}
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return false
		}
	}
	return true
}

// edit takes what was typed. The value before holds while it is wrong.
func (f *settingsForm) edit(key SettingKey, text string) {
	if line, known := f.fields[key]; known {
		line.field.edit(text)
		f.values, line.problem = f.values.with(key, line.text)
	}
}

// restore takes a saved setting, unless the user was faster, and reports whether it is one.
func (f *settingsForm) restore(key SettingKey, text string) bool {
	line := f.fields[key]
	values, problem := f.values.with(key, text)
	if problem != "" || line.edited {
		return problem == ""
	}
	f.values = values
	line.field.restore(text)
	return true
}

// showSettings is the window of the settings.
func (c *core) showSettings() SettingsPanel {
	s := SettingsPanel{
		Note:    "Settings hold from the next start of the server.",
		Restart: Button{Title: "Restart Server", Enabled: c.canRestart(), Tooltip: "Starts the server with these settings."},
	}
	if now := c.server.session; now != nil && now.settings != c.settings.values {
		s.Note = "The server still runs with the settings from before. Restart it to use these."
	}
	labels := map[SettingKey][2]string{
		SettingPort:     {"Port", "8765"},
		SettingModels:   {"Models folder", "TTSUI's own folder"},
		SettingMirrors:  {"Download mirrors", "tried when Hugging Face fails"},
		SettingOutput:   {"Output folder", "TTSUI's own folder"},
		SettingTimeout:  {"Longest generation, in minutes", "0 for no limit"},
		SettingLogLevel: {"Log level", ""},
	}
	for _, key := range settingKeys() {
		line, words := c.settings.fields[key], labels[key]
		shown := Setting{Key: key, Folder: key == SettingModels || key == SettingOutput,
			Field: Field{Label: words[0], Placeholder: words[1], Text: line.text, Rev: line.rev, Problem: line.problem}}
		if key == SettingLogLevel {
			shown.Choices = showChoices(words[0], logLevels(), c.settings.values.LogLevel)
		}
		s.List = append(s.List, shown)
	}
	return s
}
