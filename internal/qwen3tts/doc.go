// Package qwen3tts runs the Qwen3-TTS 12 Hz models: text and a voice in, speech at 24 kHz out.
//
// In the paper's order: a prompt (prompt.go) of text and codec embeddings goes through the talker (talker.go), a
// Qwen3 decoder that gives the first of 16 codes of each 80 ms codec frame; the code predictor (predictor.go) gives
// the other fifteen; the codec's decoder (codec_decoder.go) turns frames into samples. For a cloned voice the speaker
// encoder (speaker.go) makes an x-vector of the reference clip, and the codec's encoder (codec_encoder.go) its codes,
// which with the clip's transcript are the prompt of in-context learning (ICL). generate.go is the loop over frames,
// for a batch of lines (row.go), of whose voices and prompts the model remembers some (memory.go).
//
// All of it runs on the MLX thread. Shapes stand in comments: H is the talker's hidden size, T counts frames and B
// the lines that speak together.
package qwen3tts
