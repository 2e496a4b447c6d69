package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// pieceLen is the length in bytes of the first piece of text, which is valid UTF-8 and not empty. It does what the
// vocabulary's own pattern does, whose look-ahead Go's regexp lacks:
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//
// The alternatives come one after the other, the first that matches wins.
func pieceLen(text string) int {
	first, width := utf8.DecodeRuneInString(text)
	if first == '\'' {
		if n := suffixLen(text[1:]); n > 0 {
			return 1 + n
		}
	}
	if unicode.IsLetter(first) {
		return runLen(text, unicode.IsLetter)
	}
	if unicode.IsNumber(first) {
		return width
	}
	if first != '\r' && first != '\n' {
		if n := runLen(text[width:], unicode.IsLetter); n > 0 {
			return width + n
		}
	}
	if n := symbolsLen(text); n > 0 {
		return n
	}
	return spaceLen(text)
}

// suffixLen is the length of an English suffix behind an apostrophe, in any case. The long s is an s too.
func suffixLen(text string) int {
	for _, suffix := range []string{"s", "ſ", "t", "re", "ve", "m", "ll", "d"} {
		if len(text) >= len(suffix) && strings.EqualFold(text[:len(suffix)], suffix) {
			return len(suffix)
		}
	}
	return 0
}

// symbolsLen is the length of a run of what is neither space, letter nor number, with one blank before and the ends
// of line behind; 0 if there is none.
func symbolsLen(text string) int {
	blank := 0
	if text[0] == ' ' {
		blank = 1
	}
	n := runLen(text[blank:], isSymbol)
	if n == 0 {
		return 0
	}
	n += blank
	return n + runLen(text[n:], isLineEnd)
}

// spaceLen cuts a run of white space: through its last end of line; else all of it when the text ends there; else
// before its last character, which goes with the word that follows, if the run has more than that one.
func spaceLen(text string) int {
	run := text[:runLen(text, unicode.IsSpace)]
	if i := strings.LastIndexAny(run, "\r\n"); i >= 0 {
		return i + 1
	}
	_, last := utf8.DecodeLastRuneInString(run)
	if len(run) == len(text) || len(run) == last {
		return len(run)
	}
	return len(run) - last
}

func isSymbol(r rune) bool {
	return !unicode.IsSpace(r) && !unicode.IsLetter(r) && !unicode.IsNumber(r)
}

func isLineEnd(r rune) bool { return r == '\r' || r == '\n' }

// runLen is the length of the run at the start of text whose characters all have the property is.
func runLen(text string, is func(rune) bool) int {
	for i, r := range text {
		if !is(r) {
			return i
		}
	}
	return len(text)
}
