package textplan

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ttsui/internal/tts"
)

// stories are what people write, by language; a bar stands behind each sentence, a slash for a line break.
var stories = map[string][]string{
	"English": {
		`Dr. Smith paid $3.50 for 1.5 kg, i.e. too much. |He left at 5 p.m. on Monday. |“Stop!” she cried. |(So did J. R. Hartley.) |Why?! |No. 7 waited… |The end`,
		`He asked "Is it you?" and went on. |Mr. and Mrs. Brown live at example.com/a.b. |It is 10:30, isn't it? |`,
	},
	"German": {
		`Am 3. Oktober kam Hr. Müller, z. B. mit Nr. 512. |Das kostet 1.000,50 €. |»Ja.« |»Nein!«, rief sie. |„Geh.“ |Er ging usw. bis zum Ende.`,
	},
	"French": {
		"« Bonjour. » |Il dit : « Viens ! » |M. Dupont et Mme. Leroy sont là ; eux aussi. |Quoi ? |Rien.",
	},
	"Spanish":    {`¿Qué tal? |¡Muy bien! |El Sr. García vive en la pág. 120. |Adiós.`},
	"Italian":    {`Il Sig. Rossi e il Dott. Verdi arrivano. |Che bello! |Pesa 2,5 kg.`},
	"Portuguese": {`O Sr. Silva chegou. |A Dra. Costa também… |Onde está? |Aqui.`},
	"Russian":    {`В 1999 г. жил А. С. Пушкин, т. е. поэт. |Он пишет: «Да!» |Ул. Ленина. |Что? |Нет.`},
	"Chinese":    {`你好，世界。|他说：“走吧！”|她走了……为什么？|三点一四是3.14。|`},
	"Japanese":   {`「行くよ。」と彼は言った。|本当？|はい、そうです。|（終わり。）|`},
	"Korean":     {`안녕하세요. |뭐라고요? |그는 3.5킬로를 샀다. |"네." |끝.`},
}

func TestSentences(t *testing.T) {
	for language, list := range stories {
		for _, story := range list {
			var got strings.Builder
			text, at := strings.ReplaceAll(story, "|", ""), 0
			for _, p := range findPoints(text, paceOf(text, language)) {
				if p.kind >= Sentence {
					got.WriteString(text[at:p.end])
					at = p.end
					if p.kind != End || strings.HasSuffix(story, "|") {
						got.WriteString("|")
					}
				}
			}
			if d := cmp.Diff(story, got.String()); d != "" {
				t.Errorf("%s: %s", language, d)
			}
		}
	}
}

// TestBreaks names the kind of every break that is worth more than the end of a character.
func TestBreaks(t *testing.T) {
	const mark = " wcsp"
	for text, want := range map[string]string{
		"One two, three.":                         "One wtwo, cthree.",
		"A line that\nis wrapped.\nAnother":       "A wline wthat\ncis wwrapped.\nsAnother",
		"One.\n\nTwo.\r\n \r\nThree\u2029 Four\n": "One.\n\npTwo.\r\n \r\npThree\u2029 pFour\n",
		"3,5 or 10:30;\u00a0so":                   "3,5 wor w10:30;\u00a0so",
		"a well-known\u3000one":                   "a wwell-wknown\u3000wone",
		"我来，我看":                                   "我w来，c我w看",
	} {
		var got strings.Builder
		at := 0
		for _, p := range findPoints(text, pace{}) {
			got.WriteString(text[at:p.end])
			if at = p.end; p.kind > Character && p.kind < End {
				got.WriteByte(mark[p.kind-Character])
			}
		}
		if d := cmp.Diff(want, got.String()); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

// checkPlan holds the plan of any text to its laws.
func checkPlan(t interface{ Fatalf(string, ...any) }, text, language string) {
	segments := Split(text, language)
	p := paceOf(text, language)
	frames := func(text string) (sum float64) {
		for _, r := range text {
			sum += p.frames(r)
		}
		return sum
	}
	var all strings.Builder
	alone := true // the segment begins a paragraph
	for i, s := range segments {
		all.WriteString(s.Text)
		size := frames(s.Text)
		switch last := i == len(segments)-1; {
		case s.Text == "":
			t.Fatalf("segment %d of %q is empty", i, text)
		case (s.End == End) != last:
			t.Fatalf("segment %d of %d ends with %d", i, len(segments), s.End)
		case size > mostFrames+1e-6:
			t.Fatalf("segment %q has %.1f frames", s.Text, size)
		case size < leastFrames-1e-6 && !(alone && s.End >= Paragraph):
			t.Fatalf("segment %q of a longer paragraph has only %.1f frames", s.Text, size)
		case utf8.ValidString(text) && !utf8.ValidString(s.Text):
			t.Fatalf("a character is cut: %q", s.Text)
		}
		alone = s.End >= Paragraph
	}
	if all.String() != text {
		t.Fatalf("the segments of %q make %q", text, all.String())
	}
}

// TestPlan: whatever is said, in all languages and mixed, nothing is lost and nothing read twice, and no segment is too
// long, or needlessly short.
func TestPlan(t *testing.T) {
	var pieces []string
	for _, list := range stories {
		for _, story := range list {
			pieces = append(pieces, strings.Split(story, "|")...)
		}
	}
	pieces = append(pieces, "\n", "\n\n", "\r\n", "\t", " ", "…", "\u200b", "👩‍👩‍👧‍👦", "e\u0301", "###", "Donaudampfschifffahrtsgesellschaft")
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		for range rapid.IntRange(0, 40).Draw(t, "pieces") {
			piece := rapid.OneOf(rapid.SampledFrom(pieces), rapid.String()).Draw(t, "piece")
			text.WriteString(strings.Repeat(piece, rapid.IntRange(1, 30).Draw(t, "times")))
		}
		checkPlan(t, text.String(), rapid.SampledFrom(append(tts.Languages(), "")).Draw(t, "language"))
	})
}

