package ui

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"ttsui/internal/tts"
)

// SamplingKey names a value of the sampling panel.
type SamplingKey string

// The values of the sampling panel.
const (
	SamplingTemperature SamplingKey = "temperature"
	SamplingTopK        SamplingKey = "top_k"
	SamplingTopP        SamplingKey = "top_p"
	SamplingPenalty     SamplingKey = "repetition_penalty"
	SamplingSeed        SamplingKey = "seed"
	SamplingLongest     SamplingKey = "longest"
)

// SamplingPanel is how the tokens of a tab's speech are drawn.
type SamplingPanel struct {
	Toggle Disclosure // App.ToggleSampling
	List   []SamplingValue
	Reset  Button // App.ResetSampling

	Takes    Choices // how many,
	LongText Choices // whether it is cut, and
	Guard    Choices // what becomes of speech that doesn't end: App.EditSampling, with the ID of a Choice
}

// SamplingValue is a value of the panel.
type SamplingValue struct {
	Key    SamplingKey
	Field  Field
	Limits string // what holds while nothing is typed, and what may be
}

// samplingLine is what the panel knows of a value.
type samplingLine struct {
	key                  SamplingKey
	label, limits, wrong string
	set                  func(s *tts.Sampling, text string) error // takes what was typed
	text                 func(s *tts.Sampling) string             // as one would type it, "" for none
}

// value completes a line: at finds its value, read and write turn a text into it and back.
func value[T any](l samplingLine, at func(*tts.Sampling) **T, read func(string) (T, error), write func(T) string) samplingLine {
	l.set = func(s *tts.Sampling, text string) error {
		v, err := read(text)
		*at(s) = &v
		return err
	}
	l.text = func(s *tts.Sampling) string {
		if v := *at(s); v != nil {
			return write(*v)
		}
		return ""
	}
	return l
}

// samplingLines are the values of the panel, each with what the models themselves say.
func samplingLines() []samplingLine {
	return []samplingLine{
		value(samplingLine{key: SamplingTemperature, label: "Temperature", limits: "0.9 (0 to 5)", wrong: "Use a number from 0, always the likeliest, to 5."},
			func(s *tts.Sampling) **float64 { return &s.Temperature }, readFloat, writeFloat),
		value(samplingLine{key: SamplingTopK, label: "Top-k", limits: "50 (0 is off)", wrong: "Use a whole number; 0 turns it off."},
			func(s *tts.Sampling) **int { return &s.TopK }, strconv.Atoi, strconv.Itoa),
		value(samplingLine{key: SamplingTopP, label: "Top-p", limits: "1 (above 0)", wrong: "Use a number above 0; 1 turns it off."},
			func(s *tts.Sampling) **float64 { return &s.TopP }, readFloat, writeFloat),
		value(samplingLine{key: SamplingPenalty, label: "Repetition penalty", limits: "1.05 (1 to 10)", wrong: "Use a number from 1, which is off, to 10."},
			func(s *tts.Sampling) **float64 { return &s.RepetitionPenalty }, readFloat, writeFloat),
		value(samplingLine{key: SamplingSeed, label: "Seed", limits: "random", wrong: "Use a whole number of at most 19 digits, or nothing."},
			func(s *tts.Sampling) **uint64 { return &s.Seed }, readSeed, writeSeed),
		value(samplingLine{key: SamplingLongest, label: "Longest, in seconds", limits: "655 (to 1310)", wrong: "Use a number of seconds up to 1310."},
			func(s *tts.Sampling) **int { return &s.MaxFrames }, readSeconds, writeSeconds),
	}
}

func readFloat(text string) (float64, error) {
	return strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64)
}

