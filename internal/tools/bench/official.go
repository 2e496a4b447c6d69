package main

import _ "embed"

//go:embed official.py
var officialScript string

// official is the official package in PyTorch, on the CPU. Which build of PyTorch comes is up to pip's settings: the one
// that it finds by default has several gigabytes of CUDA with it, which nothing here uses.
func official() program {
	const version, torchVersion = "0.1.1", "2.11.0"
	return program{
		name: "qwen-tts " + version + " (CPU)", flag: "official",
		packages: []string{"qwen-tts==" + version, "transformers==4.57.3", "torch==" + torchVersion, "torchaudio==" + torchVersion},
		script:   officialScript,
	}
}
