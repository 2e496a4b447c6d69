package tokenizer

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// entry is a word of vocab.json with its id.
type entry struct {
	word string
	id   int32
}

// scanVocab reads an object of strings to whole numbers, as the released vocabularies are written, in the order of the
// file. It is not ok with anything else, whether JSON allows that or not: then encoding/json has the last word, and says
// what is wrong.
func scanVocab(text string) (vocab []entry, ok bool) {
	if !utf8.ValidString(text) {
		return nil, false
	}
	most := strings.Count(text, ":") // a word may hold some
	vocab = make([]entry, 0, min(most, maxTokens))
	s := scanner{text}
	if !s.take('{') {
		return nil, false
	}
	for {
		word, ok := s.word()
		if !ok || !s.take(':') {
			return nil, false
		}
		id, ok := s.number()
		if !ok {
			return nil, false
		}
		vocab = append(vocab, entry{word, id})
		if s.take('}') {
			s.skipSpace()
			return vocab, s.rest == ""
		}
		if !s.take(',') {
			return nil, false
		}
	}
}

// scanner holds what of a text is not read yet.
type scanner struct{ rest string }

func (s *scanner) skipSpace() {
	i := 0
	for i < len(s.rest) && (s.rest[i] == ' ' || s.rest[i] == '\t' || s.rest[i] == '\r' || s.rest[i] == '\n') {
		i++
	}
	s.rest = s.rest[i:]
}

// take reads mark, if it comes next.
func (s *scanner) take(mark byte) bool {
	s.skipSpace()
	if s.rest == "" || s.rest[0] != mark {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// word reads a string. Only what has escapes is copied.
func (s *scanner) word() (string, bool) {
	if !s.take('"') {
		return "", false
	}
	escapes := false
	for i := 0; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			word := s.rest[:i]
			s.rest = s.rest[i+1:]
			if escapes {
				return unescape(word)
			}
			return word, true
		case c == '\\':
			escapes = true
			i++
		case c < ' ':
			return "", false
		}
	}
	return "", false
}

func unescape(word string) (plain string, ok bool) {
	err := json.Unmarshal([]byte(`"`+word+`"`), &plain)
	return plain, err == nil
}

// number reads up to nine digits, more than any id has.
func (s *scanner) number() (n int32, ok bool) {
	s.skipSpace()
	i := 0
	for i < len(s.rest) && i < 9 && '0' <= s.rest[i] && s.rest[i] <= '9' {
		n = 10*n + int32(s.rest[i]-'0')
		i++
	}
	if i == 0 || i > 1 && s.rest[0] == '0' {
		return 0, false
	}
	s.rest = s.rest[i:]
	return n, true
}
