package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"ttsui/internal/tts"
)

// maxBody is far above what the limits of a request allow, but for a clip.
const maxBody = 1 << 20

// readBody reads the JSON of a POST or a PATCH, at most limit bytes. Other methods have none.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.Method != http.MethodPost && r.Method != http.MethodPatch {
		return nil, nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, refuse(http.StatusUnsupportedMediaType, "Send the header Content-Type: application/json.", "the body has to be JSON")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, bodyError(err)
	}
	// The guard's deadline was for the body alone: one that stood while a model speaks would end its request.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return body, nil
}

// bodyError says why a body could not be read.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if !errors.As(err, &tooLarge) {
		return refuse(http.StatusBadRequest, "Send the request again.", "the body did not arrive: %v", err)
	}
	hint := "Split the text and speak the parts one after the other."
	if tooLarge.Limit > maxBody {
		hint = "Send the best 3 to 15 seconds of the clip."
	}
	return refuse(http.StatusRequestEntityTooLarge, hint, "the body is larger than %d bytes", tooLarge.Limit)
}

// decode reads body as one JSON object into a pointer to a struct. A name it doesn't know, a value of another type and
// text that is no Unicode are errors that say which. Names are taken as encoding/json takes them: in any case, and of one
// that comes twice the last value counts.
func decode(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return invalid("Send a JSON object.", "the body is empty")
	}
	if !utf8.Valid(body) {
		return invalid("Send the text as UTF-8.", "the body is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return explainJSON(err, into)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return invalid("Send one JSON object and nothing after it.", "there is more after the JSON object")
	}
	if bytes.Equal(bytes.TrimSpace(body), []byte("null")) {
		return invalid("Send a JSON object.", "the body is null")
	}
	if half := halfCharacter(body); half != "" {
		return invalid("Send the text as UTF-8.", "%s is half a character without its other half", half)
	}
	return nil
}

// halfCharacter finds an escape of a surrogate without its partner in valid JSON, "" when there is none. encoding/json
// would put U+FFFD in its place, and the model would speak that.
func halfCharacter(text []byte) string {
	unit := func(at int) rune { // of the escape \uXXXX that begins here, else -1
		if !bytes.HasPrefix(text[min(at, len(text)):], []byte(`\u`)) {
			return -1
		}
		n, _ := strconv.ParseUint(string(text[at+2:at+6]), 16, 16) // valid JSON has four digits
		return rune(n)
	}
	for at := 0; ; {
		next := bytes.IndexByte(text[at:], '\\')
		if next < 0 {
			return ""
		}
		at += next
		switch first := unit(at); {
		case !utf16.IsSurrogate(first):
			at += 2 // what is escaped may be a backslash itself
		case utf16.DecodeRune(first, unit(at+6)) == utf8.RuneError:
			return string(text[at : at+6])
		default:
			at += 12
		}
	}
}

// explainJSON says in a user's words what encoding/json found.
func explainJSON(err error, into any) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		field := wrongType.Field[strings.LastIndexByte(wrongType.Field, '.')+1:] // without the Go name of what is embedded
		if field == "" {
			return invalid("Send a JSON object.", "the body has to be a JSON object, not %s", jsonName(wrongType.Value))
		}
		return invalid("Correct "+field+".", "%s has to be %s, not %s", field, typeName(wrongType.Type), jsonName(wrongType.Value))
	}
	// encoding/json has no type for this error.
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return invalid("The fields are "+strings.Join(fieldNames(reflect.TypeOf(into).Elem()), ", ")+".", "unknown field %.100s", field)
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return invalid("Correct the JSON.", "the body is not JSON: %v at byte %d", syntax, syntax.Offset)
	}
	return invalid("Send a whole JSON object.", "the body is not JSON: it ends too early")
}

// typeName says what a field of Go type t takes.
func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Uint64:
		return "a whole number from 0 on"
	case reflect.Struct:
		return "an object"
	}
	return "a number"
}

// jsonName puts an article before encoding/json's name of a value, which is a type or "number 1.5".
func jsonName(value string) string {
	switch {
	case value == "bool":
		return "true or false"
	case strings.HasPrefix(value, "number "):
		return fmt.Sprintf("%.40s", strings.TrimPrefix(value, "number "))
	case strings.HasPrefix(value, "a"), strings.HasPrefix(value, "o"):
		return "an " + value
	}
	return "a " + value
}

// fieldNames lists the JSON names of a struct, those of what it embeds included.
func fieldNames(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if !f.Anonymous {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	return names
}

func invalid(hint, format string, args ...any) error {
	return tts.Errorf(tts.CodeInvalid, hint, format, args...)
}
