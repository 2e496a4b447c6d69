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
	ids      map[string]int32 // of vocab.json, by the word in the byte alphabet
	alphabet alphabet
}

// addVocab takes vocab.json: an object from a token, written in the byte alphabet, to its id.
func (l *loader) addVocab(text []byte) error {
	vocab, err := l.readVocab(text)
	if err != nil {
		return atJSON(text, err)
	}
	l.tokens = make([]string, 0, len(vocab))
	for i := range l.bytes {
		l.bytes[i] = none
	}
	for _, e := range vocab {
		token, err := l.fromAlphabet(e.word)
		if err == nil {
			err = l.add(token, e.id)
		}
		if err != nil {
			return fmt.Errorf("token %.100q: %w", e.word, err)
		}
		if len(token) == 1 {
			l.bytes[token[0]] = e.id
		}
	}
	if i := slices.Index(l.bytes[:], none); i >= 0 {
		return fmt.Errorf("no token for the byte %d", i)
	}
	return nil
}

// readVocab fills the ids, and gives them as a list, too. What scanVocab leaves to encoding/json takes several times as
// long.
func (l *loader) readVocab(text []byte) ([]entry, error) {
	vocab, ok := scanVocab(string(text))
	if ok {
		l.ids = make(map[string]int32, len(vocab))
		for _, e := range vocab {
			l.ids[e.word] = e.id
		}
	} else if err := json.Unmarshal(text, &l.ids); err != nil {
		return nil, err
	}
	if len(vocab) != len(l.ids) { // of a word that comes twice the last id counts, as encoding/json has it
		vocab = vocab[:0]
		for word, id := range l.ids {
			vocab = append(vocab, entry{word, id})
		}
	}
	return vocab, nil
}

// add gives id its meaning.
func (l *loader) add(token string, id int32) error {
	if token == "" {
		return errors.New("is empty")
	}
	if id < 0 || id >= maxTokens {
		return fmt.Errorf("id %d is not between 0 and %d", id, maxTokens-1)
	}
	for int(id) >= len(l.tokens) {
		l.tokens = append(l.tokens, "")
	}
	if l.tokens[id] != "" {
		return fmt.Errorf("id %d is taken by %.100q", id, l.tokens[id])
	}
	l.tokens[id] = token
	l.size++
	return nil
}

// addMerges takes merges.txt: two tokens a line, the pair to be merged first in the first line. The ranks have a loop of
// their own, in which the processor waits for many places of the memory at once: in the first loop they would take three
// times as long.
func (l *loader) addMerges(text []byte) error {
	line, most := 0, min(bytes.Count(text, []byte("\n"))+1, maxTokens)
	rows := make([]mergeRow, 0, most)
	l.made = make([]int32, 0, most)
	for row := range strings.Lines(string(text)) {
		line++
		row = strings.TrimRight(strings.TrimSuffix(row, "\n"), "\r")
		if row == "" || line == 1 && strings.HasPrefix(row, "#version") {
			continue
		}
		key, made, err := l.merge(row)
		merge := mergeRow{line, row, key}
		if err == nil && len(rows) == maxTokens {
			err = fmt.Errorf("is more than the %d merges that a vocabulary may have", maxTokens)
		}
		if err != nil {
			return merge.wrong(err)
		}
		rows, l.made = append(rows, merge), append(l.made, made)
	}
	if len(rows) == 0 {
		return errors.New("holds no merges")
	}
	l.ranks = make(map[pair]int32, len(rows))
	for rank, row := range rows {
		l.ranks[row.key] = int32(rank)
		if len(l.ranks) == rank {
			return row.wrong(errors.New("comes twice"))
		}
	}
	return nil
}

// mergeRow is a line of merges.txt.
type mergeRow struct {
	line int
	text string
	key  pair
}

func (r mergeRow) wrong(err error) error {
	return fmt.Errorf("line %d: %.100q: %w", r.line, r.text, err)
}

// merge gives the ids of the two tokens in row, and of the one that they make.
func (l *loader) merge(row string) (key pair, made int32, err error) {
	left, right, ok := strings.Cut(row, " ")
	if !ok {
		return pair{}, 0, errors.New("is not two tokens")
	}
	var known [3]bool
	key.left, known[0] = l.ids[left]
	key.right, known[1] = l.ids[right]
	made, known[2] = l.ids[left+right]
	if i := slices.Index(known[:], false); i >= 0 {
		return pair{}, 0, l.unknown([]string{left, right, left + right}[i])
	}
	return key, made, nil
}

// unknown says what is wrong with a word that is not in vocab.json.
func (l *loader) unknown(word string) error {
	if _, err := l.fromAlphabet(word); err != nil {
		return err
	}
	return fmt.Errorf("%.100q is not in %s", word, vocabName)
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
