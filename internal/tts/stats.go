package tts

import "runtime/debug"

// Stats is how a TTSUI process does, as GET /stats shows it. Sizes are in MiB (2^20 bytes).
type Stats struct {
	UptimeSeconds  float64          `json:"uptime_seconds"`
	Requests       uint64           `json:"requests"`        // HTTP requests answered; 0 without a server
	Generations    uint64           `json:"generations"`     // utterances spoken to their end
	ModelsLoaded   int              `json:"models_loaded"`   // models in memory
	QueueLength    int              `json:"queue_length"`    // generations that wait for their turn
	Memory         ProcessMemory    `json:"memory"`          // as the system sees it
	Engine         EngineStats      `json:"engine"`          // as MLX sees it
	LastGeneration *GenerationStats `json:"last_generation"` // null before the first
	Versions       Versions         `json:"versions"`
}

// ProcessMemory is the memory of this process and of its machine. Pointers are nil while a value is unknown.
type ProcessMemory struct {
	RSSMB       *float64 `json:"rss_mb"`                 // resident set
	FootprintMB *float64 `json:"footprint_mb,omitempty"` // what macOS charges the process with
	AvailableMB *float64 `json:"available_mb"`           // what the machine can still hand out
}

// EngineStats is what an engine holds. Device is empty where there is none.
type EngineStats struct {
	Device      string  `json:"device"` // cpu or gpu
	MLXActiveMB float64 `json:"mlx_active_mb"`
	MLXCacheMB  float64 `json:"mlx_cache_mb"`
	MLXPeakMB   float64 `json:"mlx_peak_mb"`
	LiveArrays  int64   `json:"live_arrays"` // arrays made and not freed
	MLXVersion  string  `json:"mlx_version"`
}

// GenerationStats is how fast an utterance was made.
type GenerationStats struct {
	Frames          int     `json:"frames"` // codec frames of 80 ms
	AudioSeconds    float64 `json:"audio_seconds"`
	Seconds         float64 `json:"seconds"` // of the model's work, from the prompt to the last sample
	FramesPerSecond float64 `json:"frames_per_second"`
	RealTimeFactor  float64 `json:"real_time_factor"`    // seconds of work for a second of audio: below 1 is faster than it plays
	FirstAudio      float64 `json:"first_audio_seconds"` // from the job's turn to the first sample
	Takes           int     `json:"takes"`               // spoken together; the figures above count all
	PromptRows      int     `json:"prompt_rows"`         // rows that the model reads before it speaks, in all prompts
	ReusedRows      int     `json:"reused_rows"`         // of them, that it had read before
	ReusedReference bool    `json:"reused_reference"`    // it remembered the clip of a clone
}

// Versions names what a process was built from.
type Versions struct {
	TTSUI string `json:"ttsui"`
	Go    string `json:"go"`
}

// Version names the sources that this program was built from, as far as Go knows.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
