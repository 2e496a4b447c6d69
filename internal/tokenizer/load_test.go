package tokenizer

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ttsui/internal/tts"
)

const config = `{"added_tokens_decoder": {"1000": {"content": "<|im_start|>"}, "1001": {"content": "<|im_end|>"}}}`

// byteVocab is the 256 single bytes, as vocab.json writes them.
func byteVocab() map[string]int32 {
	vocab := make(map[string]int32)
	for r, b := range byteAlphabet() {
		if b >= 0 {
			vocab[string(rune(r))] = int32(b)
		}
	}
	return vocab
}

// loadDoubling loads a vocabulary that merges runs of a, of blanks and of the bytes of U+0301 to 64 times their size.
func loadDoubling(t testing.TB) *Tokenizer {
	t.Helper()
	vocab := byteVocab()
	merges := "#version: 0.2\n"
	add := func(left, right string) {
		vocab[left+right] = int32(len(vocab))
		merges += left + " " + right + "\n"
	}
	add("Ì", "ģ") // CC 81
	for _, unit := range []string{"a", "Ġ", "Ìģ"} {
		for n := 1; n < 64; n *= 2 {
			add(strings.Repeat(unit, n), strings.Repeat(unit, n))
		}
	}
	tok, err := Load(checkpoint(t, encodeVocab(t, vocab), merges, config))
	must(t, err)
	return tok
}

func encodeVocab(t testing.TB, vocab map[string]int32) string {
	t.Helper()
	text, err := json.Marshal(vocab)
	must(t, err)
	return string(text)
}

func checkpoint(t testing.TB, vocab, merges, config string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{vocabName: vocab, mergesName: merges, configName: config} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return dir
}

func TestLoadRefuses(t *testing.T) {
	with := func(change func(map[string]int32)) string {
		vocab := byteVocab()
		vocab["ab"] = 256
		if change != nil {
			change(vocab)
		}
		return encodeVocab(t, vocab)
	}
	good := with(nil)
	added := func(id, text string) string {
		return strings.Replace(config, `{"1000"`, `{"`+id+`": {"content": "`+text+`"}, "1000"`, 1)
	}
	cases := map[string]struct {
		vocab, merges, config string
		want                  string
	}{
		"vocabulary not JSON":        {"\n\nx", "a b", config, "vocab.json: line 3: "},
		"vocabulary cut":             {good[:len(good)/2], "a b", config, "vocab.json: line 1: "},
		"vocabulary a list":          {`[]`, "a b", config, "vocab.json: line 1: "},
		"id a string":                {`{"a":"b"}`, "a b", config, "vocab.json: line 1: "},
		"id a fraction":              {`{"a":1.5}`, "a b", config, "vocab.json: line 1: "},
		"id negative":                {with(func(v map[string]int32) { v["ab"] = -1 }), "a b", config, "id -1 is not"},
		"id huge":                    {with(func(v map[string]int32) { v["ab"] = 1<<31 - 1 }), "a b", config, "id 2147483647 is not"},
		"id twice":                   {with(func(v map[string]int32) { v["ab"] = 7 }), "a b", config, "id 7 is taken"},
		"empty token":                {with(func(v map[string]int32) { v[""] = 300 }), "a b", config, "is empty"},
		"byte missing":               {with(func(v map[string]int32) { delete(v, "Ċ") }), "a b", config, "no token for the byte 10"},
		"outside the alphabet":       {with(func(v map[string]int32) { v["a b"] = 300 }), "a b", config, "stands for no byte"},
		"merge of one token":         {good, "#version: 0.2\na b\nab\n", config, `merges.txt: line 3: "ab": is not two`},
		"merge of three tokens":      {good, "a b c", config, "line 1: "},
		"merge outside the alphabet": {good, "a \x00", config, "stands for no byte"},
		"merge of an unknown token":  {good, "a bc", config, `"bc" is not in vocab.json`},
		"merge to an unknown token":  {good, "a b\r\nb a\r\n", config, `line 2: "b a": "ba" is not in vocab.json`},
		"merge twice":                {good, "a b\na b\n", config, "line 2: \"a b\": comes twice"},
		"merges too many":            {good, strings.Repeat("a b\n", maxTokens+1), config, "line 1048577: "},
		"no merges":                  {good, "#version: 0.2\n\n", config, "holds no merges"},
		"configuration not JSON":     {good, "a b", "{\n\"added", "tokenizer_config.json: line 2: "},
		"no added tokens":            {good, "a b", "{}", "<|im_start|> is missing"},
		"added id taken":             {good, "a b", added("256", "x"), "id 256 is taken"},
		"added id huge":              {good, "a b", added("99999999", "x"), "id 99999999 is not"},
		"added id not a number":      {good, "a b", added("x", "x"), "tokenizer_config.json: line 1: "},
		"added token empty":          {good, "a b", added("999", ""), "is empty"},
		"added token twice":          {good, "a b", added("999", "<|im_end|>"), "comes twice"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			tok, err := Load(checkpoint(t, c.vocab, c.merges, c.config))
			if tok != nil || tts.CodeOf(err) != tts.CodeCorrupt || tts.HintOf(err) == "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v (%s), want a corrupt file with %q and a hint", err, tts.CodeOf(err), c.want)
			}
		})
	}
	if _, err := Load(checkpoint(t, good, "a b\n\n", config)); err != nil {
		t.Errorf("the base of all cases is refused: %v", err)
	}
}

