// Package history remembers what was spoken: each result with all that is needed to find it and to make it again.
//
// It is a file of lines, one JSON object each. A new result is one more line, so that none of the others can be lost with
// it; every other change is a whole new file in the place of the old one. A line that can't be read, such as the last one
// of a process that was killed, is passed over and kept.
package history

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ttsui/internal/atomicfile"
	"ttsui/internal/tts"
)

// Entry is a result.
type Entry struct {
	ID        string       `json:"id"`
	Time      time.Time    `json:"time"` // when it was done
	Mode      tts.Mode     `json:"mode"`
	ModelID   string       `json:"model_id"`
	Text      string       `json:"text"`
	Language  string       `json:"language,omitempty"`
	Speaker   string       `json:"speaker,omitempty"`
	Instruct  string       `json:"instruct,omitempty"`
	Voice     string       `json:"voice,omitempty"` // a saved one's id or name, or else the clip and its text
	RefAudio  string       `json:"ref_audio_path,omitempty"`
	RefText   string       `json:"ref_text,omitempty"`
	RefTail   bool         `json:"ref_tail_silence,omitempty"`
	Settings  tts.Sampling `json:"settings"` // as they were asked for
	Seed      uint64       `json:"seed"`     // that was used
	File      string       `json:"file"`     // absolute
	Seconds   float64      `json:"seconds"`  // of audio
	Took      float64      `json:"took"`     // seconds, to make it
	Truncated bool         `json:"truncated,omitempty"`
	Star      bool         `json:"star,omitempty"`

	LongText tts.LongText  `json:"long_text,omitempty"`
	NoGuard  bool          `json:"no_runaway_guard,omitempty"`
	Segments []tts.Segment `json:"segments,omitempty"` // of a text that was spoken in segments
	Runaway  tts.Runaway   `json:"runaway,omitempty"`  // of a take that stands all the same
	Partial  bool          `json:"partial,omitempty"`  // it was stopped: the segments hold the beginning of the text only
	Job      string        `json:"job,omitempty"`      // that made several takes, of which this is one
	Take     int           `json:"take,omitempty"`     // which, from 1
}

// NewEntries are the entries of what was made of req at a time: one for each take. They have no IDs yet.
func NewEntries(req tts.Request, res tts.Result, now time.Time) []Entry {
	var all []Entry
	for i, take := range res.Each() {
		e := newEntry(req, take, now)
		if len(res.Takes) > 0 {
			e.Job, e.Take = req.JobID, i+1
		}
		all = append(all, e)
	}
	return all
}

func newEntry(req tts.Request, res tts.Result, now time.Time) Entry {
	e := Entry{
		Time: now, Mode: req.Mode, ModelID: req.ModelID, Text: req.Text, Language: req.Language, Speaker: req.Speaker,
		Instruct: req.Instruct, Voice: req.Voice, RefAudio: req.RefAudioPath, RefText: req.RefText, RefTail: req.RefTail,
		Settings: req.Sampling, Seed: res.Seed, File: cmp.Or(res.Partial, res.OutputPath), Seconds: res.AudioSeconds(), Took: res.Seconds, Truncated: res.Truncated,
		LongText: req.LongText, NoGuard: req.NoGuard, Runaway: res.Runaway, Partial: res.Partial != "",
	}
	if len(res.Segments) > 1 || e.Partial {
		e.Segments = res.Segments
	}
	return e
}

// Request asks for the entry again, with its seed and without a place for it.
func (e Entry) Request() tts.Request {
	seed := e.Seed
	req := tts.Request{
		Mode: e.Mode, ModelID: e.ModelID, Text: e.Text, Language: e.Language, Speaker: e.Speaker, Instruct: e.Instruct,
		Voice: e.Voice, RefAudioPath: e.RefAudio, RefText: e.RefText, RefTail: e.RefTail, Sampling: e.Settings, LongText: e.LongText, NoGuard: e.NoGuard,
	}
	req.Sampling.Seed = &seed
	return req
}

// Store is the history in the file at Path, which is made, with its folder, for the first entry. Its methods may be called
// from any goroutine and by several processes.
type Store struct{ Path string }

// List gives the entries of a mode, those of all modes when it is "", the newest first.
func (s *Store) List(mode tts.Mode) ([]Entry, error) {
	lines, err := s.read()
	if err != nil {
		return nil, err
	}
	var list []Entry
	for _, line := range slices.Backward(lines) {
		if e, ok := parse(line); ok && (mode == "" || e.Mode == mode) {
			list = append(list, e)
		}
	}
	return list, nil
}

