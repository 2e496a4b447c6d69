package tts

import "slices"

// State is where a model is in its life in memory.
type State string

// The states of a model.
const (
	Unloaded  State = "unloaded"  // not in memory
	Loading   State = "loading"   // being fetched, where it isn't on this machine, and read
	Loaded    State = "loaded"    // ready to speak
	Unloading State = "unloading" // being freed
	Failed    State = "error"     // the last load failed; Retry loads again
)

// transitions is the one table of what may follow what. Loading may return to Unloaded when it is cancelled.
var transitions = map[State][]State{
	Unloaded:  {Loading},
	Loading:   {Loaded, Failed, Unloaded},
	Loaded:    {Unloading},
	Unloading: {Unloaded},
	Failed:    {Loading, Unloading},
}

// To reports whether a model may go from s to next.
func (s State) To(next State) bool { return slices.Contains(transitions[s], next) }

// States lists every state.
func States() []State { return []State{Unloaded, Loading, Loaded, Unloading, Failed} }

// ModelInfo is the record of one model, as GET /models shows it. Pointers are nil while a value is unknown.
type ModelInfo struct {
	ModelID         string    `json:"model_id"`
	State           State     `json:"state"`
	Phase           Phase     `json:"phase,omitempty"`     // while Loading
	Download        *Download `json:"download,omitempty"`  // while PhaseDownloading or PhaseVerifying
	Part            *Download `json:"part,omitempty"`      // what a download has left that was stopped or failed
	Verifying       *Download `json:"verifying,omitempty"` // how far Verify is, in any state
	Memory          Memory    `json:"memory"`
	LoadTimeSeconds *float64  `json:"load_time_seconds"` // without the time of a download
	Error           *string   `json:"error"`
	Hint            *string   `json:"hint,omitempty"` // what to do about Error
	Code            Code      `json:"code,omitempty"` // the kind of Error: a load refused for CodeNoMemory can be forced
}

// Memory is the process memory around the last load or unload, in MiB (2^20 bytes). The first three are the resident
// set, which does not reliably hold what a GPU uses. The others are as they stand afterwards, and absent where nobody
// knows them.
type Memory struct {
	BeforeMB    *float64 `json:"before_mb"`
	AfterMB     *float64 `json:"after_mb"`
	DeltaMB     *float64 `json:"delta_mb"`
	FootprintMB *float64 `json:"footprint_mb,omitempty"`  // what macOS charges the process with
	MLXActiveMB *float64 `json:"mlx_active_mb,omitempty"` // in use by MLX's arrays, those of all models
	MLXCacheMB  *float64 `json:"mlx_cache_mb,omitempty"`  // kept by MLX for arrays to come
	MLXPeakMB   *float64 `json:"mlx_peak_mb,omitempty"`   // the most that was active since the start
}
