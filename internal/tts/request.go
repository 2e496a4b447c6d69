package tts

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a request. The talker's context is 32,768 positions for prompt and speech together.
const (
	MaxTextRunes     = 100_000 // of text; seven hours at most
	MaxPromptRunes   = 10_000  // of text that is spoken with one prompt
	LongTextRunes    = 1_000   // of text that is not cut into segments unless asked
	MaxInstructRunes = 2_000   // of instruct
	MaxRefTextRunes  = 2_000   // of a reference's transcript
	MaxFrames        = 16_384  // codec frames of one generation: 21.8 minutes
)

// Request asks for one utterance.
type Request struct {
	Mode         Mode
	ModelID      string
	Text         string // what is spoken
	Language     string // a name of Languages in any case; "" and Auto let the model decide
	Speaker      string // Control: a name of Speakers in any case
	Instruct     string // Control: style, may be empty; Design: the voice's description
	RefAudioPath string // Clone: the reference clip, absolute
	RefText      string // Clone: the clip's transcript; "" clones from the speaker vector alone
	Voice        string // Clone: id or name of a saved voice, instead of clip and transcript
	RefTail      bool   // Clone with a transcript: half a second of silence behind the clip, so that its last sound is not spoken on
	OutputPath   string // the WAV to write, absolute; may be empty when Audio is set
	Takes        int    // how many times it is spoken, each with a seed and into a file of its own (see Each); 0 is 1, at most MaxTakes
	Sampling     Sampling

	LongText LongText // "" is LongAuto
	NoGuard  bool     // let a take that runs away run on
	Splice   *Splice  // put the speech into a result that is there; nil makes a new one

	Priority Priority  // "" is Interactive
	JobID    string    // what the job is to be called, so that it can be followed and stopped at once; "" leaves that to the service
	Audio    Sink      // gets the audio as it is made, too; may be nil
	Watch    func(Job) // told of the job as it is queued and whenever it changes, one call at a time and none after Generate; may be nil
}

// Sampling overrides the model's own settings; nil keeps the model's.
type Sampling struct {
	Temperature       *float64 `json:"temperature,omitempty"`        // 0 is greedy, at most 5
	TopK              *int     `json:"top_k,omitempty"`              // 0 is off
	TopP              *float64 `json:"top_p,omitempty"`              // in (0, 1], 1 is off
	RepetitionPenalty *float64 `json:"repetition_penalty,omitempty"` // in [1, 10], 1 is off
	Seed              *uint64  `json:"seed,omitempty"`               // nil draws one
	MaxFrames         *int     `json:"max_frames,omitempty"`         // 1…MaxFrames codec frames of 80 ms
	NonStreamingMode  *bool    `json:"non_streaming_mode,omitempty"` // feed the whole text before the first frame
}

// Greedy reports whether another seed makes no difference.
func (s Sampling) Greedy() bool { return s.Temperature != nil && *s.Temperature == 0 }

// Validate checks all that can be known without the model or the disk. The first thing wrong comes back as an
// *Error of CodeInvalid that says what to do.
func (r *Request) Validate() error {
	if !ValidModelID(r.ModelID) {
		return Errorf(CodeInvalid, "Use an id as GET /models lists it, for example "+DesignModelID+".", "model_id %q is not a model id", clip(r.ModelID))
	}
	if !Says(r.Text) {
		return Errorf(CodeInvalid, "Send the words to speak in text.", "Target text is required")
	}
	if err := r.validateMode(); err != nil {
		return err
	}
	for _, f := range []struct {
		field, text string
		limit       int
	}{
		{"text", r.Text, r.mostText()},
		{"instruct", r.Instruct, MaxInstructRunes},
		{"ref_text", r.RefText, MaxRefTextRunes},
	} {
		if err := validateText(f.field, f.text, f.limit); err != nil {
			return err
		}
	}
	if err := validateLanguage(r.Language); err != nil {
		return err
	}
	if err := r.validateOutput(); err != nil {
		return err
	}
	if err := r.validateTakes(); err != nil {
		return err
	}
	if p := r.Priority; p != "" && p != Interactive && p != Batch {
		return Errorf(CodeInvalid, "Use interactive or batch.", "unknown priority %q", clip(string(p)))
	}
	if r.JobID != "" && !ValidJobID(r.JobID) {
		return Errorf(CodeInvalid, "Use 8 to 64 letters a to z, digits, - and _.", "%q can't be the id of a job", clip(r.JobID))
	}
	if err := r.validateLong(); err != nil {
		return err
	}
	return r.Sampling.Validate()
}

func (r *Request) mostText() int {
	if r.LongText == LongOff {
		return MaxPromptRunes
	}
	return MaxTextRunes
}

func (r *Request) validateLong() error {
	switch r.LongText {
	case "", LongAuto, LongOn, LongOff:
	default:
		return Errorf(CodeInvalid, "Use auto, on or off.", "unknown long_text %q", clip(string(r.LongText)))
	}
	if r.Splice == nil {
		return nil
	}
	if r.OutputPath == "" {
		return Errorf(CodeInvalid, "Send the path of the result in output_path; it may be that of splice.", "a splice needs an output_path")
	}
	return r.Splice.validate()
}

func (r *Request) validateOutput() error {
	if r.OutputPath == "" && r.Audio != nil {
		return nil
	}
	if err := validatePath("output_path", r.OutputPath); err != nil {
		return err
	}
	if !strings.EqualFold(filepath.Ext(r.OutputPath), ".wav") {
		return Errorf(CodeInvalid, "Let output_path end in .wav.", "output_path %q is not a .wav file", clip(r.OutputPath))
	}
	return nil
}