func parse(line []byte) (e Entry, ok bool) {
	return e, json.Unmarshal(line, &e) == nil && e.ID != ""
}

// read gives the lines of the file, without their ends; none when there is no file.
func (s *Store) read() (lines [][]byte, err error) {
	data, err := os.ReadFile(s.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, s.failed("read", err)
	}
	for line := range bytes.Lines(data) {
		if line = bytes.TrimRight(line, "\n"); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// Add puts an entry into the history, and gives it with its ID.
func (s *Store) Add(ctx context.Context, e Entry) (Entry, error) {
	e.ID = strings.ToLower(rand.Text()[:16])
	line, err := json.Marshal(e)
	if err != nil {
		return e, fmt.Errorf("put a result into JSON: %w", err)
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return e, err
	}
	defer unlock()
	return e, s.append(line)
}

// append writes one more line, behind one that a killed process didn't end, too.
func (s *Store) append(line []byte) error {
	f, err := os.OpenFile(s.Path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return s.failed("open", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return s.failed("open", err)
	}
	last := []byte{'\n'}
	if info.Size() > 0 {
		if _, err := f.ReadAt(last, info.Size()-1); err != nil {
			return s.failed("read", err)
		}
	}
	if last[0] != '\n' {
		line = append([]byte{'\n'}, line...)
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		return s.failed("write", err)
	}
	if err := f.Sync(); err != nil {
		return s.failed("write", err)
	}
	return nil
}

// Star marks an entry, or takes the mark away.
func (s *Store) Star(ctx context.Context, id string, star bool) error {
	return s.set(ctx, id, map[string]any{"star": star})
}

// Respeak notes what became of an entry's sound when a segment was spoken anew: its length, its segments, and what is
// wrong with them.
func (s *Store) Respeak(ctx context.Context, e Entry) error {
	return s.set(ctx, e.ID, map[string]any{"seconds": e.Seconds, "segments": e.Segments, "truncated": e.Truncated, "runaway": e.Runaway})
}

// set changes fields of an entry.
func (s *Store) set(ctx context.Context, id string, values map[string]any) error {
	return s.change(ctx, id, func(line []byte) ([]byte, error) {
		var fields map[string]json.RawMessage // with those that a newer TTSUI has
		if err := json.Unmarshal(line, &fields); err != nil {
			return nil, err
		}
		for name, value := range values {
			data, err := json.Marshal(value)
			if err != nil {
				return nil, err
			}
			fields[name] = data
		}
		return json.Marshal(fields)
	})
}

// Remove forgets an entry. Its file stays.
func (s *Store) Remove(ctx context.Context, id string) error {
	return s.change(ctx, id, func([]byte) ([]byte, error) { return nil, nil })
}

// change puts what f gives in the place of an entry's line; nothing takes the line away.
func (s *Store) change(ctx context.Context, id string, f func(line []byte) ([]byte, error)) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	lines, err := s.read()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(lines, func(line []byte) bool { e, ok := parse(line); return ok && e.ID == id })
	if at < 0 {
		return tts.Errorf(tts.CodeNotFound, "Look at the list again.", "the history has no result %.40q any more", id)
	}
	line, err := f(lines[at])
	if err != nil {
		return fmt.Errorf("change a line of the history: %w", err)
	}
	if line == nil {
		lines = slices.Delete(lines, at, at+1)
	} else {
		lines[at] = line
	}
	return atomicfile.WritePrivate(s.Path, func(w io.Writer) error {
		for _, line := range lines {
			if _, err := w.Write(append(line[:len(line):len(line)], '\n')); err != nil {
				return err
			}
		}
		return nil
	})
}

// lock makes the folder and keeps others out.
func (s *Store) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(s.Path), 0o700); err != nil {
		return nil, s.failed("make the folder of", err)
	}
	return atomicfile.Lock(ctx, s.Path+".lock")
}

func (s *Store) failed(what string, err error) error {
	code, hint := tts.CodeInternal, "Check the disk."
	if errors.Is(err, fs.ErrPermission) {
		code, hint = tts.CodeDenied, "Check the permissions of the file and its folder."
	}
	return tts.Errorf(code, hint, "%s the history: %w", what, err)
}