func FuzzPlan(f *testing.F) {
	for language, list := range stories {
		for _, story := range list {
			f.Add(story, language, uint(30))
		}
	}
	f.Add("\xff\u0301", "", uint(500))
	f.Fuzz(func(t *testing.T, text, language string, times uint) {
		checkPlan(t, strings.Repeat(text, int(min(times, uint(5_000/max(len(text), 1))))), language)
	})
}

// TestLanguagesAreCutAtSentences: a long text of each language is cut where its sentences end.
func TestLanguagesAreCutAtSentences(t *testing.T) {
	if len(stories) != len(tts.Languages()) {
		t.Fatalf("%d stories", len(stories))
	}
	for _, language := range tts.Languages() {
		story := strings.ReplaceAll(stories[language][0], "|", "")
		text := strings.Repeat(strings.TrimSpace(story)+" ", 40)
		segments := Split(text, language)
		for _, s := range segments {
			if s.End < Sentence {
				t.Errorf("%s: %q ends at %d", language, s.Text, s.End)
			}
		}
		if n := len(segments); n < 5 {
			t.Errorf("%s: %d segments", language, n)
		}
		checkPlan(t, text, language)
	}
}

// TestCharactersStayWhole: a text without any better place is cut between characters, as people see them.
func TestCharactersStayWhole(t *testing.T) {
	text := strings.Repeat("e\u0301👩‍👩‍👧‍👦", 300)
	for _, s := range Split(text, "") {
		if rest := strings.NewReplacer("e\u0301", "", "👩‍👩‍👧‍👦", "").Replace(s.Text); rest != "" {
			t.Errorf("%q has %q", s.Text, rest)
		}
	}
	checkPlan(t, "a"+strings.Repeat("\u0301", 5000)+"b", "")
}

func TestParagraphs(t *testing.T) {
	segments := Split("One.\n\n* * *\n\nTwo. Three.", "English")
	want := []Segment{{"One.\n\n", Paragraph}, {"* * *\n\n", Paragraph}, {"Two. Three.", End}}
	if d := cmp.Diff(want, segments); d != "" {
		t.Error(d)
	}
	if segments[1].Speakable() || !segments[0].Speakable() || !(Segment{Text: "5"}).Speakable() || !(Segment{Text: "好"}).Speakable() {
		t.Error("what can be spoken is wrong")
	}
	if Paragraph.Pause() <= Sentence.Pause() || Sentence.Pause() <= Clause.Pause() || Word.Pause() != 0 || End.Pause() != 0 {
		t.Error("the pauses are wrong")
	}
	if len(Split("", "")) != 0 {
		t.Error("nothing has segments")
	}
}

// TestFrames holds the estimate to what is generally known: people read 130 to 200 English words a minute, and 200 to 300
// Chinese characters.
func TestFrames(t *testing.T) {
	minute := time.Minute.Seconds() * 12.5
	words := minute / (Frames("People usually read between a hundred and thirty and two hundred words in every minute.", "English") / 14)
	if words < 130 || words > 200 {
		t.Errorf("%.0f words a minute", words)
	}
	if n := minute / Frames("字", ""); n < 200 || n > 300 {
		t.Errorf("%.0f Chinese characters a minute", n)
	}
	if Frames("日本", "Japanese") <= Frames("日本", "Chinese") || Frames("日本で", "Auto")-2 != Frames("日本", "Japanese") || Frames("日本で", "Chinese")-2 != Frames("日本", "") {
		t.Error("a Chinese character is as long in Japanese as in Chinese")
	}
}

// TestLinear: the longest text is planned in milliseconds, whatever is in it; a law of squares would take many seconds.
func TestLinear(t *testing.T) {
	for _, piece := range []string{" ", ".", "a", "\n", "\u0301", "\"", ". 1", "a.", "…」", "\u200d", "好", "1,"} {
		checkPlan(t, strings.Repeat(piece, tts.MaxTextRunes/len(piece)), "")
	}
}
