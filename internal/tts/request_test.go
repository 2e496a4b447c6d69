package tts_test

import (
	"testing"

	"ttsui/internal/tts"
)

// A text and a voice's description have to say something: white space and characters that only format are nothing.
func TestTextSaysSomething(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		fails bool
	}{
		"nothing":                   {"", true},
		"white space":               {" \t\r\n\u00a0\u2028\u3000", true},
		"zero-width space":          {"\u200b", true},
		"soft hyphen, byte order":   {"\u00ad\ufeff", true},
		"both kinds":                {" \u200d\n\u2060 ", true},
		"a letter":                  {"a", false},
		"a letter behind a mark":    {"\ufeff a", false},
		"a family joined by U+200D": {"\U0001f468\u200d\U0001f469", false},
		"a full stop":               {".", false},
	} {
		t.Run(name, func(t *testing.T) {
			req := func(text, instruct string) *tts.Request {
				return &tts.Request{Mode: tts.Design, ModelID: tts.DesignModelID, Text: text, Instruct: instruct, OutputPath: "/tmp/a.wav"}
			}
			for want, r := range map[string]*tts.Request{
				"Target text is required":       req(c.text, "A calm voice"),
				"Voice description is required": req("Hello.", c.text),
			} {
				err := r.Validate()
				if !c.fails && err != nil || c.fails && (err == nil || err.Error() != want || tts.CodeOf(err) != tts.CodeInvalid || tts.HintOf(err) == "") {
					t.Errorf("%v (%s), want %q: %v", err, tts.CodeOf(err), want, c.fails)
				}
			}
		})
	}
}
