package logs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"ttsui/internal/logs"
)

func fixed() time.Time { return time.Date(2024, 1, 15, 10, 30, 45, 123_456_789, time.Local) }

func TestLineFormat(t *testing.T) {
	for _, c := range []struct {
		name string
		log  func(zerolog.Logger)
		want string
	}{
		{"debug", func(l zerolog.Logger) { l.Debug().Msg("Cleared MLX cache") }, "DEBUG | Cleared MLX cache"},
		{"info", func(l zerolog.Logger) { l.Info().Msg("Loading model: a/b") }, "INFO | Loading model: a/b"},
		{"warning", func(l zerolog.Logger) { l.Warn().Msg("slow") }, "WARNING | slow"},
		{"error", func(l zerolog.Logger) { l.Error().Msg("no such file") }, "ERROR | no such file"},
		{"critical", func(l zerolog.Logger) { logs.Critical(&l).Msg("a bug") }, "CRITICAL | a bug"},
		{"any script", func(l zerolog.Logger) { l.Info().Msg("你好 – мир | ok") }, "INFO | 你好 – мир | ok"},
		{"new line", func(l zerolog.Logger) { l.Info().Msg("a\n2024-01-15 10:30:45,123 | INFO | forged") },
			`INFO | a\n2024-01-15 10:30:45,123 | INFO | forged`},
		{"terminal code", func(l zerolog.Logger) { l.Info().Msg("\x1b[2Ja\u009bb\u202ec\u2028d") }, `INFO | \x1b[2Ja\u009bb\u202ec\u2028d`},
		{"bad UTF-8", func(l zerolog.Logger) { l.Info().Msg("a\xffb") }, "INFO | a�b"},
		{"fields", func(l zerolog.Logger) { l.Info().Str("hint", "try\nagain").Int("n", 3).Bool("ok", true).Msg("m") },
			`INFO | m hint="try\nagain" n=3 ok=true`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			c.log(logs.New(&out, zerolog.DebugLevel, fixed))
			if want := "2024-01-15 10:30:45,123 | " + c.want + "\n"; out.String() != want {
				t.Errorf("got  %q\nwant %q", out.String(), want)
			}
		})
	}
}

func TestLevelIsAThreshold(t *testing.T) {
	var out bytes.Buffer
	log := logs.New(&out, zerolog.WarnLevel, fixed)
	log.Info().Msg("quiet")
	log.Warn().Msg("loud")
	if got := out.String(); strings.Contains(got, "quiet") || !strings.Contains(got, "loud") {
		t.Errorf("at WARNING the log holds %q", got)
	}
}

func TestParseLevel(t *testing.T) {
	for text, want := range map[string]zerolog.Level{
		"debug": zerolog.DebugLevel, "INFO": zerolog.InfoLevel, "Warning": zerolog.WarnLevel, "error": zerolog.ErrorLevel, "critical": zerolog.FatalLevel,
	} {
		if got, err := logs.ParseLevel(text); err != nil || got != want {
			t.Errorf("ParseLevel(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "warn ", "loud"} {
		if got, err := logs.ParseLevel(text); err == nil {
			t.Errorf("ParseLevel(%q) = %v without an error", text, got)
		}
	}
}

// FuzzOneLine: any text makes exactly one printable line in each place, all alike, and a text that prints is kept as
// it is.
func FuzzOneLine(f *testing.F) {
	for _, s := range []string{"", "plain", "a\nb", "\x1b]0;title\a", "\xf0\x9f", "{\"level\":\"fatal\"}", "\u2029", `back\slash`, "a | b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var out bytes.Buffer
		dir := t.TempDir()
		l := logs.Open(logs.Config{Level: zerolog.DebugLevel, Out: &out, Dir: dir, Now: fixed})
		defer l.Close()
		l.Logger.Info().Msg(text)
		line, whole := strings.CutSuffix(out.String(), "\n")
		if !whole || strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
			t.Fatalf("%q became %q", text, out.String())
		}
		message, begins := strings.CutPrefix(line, "2024-01-15 10:30:45,123 | INFO | ")
		if !begins || message != logs.Escape(text) {
			t.Fatalf("%q became %q", text, line)
		}
		printable := utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
		if printable && message != text {
			t.Fatalf("%q became %q", text, message)
		}
		if file, err := os.ReadFile(filepath.Join(dir, "ttsui.log")); err != nil || string(file) != out.String() {
			t.Fatalf("the file has %q, %v", file, err)
		}
		if kept := l.Ring.Newest(zerolog.DebugLevel, 2).Entries; len(kept) != 1 || len(message) < 1000 && kept[0].Message != message {
			t.Fatalf("the ring has %+v", kept)
		}
	})
}