func writeFloat(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func readSeed(text string) (uint64, error) { return strconv.ParseUint(text, 10, 64) }

func writeSeed(seed uint64) string { return strconv.FormatUint(seed, 10) }

const framesPerSecond = 12.5

// readSeconds turns seconds into codec frames.
func readSeconds(text string) (int, error) {
	seconds, err := readFloat(text)
	if err != nil || !(seconds > 0 && seconds < 1e6) {
		return 0, err // 0 is refused, too
	}
	return int(math.Round(seconds * framesPerSecond)), nil
}

func writeSeconds(frames int) string { return writeFloat(float64(frames) / framesPerSecond) }

// problem says what is wrong with what was typed, "" when nothing is.
func (l samplingLine) problem(text string) string {
	var s tts.Sampling
	if text != "" && (l.set(&s, text) != nil || s.Validate() != nil) {
		return l.wrong
	}
	return ""
}

// samplingForm is the sampling panel of a tab.
type samplingForm struct {
	open   bool
	fields map[SamplingKey]*field
}

func newSamplingForm() samplingForm {
	f := samplingForm{fields: map[SamplingKey]*field{SamplingTakes: {}, SamplingLongText: {}, SamplingGuard: {}}}
	for _, line := range samplingLines() {
		f.fields[line.key] = &field{}
	}
	return f
}

// typed is what is typed for a value.
func (f *samplingForm) typed(key SamplingKey) string { return strings.TrimSpace(f.fields[key].text) }

// edit takes what is typed.
func (f *samplingForm) edit(key SamplingKey, text string) {
	if line, known := f.fields[key]; known {
		line.edit(text)
	}
}

// sampling is what is asked for, with what is wrong with it.
func (f *samplingForm) sampling() (s tts.Sampling, problem string) {
	for _, line := range samplingLines() {
		text := f.typed(line.key)
		if text == "" {
			continue
		}
		if line.problem(text) != "" {
			return s, fmt.Sprintf("%s can't be %.20q", line.label, text)
		}
		_ = line.set(&s, text) // problem has tried
	}
	return s, ""
}

// fill shows what was asked for before.
func (f *samplingForm) fill(s tts.Sampling) {
	for _, line := range samplingLines() {
		if text := line.text(&s); text != f.typed(line.key) {
			f.fields[line.key].set(text)
			f.fields[line.key].edited = true
		}
	}
}

// reset leaves all to the model.
func (f *samplingForm) reset() {
	f.fill(tts.Sampling{})
	f.edit(SamplingTakes, "")
	f.edit(SamplingLongText, "")
	f.edit(SamplingGuard, "")
}

// changed counts the values that are not the model's own.
func (f *samplingForm) changed() (n int) {
	for key := range f.fields {
		if f.typed(key) != "" {
			n++
		}
	}
	return n
}

// show is the panel as a view gets it. It is open while something is wrong, too.
func (f *samplingForm) show() SamplingPanel {
	n := f.changed()
	s := SamplingPanel{Toggle: Disclosure{Title: "Sampling", Open: f.open},
		Reset:    Button{Title: "Reset", Enabled: n > 0, Tooltip: "Leaves all of it to the model"},
		Takes:    showChoices("Takes", samplingChoices(SamplingTakes), f.chosen(SamplingTakes)),
		LongText: showChoices("Long text", samplingChoices(SamplingLongText), f.chosen(SamplingLongText)),
		Guard:    showChoices("Speech that doesn't end", samplingChoices(SamplingGuard), f.chosen(SamplingGuard))}
	if n > 0 {
		s.Toggle.Title = fmt.Sprintf("Sampling (%d changed)", n)
	}
	for _, line := range samplingLines() {
		field, problem := f.fields[line.key], line.problem(f.typed(line.key))
		s.Toggle.Open = s.Toggle.Open || problem != ""
		s.List = append(s.List, SamplingValue{Key: line.key, Limits: line.limits,
			Field: Field{Label: line.label, Text: field.text, Rev: field.rev, Problem: problem}})
	}
	return s
}

// draft is what is typed, without what isn't.
func (f *samplingForm) draft() map[SamplingKey]string {
	var d map[SamplingKey]string
	for key, field := range f.fields {
		if field.text != "" {
			if d == nil {
				d = map[SamplingKey]string{}
			}
			d[key] = field.text
		}
	}
	return d
}

// restore shows what was typed before, where the user has not been faster.
func (f *samplingForm) restore(open bool, d map[SamplingKey]string) {
	f.open = f.open || open
	for key, field := range f.fields {
		field.restore(d[key])
	}
}
