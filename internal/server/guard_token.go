package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"ttsui/internal/tts"
)

// Token is a password for the server. It holds no more than a hash, so that nothing can print the password.
type Token struct{ hash [sha256.Size]byte }

// Limits of a token, in characters.
const (
	minToken = 16
	maxToken = 1024
)

// NewToken makes a Token of a password.
func NewToken(password string) (*Token, error) {
	unfit := func(r rune) bool { return r <= ' ' || r > '~' }
	switch {
	case len(password) < minToken:
		return nil, tokenError("the token has %d characters, the least is %d", len(password), minToken)
	case len(password) > maxToken:
		return nil, tokenError("the token has more than %d characters", maxToken)
	case strings.ContainsFunc(password, unfit):
		return nil, tokenError("the token has blanks or characters beyond ASCII, which headers can't carry")
	}
	return &Token{sha256.Sum256([]byte(password))}, nil
}

func tokenError(format string, args ...any) error {
	return tts.Errorf(tts.CodeInvalid, "Make one: openssl rand -hex 32 > token; chmod 600 token", format, args...)
}

// ReadToken reads a Token from a file, without the blanks around it. A file that every user of the machine can read
// or write is refused.
func ReadToken(path string) (*Token, error) {
	token, err := readToken(path)
	if err != nil {
		return nil, tts.Errorf(tts.CodeOf(err), tts.HintOf(err), "token file %q: %w", path, err)
	}
	return token, nil
}

func readToken(path string) (*Token, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, tokenFileError(err)
	}
	defer f.Close()
	info, err := f.Stat() // of the file that is open, whatever the path means by now
	if err != nil {
		return nil, tokenFileError(err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return nil, tts.Errorf(tts.CodeDenied, "Run: chmod 600 "+path, "its permissions %v let every user of this machine at it", info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, 2*maxToken))
	if err != nil {
		return nil, tokenFileError(err)
	}
	return NewToken(strings.TrimSpace(string(text)))
}

func tokenFileError(err error) error {
	code, onPath := tts.CodeInvalid, (*fs.PathError)(nil)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		code = tts.CodeNotFound
	case errors.Is(err, fs.ErrPermission):
		code = tts.CodeDenied
	}
	if errors.As(err, &onPath) {
		err = onPath.Err
	}
	return tts.Errorf(code, "Name a file that you may read.", "%w", err)
}

// check wants the token in the one header Authorization. It takes the same time for every wrong one. A nil Token
// lets everything pass.
func (t *Token) check(h http.Header) error {
	if t == nil {
		return nil
	}
	const hint = "Send the header Authorization: Bearer <token>, with the token in the server's --token-file."
	values := h.Values("Authorization")
	if len(values) == 0 {
		return unauthorized(hint, "the header Authorization is missing")
	}
	scheme, password, _ := strings.Cut(values[0], " ")
	hash := sha256.Sum256([]byte(strings.TrimSpace(password)))
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(hash[:], t.hash[:]) != 1 {
		return unauthorized(hint, "the header Authorization does not hold the server's token")
	}
	return nil
}

func unauthorized(hint, message string) error {
	return refusal{http.StatusUnauthorized, tts.Errorf(tts.CodeDenied, hint, "%s", message)}
}
