package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ttsui/internal/tts"
)

const (
	vocabName  = "vocab.json"
	mergesName = "merges.txt"
	configName = "tokenizer_config.json"

	maxFileSize = 64 << 20 // Qwen's largest file has 3 MB
	maxTokens   = 1 << 20  // Qwen has 151,676
)

// Load reads the vocabulary of the checkpoint in dir: vocab.json, merges.txt and tokenizer_config.json.
func Load(dir string) (*Tokenizer, error) {
	l := &loader{
		Tokenizer: &Tokenizer{},
		alphabet:  byteAlphabet(),
	}
	for _, file := range []struct {
		name string
		add  func(text []byte) error
	}{
		{vocabName, l.addVocab},
		{mergesName, l.addMerges},
		{configName, l.addConfig},
	} {
		path := filepath.Join(dir, file.name)
		text, err := readFile(path)
		if err != nil {
			return nil, err
		}
		if err := file.add(text); err != nil {
			return nil, tts.Errorf(tts.CodeCorrupt, "Download the file again.", "%s: %w", path, err)
		}
	}
	return l.Tokenizer, nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxFileSize {
		return nil, tts.Errorf(tts.CodeCorrupt, "Download the file again.", "%s: not a file of at most %d MiB", path, maxFileSize>>20)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return text, nil
}

func unreadable(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return tts.Errorf(tts.CodeNotFound, "Download the model again.", "%s is missing", path)
	case errors.Is(err, fs.ErrPermission):
		return tts.Errorf(tts.CodeDenied, "Make the file readable for you.", "read the tokenizer: %w", err)
	}
	return fmt.Errorf("read the tokenizer: %w", err)
}

// loader builds a Tokenizer from one file after the other.
type loader struct {
	*Tokenizer
	ids      map[string]int32 // of vocab.json, by the bytes that a token stands for
	alphabet alphabet
}

// addVocab takes vocab.json: an object from a token, written in the byte alphabet, to its id.
func (l *loader) addVocab(text []byte) error {
	most := bytes.Count(text, []byte(":")) // a token may hold some
	vocab := make(map[string]int32, most)
	if err := json.Unmarshal(text, &vocab); err != nil {
		return atJSON(text, err)
	}
	l.ids = make(map[string]int32, len(vocab))
	l.tokens = make([]string, 0, len(vocab))
	for word, id := range vocab {
		token, err := l.fromAlphabet(word)
		if err == nil {
			err = l.add(token, id)
		}
		if err != nil {
			return fmt.Errorf("token %.100q: %w", word, err)
		}
		l.ids[token] = id
	}
	for i := range l.bytes {
		id, ok := l.ids[string([]byte{byte(i)})]
		if !ok {
			return fmt.Errorf("no token for the byte %d", i)
		}
		l.bytes[i] = id
	}
	return nil
}

// add gives id its meaning.
func (l *loader) add(token string, id int32) error {
	if token == "" {
		return errors.New("is empty")
	}
	if id < 0 || id >= maxTokens {
		return fmt.Errorf("id %d is not between 0 and %d", id, maxTokens-1)
	}
	if n := int(id) + 1; n > len(l.tokens) {
		l.tokens = append(l.tokens, make([]string, n-len(l.tokens))...)
	}
	if l.tokens[id] != "" {
		return fmt.Errorf("id %d is taken by %.100q", id, l.tokens[id])
	}
	l.tokens[id] = token
	l.size++
	return nil
}

// addMerges takes merges.txt: two tokens a line, the pair to be merged first in the first line.
func (l *loader) addMerges(text []byte) error {
	line, most := 0, bytes.Count(text, []byte("\n"))+1
	l.ranks, l.made = make(map[pair]int32, most), make([]int32, 0, most)
	for row := range bytes.Lines(text) {
		line++
		row = bytes.TrimRight(row, "\r\n")
		if len(row) == 0 || line == 1 && bytes.HasPrefix(row, []byte("#version")) {
			continue
		}
		if err := l.addMerge(string(row)); err != nil {
			return fmt.Errorf("line %d: %.100q: %w", line, row, err)
		}
	}
	if len(l.made) == 0 {
		return errors.New("holds no merges")
	}
	return nil
}

func (l *loader) addMerge(row string) error {
	left, right, ok := strings.Cut(row, " ")
	if !ok {
		return errors.New("is not two tokens")
	}
	var tokens [2]string
	var symbols [2]int32
	for i, word := range []string{left, right} {
		token, err := l.fromAlphabet(word)
		if err != nil {
			return err
		}
		id, known := l.ids[token]
		if !known {
			return fmt.Errorf("%.100q is not in %s", word, vocabName)
		}
		tokens[i], symbols[i] = token, id
	}
	id, known := l.ids[tokens[0]+tokens[1]]
	if !known {
		return fmt.Errorf("%.100q is not in %s", left+right, vocabName)
	}
	key := pair{symbols[0], symbols[1]}
	if _, twice := l.ranks[key]; twice {
		return errors.New("comes twice")
	}
	l.ranks[key] = int32(len(l.made))
	l.made = append(l.made, id)
	return nil
}

// addConfig takes the added tokens from tokenizer_config.json, and demands those that every prompt is made with.
func (l *loader) addConfig(text []byte) error {
	var config struct {
		Added map[int32]struct {
			Content string `json:"content"`
		} `json:"added_tokens_decoder"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return atJSON(text, err)
	}
	seen := make(map[string]bool)
	for id, token := range config.Added {
		err := l.add(token.Content, id)
		if err == nil && seen[token.Content] {
			err = errors.New("comes twice")
		}
		if err != nil {
			return fmt.Errorf("added token %.100q: %w", token.Content, err)
		}
		seen[token.Content] = true
		l.added = append(l.added, addedToken{token.Content, id})
	}
	slices.SortFunc(l.added, func(a, b addedToken) int { return len(b.text) - len(a.text) })
	for _, needed := range []string{"<|im_start|>", "<|im_end|>"} {
		if !seen[needed] {
			return fmt.Errorf("the added token %s is missing", needed)
		}
	}
	return nil
}

// alphabet gives the byte that a character stands for, −1 for none.
type alphabet [256 + 68]int16

// byteAlphabet is GPT-2's way to write bytes as visible characters: those that are visible in Latin-1 stand for
// themselves, the other 68 are U+0100 and following.
func byteAlphabet() (a alphabet) {
	next := 256
	for b := range 256 {
		if b >= '!' && b <= '~' || b >= '¡' && b <= '¬' || b >= '®' {
			a[b] = int16(b)
			continue
		}
		a[b] = -1
		a[next] = int16(b)
		next++
	}
	return a
}

// fromAlphabet gives the bytes that word stands for.
func (l *loader) fromAlphabet(word string) (string, error) {
	token := make([]byte, 0, len(word))
	for _, r := range word {
		if int(r) >= len(l.alphabet) || l.alphabet[r] < 0 {
			return "", fmt.Errorf("%.100q holds %q, which stands for no byte", word, r)
		}
		token = append(token, byte(l.alphabet[r]))
	}
	return string(token), nil
}

// atJSON puts the line in front of an error of encoding/json.
func atJSON(text []byte, err error) error {
	offset := int64(0)
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &wrong):
		offset = wrong.Offset
	}
	offset = min(offset, int64(len(text)))
	return fmt.Errorf("line %d: %w", 1+bytes.Count(text[:offset], []byte("\n")), err)
}
