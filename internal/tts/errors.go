package tts

import (
	"errors"
	"fmt"
)

// Code says what kind of thing went wrong, for programs.
type Code string

// The codes. Whatever is not an *Error counts as CodeInternal.
const (
	CodeInvalid     Code = "invalid"     // the request can't be served as it stands
	CodeNotFound    Code = "not_found"   // a model, file or voice does not exist
	CodeNotLoaded   Code = "not_loaded"  // the model exists but isn't in memory
	CodeBusy        Code = "busy"        // in use; try again
	CodeQueueFull   Code = "queue_full"  // too many generations wait already; try again later
	CodeCanceled    Code = "canceled"    // the caller went away or pressed Stop
	CodeTimeout     Code = "timeout"     // took longer than allowed
	CodeCorrupt     Code = "corrupt"     // a file's content is broken or not what it claims to be
	CodeUnsupported Code = "unsupported" // well-formed, but not something TTSUI can do
	CodeDenied      Code = "denied"      // the system or a guard refused
	CodeDiskFull    Code = "disk_full"   // no space left
	CodeNoMemory    Code = "no_memory"   // not enough memory
	CodeUnreachable Code = "unreachable" // the server can't be reached
	CodeInternal    Code = "internal"    // a bug or an unforeseen failure
)

// Error is the error that crosses package borders and reaches users: a code for programs, one sentence that says
// what happened, and a hint that says what to do about it.
type Error struct {
	Code    Code
	Message string
	Hint    string
	Err     error // the cause, whose text Message already holds; may be nil
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error with a formatted message; a %w operand becomes its cause.
func Errorf(code Code, hint, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Hint: hint, Err: errors.Unwrap(err)}
}

// CodeOf gives the code of the first *Error in err's chain, CodeInternal when there is none, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// HintOf gives the hint of the first *Error in err's chain, or "".
func HintOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}
