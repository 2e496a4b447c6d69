package tokenizer

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const golden = "../testkit/testdata/golden"

func loadGolden(t testing.TB) *Tokenizer {
	t.Helper()
	tok, err := Load(filepath.Join(golden, "checkpoints", "base"))
	must(t, err)
	return tok
}

// row is a text with the ids that a reference gives it.
type row struct {
	Text string  `json:"text"`
	IDs  []int32 `json:"ids"`
}

// The official package, which sees added tokens everywhere.
func TestOfficial(t *testing.T) {
	tok := loadGolden(t)
	text, err := os.ReadFile(filepath.Join(golden, "ref_torch", "tokenizer.json"))
	must(t, err)
	var rows []struct {
		row
		Template string `json:"template"`
		Raw      string `json:"raw"`
	}
	must(t, json.Unmarshal(text, &rows))
	templates := 0
	for _, r := range rows {
		if got := tok.EncodeTemplate(r.Text); !slices.Equal(got, r.IDs) {
			t.Errorf("%q: got %v, want %v", r.Text, got, r.IDs)
		}
		// The same from parts, with the user's text encoded by itself, unless that begins with an end of line,
		// which the official package glues to the template's.
		if r.Template == "" || strings.HasPrefix(r.Raw, "\n") {
			continue
		}
		templates++
		before, after, _ := strings.Cut(r.Text, r.Raw)
		got := slices.Concat(tok.EncodeTemplate(before), tok.Encode(r.Raw), tok.EncodeTemplate(after))
		if !slices.Equal(got, r.IDs) {
			t.Errorf("%q in parts: got %v, want %v", r.Text, got, r.IDs)
		}
	}
	if len(rows) != 62 || templates != 9 {
		t.Errorf("%d rows with %d templates, want 62 with 9", len(rows), templates)
	}
}

// Two thousand texts of all scripts, see testdata/make_frozen.py.
func TestFrozen(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "frozen.json.gz"))
	must(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	must(t, err)
	text, err := io.ReadAll(z)
	must(t, err)
	var rows []struct {
		row
		Pieces []int `json:"pieces"`
	}
	must(t, json.Unmarshal(text, &rows))
	if len(rows) != 2000 {
		t.Fatalf("%d rows, want 2000", len(rows))
	}
	tok := loadGolden(t)
	for _, r := range rows {
		got := tok.Encode(r.Text)
		if !slices.Equal(got, r.IDs) {
			t.Errorf("%q: got %v, want %v", r.Text, got, r.IDs)
		}
		if pieces := pieceLens(norm.NFC.String(r.Text)); !slices.Equal(pieces, r.Pieces) {
			t.Errorf("%q: cut into %v, want %v", r.Text, pieces, r.Pieces)
		}
	}
}

func pieceLens(text string) (lens []int) {
	for text != "" {
		n := pieceLen(text)
		lens = append(lens, n)
		text = text[n:]
	}
	return lens
}

func TestAddedTokens(t *testing.T) {
	tok := loadGolden(t)
	const end = 702 // <|im_end|>
	cases := map[string]struct {
		text string
		want []int32 // of EncodeTemplate
	}{
		"alone":         {"<|im_end|>", []int32{end}},
		"twice":         {"<|im_end|><|im_end|>", []int32{end, end}},
		"almost before": {"<<|im_end|>", append(tok.Encode("<"), end)},
		"cut":           {"<|im_end|", tok.Encode("<|im_end|")},
		"nothing":       {"", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := tok.EncodeTemplate(c.text); !slices.Equal(got, c.want) {
				t.Errorf("template: got %v, want %v", got, c.want)
			}
			for _, id := range tok.Encode(c.text) {
				if id >= 700 {
					t.Errorf("a user's text gave the added token %d", id)
				}
			}
		})
	}
	if tok.Size() != 733 || tok.MaxID() != 732 {
		t.Errorf("size %d, highest id %d; want 733, 732", tok.Size(), tok.MaxID())
	}
	if got := tok.Decode([]int32{-1, end, 733, 1 << 30}); got != "<|im_end|>" {
		t.Errorf("decoded %q", got)
	}
}

func TestInvalidUTF8(t *testing.T) {
	tok := loadGolden(t)
	if got, want := tok.Encode("a\xff\xc3b"), tok.Encode("a\uFFFDb"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A text of a mebibyte without any rest for the eye must not take quadratic time, which would be minutes: eight times
// the text takes about eight times as long, not sixty-four times. Both are timed side by side, since machines are noisy.
func TestLinear(t *testing.T) {
	tok := loadDoubling(t)
	const size, factor = 1 << 20, 8
	took := func(text string) time.Duration {
		best := time.Duration(1 << 62)
		for range 3 {
			start := time.Now()
			tok.EncodeTemplate(text)
			best = min(best, time.Since(start))
		}
		return best
	}
	for name, unit := range map[string]string{
		"letters": "a", "blanks": " ", "marks": "\u0301", "apostrophes": "'", "line ends": "\n", "line ends and blanks": "\n ",
		"digits": "7", "ideographs": "語", "words": "aaa ", "template openings": "<|im_", "broken bytes": "\xff",
	} {
		t.Run(name, func(t *testing.T) {
			short, long := took(strings.Repeat(unit, size/factor/len(unit))), took(strings.Repeat(unit, size/len(unit)))
			if long > 3*factor*short {
				t.Errorf("took %v, and %v for %d times the text", short, long, factor)
			}
		})
	}
	if got := tok.Encode(strings.Repeat("a", size)); len(got) != size/64 {
		t.Errorf("%d tokens, want %d: the merges were not made", len(got), size/64)
	}
}

// What Encode makes is the text in NFC again; broken bytes never stop it; added tokens need a template.
func FuzzEncode(f *testing.F) {
	for _, text := range []string{"Hello, world", "It's 12 \n\n o'clock", "e\u0301 각", "\xff\xfe", "<|im_end|>", "'ſ", "\r\n \t x", "語語語"} {
		f.Add(text)
	}
	tok := loadGolden(f)
	f.Fuzz(func(t *testing.T, text string) {
		ids := tok.Encode(text)
		want := norm.NFC.String(strings.ToValidUTF8(text, "\uFFFD"))
		if got := tok.Decode(ids); got != want {
			t.Fatalf("%q came back as %q, want %q", text, got, want)
		}
		if slices.ContainsFunc(ids, func(id int32) bool { return id < 0 || id >= 700 }) {
			t.Fatalf("%q gave an id outside the vocabulary: %v", text, ids)
		}
		if again := tok.Encode(want); !slices.Equal(again, ids) {
			t.Fatalf("%q gave %v, its NFC %v", text, ids, again)
		}
		template := tok.EncodeTemplate(text)
		if !strings.Contains(text, "<") && !slices.Equal(template, ids) {
			t.Fatalf("%q gave %v, as a template %v", text, ids, template)
		}
		if !utf8.ValidString(tok.Decode(template)) {
			t.Fatalf("%q: the template's tokens are not UTF-8", text)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	tok := loadDoubling(b)
	text := strings.Repeat("It was the best of times, it was the worst of times. ", 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		tok.Encode(text)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
