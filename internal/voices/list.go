package voices

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"ttsui/internal/atomicfile"
	"ttsui/internal/tts"
)

// entry is an element of speakers.json. One without an id is none of ours, and stays as it is.
type entry struct {
	ID, Name, Audio, Text string
	fields                map[string]json.RawMessage // all that it held when it was read
	raw                   json.RawMessage            // itself then
	read                  [4]string                  // ID, Name, Audio and Text then
}

func (e *entry) known() bool { return e.ID != "" }

func (e *entry) values() [4]string { return [4]string{e.ID, e.Name, e.Audio, e.Text} }

// UnmarshalJSON implements json.Unmarshaler. It takes everything.
func (e *entry) UnmarshalJSON(data []byte) error {
	*e = entry{raw: bytes.Clone(data)}
	var known struct {
		ID    string  `json:"id"`
		Name  string  `json:"name"`
		Audio string  `json:"audioFileName"`
		Text  *string `json:"textReference"`
	}
	if json.Unmarshal(data, &e.fields) != nil || json.Unmarshal(data, &known) != nil || known.ID == "" {
		return nil
	}
	e.ID, e.Name, e.Audio = known.ID, known.Name, known.Audio
	if known.Text != nil {
		e.Text = *known.Text
	}
	e.read = e.values()
	return nil
}

// MarshalJSON implements json.Marshaler: what wasn't changed comes out as it was.
func (e entry) MarshalJSON() ([]byte, error) {
	if e.raw != nil && e.values() == e.read {
		return e.raw, nil
	}
	fields := map[string]any{}
	for name, value := range e.fields {
		fields[name] = value
	}
	fields["id"], fields["name"], fields["audioFileName"] = e.ID, e.Name, e.Audio
	delete(fields, "textReference")
	if e.Text != "" {
		fields["textReference"] = e.Text
	}
	return json.Marshal(fields)
}

// brokenError tells that speakers.json is no list.
type brokenError struct{ err error }

func (b *brokenError) Error() string { return b.err.Error() }

// read reads speakers.json. Without one, and in an empty one, there are no voices.
func (s *Store) read() ([]entry, error) {
	data, err := os.ReadFile(filepath.Join(s.Dir, listName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, unreadable(filepath.Join(s.Dir, listName), err)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	var all []entry
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, &brokenError{err}
	}
	if all == nil { // it is null
		return nil, &brokenError{errors.New("it is not a list")}
	}
	return all, nil
}

// change reads the list, has f change it and writes what f gives; nil leaves it as it is. No other process or caller
// changes it meanwhile.
func (s *Store) change(ctx context.Context, f func([]entry) ([]entry, error)) error {
	if err := s.makeFolders(); err != nil {
		return err
	}
	unlock, err := atomicfile.Lock(ctx, filepath.Join(s.Dir, lockName))
	if err != nil {
		return err
	}
	defer unlock()
	all, err := s.read()
	if broken := (*brokenError)(nil); errors.As(err, &broken) {
		return s.setAside(broken)
	}
	if err != nil {
		return err
	}
	all, err = f(all)
	if err != nil || all == nil {
		return err
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("put the voices into JSON: %w", err)
	}
	s.stepped()
	err = atomicfile.WritePrivate(filepath.Join(s.Dir, listName), func(f io.Writer) error {
		_, err := f.Write(append(data, '\n'))
		return err
	})
	s.stepped()
	return err
}

// setAside gives a broken list another name, so that nothing of it is lost and the next voice can be saved, and says so.
func (s *Store) setAside(broken *brokenError) error {
	path := filepath.Join(s.Dir, listName)
	aside := path + ".broken-" + time.Now().UTC().Format("2006-01-02T15-04-05.000000000Z")
	if err := os.Rename(path, aside); err != nil {
		return unreadable(path, err)
	}
	return tts.Errorf(tts.CodeCorrupt, "Mend that file and give it its old name back, or save the voices again: their clips are all in "+
		filepath.Join(s.Dir, audioDir)+".", "the list of saved voices was broken and is now %s: %v", aside, broken.err)
}

// newID is a UUID as the list has them.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