func TestLoadMissing(t *testing.T) {
	vocab := byteVocab()
	vocab["ab"] = 256
	for _, name := range []string{vocabName, mergesName, configName} {
		dir := checkpoint(t, encodeVocab(t, vocab), "a b", config)
		must(t, os.Remove(filepath.Join(dir, name)))
		if _, err := Load(dir); tts.CodeOf(err) != tts.CodeNotFound || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v (%s)", name, err, tts.CodeOf(err))
		}
		must(t, os.Mkdir(filepath.Join(dir, name), 0o755))
		if _, err := Load(dir); tts.CodeOf(err) != tts.CodeCorrupt || !strings.Contains(err.Error(), name) {
			t.Errorf("with %s as a folder: %v (%s)", name, err, tts.CodeOf(err))
		}
	}
}

// What Load accepts can encode anything without a panic, and gives ids up to MaxID only.
func FuzzLoad(f *testing.F) {
	vocab := byteVocab()
	vocab["ab"], vocab["abc"] = 256, 257
	text, err := json.Marshal(vocab)
	must(f, err)
	f.Add(string(text), "#version: 0.2\na b\nab c\n", config)
	f.Fuzz(func(t *testing.T, vocab, merges, config string) {
		tok, err := Load(checkpoint(t, vocab, merges, config))
		if err != nil {
			return
		}
		for _, id := range tok.EncodeTemplate("abc <|im_end|>\xff" + merges) {
			if id < 0 || id > tok.MaxID() {
				t.Fatalf("id %d of %d", id, tok.MaxID())
			}
		}
	})
}

// What scanVocab takes, encoding/json reads alike; the rest is left to encoding/json.
func FuzzScanVocab(f *testing.F) {
	for text, want := range map[string]bool{
		`{"a":0,"Ġb":151642}`:                           true,
		" {\n\t\"a\" : 1 ,\r\n\"b\": 2 }\n":             true,
		`{"\"":1,"\\":2,"\u00e9":3,"\ud83d\ude00\n":4}`: true,
		`{"\ud83d":1,"\ud83d\u0041":2}`:                 true,
		`{"a":1,"\u0061":2,"b":1}`:                      true,
		`{"a":999999999}`:                               true,
		`{}`:                                            false,
		`}`:                                             false,
		`{"a":1,}`:                                      false,
		`{"a":1}}`:                                      false,
		"{\"a\":1}\x00":                                 false,
		`{"a" 1}`:                                       false,
		`{"a":01}`:                                      false,
		`{"a":-1}`:                                      false,
		`{"a":1.0}`:                                     false,
		`{"a":1e2}`:                                     false,
		`{"a":2147483648}`:                              false,
		`{"a":null}`:                                    false,
		"{\"a\n\":1}":                                   false,
		"{\"a\xff\":1}":                                 false,
		`{"\x":1}`:                                      false,
		`{"\u00e":1}`:                                   false,
		`{"a":1`:                                        false,
		`{"a`:                                           false,
		`{"\`:                                           false,
	} {
		f.Add(text)
		if _, ok := scanVocab(text); ok != want {
			f.Errorf("%q: taken %v, want %v", text, ok, want)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		vocab, ok := scanVocab(text)
		if !ok {
			return
		}
		got := make(map[string]int32)
		for _, e := range vocab {
			got[e.word] = e.id
		}
		var want map[string]int32
		if err := json.Unmarshal([]byte(text), &want); err != nil || !maps.Equal(got, want) {
			t.Fatalf("%q: got %v, want %v (%v)", text, got, want, err)
		}
	})
}

// However vocab.json is written, it is the same vocabulary.
func TestLoadVocabAnyForm(t *testing.T) {
	vocab := byteVocab()
	vocab["ab"] = 256
	plain := encodeVocab(t, vocab)
	indented, err := json.MarshalIndent(vocab, "", "    ")
	must(t, err)
	var escaped strings.Builder
	for _, r := range plain {
		if r < 0x80 {
			escaped.WriteRune(r)
		} else {
			fmt.Fprintf(&escaped, `\u%04x`, r)
		}
	}
	want, err := Load(checkpoint(t, plain, "a b", config))
	must(t, err)
	for name, text := range map[string]string{
		"indented":                     string(indented),
		"escaped":                      escaped.String(),
		"a word twice, the last right": strings.Replace(plain, "{", `{"b":7,"ab":999,"a":7,`, 1),
		"a word twice, the same":       strings.Replace(plain, "{", `{"ab":256,`, 1),
		"a zero that is signed":        strings.Replace(plain, `"Ā":0`, `"Ā":-0`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Load(checkpoint(t, text, "a b", config))
			must(t, err)
			if !reflect.DeepEqual(got, want) {
				t.Error("not the same")
			}
		})
	}
}

// The released models have 151,387 merges, each of which makes one token.
func BenchmarkLoad(b *testing.B) {
	const merges = 151_387
	words := make([]string, 256, 256+merges) // by id, in the byte alphabet
	for word, id := range byteVocab() {
		words[id] = word
	}
	seen := make(map[string]bool)
	var vocab, rows strings.Builder
	random := rand.New(rand.NewPCG(1, 1))
	for len(words) < cap(words) {
		// Merges are made of short and frequent words, which stand first.
		left := words[random.IntN(1+random.IntN(len(words)))]
		right := words[random.IntN(1+random.IntN(len(words)))]
		word := left + right
		if seen[word] || len(word) > 14 {
			continue
		}
		seen[word] = true
		words = append(words, word)
		fmt.Fprintln(&rows, left, right)
	}
	for id, word := range words {
		fmt.Fprintf(&vocab, ",%q:%d", word, id)
	}
	dir := checkpoint(b, "{"+vocab.String()[1:]+"}", rows.String(), strings.ReplaceAll(config, `"100`, `"20000`))
	b.ReportAllocs()
	for b.Loop() {
		_, err := Load(dir)
		must(b, err)
	}
}
