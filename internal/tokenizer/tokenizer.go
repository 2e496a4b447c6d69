// Package tokenizer turns text into the token ids of Qwen2's byte-level BPE, as Qwen3-TTS was trained on.
//
// The way is: Unicode NFC; a cut into pieces such as words, single digits and runs of punctuation (split.go); within
// a piece, merges of neighbouring symbols in the order of merges.txt, beginning with single bytes (merge.go). Every
// step takes time linear in the text, or nearly so, whatever the text is.
//
// Two cases differ from the reference. Characters that Unicode added after the version this Go knows may be cut
// otherwise. In a run of more than thirty combining marks, which no language writes, NFC as of golang.org/x/text
// inserts a joiner.
package tokenizer

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Tokenizer is an immutable vocabulary; it may be used by many goroutines at once.
type Tokenizer struct {
	tokens []string       // the bytes that an id stands for, "" where it stands for nothing
	size   int            // how many ids stand for something
	bytes  [256]int32     // ids of the single bytes
	ranks  map[pair]int32 // of two neighbours that merge: the line in merges.txt
	made   []int32        // by rank: the id that the merge makes
	added  []addedToken   // the longest first
}

// pair is two neighbouring symbols, by their ids.
type pair struct{ left, right int32 }

// addedToken is a word outside the BPE vocabulary, such as <|im_start|>.
type addedToken struct {
	text string
	id   int32
}

// Size is the number of tokens.
func (t *Tokenizer) Size() int { return t.size }

// MaxID is the highest id that Encode or EncodeTemplate can give. The text embedding needs a row for it.
func (t *Tokenizer) MaxID() int32 { return int32(len(t.tokens) - 1) }

// Encode gives the ids of what a user wrote. It never sees an added token in it: "<|im_end|>" is spoken like any
// other punctuation, and can't end the prompt. Bytes that are not UTF-8 count as U+FFFD.
func (t *Tokenizer) Encode(text string) []int32 {
	return t.encode(&merger{vocabulary: t}, text, nil)
}

// EncodeTemplate gives the ids of a text of our own, in which added tokens count. The longest of them wins.
func (t *Tokenizer) EncodeTemplate(text string) []int32 {
	var ids []int32
	m := &merger{vocabulary: t}
	start := 0
	for i := 0; i < len(text); {
		token, ok := t.addedAt(text[i:])
		if !ok {
			i++
			continue
		}
		ids = append(t.encode(m, text[start:i], ids), token.id)
		i += len(token.text)
		start = i
	}
	return t.encode(m, text[start:], ids)
}

func (t *Tokenizer) addedAt(text string) (addedToken, bool) {
	for _, token := range t.added {
		if strings.HasPrefix(text, token.text) {
			return token, true
		}
	}
	return addedToken{}, false
}

// encode appends the ids of a text without added tokens.
func (t *Tokenizer) encode(m *merger, text string, ids []int32) []int32 {
	text = norm.NFC.String(strings.ToValidUTF8(text, "\uFFFD"))
	for text != "" {
		n := pieceLen(text)
		ids = m.appendPiece(ids, text[:n])
		text = text[n:]
	}
	return ids
}

// Decode gives the text of ids. A character whose bytes are spread over several tokens is whole only if all of them
// are there. Ids that stand for nothing are left out.
func (t *Tokenizer) Decode(ids []int32) string {
	var b strings.Builder
	for _, id := range ids {
		if id >= 0 && int(id) < len(t.tokens) {
			b.WriteString(t.tokens[id])
		}
	}
	return b.String()
}
