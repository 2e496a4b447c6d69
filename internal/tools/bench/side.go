package main

import "context"

// side is one of the two programs that are measured.
type side interface {
	name() string
	load(ctx context.Context) (loading, error)
	speak(ctx context.Context, j job) (take, error)
	close() error
}

// job asks for one utterance. The settings are the models' own.
type job struct {
	Text        string  `json:"text"`
	Speaker     string  `json:"speaker"`
	Temperature float64 `json:"temperature"`
	TopK        int     `json:"top_k"`
	Frames      int     `json:"frames"` // when to stop: random weights never do by themselves
	Chunk       int     `json:"chunk"`  // frames that mlx-audio decodes at once; TTSUI goes by its own ramp
	Parts       bool    `json:"parts"`  // with laps, which takes longer
}

// loading tells what a load took. Memory is in bytes; what a side can't tell is 0.
type loading struct {
	Seconds   float64 `json:"load"`
	RSSBefore uint64  `json:"rss_before"`
	RSSAfter  uint64  `json:"rss_after"`
}

// take tells what an utterance took, in seconds.
type take struct {
	First   float64 `json:"first"` // until the first samples
	Total   float64 `json:"total"`
	Samples int     `json:"samples"`
	Laps    []lap   `json:"laps"`
	PeakRSS uint64  `json:"peak_rss"` // of the process so far
	PeakMLX uint64  `json:"peak_mlx"`
}

// lap is one part of an utterance.
type lap struct {
	Part    string  `json:"part"` // as qwen3tts names them
	Size    int     `json:"size"` // codec: frames decoded at once
	Seconds float64 `json:"seconds"`
}
