package testkit

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ttsui/internal/safetensors"
)

// Breakage is one way in which the files of a checkpoint can be wrong.
type Breakage struct {
	Name string
	Want string // what the error's text must contain
	Late bool   // the checkpoint loads, and speaking gives the error; an empty Want allows speech, too

	damage func(dir string) error
}

// Make makes dir a broken copy of the tiny base checkpoint in whole. What is not broken is shared with whole.
func (b Breakage) Make(whole, dir string) error {
	if err := linkTree(whole, dir); err != nil {
		return err
	}
	return b.damage(dir)
}

// Breakages lists ways to break a checkpoint: each ends in an error that says what is wrong where, and never in a
// crash.
func Breakages() []Breakage {
	return slices.Concat(missingFiles(), brokenFiles(), brokenIndexes(), brokenTensors(), brokenConfigs(), brokenTokenizers())
}

const (
	speechConfig = "speech_tokenizer/config.json"
	speechWeight = "speech_tokenizer/" + weightsName
	indexName    = weightsName + ".index.json"
)

func missingFiles() (list []Breakage) {
	for _, name := range []string{"config.json", "vocab.json", "merges.txt", "tokenizer_config.json", weightsName,
		"speech_tokenizer", speechConfig, speechWeight} {
		list = append(list, Breakage{Name: "no " + name, Want: strings.TrimSuffix(name, "/"+weightsName), damage: func(dir string) error {
			return os.RemoveAll(filepath.Join(dir, name))
		}})
	}
	return list
}

func brokenFiles() (list []Breakage) {
	add := func(kind, name string, breakFile func(path string) error) {
		list = append(list, Breakage{Name: kind + " " + name, Want: name, damage: func(dir string) error {
			return breakFile(filepath.Join(dir, name))
		}})
	}
	for _, name := range []string{"config.json", "generation_config.json", "vocab.json", "tokenizer_config.json", speechConfig, indexName} {
		add("not JSON:", name, replaceBy("{"))
		add("other JSON:", name, replaceBy(`["surprise"]`))
		add("deep JSON:", name, replaceBy(strings.Repeat(`{"a":`, 1_000_000)))
		add("empty", name, replaceBy(""))
		add("folder in place of", name, replaceByFolder)
	}
	for _, name := range []string{weightsName, speechWeight} {
		add("empty", name, replaceBy(""))
		add("folder in place of", name, replaceByFolder)
		add("link in a circle:", name, replaceByCircle)
		add("no header:", name, replaceBy("\x02\x00\x00\x00\x00\x00\x00\x00[]"))
		add("cut in the header:", name, edited(func(text []byte) []byte { return text[:100] }))
		add("cut by a byte:", name, edited(func(text []byte) []byte { return text[:len(text)-1] }))
		add("a byte too long:", name, edited(func(text []byte) []byte { return append(text, 0) }))
		add("header's length too large:", name, lieAboutHeader(1<<40))
		add("header's length negative:", name, lieAboutHeader(1<<64-1))
		add("header's length too small:", name, lieAboutHeader(64))
		add("span outside the file:", name, replaceInHeader(`"data_offsets":[0,`, `"data_offsets":[9,`))
		add("twice the same tensor:", name, repeatTensor)
	}
	return list
}

// brokenIndexes are checkpoints in several files whose index is wrong.
func brokenIndexes() []Breakage {
	index := func(name, want string, change func(weightMap map[string]any)) Breakage {
		return Breakage{Name: "index: " + name, Want: want, damage: func(dir string) error {
			return editJSON(filepath.Join(dir, indexName), func(o object) { change(o["weight_map"].(map[string]any)) })
		}}
	}
	const some = "talker.model.norm.weight"
	return []Breakage{
		index("a file elsewhere", "../other.safetensors", func(m map[string]any) { m[some] = "../other.safetensors" }),
		index("an absolute path", "/etc/passwd", func(m map[string]any) { m[some] = "/etc/passwd" }),
		index("a missing file", "model-00007-of-00009", func(m map[string]any) { m[some] = "model-00007-of-00009.safetensors" }),
		index("a tensor that is not there", "talker.extra", func(m map[string]any) { m["talker.extra"] = weightsName }),
		index("a number for a file", some, func(m map[string]any) { m[some] = 7 }),
		index("nothing", "weight_map", func(m map[string]any) { clear(m) }),
		{Name: "index: two files with the same tensors", Want: "also in", damage: func(dir string) error {
			if err := os.Link(filepath.Join(dir, weightsName), filepath.Join(dir, "model-2.safetensors")); err != nil {
				return err
			}
			return editJSON(filepath.Join(dir, indexName), func(o object) {
				o["weight_map"].(map[string]any)[some] = "model-2.safetensors"
			})
		}},
	}
}

