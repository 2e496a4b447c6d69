package qwen3tts

import (
	"fmt"
	"slices"
	"strings"

	"ttsui/internal/tts"
	mlx "ttsui/mlxbridge"
)

// prompt is what the talker reads before and beside its own frames.
type prompt struct {
	prefill  mlx.Array // [rows, H]: the input of the first pass
	head     int       // how many of them, at the beginning, depend on the voice alone
	headKey  string    // tells the heads of prompts apart
	key      string    // tells prompts apart
	trailing mlx.Array // [M, H]: text rows added to frames 0…M−1
	pad      mlx.Array // [1, H]: the text row of all later frames
}

// prompter builds prompts row by row. E, C and the sequence of rows are those of the official package's
// generate function; each row is the sum of a text side and a codec side, both of width H.
type prompter struct {
	*Model
	s *mlx.Scope
}

// E embeds text ids, [n, H].
func (b prompter) E(ids ...int) mlx.Array { return b.talker.text(b.s, ids) }

// C embeds codec ids, [n, H].
func (b prompter) C(ids ...int) mlx.Array {
	short := make([]int32, len(ids))
	for i, id := range ids {
		short[i] = int32(id)
	}
	return b.talker.codec(b.s, b.s.Ints(short, len(short)))
}

// tokens encodes text that begins with no white space: behind the template's line break the tokenizer would join the
// two, so pieces encoded one by one are what the whole template would give. Added tokens in it are plain text.
func (b prompter) tokens(text string) []int {
	var ids []int
	for _, id := range b.tokenizer.Encode(text) {
		ids = append(ids, int(id))
	}
	return ids
}

// build makes the prompt of req. The voice to clone, of the clip with that fingerprint, is only read in Clone mode.
func (b prompter) build(req tts.Request, ref voice, clip string) (prompt, error) {
	s, t, c := b.s, &b.cfg.Talker, &b.cfg
	speaker := strings.ToLower(strings.TrimSpace(req.Speaker))
	lang, known, err := c.language(req.Language, speaker)
	if err != nil {
		return prompt{}, err
	}
	voice, err := b.voice(req, ref, speaker)
	if err != nil {
		return prompt{}, err
	}
	var rows []mlx.Array
	if instruct := strings.TrimSpace(req.Instruct); tts.Says(instruct) && req.Mode != tts.Clone && c.takesInstruct() {
		ids := slices.Concat([]int{c.IMStart}, b.tokens("user\n"+instruct), []int{c.IMEnd}, b.tokens("\n"))
		rows = append(rows, b.E(ids...))
	}
	rows = append(rows, b.E(slices.Concat([]int{c.IMStart}, b.tokens("assistant\n"))...))

	tags := []int{t.CodecNoThink, t.CodecThinkBos, t.CodecThinkEos}
	if known {
		tags = []int{t.CodecThink, t.CodecThinkBos, lang, t.CodecThinkEos}
	}
	pad := b.E(c.TTSPad) // [1, H]
	rows = append(rows, s.Add(pad, b.C(tags...)))
	if !voice.IsNil() {
		rows = append(rows, s.Add(pad, voice))
	}
	rows = append(rows, s.Add(b.E(c.TTSBos), b.C(t.CodecPad)))

	head := s.Concat(0, rows...)
	body, voiced, trailing := b.body(req, ref)
	p := prompt{prefill: s.Concat(0, append([]mlx.Array{head}, body...)...), trailing: trailing, pad: pad, head: s.Dim(head, 0) + voiced}
	voicing := fmt.Sprintf("%q %v", []string{speaker, req.Language, req.Instruct, clip, req.RefText}, fullText(req))
	p.headKey, p.key = "head "+voicing, fmt.Sprintf("whole %s %q", voicing, req.Text)
	return p, nil
}

// voice is the speaker's row [1, H], nil in Design mode.
func (b prompter) voice(req tts.Request, ref voice, speaker string) (mlx.Array, error) {
	switch req.Mode {
	case tts.Clone:
		return b.s.Reshape(b.s.AsType(ref.speaker.Array(), b.dtype), 1, b.cfg.Talker.HiddenSize), nil
	case tts.Control:
		id, ok := b.cfg.Talker.Speakers[speaker]
		if !ok {
			return mlx.Array{}, tts.Errorf(tts.CodeInvalid, "Choose another speaker.", "this model has no speaker %q", req.Speaker)
		}
		return b.C(int(id)), nil
	}
	return mlx.Array{}, nil
}

// body gives the rows behind the prefix, and the text rows that go with the frames to come.
//
//	full text:      E(t)+C(pad) for all text, E(eos)+C(pad), E(pad)+C(bos)
//	streamed text:  E(first)+C(bos); the rest and E(eos) trail
//	ICL, full text: as full text over transcript and text; then E(pad)+A(frame) for the reference's frames
//	ICL, streamed:  the text of both beside C(bos), A(frame)…; what is longer trails, what is shorter is padded
//
// The first `voiced` rows know nothing of the text yet.
func (b prompter) body(req tts.Request, ref voice) (rows []mlx.Array, voiced int, trailing mlx.Array) {
	s, t, c := b.s, &b.cfg.Talker, &b.cfg
	text := b.tokens(strings.TrimSpace(req.Text))
	codec := b.C(t.CodecBos) // the codec side beside or behind the text
	if codes := ref.codes.Array(); !codes.IsNil() {
		transcript := b.tokens(strings.TrimSpace(req.RefText))
		text, voiced = append(transcript, text...), len(transcript)
		codec = s.Concat(0, codec, b.predictor.embed(s, &b.talker, codes))
	}
	text = append(text, c.TTSEos)
	if fullText(req) {
		rows = append(rows,
			s.Add(b.E(text...), b.C(t.CodecPad)),
			s.Add(b.E(c.TTSPad), codec))
		return rows, voiced, b.E(c.TTSPad)
	}
	n := s.Dim(codec, 0)
	for len(text) < n {
		text = append(text, c.TTSPad)
	}
	rest := text[n:]
	if len(rest) == 0 {
		rest = []int{c.TTSPad}
	}
	return append(rows, s.Add(b.E(text[:n]...), codec)), min(voiced, n-1), b.E(rest...)
}

// fullText tells whether all text is read before the first frame: by default as the official package does it.
func fullText(req tts.Request) bool {
	if want := req.Sampling.NonStreamingMode; want != nil {
		return *want
	}
	return req.Mode != tts.Clone
}