func (r *Request) validateMode() error {
	switch r.Mode {
	case Clone:
		return r.validateReference()
	case Control:
		if strings.TrimSpace(r.Speaker) == "" {
			return Errorf(CodeInvalid, "Choose one of "+speakerNames()+".", "speaker is required")
		}
		if _, ok := FindSpeaker(r.Speaker); !ok {
			return Errorf(CodeInvalid, "Choose one of "+speakerNames()+".", "unknown speaker %q", clip(r.Speaker))
		}
		return nil
	case Design:
		if !Says(r.Instruct) {
			return Errorf(CodeInvalid, "Describe the voice in instruct, for example \"A calm, deep male voice\".", "Voice description is required")
		}
		return nil
	}
	return Errorf(CodeInvalid, "Use clone, control or design.", "unknown mode %q", clip(string(r.Mode)))
}

func (r *Request) validateReference() error {
	switch {
	case r.Voice != "" && (r.RefAudioPath != "" || r.RefText != ""):
		return Errorf(CodeInvalid, "Send voice alone, or ref_audio_path with ref_text.", "there are two references: a saved voice has its own clip and transcript")
	case r.Voice != "":
		return validateText("voice", r.Voice, 64)
	case r.RefAudioPath == "":
		return Errorf(CodeInvalid, "Send the path of a clip of the voice, best 3 to 15 seconds, in ref_audio_path, or the name of a saved one in voice.",
			"Reference audio is required")
	}
	return validatePath("ref_audio_path", r.RefAudioPath)
}

// FindSpeaker looks a built-in voice up by name, in any case.
func FindSpeaker(name string) (Speaker, bool) {
	i := slices.IndexFunc(Speakers(), func(s Speaker) bool { return strings.EqualFold(s.Name, strings.TrimSpace(name)) })
	if i < 0 {
		return Speaker{}, false
	}
	return Speakers()[i], true
}

func speakerNames() string {
	var names []string
	for _, s := range Speakers() {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

func validateLanguage(lang string) error {
	lang = strings.TrimSpace(lang)
	known := func(l string) bool { return strings.EqualFold(l, lang) }
	if lang == "" || known(LanguageAuto) || slices.ContainsFunc(Languages(), known) {
		return nil
	}
	return Errorf(CodeInvalid, "Choose Auto, "+strings.Join(Languages(), ", ")+".", "unknown language %q", clip(lang))
}

func validateText(field, s string, limit int) error {
	if !utf8.ValidString(s) {
		return Errorf(CodeInvalid, "Send the text as UTF-8.", "%s is not valid UTF-8", field)
	}
	if n := utf8.RuneCountInString(s); n > limit {
		hint := "Split it and speak the parts one after the other."
		if field == "ref_text" {
			hint = "Trim the clip to its best 3 to 15 seconds, and the text to what is said in them."
		}
		return Errorf(CodeInvalid, hint, "%s has %d characters, the limit is %d", field, n, limit)
	}
	for i, r := range s {
		if unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\u0085", r) {
			return Errorf(CodeInvalid, "Remove control characters; tabs and line breaks are fine.", "%s has the control character %U at byte %d", field, r, i)
		}
	}
	return nil
}

// Says reports whether there is anything in s but white space and characters that only format what is around them, such
// as the zero-width space, the soft hyphen and the byte order mark.
func Says(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) })
}

func validatePath(field, p string) error {
	if p == "" {
		return Errorf(CodeInvalid, "Send an absolute path.", "%s is required", field)
	}
	if strings.ContainsRune(p, 0) || !filepath.IsAbs(p) {
		return Errorf(CodeInvalid, "Send an absolute path.", "%s %q is not an absolute path", field, clip(p))
	}
	return nil
}

// Validate checks each value that is set.
func (s *Sampling) Validate() error {
	if t := s.Temperature; t != nil && !(*t >= 0 && *t <= 5) {
		return Errorf(CodeInvalid, "Use 0 for greedy, or a value up to 5; the models' own is 0.9.", "temperature %v is out of range", *t)
	}
	if k := s.TopK; k != nil && (*k < 0 || *k > math.MaxInt32) {
		return Errorf(CodeInvalid, "Use 0 to turn it off, or a count; the models' own is 50.", "top_k %d is out of range", *k)
	}
	if p := s.TopP; p != nil && !(*p > 0 && *p <= 1) {
		return Errorf(CodeInvalid, "Use a value above 0 and up to 1; 1 turns it off.", "top_p %v is out of range", *p)
	}
	if p := s.RepetitionPenalty; p != nil && !(*p >= 1 && *p <= 10) {
		return Errorf(CodeInvalid, "Use a value from 1, which turns it off, to 10; the models' own is 1.05.", "repetition_penalty %v is out of range", *p)
	}
	if n := s.MaxFrames; n != nil && (*n < 1 || *n > MaxFrames) {
		return Errorf(CodeInvalid, "One frame is 80 ms.", "max_frames %d is not in 1…%d", *n, MaxFrames)
	}
	return nil
}

// clip shortens what a user sent, for a message.
func clip(s string) string {
	const most = 80
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// Utterance is a request whose reference clip has been read, as the engine takes it.
type Utterance struct {
	Request
	Reference []float32  // Clone: the clip, mono at SampleRate; nil in the other modes
	Memory    ClipMemory // of the clip; may be nil

	// Observe is told of each frame as it is made, and says whether the speech goes on. What was made until then is
	// spoken. It may be nil.
	Observe func(Frame) bool
}

// Line is an utterance and where its audio goes: one of those that a model speaks together.
type Line struct {
	Utterance
	Sink Sink
}

// Frame is a codec frame, for those who watch over a generation.
type Frame struct {
	Codes []int32 // one of each codebook; code 0 is a sound like the others. Not to be kept
	End   float64 // how likely it was, between 0 and 1, that the speech would end here instead
}