// brokenTensors are weight files that keep the format but hold the wrong tensors.
func brokenTensors() (list []Breakage) {
	for _, at := range []struct {
		file, name string
		shape      []int
	}{
		{weightsName, "talker.model.layers.1.mlp.down_proj.weight", []int{64, 128}},
		{speechWeight, "decoder.decoder.0.conv.weight", []int{64, 32, 7}},
	} {
		name, first, rest := at.name, at.shape[0], at.shape[1:]
		change := func(kind, want string, edit func(t *safetensors.Data)) {
			list = append(list, Breakage{Name: kind + ": " + name, Want: name + want, damage: func(dir string) error {
				return editTensors(dir, at.file, func(all []safetensors.Data) []safetensors.Data {
					edit(find(all, name))
					return all
				})
			}})
		}
		change("missing", fmt.Sprintf(" is missing, expected %v", at.shape), func(t *safetensors.Data) { t.Name = "spare" })
		for _, shape := range [][]int{append([]int{first + 1}, rest...), {first}, {1}} {
			change(fmt.Sprint("shape ", shape), fmt.Sprintf(" has shape %v, expected %v", shape, at.shape), func(t *safetensors.Data) {
				*t = zeroTensor(name, t.DType, shape[0], shape[1:]...)
			})
		}
		change("axis of zero", "", func(t *safetensors.Data) { *t = zeroTensor(name, t.DType, 0, rest...) })
		for _, dtype := range []safetensors.DType{safetensors.I64, safetensors.I32, safetensors.U32, safetensors.Bool, safetensors.F64} {
			change("of "+string(dtype), "", func(t *safetensors.Data) { *t = zeroTensor(name, dtype, first, rest...) })
		}
	}
	list = append(list, quantizedMisfits()...)
	return append(list,
		Breakage{Name: "a tensor too many", Want: "talker.extra", damage: func(dir string) error {
			return editTensors(dir, weightsName, func(all []safetensors.Data) []safetensors.Data {
				return append(all, zeroTensor("talker.extra", safetensors.BF16, 2, 3))
			})
		}},
		nan(weightsName, "talker.model.norm.weight", ""),
		nan(weightsName, "talker.code_predictor.model.norm.weight", ""),
		nan(speechWeight, "decoder.decoder.0.conv.bias", "not a number"),
	)
}

// quantizedMisfits are quantised layers whose parts don't fit each other or config.json.
func quantizedMisfits() (list []Breakage) {
	const module = "talker.model.layers.0.mlp.gate_proj" // [128, 64]
	for _, test := range []struct {
		name   string
		bits   int
		group  int
		weight []int // U32; 4 bits: [128, 8]
		scales []int
	}{
		{"group that is not the scales'", 4, 32, []int{128, 8}, []int{128, 1}},
		{"bits that are not the weight's", 8, 64, []int{128, 8}, []int{128, 1}},
		{"group of zero", 4, 0, []int{128, 8}, []int{128, 1}},
		{"negative group", 4, -64, []int{128, 8}, []int{128, 1}},
		{"bits that nobody has", 7, 64, []int{128, 14}, []int{128, 1}},
		{"scales too short", 4, 64, []int{128, 8}, []int{127, 1}},
	} {
		list = append(list, Breakage{Name: "quantised: " + test.name, Want: module, damage: func(dir string) error {
			err := setJSON(dir, "config.json", "quantization", object{"bits": test.bits, "group_size": test.group, "mode": "affine"})
			if err != nil {
				return err
			}
			return editTensors(dir, weightsName, func(all []safetensors.Data) []safetensors.Data {
				*find(all, module+".weight") = zeroTensor(module+".weight", safetensors.U32, test.weight[0], test.weight[1])
				return append(all,
					zeroTensor(module+".scales", safetensors.BF16, test.scales[0], test.scales[1]),
					zeroTensor(module+".biases", safetensors.BF16, test.scales[0], test.scales[1]))
			})
		}})
	}
	return list
}

// nan fills a tensor with what is not a number.
func nan(file, name, want string) Breakage {
	return Breakage{Name: "not numbers in " + name, Want: want, Late: true, damage: func(dir string) error {
		return editTensors(dir, file, func(all []safetensors.Data) []safetensors.Data {
			t := find(all, name)
			size := tensor{shape: t.Shape}.len() * t.DType.Size()
			*t = safetensors.RawData(name, t.DType, t.Shape, bytes.Repeat([]byte{0xff}, size))
			return all
		})
	}}
}

// brokenConfigs are values in the configurations that no model has.
func brokenConfigs() (list []Breakage) {
	const talker, predictor = "talker_config.", "talker_config.code_predictor_config."
	const speaker, decoder, encoder = "speaker_encoder_config.", "decoder_config.", "encoder_config."
	misfit := func(file, path, want string, value any) {
		list = append(list, Breakage{Name: fmt.Sprintf("%s: %s %v", file, path, value), Want: want, damage: func(dir string) error {
			return setJSON(dir, file, path, value)
		}})
	}
	set := func(file, path string, values ...any) {
		for _, value := range values {
			misfit(file, path, path[strings.LastIndexByte(path, '.')+1:], value)
		}
	}
	set("config.json", "model_type", "llama", "")
	set("config.json", "tokenizer_type", "qwen3_tts_tokenizer_25hz")
	set("config.json", "tts_model_type", "singer", 7)
	for _, key := range []string{"im_start_token_id", "tts_pad_token_id", "tts_eos_token_id"} {
		set("config.json", key, -1, 768, 1<<40)
	}
	for _, key := range []string{"codec_bos_id", "codec_eos_token_id", "codec_think_id", "codec_language_id.english"} {
		set("config.json", talker+key, -1, 3072)
	}
	for _, stack := range []string{talker, predictor} {
		for _, key := range []string{"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
			"head_dim", "vocab_size", "num_code_groups"} {
			set("config.json", stack+key, 0, -64, 1<<40, "64", 1.5)
		}
		misfit("config.json", stack+"num_hidden_layers", "layers.2.", 3)
		set("config.json", stack+"rms_norm_eps", 0, -1, "tiny")
		set("config.json", stack+"rope_theta", 0, -1)
	}
	set("config.json", talker+"text_vocab_size", 0, -1, 1<<40, 10)
	set("config.json", talker+"text_hidden_size", 0, -1, 1<<40)
	for _, key := range []string{"enc_dim", "enc_res2net_scale", "enc_attention_channels"} {
		set("config.json", speaker+key, -1, 1<<17)
		misfit("config.json", speaker+key, "speaker_encoder", 7)
	}
	set("config.json", speaker+"enc_channels", []int{}, []int{72}, []int{72, 72, 72, 72, -216})
	for _, key := range []string{"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "head_dim",
		"latent_dim", "codebook_dim", "decoder_dim", "num_quantizers", "sliding_window"} {
		set(speechConfig, decoder+key, 0, -8, 1<<40)
	}
	set(speechConfig, decoder+"upsample_rates", []int{}, []int{8, 5, 4, 0}, []int{8, 5, 4, -3}, []int{8, 5, 4})
	set(speechConfig, decoder+"upsampling_ratios", []int{}, []int{2, 0}, []int{1 << 40, 1 << 40})
	for _, key := range []string{"hidden_size", "num_hidden_layers", "num_attention_heads", "num_filters", "codebook_dim",
		"codebook_size", "num_quantizers"} {
		set(speechConfig, encoder+key, 0, -8, 1<<40)
	}
	set(speechConfig, encoder+"upsampling_ratios", []int{}, []int{8, 6, 5, 0})
	list = append(list, Breakage{Name: "config.json: heads that don't divide", Want: "heads", damage: func(dir string) error {
		return setJSON(dir, "config.json", talker+"num_key_value_heads", 3)
	}})
	return list
}

func brokenTokenizers() []Breakage {
	vocab := func(name, want string, change func(o object)) Breakage {
		return Breakage{Name: "vocab.json: " + name, Want: want, damage: func(dir string) error {
			return editJSON(filepath.Join(dir, "vocab.json"), change)
		}}
	}
	return []Breakage{
		vocab("negative id", "vocab.json", func(o object) { o["user"] = -1 }),
		vocab("huge id", "vocab.json", func(o object) { o["user"] = 1 << 30 }),
		vocab("id twice", "vocab.json", func(o object) { o["user"] = o["assistant"] }),
		vocab("byte missing", "vocab.json", func(o object) { delete(o, "!") }),
		vocab("more tokens than rows", "text vocabulary", func(o object) { o["spare"] = 768 }),
		{Name: "merges.txt: unknown tokens", Want: "merges.txt", damage: func(dir string) error {
			return replaceBy("#version: 0.2\nunheard of\n")(filepath.Join(dir, "merges.txt"))
		}},
		{Name: "tokenizer_config.json: no added tokens", Want: "tokenizer_config.json", damage: func(dir string) error {
			return editJSON(filepath.Join(dir, "tokenizer_config.json"), func(o object) { delete(o, "added_tokens_decoder") })
		}},
	}
}
